//! From a random plan, losing and doubling at random: the ledger names exactly that.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What becomes of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Runs,
    Lost,
    Twice,
}

/// A group of the plan.
#[derive(Debug, Clone)]
struct Planned {
    /// Its shard, from 1.
    shard: u32,
    fate: Fate,
    /// Of each of its tests whether it is left out.
    left_out: Vec<bool>,
}

#[derive(Debug, Clone)]
struct Case {
    shards: u32,
    groups: Vec<Planned>,
}

/// What the ledger must say.
#[derive(Default)]
struct Expected {
    lost: BTreeSet<String>,
    doubled: BTreeSet<String>,
}

fn cases() -> impl Strategy<Value = Case> {
    (1..5_u32).prop_flat_map(|shards| {
        let fate =
            prop_oneof![6 => Just(Fate::Runs), 1 => Just(Fate::Lost), 1 => Just(Fate::Twice)];
        let left_out = vec(prop::bool::weighted(0.1), 1..5);
        let group = (1..=shards, fate, left_out).prop_map(|(shard, fate, left_out)| Planned {
            shard,
            fate,
            left_out,
        });
        vec(group, 1..20).prop_map(move |groups| Case { shards, groups })
    })
}

fn test_names(at: usize, group: &Planned) -> Vec<String> {
    (0..group.left_out.len()).map(|test| format!("g{at}::{test}")).collect()
}

/// Every shard's journal after planning.
fn planned(case: &Case) -> Vec<Log> {
    let names: Vec<(String, Vec<String>)> = (case.groups.iter().enumerate())
        .map(|(at, group)| (format!("g{at}"), test_names(at, group)))
        .collect();
    let listed: Vec<Vec<&str>> =
        names.iter().map(|(_, tests)| tests.iter().map(String::as_str).collect()).collect();
    let found: Vec<Found<'_>> = (names.iter().zip(&listed))
        .map(|((group, _), tests)| (group.as_str(), Some(tests.as_slice())))
        .collect();
    let log = |shard| {
        let mine = case.groups.iter().enumerate().filter(|(_, group)| group.shard == shard);
        let mine: Vec<String> = mine.map(|(at, _)| format!("s:g{at}")).collect();
        let mine: Vec<&str> = mine.iter().map(String::as_str).collect();
        Log::new(shard, case.shards).finds("s", &found).plans(&mine)
    };
    (1..=case.shards).map(log).collect()
}

fn run(case: &Case) -> (Vec<Log>, Expected) {
    let mut logs = planned(case);
    let mut expected = Expected::default();
    for (at, group) in case.groups.iter().enumerate() {
        let id = format!("s:g{at}");
        let names = test_names(at, group);
        let (mut ran, mut ran_ids) = (Vec::new(), Vec::new());
        for (name, left_out) in names.iter().zip(&group.left_out) {
            if *left_out || group.fate == Fate::Lost {
                expected.lost.insert(format!("s:{name}"));
            } else {
                ran.push((name.as_str(), Passed));
                ran_ids.push(format!("s:{name}"));
            }
        }
        let own = group.shard as usize - 1;
        let other = group.shard as usize % logs.len();
        let runners = match group.fate {
            Fate::Runs => vec![own],
            Fate::Lost => {
                expected.lost.insert(id.clone());
                Vec::new()
            }
            Fate::Twice => {
                expected.doubled.insert(id.clone());
                expected.doubled.extend(ran_ids);
                vec![own, other]
            }
        };
        for shard in runners {
            logs[shard] = logs[shard].clone().runs(&id, &ran);
        }
    }
    (logs.into_iter().map(Log::ends).collect(), expected)
}

proptest! {
    #[test]
    fn the_ledger_names_exactly_the_lost_and_the_doubled(case in cases()) {
        let (logs, Expected { lost, doubled }) = run(&case);
        let report = joined(logs);
        let whole = lost.is_empty() && doubled.is_empty();
        prop_assert_eq!(report.ledger.lost_ids(), Vec::from_iter(lost));
        prop_assert_eq!(report.ledger.doubled_ids(), Vec::from_iter(doubled));
        prop_assert_eq!(report.ledger.planned, case.groups.len());
        prop_assert!(report.ledger.flaws.is_empty());
        prop_assert_eq!(report.exit, if whole { Exit::Passed } else { Exit::NotWhole });
        let Totals { tests, passed, failed, errored, skipped, flaky } = report.totals;
        prop_assert_eq!(tests, passed + failed + errored + skipped + flaky);
        prop_assert_eq!(tests, report.tests.len());
        let all: usize = case.groups.iter().map(|group| group.left_out.len()).sum();
        prop_assert_eq!(tests + report.ledger.lost_tests(), all);
    }

    #[test]
    fn a_missing_journal_loses_exactly_its_groups(
        mut case in cases(),
        pick in any::<prop::sample::Index>(),
    ) {
        for group in &mut case.groups {
            group.fate = Fate::Runs;
            group.left_out.fill(false);
        }
        let (mut logs, _) = run(&case);
        let gone = pick.index(logs.len());
        logs.remove(gone);
        let report = joined(logs);
        prop_assert_eq!(report.exit, Exit::NotWhole);
        if case.shards > 1 {
            let shard = u32::try_from(gone).unwrap() + 1;
            prop_assert_eq!(&report.ledger.missing_shards, &[shard]);
            let had = (case.groups.iter().enumerate())
                .filter(|(_, group)| group.shard == shard)
                .map(|(at, _)| format!("s:g{at}"));
            let lost: BTreeSet<String> =
                report.ledger.lost.iter().map(|lost| lost.group.to_string()).collect();
            prop_assert_eq!(lost, had.collect::<BTreeSet<_>>());
        }
    }
}
