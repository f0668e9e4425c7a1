//! What is different from the runs before, what is quarantined, and databases' set-up.

use serde::Serialize;

use super::super::compare::{Comparison, Slower};
use super::super::quarantine::{Excused, Quarantine, Told};
use super::super::run::{DatabaseSetUp, TestReport};
use crate::history::Rate;
use crate::model::{TemplateOrigin, TestId};

#[derive(Serialize)]
pub(super) struct ComparedView<'a> {
    base: u64,
    new_failures: Vec<&'a TestId>,
    fixed: Vec<&'a TestId>,
    slower: Vec<SlowerView<'a>>,
    added: Vec<&'a TestId>,
    removed: &'a [TestId],
    flake_rates: Vec<RateView<'a>>,
}

#[derive(Serialize)]
struct SlowerView<'a> {
    id: &'a TestId,
    usual_us: u64,
    took_us: u64,
}

#[derive(Serialize)]
struct RateView<'a> {
    id: &'a TestId,
    flaky: usize,
    runs: usize,
}

pub(super) fn compared_view<'a>(
    compared: &'a Comparison,
    tests: &'a [TestReport],
) -> ComparedView<'a> {
    let Comparison { base, new_failures, fixed, slower, added, removed, rates } = compared;
    let ids = |of: &[usize]| of.iter().map(|&at| &tests[at].id).collect();
    let slower = slower.iter().map(|&Slower { test, usual_us, took_us }| SlowerView {
        id: &tests[test].id,
        usual_us,
        took_us,
    });
    let rates = rates.iter().map(|&(test, Rate { flaky, runs })| RateView {
        id: &tests[test].id,
        flaky,
        runs,
    });
    ComparedView {
        base: *base,
        new_failures: ids(new_failures),
        fixed: ids(fixed),
        slower: slower.collect(),
        added: ids(added),
        removed,
        flake_rates: rates.collect(),
    }
}

#[derive(Serialize)]
pub(super) struct QuarantineView<'a> {
    excused: Vec<ExcusedView<'a>>,
    expired: Vec<EntryView<'a>>,
    unmatched: Vec<EntryView<'a>>,
}

#[derive(Serialize)]
struct ExcusedView<'a> {
    id: &'a TestId,
    until: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct EntryView<'a> {
    test: &'a str,
    until: String,
}

pub(super) fn quarantine_view<'a>(
    quarantine: &'a Quarantine,
    tests: &'a [TestReport],
) -> QuarantineView<'a> {
    let Quarantine { excused, expired, unmatched } = quarantine;
    let excused = excused.iter().map(|Excused { test, until, reason }| ExcusedView {
        id: &tests[*test].id,
        until: until.to_string(),
        reason: reason.as_deref(),
    });
    let entry = |Told { test, until }: &'a Told| EntryView { test, until: until.to_string() };
    QuarantineView {
        excused: excused.collect(),
        expired: expired.iter().map(entry).collect(),
        unmatched: unmatched.iter().map(entry).collect(),
    }
}

#[derive(Serialize)]
pub(super) struct DatabaseView<'a> {
    database: &'a str,
    origin: TemplateOrigin,
    took_us: u64,
}

pub(super) fn database_view(set_up: &DatabaseSetUp) -> DatabaseView<'_> {
    let DatabaseSetUp { database, origin, took_us } = set_up;
    DatabaseView { database, origin: *origin, took_us: *took_us }
}
