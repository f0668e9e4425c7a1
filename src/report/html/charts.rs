//! How well the work was shared out: predicted against actual, and who ran what when.

use maud::{Markup, html};

use super::super::ideal;
use super::super::markdown::{remarks, slowest_of};
use super::super::run::{RunReport, ShardReport};
use super::ledger::rest;
use super::timeline;
use crate::model::{human_time, thousands};

/// Width of every bar's drawing; it is stretched to the page's.
pub(super) const WIDTH: u64 = 1_000;
/// How many lines there are on the balance.
const ADVICE_MAX: usize = 20;
/// How many of the slowest tests are listed.
const SLOWEST_MAX: usize = 25;

pub(super) fn section(report: &RunReport) -> Markup {
    html! {
        @if !report.shards.is_empty() {
            section #balance aria-labelledby="balance-title" {
                h2 #balance-title { "Balance" }
                @if let Some(line) = ideal::line(report) { p.ideal { (line) } }
                (balance(report))
                (advice(report))
            }
            (timeline::section(report))
        }
        (slowest(report))
    }
}

/// A bar's length.
pub(super) fn scaled(us: u64, end_us: u64) -> u64 {
    let wide = u128::from(us) * u128::from(WIDTH) / u128::from(end_us.max(1));
    u64::try_from(wide).unwrap_or(WIDTH)
}

fn balance(report: &RunReport) -> Markup {
    let times = report.shards.iter().flat_map(|shard| [shard.predicted_us, shard.actual_us]);
    let end_us = times.max().unwrap_or(0);
    html! {
        div.scroll tabindex="0" {
            table.balance {
                caption {
                    "Predicted " span.key.predicted {} " and actual " span.key.actual {}
                    " time of each shard"
                }
                thead {
                    tr {
                        th scope="col" { "shard" }
                        th.bars scope="col" { span.visually-hidden { "bars" } }
                        th scope="col" { "predicted" }
                        th scope="col" { "took" }
                        th scope="col" { "groups" }
                        th scope="col" { "tests" }
                        th scope="col" { "workers" }
                        th scope="col" { "machine" }
                    }
                }
                tbody { @for shard in &report.shards { (shard_row(shard, end_us)) } }
            }
        }
    }
}

/// What is worth knowing of it, and what would make the next run shorter.
fn advice(report: &RunReport) -> Markup {
    let lines = report.balance.lines();
    html! {
        @if !lines.is_empty() {
            ul.advice {
                @for line in lines.iter().take(ADVICE_MAX) { li { (line) } }
                (rest(lines.len(), ADVICE_MAX))
            }
        }
    }
}

fn shard_row(shard: &ShardReport, end_us: u64) -> Markup {
    let ShardReport { index, total, predicted_us, actual_us, .. } = shard;
    let remark = remarks(shard);
    html! {
        tr {
            th scope="row" { (index) "/" (total) @if !remark.is_empty() { " " em { (remark) } } }
            td.bars {
                svg viewBox=(format!("0 0 {WIDTH} 16")) preserveAspectRatio="none"
                    aria-hidden="true" {
                    rect.predicted x="0" y="0" height="7" width=(scaled(*predicted_us, end_us)) {}
                    rect.actual x="0" y="8" height="7" width=(scaled(*actual_us, end_us)) {}
                }
            }
            td.number { (human_time(*predicted_us)) }
            td.number { (human_time(*actual_us)) }
            td.number { (thousands(shard.groups as u64)) }
            td.number { (thousands(shard.tests as u64)) }
            td.number { (shard.workers) }
            td { (shard.host) }
        }
    }
}

fn slowest(report: &RunReport) -> Markup {
    let tests = slowest_of(report, SLOWEST_MAX);
    html! {
        @if !tests.is_empty() {
            section #slowest aria-labelledby="slowest-title" {
                h2 #slowest-title { "Slowest tests" }
                div.scroll tabindex="0" {
                    table {
                        thead { tr { th scope="col" { "test" } th scope="col" { "took" } } }
                        tbody {
                            @for test in tests {
                                tr {
                                    td { code { (test.id.to_string()) } }
                                    td.number { (human_time(test.duration_us)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
