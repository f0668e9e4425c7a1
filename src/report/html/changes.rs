//! What is different from the runs before.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::super::compare::{Comparison, slower_text};
use super::super::run::RunReport;
use super::ledger::rest;
use crate::model::thousands;

/// Entries of each list that are shown; the others are counted.
const ENTRIES_MAX: usize = 200;

/// `shown` are the tests that the page shows in full.
pub(super) fn section(report: &RunReport, shown: &BTreeSet<usize>) -> Markup {
    let Some(compared) = &report.compared else { return html! {} };
    let Comparison { base, new_failures, fixed, slower, added, removed, rates: _ } = compared;
    let parts = [
        list("new-failures", "New failures", new_failures, |at| test(report, shown, *at)),
        list("fixed", "Fixed", fixed, |at| test(report, shown, *at)),
        list("slower", "Slower", slower, |one| {
            html! { (test(report, shown, one.test)) " " (slower_text(one)) }
        }),
        list("added", "New tests", added, |at| test(report, shown, *at)),
        list("removed", "Removed tests", removed, |id| html! { code { (id.to_string()) } }),
    ];
    html! {
        section #changes aria-labelledby="changes-title" {
            h2 #changes-title { "Changes since run " (base) }
            @if parts.iter().all(Option::is_none) {
                p { "Nothing: no test ends otherwise, none is slower, new or gone." }
            }
            @for part in parts.iter().flatten() { (part) }
        }
    }
}

/// A list that opens; none where it is empty.
fn list<T>(id: &str, title: &str, items: &[T], show: impl Fn(&T) -> Markup) -> Option<Markup> {
    if items.is_empty() {
        return None;
    }
    let open = items.len() <= OPEN_MAX;
    Some(html! {
        details.change id=(id) open[open] {
            summary { (title) " " span.count { (thousands(items.len() as u64)) } }
            ul {
                @for item in items.iter().take(ENTRIES_MAX) { li { (show(item)) } }
                (rest(items.len(), ENTRIES_MAX))
            }
        }
    })
}

/// A list that is no longer stands open at first.
const OPEN_MAX: usize = 10;

fn test(report: &RunReport, shown: &BTreeSet<usize>, at: usize) -> Markup {
    let test = &report.tests[at];
    let name = html! { code { (test.id.to_string()) } };
    html! {
        span class=(format!("badge {}", test.outcome.word())) { (test.outcome.word()) } " "
        @if shown.contains(&at) { a href=(format!("#t{at}")) { (name) } } @else { (name) }
    }
}
