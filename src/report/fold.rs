//! Folds the executions of one group into what became of the group and of each of its tests.
//!
//! The rules: a test ends as in the last execution in which it appears (a retry may run only what
//! failed); if that one held and an earlier one did not, it is flaky. One that held first and broke
//! in the end is broken: a late failure is never green. The group's own
//! problem is that of its last execution, and never hides behind green tests.

use std::iter::Peekable;

use crate::model::{GroupId, Outcome, TestId, Try, Verdict};

use super::ended::{Ended, Seen};
use super::gather::Work;
use super::part::{Names, Pool};
use super::run::{Earlier, Execution, FinalOutcome, GroupReport, ShardReport, TestReport, Told};

/// What became of a group.
pub(super) struct Folded {
    pub(super) group: GroupReport,
    /// Its tests; one of a group that ran twice may appear twice.
    pub(super) tests: Vec<TestReport>,
    /// Listed tests without a result.
    pub(super) without_result: Vec<String>,
    /// Reported tests that were not listed.
    pub(super) unlisted: Vec<String>,
    /// The shards in which it came to an end.
    pub(super) ends: Vec<usize>,
}

/// Where a group stands in the report.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) index: usize,
    pub(super) shards: &'a [ShardReport],
}

/// One execution, its tests taken out.
struct Run {
    execution: Execution,
    last: bool,
}

/// One result of a test, with the execution that gave it.
struct Trial {
    run: usize,
    result: Seen,
}

pub(super) fn fold(id: GroupId, work: Work, place: Place<'_>) -> Folded {
    let Work { planned: _, listed, assigned, runs, running: _, not_run: _ } = work;
    let listed = listed.as_ref().map(|listed| {
        let mut names: Vec<&str> = listed.names().collect();
        names.sort_unstable();
        names.dedup();
        names
    });
    let ends: Vec<usize> = runs.iter().filter(|(_, run)| run.last).map(|(at, _)| *at).collect();
    let planned = assigned.map(|(shard, estimate)| (place.shards[shard].index, estimate));
    let mut folded = Folded {
        group: GroupReport { id, planned, tests: 0, executions: Vec::new(), began: None },
        tests: Vec::new(),
        without_result: Vec::new(),
        unlisted: Vec::new(),
        ends,
    };
    for chain in chains(runs, folded.ends.len()) {
        fold_chain(&mut folded, chain, listed.as_deref(), place);
    }
    if folded.group.executions.is_empty() {
        let names = listed.unwrap_or_default();
        folded.without_result = names.into_iter().map(str::to_owned).collect();
    }
    // Of a group that ran twice both rows of attempts may lack a test.
    folded.without_result.sort_unstable();
    folded.without_result.dedup();
    folded
}

/// Splits a group's executions into rows of attempts. There is one row, whoever ran the attempts,
/// unless the group came to its end more than once.
fn chains(mut runs: Vec<(usize, Ended)>, ends: usize) -> Vec<Vec<(usize, Ended)>> {
    if ends <= 1 {
        runs.sort_by_key(|(_, run)| run.attempt);
        return if runs.is_empty() { Vec::new() } else { vec![runs] };
    }
    let lengths: Vec<usize> = runs
        .chunk_by(|(shard, run), (next, _)| shard == next && !run.last)
        .map(<[_]>::len)
        .collect();
    let mut runs = runs.into_iter();
    lengths.into_iter().map(|length| runs.by_ref().take(length).collect()).collect()
}

fn fold_chain(
    folded: &mut Folded,
    chain: Vec<(usize, Ended)>,
    listed: Option<&[&str]>,
    place: Place<'_>,
) {
    let mut runs = Vec::with_capacity(chain.len());
    let mut trials = Vec::new();
    for (at, (shard, finished)) in chain.into_iter().enumerate() {
        let (run, results) = split(place.shards[shard].index, finished);
        runs.push(run);
        trials.extend(results.into_iter().map(|result| Trial { run: at, result }));
    }
    trials.sort_by(|a, b| a.result.name.cmp(&b.result.name));

    let first = folded.tests.len();
    let mut listed = listed.map(|names| names.iter().peekable());
    let mut missing = Vec::new();
    let mut trials = trials.into_iter().peekable();
    while let Some(trial) = trials.next() {
        let mut of_test = vec![trial];
        while let Some(next) = trials.next_if(|next| next.result.name == of_test[0].result.name) {
            of_test.push(next);
        }
        let name = &of_test[0].result.name;
        let known = listed.as_mut().map(|names| skip_to(names, name, &mut missing));
        let reported = of_test.iter().any(|trial| trial.result.reported);
        if known == Some(false) && reported {
            folded.unlisted.push(name.to_string());
        }
        let standing =
            if known == Some(true) || reported { Standing::Test } else { Standing::Group };
        let test = fold_test(&folded.group.id, of_test, &runs, standing, place.index);
        folded.tests.push(TestReport { listed: known == Some(true), ..test });
    }
    missing.extend(listed.into_iter().flatten().map(|name| (*name).to_owned()));
    own_up(folded, first, missing, &runs, place.index);
    let reported = folded.tests[first..].iter().filter(|test| test.reported).count();
    folded.group.tests = folded.group.tests.max(reported);
    folded.group.executions.extend(runs.into_iter().map(|run| run.execution));
}

/// Goes on in the sorted names up to `name`; those passed by have no result. Whether it is there.
fn skip_to<'a>(
    names: &mut Peekable<impl Iterator<Item = &'a &'a str>>,
    name: &str,
    missing: &mut Vec<String>,
) -> bool {
    while let Some(passed_by) = names.next_if(|next| **next < name) {
        missing.push((*passed_by).to_owned());
    }
    names.next_if(|next| **next == name).is_some()
}

fn split(shard: u32, ended: Ended) -> (Run, Vec<Seen>) {
    let Ended {
        group: _,
        attempt,
        last,
        worker,
        at_us,
        duration_us,
        end,
        verdict,
        problem,
        leaked,
        tests,
        output,
    } = ended;
    let execution = Execution {
        shard,
        attempt,
        worker,
        at_us,
        duration_us,
        end,
        verdict,
        problem,
        leaked,
        output,
    };
    (Run { execution, last }, tests)
}

/// What a result speaks of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// A test.
    Test,
    /// The group as a whole, for want of a test to blame.
    Group,
}

/// Folds the results of one test; they are in the order of the executions and at least one.
fn fold_test(
    group: &GroupId,
    trials: Vec<Trial>,
    runs: &[Run],
    standing: Standing,
    index: usize,
) -> TestReport {
    let mut trials = worst_of_each_run(trials);
    let last = trials.pop().expect("a test is folded from at least one result");
    let results = || trials.iter().chain(std::iter::once(&last)).map(|trial| &trial.result);
    let held = last.result.outcome == Outcome::Passed;
    let broke = results().any(|result| {
        !result.outcome.is_good() || result.tries.iter().any(|tried| !tried.outcome.is_good())
    });
    // What an execution said of the group as a whole is over once a later one went well.
    let got_over = standing == Standing::Group
        && last.run + 1 < runs.len()
        && runs.last().is_some_and(|run| run.execution.problem.is_none());
    let outcome =
        if broke && (held || got_over) { FinalOutcome::Flaky } else { last.result.outcome.into() };
    let reported = results().any(|result| result.reported);
    let mut earlier = Vec::new();
    for Trial { run, result } in trials {
        let attempt = runs[run].execution.attempt;
        earlier.extend(result.tries.into_iter().map(|tried| of_try(attempt, tried)));
        let told = Told::before_the_last(result.told);
        let (outcome, duration_us) = (result.outcome, result.duration_us);
        earlier.push(Earlier { attempt, outcome, duration_us, told });
    }
    let Execution { shard, worker, attempt, .. } = runs[last.run].execution;
    let Seen {
        name,
        names,
        outcome: _,
        duration_us,
        told,
        file,
        line,
        reported: _,
        repeats,
        tries,
    } = last.result;
    earlier.extend(tries.into_iter().map(|tried| of_try(attempt, tried)));
    TestReport {
        id: TestId { suite: group.suite.clone(), name },
        names,
        outcome,
        duration_us,
        group: index,
        shard,
        worker,
        told,
        file,
        line,
        listed: false,
        reported,
        repeats,
        earlier,
    }
}

/// What a framework tried by itself belongs to the execution that it did so in.
fn of_try(attempt: u32, tried: Try) -> Earlier {
    let Try { outcome, duration_us, message, kind, detail } = tried;
    let told = Told { message, kind, detail, ..Told::default() }.unless_empty();
    Earlier { attempt, outcome, duration_us, told }
}

/// Within one execution evenly retried nothing: of several results of one name the worst stands.
fn worst_of_each_run(trials: Vec<Trial>) -> Vec<Trial> {
    let mut worst: Vec<Trial> = Vec::with_capacity(trials.len());
    for trial in trials {
        match worst.last_mut() {
            Some(known) if known.run == trial.run => {
                if trial.result.outcome > known.result.outcome {
                    *known = trial;
                }
            }
            Some(_) | None => worst.push(trial),
        }
    }
    worst
}

/// Sees to it that a group that did not end well is not all green, and that its listed tests
/// without a result are errors. Without a problem, or without an end, those are lost instead.
fn own_up(folded: &mut Folded, first: usize, missing: Vec<String>, runs: &[Run], index: usize) {
    let Some(Run { execution, last }) = runs.last() else { return };
    let problem = match (&execution.problem, execution.verdict) {
        (Some(problem), _) => Some(problem.describe(&execution.end)),
        (None, Verdict::Failed) => {
            Some(format!("was marked as failed, but no test of it is ({})", execution.end))
        }
        (None, Verdict::Passed) => None,
    };
    let blame = |folded: &mut Folded, name: String| {
        folded.tests.push(concluded(&folded.group.id, name, problem.as_deref(), execution, index));
    };
    let concluded_from = folded.tests.len();
    if *last && execution.problem.is_some() {
        for name in missing {
            blame(folded, name);
        }
        for test in &mut folded.tests[concluded_from..] {
            test.listed = true;
        }
    } else {
        folded.without_result.extend(missing);
    }
    let shows = folded.tests[first..].iter().any(|test| !test.outcome.is_good());
    if problem.is_some() && !shows {
        let mut name = folded.group.id.name.to_string();
        while folded.tests.iter().any(|test| *test.id.name == *name) {
            name.push_str(" (its process)");
        }
        blame(folded, name);
    }
}

fn concluded(
    group: &GroupId,
    name: String,
    problem: Option<&str>,
    execution: &Execution,
    index: usize,
) -> TestReport {
    let message = problem.map(|problem| format!("group {problem}"));
    TestReport {
        names: Names::new(&name, "", &name, &mut Pool::default()),
        id: TestId { suite: group.suite.clone(), name: name.into_boxed_str() },
        outcome: FinalOutcome::Errored,
        duration_us: 0,
        group: index,
        shard: execution.shard,
        worker: execution.worker,
        told: Told { message, ..Told::default() }.unless_empty(),
        file: None,
        line: None,
        listed: false,
        reported: false,
        repeats: 1,
        earlier: Vec::new(),
    }
}
