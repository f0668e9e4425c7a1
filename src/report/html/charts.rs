//! How well the work was shared out: predicted against actual, and who ran what when.

use maud::{Markup, html};

use super::super::markdown::{remarks, slowest_of};
use super::super::run::{RunReport, ShardReport};
use super::spans::{Lane, Span, lanes};
use crate::model::{counted, human_time, thousands};

/// Width of every bar's drawing; it is stretched to the page's.
const WIDTH: u64 = 1_000;
/// How many of the slowest tests are listed.
const SLOWEST_MAX: usize = 25;

pub(super) fn section(report: &RunReport) -> Markup {
    html! {
        @if !report.shards.is_empty() {
            section #balance aria-labelledby="balance-title" {
                h2 #balance-title { "Balance" }
                (balance(report))
            }
            section #timeline aria-labelledby="timeline-title" {
                h2 #timeline-title { "Timeline" }
                (timeline(report))
            }
        }
        (slowest(report))
    }
}

/// A bar's length.
fn scaled(us: u64, end_us: u64) -> u64 {
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

fn timeline(report: &RunReport) -> Markup {
    let (lanes, end_us) = lanes(report);
    html! {
        p.hint {
            "Each row is a worker. " span.key.setup {}
            " before its first group (databases, start-up), " span.key.good {} " groups, "
            span.key.bad {} " groups that failed; what is empty is idle. "
            "The whole width is " (human_time(end_us)) "."
        }
        div.lanes role="list" {
            @for lane in &lanes { (lane_row(report, lane, end_us)) }
        }
    }
}

fn lane_row(report: &RunReport, lane: &Lane, end_us: u64) -> Markup {
    let busy_us: u64 = lane.spans.iter().map(|span| span.to_us - span.from_us).sum();
    let first_us = lane.spans.first().map_or(0, |span| span.from_us);
    let runs = lane.spans.iter().map(|span| span.count).sum();
    let label = format!(
        "shard {}, worker {}: {} in {}, idle {}",
        lane.shard,
        lane.worker,
        counted(runs, "group"),
        human_time(busy_us),
        human_time(end_us.saturating_sub(busy_us + first_us)),
    );
    html! {
        div.lane role="listitem" aria-label=(label) {
            span.who { (lane.shard) "·" (lane.worker) }
            svg viewBox=(format!("0 0 {WIDTH} 14")) preserveAspectRatio="none" role="img"
                aria-label=(label) {
                rect.setup x="0" y="2" height="10" width=(scaled(first_us, end_us)) {
                    title { "before the first group: " (human_time(first_us)) }
                }
                @for span in &lane.spans { (piece(report, span, end_us)) }
            }
        }
    }
}

fn piece(report: &RunReport, span: &Span, end_us: u64) -> Markup {
    let Span { from_us, to_us, bad, count, group, attempt } = span;
    let x = scaled(*from_us, end_us);
    let width = scaled(*to_us, end_us).saturating_sub(x).max(1);
    let took = human_time(to_us - from_us);
    html! {
        rect class=(if *bad { "bad" } else { "good" }) x=(x) y="0" height="14" width=(width) {
            title {
                (report.groups[*group].id.to_string())
                @if *count > 1 { " and " (thousands(*count as u64 - 1)) " more" }
                @if *attempt > 1 { ", try " (attempt) }
                ": " (took) ", from " (human_time(*from_us))
            }
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
