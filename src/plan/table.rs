//! The plan for people: a line a group, then a line a shard, each with a bar.
//!
//! Names came from strangers: each stays on its line, escaped and cut to the terminal's width.

use std::cmp::Reverse;
use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::{Assigned, Plan, PlannedShard};
use crate::model::columns::{bar, fit};
use crate::model::{Basis, human_time, one_line};

/// How many groups are shown unless all are asked for: of all shards together, each at least one.
const SHOWN_MAX: usize = 240;
/// How many of them of one shard.
const SHOWN_OF_SHARD_MAX: usize = 60;

/// Columns of the longest bar.
const BAR_COLUMNS: usize = 20;

/// Columns of `shard`, `estimate` and `from`, which are never cut.
const SHARD_COLUMNS: usize = 5;
const TIME_COLUMNS: usize = 12;
const BASIS_COLUMNS: usize = 10;

/// What stands between columns.
const GAP: &str = "  ";

/// What marks an exclusive group, after its bar.
const ALONE: &str = " alone";

/// The narrowest column of names: a narrower terminal wraps.
const NAME_COLUMNS_MIN: usize = 12;

/// How much to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The biggest groups of each shard, and how many more there are.
    Biggest,
    /// Every group.
    All,
}

/// The plan as a table at most `columns` wide, with a line end after each line.
#[must_use]
pub fn render(plan: &Plan, detail: Detail, columns: usize) -> String {
    let most = match detail {
        Detail::All => usize::MAX,
        Detail::Biggest => (SHOWN_MAX / plan.shards.len().max(1)).clamp(1, SHOWN_OF_SHARD_MAX),
    };
    let shown: Vec<Shown<'_>> = plan.shards.iter().map(|shard| Shown::of(shard, most)).collect();
    let names = shown.iter().flat_map(|shard| shard.groups.iter().map(|(name, _)| name.width()));
    let fixed =
        SHARD_COLUMNS + TIME_COLUMNS + BASIS_COLUMNS + BAR_COLUMNS + ALONE.len() + 4 * GAP.len();
    let name_columns =
        names.max().unwrap_or(0).min(columns.saturating_sub(fixed)).max(NAME_COLUMNS_MIN);
    let mut text = String::new();
    groups(&mut text, &shown, name_columns);
    text.push('\n');
    shards(&mut text, plan, name_columns);
    text.push('\n');
    summary(&mut text, plan);
    text
}

/// One shard's lines.
struct Shown<'a> {
    index: u32,
    groups: Vec<(String, &'a Assigned)>,
    /// What is not shown: how many groups, and their time together, microseconds.
    hidden: (usize, u64),
}

impl<'a> Shown<'a> {
    fn of(shard: &'a PlannedShard, most: usize) -> Self {
        // The biggest, in the order in which they start.
        let mut places: Vec<usize> = (0..shard.groups.len()).collect();
        places.sort_by_key(|&at| Reverse(shard.groups[at].estimate.us));
        let hidden = places.split_off(most.min(places.len()));
        places.sort_unstable();
        let hidden_us = total(hidden.iter().map(|&at| shard.groups[at].estimate.us));
        let named = |at: usize| {
            let group = &shard.groups[at];
            (one_line(&group.id.to_string()).into_owned(), group)
        };
        Self {
            index: shard.index,
            groups: places.into_iter().map(named).collect(),
            hidden: (hidden.len(), hidden_us),
        }
    }
}

fn groups(text: &mut String, shown: &[Shown<'_>], name_columns: usize) {
    let longest = shown.iter().flat_map(|shard| &shard.groups).map(|(_, group)| group.estimate.us);
    let longest = longest.max().unwrap_or(0);
    line(text, ["shard", &fit("group", name_columns), &left("estimate"), "from", ""]);
    for shard in shown {
        let index = shard.index.to_string();
        for (name, group) in &shard.groups {
            let Assigned { id: _, estimate, exclusive } = group;
            let basis = basis(estimate.basis);
            let alone = if *exclusive { ALONE } else { "" };
            let bar = format!("{}{alone}", bar(estimate.us, longest, BAR_COLUMNS));
            let time = left(&human_time(estimate.us));
            line(text, [&index, &fit(name, name_columns), &time, basis, &bar]);
        }
        if let (more @ 1.., us) = shard.hidden {
            let name = fit(&format!("… {more} smaller"), name_columns);
            line(text, [&index, &name, &left(&human_time(us)), "", ""]);
        }
    }
}

fn shards(text: &mut String, plan: &Plan, name_columns: usize) {
    let longest = plan.shards.iter().map(|shard| shard.predicted_us).max().unwrap_or(0);
    line(text, ["shard", &fit("groups", name_columns), &left("predicted"), "", ""]);
    for PlannedShard { index, predicted_us, groups } in &plan.shards {
        let count = fit(&groups.len().to_string(), name_columns);
        let (index, time) = (index.to_string(), left(&human_time(*predicted_us)));
        line(text, [&index, &count, &time, "", &bar(*predicted_us, longest, BAR_COLUMNS)]);
    }
}

fn summary(text: &mut String, plan: &Plan) {
    let predicted = || plan.shards.iter().map(|shard| shard.predicted_us);
    let (longest, shortest) = (predicted().max().unwrap_or(0), predicted().min().unwrap_or(0));
    let spread = longest - shortest;
    let percent = u128::from(spread) * 100 / u128::from(longest.max(1));
    let count =
        |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let written = writeln!(
        text,
        "{} over {} of {}, spread {} ({percent} %), plan {}",
        count(plan.groups(), "group"),
        count(plan.shards.len(), "shard"),
        count(plan.workers as usize, "worker"),
        human_time(spread),
        plan.fingerprint,
    );
    written.expect("a String takes all that is written");
}

/// The columns with gaps between them and nothing after the last.
fn line(text: &mut String, [shard, name, time, basis, bar]: [&str; 5]) {
    let start = text.len();
    let written = write!(
        text,
        "{shard:>SHARD_COLUMNS$}{GAP}{name}{GAP}{time}{GAP}{basis:<BASIS_COLUMNS$}{GAP}{bar}"
    );
    written.expect("a String takes all that is written");
    text.truncate(text[start..].trim_end().len() + start);
    text.push('\n');
}

fn left(time: &str) -> String {
    format!("{time:>TIME_COLUMNS$}")
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Measured => "measured",
        Basis::Neighbours => "neighbours",
        Basis::Default => "default",
    }
}

fn total(us: impl Iterator<Item = u64>) -> u64 {
    us.fold(0, u64::saturating_add)
}
