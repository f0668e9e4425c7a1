//! What keeps the run from being whole: the first thing on the page.

use maud::{Markup, html};

use super::super::ledger::{Doubled, Ledger, Lost};
use super::super::run::RunReport;
use super::super::verdict::{missing, total};
use crate::model::{counted, thousands};

/// Entries of each list that are shown; the others are counted.
const ENTRIES_MAX: usize = 200;
/// How many lost tests of one group are named.
const TESTS_MAX: usize = 50;

pub(super) fn section(report: &RunReport) -> Markup {
    let Ledger { planned, unproven, lost, doubled, missing_shards, flaws, notes } = &report.ledger;
    if report.ledger.is_whole() {
        let groups = counted(*planned, "planned group");
        return html! {
            section aria-labelledby="ledger-title" {
                h2 #ledger-title { "Ledger" }
                @if *planned > 0 {
                    p.whole { "Every one of " (groups) " ran exactly once." }
                }
                @if *unproven > 0 {
                    p {
                        (counted(*unproven, "test")) " came without a plan: that all ran is not "
                        "proven."
                    }
                }
                (list("Notes", notes, |note| html! { (note.to_string()) }))
                (fewer(report))
            }
        };
    }
    html! {
        section.alarm aria-labelledby="ledger-title" {
            h2 #ledger-title { "This run is not whole" }
            @if !missing_shards.is_empty() {
                p { strong { (missing(&report.ledger, total(report))) } }
            }
            (list("What is wrong", flaws, |flaw| html! { (flaw.to_string()) }))
            (list("Lost", lost, lost_entry))
            (list("Ran more than once", doubled, |twice: &Doubled| html! { (twice.to_string()) }))
            (list("Notes", notes, |note| html! { (note.to_string()) }))
            (fewer(report))
        }
    }
}

fn lost_entry(lost: &Lost) -> Markup {
    let Lost { group, tests, why } = lost;
    html! {
        code { (group.to_string()) } ": " (why.to_string())
        @if !tests.is_empty() {
            details {
                summary { (counted(tests.len(), "test")) }
                ul {
                    @for test in tests.iter().take(TESTS_MAX) { li { code { (test.to_string()) } } }
                    (rest(tests.len(), TESTS_MAX))
                }
            }
        }
    }
}

fn fewer(report: &RunReport) -> Markup {
    list("Fewer tests than the last time", &report.fewer, |fewer| {
        html! {
            code { (fewer.group.to_string()) } ": " (thousands(fewer.now as u64)) ", before "
            (thousands(fewer.before as u64))
        }
    })
}

/// A titled list with a limit; nothing where it is empty.
fn list<T>(title: &str, items: &[T], show: impl Fn(&T) -> Markup) -> Markup {
    html! {
        @if !items.is_empty() {
            h3 { (title) }
            ul {
                @for item in items.iter().take(ENTRIES_MAX) { li { (show(item)) } }
                (rest(items.len(), ENTRIES_MAX))
            }
        }
    }
}

/// What a list says of the entries beyond its limit.
pub(super) fn rest(total: usize, shown: usize) -> Markup {
    html! {
        @if total > shown {
            li.rest { "… and " (thousands((total - shown) as u64)) " more, all in report.json" }
        }
    }
}
