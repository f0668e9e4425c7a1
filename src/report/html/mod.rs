//! `report.html`: the run as one page that needs nothing else.
//!
//! Promises: what a stranger wrote is text, never markup (every template escapes, the script sets
//! `textContent` alone); nothing is fetched and nothing inline may run, by the page's own
//! Content-Security-Policy; without scripts the verdict, the ledger, failures and charts are there
//! all the same. What the page leaves out it counts.

mod ansi;
mod changes;
mod charts;
mod data;
mod failures;
mod ledger;
mod spans;
#[cfg(test)]
mod tests;
mod timeline;

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::run::{FinalOutcome, RunReport, RunVerdict, Totals};
use super::verdict::verdict_line;
use crate::model::{human_time, thousands};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page.
///
/// # Errors
/// As `out`.
pub fn render(report: &RunReport, out: &mut dyn io::Write) -> io::Result<()> {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let failures = failures::of(report);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title(report)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#tests" { "Skip to all tests" }
                (top(report))
                main {
                    (ledger::section(report))
                    (changes::section(report, &failures.shown))
                    (failures.markup)
                    (charts::section(report))
                    (explorer())
                }
                footer { "evenly " (env!("CARGO_PKG_VERSION")) }
                script #data type="application/json" { (data::embedded(report, &failures.shown)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    out.write_all(page.into_string().as_bytes())
}

/// A source expression of the policy that lets this very text in.
fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(Sha256::digest(text)))
}

fn word(verdict: RunVerdict) -> &'static str {
    match verdict {
        RunVerdict::Passed => "passed",
        RunVerdict::Failed => "failed",
        RunVerdict::Incomplete => "not whole",
    }
}

fn title(report: &RunReport) -> String {
    let bad = report.failing();
    let failed =
        if bad > 0 { format!(", {} failed", thousands(bad as u64)) } else { String::new() };
    format!("{}: {} tests{failed}", word(report.verdict), thousands(report.totals.tests as u64))
}

fn top(report: &RunReport) -> Markup {
    let class = match report.verdict {
        RunVerdict::Passed => "good",
        RunVerdict::Failed | RunVerdict::Incomplete => "bad",
    };
    let took_us = report.shards.iter().map(|shard| shard.actual_us).max();
    html! {
        header.top {
            h1 { span class=(format!("verdict {class}")) { (word(report.verdict)) } }
            p.line { (verdict_line(report)) }
            dl.facts {
                @if let Some(id) = &report.run.id { div { dt { "run" } dd { (id) } } }
                @if report.run.attempt > 1 {
                    div { dt { "attempt" } dd { (report.run.attempt) } }
                }
                @if let Some(us) = took_us {
                    div { dt { "longest shard" } dd { (human_time(us)) } }
                }
                @if let Some(started) = report.shards.iter().map(|shard| shard.started).min() {
                    div { dt { "started" } dd { (started.strftime("%Y-%m-%d %H:%M:%S UTC")) } }
                }
            }
            (counts(&report.totals))
        }
    }
}

/// Every outcome with its number; the script makes filters of them.
fn counts(totals: &Totals) -> Markup {
    let Totals { tests, passed, failed, errored, skipped, flaky } = *totals;
    let all = [
        (FinalOutcome::Failed, failed),
        (FinalOutcome::Errored, errored),
        (FinalOutcome::Flaky, flaky),
        (FinalOutcome::Passed, passed),
        (FinalOutcome::Skipped, skipped),
    ];
    html! {
        ul.counts aria-label="Tests by outcome" {
            li.all { b { (thousands(tests as u64)) } " tests" }
            @for (outcome, count) in all {
                li class=(outcome.word()) data-outcome=(outcome.word()) {
                    b { (thousands(count as u64)) } " " (outcome.word())
                }
            }
        }
    }
}

/// The list of all tests; the script fills it.
fn explorer() -> Markup {
    html! {
        section #tests aria-labelledby="tests-title" {
            h2 #tests-title { "All tests" }
            noscript {
                p { "The list, search and filters need scripts; everything above does not." }
            }
            div.tools hidden {
                label { span.visually-hidden { "Search tests" }
                    input #search type="search" autocomplete="off" spellcheck="false"
                        aria-keyshortcuts="/"
                        placeholder="Search by name, group, shard:2, worker:0, is:new-failure";
                }
                div #filters role="group" aria-label="Outcomes that are shown" {}
                label.order { "Order "
                    select #order {
                        option value="id" { "by name" }
                        option value="slow" { "slowest first" }
                        option value="outcome" { "worst first" }
                        option value="run" { "as they ran" }
                    }
                }
                p #found role="status" aria-live="polite" {}
            }
            div #list tabindex="0" role="listbox" aria-label="Tests" aria-describedby="keys"
                hidden {}
            p #keys .hint hidden {
                kbd { "/" } " searches, " kbd { "↑" } " " kbd { "↓" } " move, " kbd { "Enter" }
                " opens, " kbd { "Esc" } " closes"
            }
        }
        dialog #detail aria-labelledby="detail-title" {
            form method="dialog" { button.close aria-label="Close" { "×" } }
            h2 #detail-title {}
            div #detail-body {}
        }
    }
}
