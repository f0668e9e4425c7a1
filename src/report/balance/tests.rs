use std::fmt::Write as _;

use super::*;
use crate::model::{Event, Outcome::Passed};
use crate::report::testing::{Log, joined, rendered};
use crate::report::{json, markdown, table};

/// A run whose shards ran these groups: estimate and time in seconds, and whether the estimate
/// was measured.
fn run(shards: &[&[(&str, u64, u64, Basis)]]) -> crate::report::RunReport {
    let names: Vec<&str> = shards.iter().copied().flatten().map(|group| group.0).collect();
    let found: Vec<_> = names.iter().map(|&name| (name, None)).collect();
    let total = u32::try_from(shards.len()).unwrap();
    let log = |(index, groups): (u32, &&[(&str, u64, u64, Basis)])| {
        let ids: Vec<String> = groups.iter().map(|group| format!("s:{}", group.0)).collect();
        let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
        let mut log = Log::new(index, total).workers(1).finds("s", &found).plans(&ids);
        for id in &ids {
            log = log.runs(id, &[(&format!("{id} test"), Passed)]);
        }
        let mut log = log.ends();
        for event in &mut log.events {
            match event {
                Event::GroupFinished(finished) => {
                    let of = |group: &&(&str, u64, u64, Basis)| *group.0 == *finished.group.name;
                    let (_, _, took, _) = groups.iter().find(of).unwrap();
                    finished.duration_us = took * 1_000_000;
                    finished.worker = 0;
                }
                Event::Planned { assigned, .. } => {
                    for (assigned, (_, us, _, basis)) in assigned.iter_mut().zip(*groups) {
                        assigned.estimate.us = us * 1_000_000;
                        assigned.estimate.basis = *basis;
                    }
                }
                _ => {}
            }
        }
        log
    };
    joined((1..).zip(shards).map(log).collect())
}

fn kinds(report: &crate::report::RunReport) -> Vec<&'static str> {
    assert!(report.ledger.is_whole(), "{:?}", report.ledger);
    report.balance.advice.iter().map(Advice::kind).collect()
}

const M: Basis = Basis::Measured;
const N: Basis = Basis::Neighbours;

#[test]
fn an_even_run_as_planned_says_nothing() {
    let report = run(&[&[("a", 10, 10, M), ("b", 5, 5, M)], &[("c", 15, 15, M)]]);
    assert_eq!(report.balance.lines(), [""; 0]);
    assert_eq!((report.balance.longest_us, report.balance.shortest_us), (15_000_000, 15_000_000));
    assert_eq!(run(&[&[("a", 1, 90, M)]]).balance, Balance::default());
}

#[test]
fn wrong_estimates_are_named_and_a_fresh_history_is_advised() {
    let report = run(&[
        &[("a", 10, 30, M), ("b", 10, 10, M)],
        &[("c", 10, 10, M), ("d\u{1b}[2J", 10, 10, N)],
    ]);
    assert_eq!(kinds(&report), ["refresh-history"]);
    let text = report.balance.lines().join("\n");
    for line in [
        "the longest shard took 40.0 s, the shortest 20.0 s; this can be bettered",
        "planned with this run's times the longest shard takes 30.0 s",
        "missing estimates: 1 group with 10.0 s were not, or not all, measured before",
        "stale estimate: `s:a` took 30.0 s, predicted 10.0 s",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let (table, page) =
        (table::render(&report, table::Colour::Off), rendered(markdown::render, &report));
    for line in text.lines() {
        assert!(table.contains(&format!("\n  {line}\n")), "{table}");
        assert!(page.contains(&format!("\n- {line}\n")), "{page}");
    }
    let mut expected = String::new();
    write!(expected, r#""balance":{{"longest_us":40000000,"shortest_us":20000000,"#).unwrap();
    assert!(rendered(json::render, &report).contains(&expected));
}

#[test]
fn one_long_group_is_to_be_split_or_needs_fewer_shards() {
    let report = run(&[
        &[("long", 60, 60, M)],
        &[("a", 10, 10, M)],
        &[("b", 10, 10, M)],
        &[("c", 10, 10, M)],
    ]);
    assert_eq!(kinds(&report), ["split-group", "fewer-shards"]);
    let text = report.balance.lines().join("\n");
    assert!(
        text.contains("split `s:long`: alone it takes 1 min 0 s, where an even share is 22.5 s")
    );
    assert!(text.contains("fewer shards: with 2 the longest takes 1 min 0 s too"), "{text}");
}

#[test]
fn groups_that_do_not_fit_the_number_of_shards_fit_another() {
    let report = run(&[
        &[("a", 10, 10, M), ("b", 10, 10, M)],
        &[("c", 10, 10, M), ("d", 10, 10, M)],
        &[("e", 10, 10, M)],
    ]);
    assert_eq!(kinds(&report), ["more-shards"]);
    let text = report.balance.lines().join("\n");
    assert!(text.contains("more shards: with 5 the longest takes 10.0 s"), "{text}");
}

#[test]
fn a_slow_machine_is_no_stale_estimate() {
    let report = run(&[
        &[("a", 10, 20, M), ("b", 10, 20, M), ("c", 10, 20, M)],
        &[("d", 10, 10, M), ("e", 10, 10, M), ("f", 10, 10, M)],
    ]);
    assert_eq!(report.balance.slow, [Slow { shard: 1, percent: 200 }]);
    assert_eq!(report.balance.stale, []);
    // Another machine would do; no other plan is better.
    assert!(!report.balance.advice.iter().any(|advice| advice.kind() == "more-shards"));
    let text = report.balance.lines().join("\n");
    assert!(text.contains("shard 1 took 2.0 times what the others take"), "{text}");
}
