//! Who ran what when: a row a worker, from the start of its shard's command to the shard's end.

use maud::{Markup, html};

use super::super::run::{RunReport, ShardReport};
use super::charts::{WIDTH, scaled};
use super::spans::{Lane, Span, lanes, set_up};
use crate::model::{TemplateOrigin, counted, human_time, thousands};

pub(super) fn section(report: &RunReport) -> Markup {
    html! {
        section #timeline aria-labelledby="timeline-title" {
            h2 #timeline-title { "Timeline" }
            (rows(report))
            (databases(report))
        }
    }
}

fn rows(report: &RunReport) -> Markup {
    let (lanes, end_us) = lanes(report);
    html! {
        p.hint {
            "Each row is a worker. " span.key.planning {} " listing and planning, "
            span.key.database {} " making databases ready, " span.key.setup {}
            " starting up, " span.key.good {} " groups, " span.key.bad {} " groups that failed, "
            span.key.idle {} " idle. The whole width is " (human_time(end_us)) "."
        }
        div.lanes role="list" tabindex="0" aria-label="Workers" {
            @for lane in &lanes { (row(report, lane, end_us)) }
        }
    }
}

/// What a worker does while it runs no group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Planning,
    Database,
    StartUp,
    Idle,
}

impl Kind {
    fn class(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Database => "database",
            Self::StartUp => "setup",
            Self::Idle => "idle",
        }
    }

    /// What is always to be seen, however short it is.
    fn width_min(self) -> u64 {
        match self {
            Self::Planning | Self::Database => 1,
            Self::StartUp | Self::Idle => 0,
        }
    }
}

/// A time in which a worker ran no group.
struct Gap {
    kind: Kind,
    from_us: u64,
    to_us: u64,
    what: String,
}

fn row(report: &RunReport, lane: &Lane, end_us: u64) -> Markup {
    let busy_us: u64 = lane.spans.iter().map(|span| span.to_us - span.from_us).sum();
    let runs = lane.spans.iter().map(|span| span.count).sum();
    let gaps = gaps(report, lane);
    let idle = gaps.iter().filter(|gap| gap.kind == Kind::Idle);
    let idle_us: u64 = idle.map(|gap| gap.to_us - gap.from_us).sum();
    let label = format!(
        "shard {}, worker {}: {} in {}, idle {}",
        lane.shard,
        lane.worker,
        counted(runs, "group"),
        human_time(busy_us),
        human_time(idle_us),
    );
    html! {
        div.lane role="listitem" aria-label=(label) {
            span.who { (lane.shard) "·" (lane.worker) }
            svg viewBox=(format!("0 0 {WIDTH} 14")) preserveAspectRatio="none" role="img"
                aria-label=(label) {
                @for gap in &gaps { (gap.drawn(end_us)) }
                @for span in &lane.spans { (piece(report, span, lane.begins_us, end_us)) }
            }
        }
    }
}

/// Everything between a worker's groups. What is too short to be seen is not drawn.
fn gaps(report: &RunReport, lane: &Lane) -> Vec<Gap> {
    let shard = report.shards.iter().find(|shard| shard.index == lane.shard);
    let mut gaps = Vec::new();
    let mut at_us = 0;
    let mut add = |kind, took_us: u64, what: String| {
        gaps.push(Gap { kind, from_us: at_us, to_us: at_us.saturating_add(took_us), what });
        at_us = at_us.saturating_add(took_us);
    };
    if let Some(ShardReport { before_us, databases, .. }) = shard {
        if let Some(us) = before_us {
            add(Kind::Planning, *us, format!("listing and planning: {}", human_time(*us)));
        }
        for one in databases {
            let (name, how, took) = (&one.database, origin(one.origin), human_time(one.took_us));
            add(Kind::Database, one.took_us, format!("database {name}, {how}: {took}"));
        }
    }
    let mut free_us = 0;
    for (at, span) in lane.spans.iter().enumerate() {
        let (kind, what) =
            if at == 0 { (Kind::StartUp, "starting up") } else { (Kind::Idle, "idle") };
        gaps.extend(gap(kind, what, (free_us, span.from_us), lane));
        free_us = free_us.max(span.to_us);
    }
    let over_us = shard.map_or(free_us, |shard| shard.actual_us);
    gaps.extend(gap(Kind::Idle, "idle", (free_us, over_us), lane));
    gaps
}

/// A time without groups, of the shard's clock.
fn gap(kind: Kind, what: &str, (from_us, to_us): (u64, u64), lane: &Lane) -> Option<Gap> {
    let took_us = to_us.checked_sub(from_us).filter(|us| *us > 0)?;
    let since = |us: u64| lane.begins_us.saturating_add(us);
    let (from_us, to_us) = (since(from_us), since(to_us));
    Some(Gap { kind, from_us, to_us, what: format!("{what}: {}", human_time(took_us)) })
}

impl Gap {
    fn drawn(&self, end_us: u64) -> Markup {
        let Self { kind, from_us, to_us, what } = self;
        let x = scaled(*from_us, end_us);
        let width = scaled(*to_us, end_us).saturating_sub(x).max(kind.width_min());
        html! {
            @if width > 0 {
                rect class=(kind.class()) x=(x) y="2" height="10" width=(width) { title { (what) } }
            }
        }
    }
}

fn piece(report: &RunReport, span: &Span, begins_us: u64, end_us: u64) -> Markup {
    let Span { from_us, to_us, bad, count, group, attempt } = span;
    let x = scaled(begins_us.saturating_add(*from_us), end_us);
    let width = scaled(begins_us.saturating_add(*to_us), end_us).saturating_sub(x).max(1);
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

fn origin(origin: TemplateOrigin) -> &'static str {
    match origin {
        TemplateOrigin::Built => "built",
        TemplateOrigin::Found => "found on the server",
        TemplateOrigin::Restored => "restored from an earlier run",
        TemplateOrigin::Existing => "there already",
    }
}

/// How many databases are listed.
const DATABASES_MAX: usize = 200;

fn databases(report: &RunReport) -> Markup {
    let all = || {
        let shards = report.shards.iter();
        shards.flat_map(|shard| shard.databases.iter().map(move |one| (shard, one)))
    };
    let total = all().count();
    html! {
        @if total > 0 {
            h3 #databases { "Databases" }
            div.scroll tabindex="0" {
                table {
                    thead {
                        tr {
                            th scope="col" { "shard" } th scope="col" { "database" }
                            th scope="col" { "template" } th scope="col" { "took" }
                        }
                    }
                    tbody {
                        @for (shard, one) in all().take(DATABASES_MAX) {
                            tr {
                                td { (shard.index) "/" (shard.total) }
                                td { code { (one.database) } }
                                td { (origin(one.origin)) }
                                td.number { (human_time(one.took_us)) }
                            }
                        }
                    }
                }
            }
            @if total > DATABASES_MAX {
                p.rest {
                    "… and " (thousands((total - DATABASES_MAX) as u64)) " more, all in report.json"
                }
            }
            @let longest = report.shards.iter().map(set_up).max().unwrap_or(0);
            p.hint {
                "Before its first group a shard took up to " (human_time(longest)) " to get ready."
            }
        }
    }
}
