use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::model::{Basis, Estimate, Group, GroupId, Limits, Member, TestId};

fn suite(name: &str) -> SuiteName {
    SuiteName::new(name).unwrap()
}

fn saw(group: &str, test: &str, seen: Seen) -> Observation {
    Observation { test: TestId::new(&suite("s"), test), group: group.into(), seen }
}

fn passed(group: &str, test: &str, us: u64) -> Observation {
    saw(group, test, Seen::Passed(us))
}

fn facts(workers: u32, overheads_us: &[u64]) -> Vec<SuiteFacts> {
    vec![SuiteFacts { suite: suite("s"), workers, overheads_us: overheads_us.to_vec() }]
}

fn history<const N: usize>(runs: [(u64, Vec<Observation>); N]) -> History {
    let mut history = History::default();
    for (run, observations) in runs {
        history.record(run, observations, Vec::new());
    }
    history
}

fn group(name: &str, tests: Option<&[&str]>) -> Group {
    joined(name, &[name], tests)
}

fn joined(name: &str, members: &[&str], tests: Option<&[&str]>) -> Group {
    let member = |name: &&str| Member { name: (*name).into(), argument: name.as_bytes().into() };
    Group {
        id: GroupId::new(&suite("s"), name),
        members: members.iter().map(member).collect(),
        tests: tests.map(|tests| tests.iter().map(ToString::to_string).collect()),
        exclusive: false,
        databases: true,
        aliases: None,
        late: false,
        limits: Limits::default(),
    }
}

fn estimate(history: &History, as_of: Option<u64>, group: &Group) -> (u64, Basis) {
    let Estimate { us, basis } = Estimator::new(history, as_of).estimate(group);
    (us, basis)
}

#[test]
fn nothing_known_is_a_second_a_test_or_a_group() {
    let empty = History::default();
    assert_eq!(estimate(&empty, None, &group("g", None)), (DEFAULT_US, Basis::Default));
    let listed = group("g", Some(&["a", "b", "c"]));
    assert_eq!(estimate(&empty, None, &listed), (3 * DEFAULT_US, Basis::Default));
    assert_eq!(estimate(&empty, None, &group("g", Some(&[]))), (DEFAULT_US, Basis::Default));
    assert_eq!(empty.next_run(), 1);
    assert!(empty.is_empty());
}

#[test]
fn a_listed_group_is_the_sum_of_what_its_tests_took_lately() {
    let run = |a, b| vec![passed("g", "a", a), passed("g", "b", b)];
    let history = history([(1, run(10, 1)), (2, run(500, 3)), (3, run(12, 2))]);
    // `a`: 12 twice, 500 counted as twice the median of 12, and 10; `b`: 2 twice, 3 and 1.
    assert_eq!(estimate(&history, None, &group("g", Some(&["a", "b"]))), (14 + 2, Basis::Measured));
    // As run 3 saw it: `a` 500 twice, and 10 counted as half the median of 255.
    let as_of_3 = estimate(&history, Some(3), &group("g", Some(&["a", "b"])));
    assert_eq!(as_of_3, (375 + 2, Basis::Measured));
    assert_eq!(estimate(&history, Some(1), &group("g", Some(&["a"]))).1, Basis::Default);
}

#[test]
fn only_recent_durations_count() {
    let mut history = History::default();
    for run in 1..=20 {
        history.record(run, vec![passed("g", "a", if run <= 15 { 100 } else { 7 })], Vec::new());
    }
    assert_eq!(estimate(&history, None, &group("g", Some(&["a"]))), (7, Basis::Measured));
    // Five runs later, run 16 still sees what it saw.
    assert_eq!(estimate(&history, Some(16), &group("g", Some(&["a"]))), (100, Basis::Measured));
    assert_eq!(history.next_run(), 21);
}

#[test]
fn a_new_test_or_group_gets_its_neighbours_typical_value() {
    let history = history([(
        1,
        vec![passed("g", "a", 1), passed("g", "b", 5), passed("h", "c", 9), passed("i", "d", 8)],
    )]);
    let listed = group("new", Some(&["a", "new"]));
    assert_eq!(estimate(&history, None, &listed), (1 + 6, Basis::Neighbours));
    // Groups took 6, 9 and 8.
    assert_eq!(estimate(&history, None, &group("new", None)), (8, Basis::Neighbours));
    assert_eq!(estimate(&history, None, &group("g", None)), (6, Basis::Measured));
}

#[test]
fn one_odd_run_moves_an_estimate_by_half_at_most() {
    for odd in [0, 1, 100_000, DURATION_US_MAX] {
        for at in 1..=3 {
            let us = |run| if run == at { odd } else { 1_000 };
            let history = history([1, 2, 3].map(|run| (run, vec![passed("g", "a", us(run))])));
            let (us, _) = estimate(&history, None, &group("g", Some(&["a"])));
            assert!((750..=1_500).contains(&us), "{odd} in run {at}: {us}");
        }
    }
}

#[test]
fn a_new_test_is_as_what_is_nearest_to_it() {
    let known = [
        ("d/a.py::A::x", 10),
        ("d/a.py::A::x[1]", 30),
        ("d/a.py::B::y", 100),
        ("d/b.py::y", 1_000),
        ("e/c.py::z", 9_000),
        ("e/c.py::z2", 9_000),
        ("e/c.py::z3", 9_000),
    ];
    let run = known.map(|(name, us)| passed(name.split("::").next().unwrap(), name, us));
    let history = history([(1, run.into())]);
    let new = |of: &str, test: &str| {
        let estimate = estimate(&history, None, &group(of, Some(&[test])));
        assert_eq!(estimate.1, Basis::Neighbours);
        estimate.0
    };
    assert_eq!(new("d/a.py", "d/a.py::A::x[2]"), 30, "other parameters of the test");
    assert_eq!(new("d/a.py", "d/a.py::A::new"), 20, "the class");
    assert_eq!(new("d/a.py", "d/a.py::C::new"), 46, "the file; 100 is not beyond 4 times 30");
    assert_eq!(new("d/a.py", "elsewhere"), 46, "the group, whatever the test is called");
    assert_eq!(new("d/new.py", "d/new.py::new"), 100, "the directory; 1,000 counts as 260");
    assert_eq!(new("f/new.py", "f/new.py::new"), 1_000, "the suite");
    let stranger = Group { id: GroupId::new(&suite("t"), "g"), ..group("g", Some(&["a", "b"])) };
    assert_eq!(estimate(&history, None, &stranger), (2_000, Basis::Neighbours), "all suites");
    // Groups that are not listed: those in the directory, then all of them.
    assert_eq!(estimate(&history, None, &group("d/new.py", None)), (570, Basis::Neighbours));
    assert_eq!(estimate(&history, None, &group("f/new.py", None)), (1_000, Basis::Neighbours));
}

#[test]
fn one_long_test_does_not_make_its_new_neighbours_long() {
    let run = [("m.a", 100), ("m.b", 100), ("m.c", 100), ("m.d", 1_000_000)];
    let history = history([(1, run.map(|(name, us)| passed("m", name, us)).into())]);
    assert_eq!(estimate(&history, None, &group("m", Some(&["m.e"]))).0, (300 + 400) / 4);
}

#[test]
fn a_joined_group_is_the_sum_of_its_members_until_it_is_known_itself() {
    let mut history = history([(1, vec![passed("g", "a", 4), passed("h", "b", 10)])]);
    let whole = joined("together:x", &["g", "h"], None);
    assert_eq!(estimate(&history, None, &whole), (14, Basis::Measured));
    let wider = joined("together:y", &["g", "new"], None);
    assert_eq!(estimate(&history, None, &wider), (4 + 7, Basis::Neighbours));
    history.record(2, vec![passed("together:x", "a", 5), passed("together:x", "b", 6)], Vec::new());
    // `a` took 4 and then 5, `b` 10 and then 6.
    assert_eq!(estimate(&history, None, &whole), (4 + 7, Basis::Measured));
}

#[test]
fn each_group_costs_the_suites_typical_overhead() {
    let mut history = History::default();
    history.record(1, vec![passed("g", "a", 10)], facts(2, &[100, 300, 200]));
    history.record(2, vec![passed("g", "a", 10)], facts(4, &[]));
    assert_eq!(estimate(&history, None, &group("g", None)), (210, Basis::Measured));
    assert_eq!(estimate(&history, None, &group("g", Some(&[]))), (200, Basis::Measured));
    let workers = |as_of| Estimator::new(&history, as_of).workers(&suite("s"));
    assert_eq!((workers(None), workers(Some(2)), workers(Some(1))), (Some(4), Some(2), None));
}

#[test]
fn only_a_clean_pass_tells_how_long_a_test_takes() {
    let bad = [Seen::Failed, Seen::Flaky, Seen::Skipped, Seen::Passed(DURATION_US_MAX + 1)];
    let mut history = history([(1, vec![passed("g", "a", 10)])]);
    for (run, seen) in (2..).zip(bad) {
        history.record(run, vec![saw("g", "a", seen), passed("g", "b", 20)], Vec::new());
    }
    assert_eq!(estimate(&history, None, &group("g", Some(&["a"]))), (10, Basis::Measured));
}

#[test]
fn a_test_that_only_ever_failed_is_unknown_and_one_always_skipped_is_free() {
    let run = vec![saw("g", "a", Seen::Failed), saw("g", "b", Seen::Skipped), passed("g", "c", 30)];
    let history = history([(1, run)]);
    assert_eq!(estimate(&history, None, &group("g", Some(&["a"]))), (30, Basis::Neighbours));
    assert_eq!(estimate(&history, None, &group("g", Some(&["b"]))), (1, Basis::Measured));
    assert_eq!(estimate(&history, None, &group("g", None)), (60, Basis::Neighbours));
}

#[test]
fn a_group_forgets_tests_that_it_no_longer_has() {
    let both = || vec![passed("g", "a", 10), passed("g", "b", 20)];
    let one = || vec![passed("g", "a", 10), saw("g", "c", Seen::Skipped)];
    let history = history([(1, both()), (2, one()), (3, one()), (4, one())]);
    let us = |as_of| estimate(&history, as_of, &group("g", None)).0;
    assert_eq!((us(Some(4)), us(Some(5))), (30, 10));
    let last = |as_of| Estimator::new(&history, as_of).tests_last_time(&suite("s"), "g");
    assert_eq!((last(Some(1)), last(Some(2)), last(None)), (None, Some(2), Some(2)));
    assert_eq!(Estimator::new(&history, None).tests_last_time(&suite("s"), "new"), None);
}

#[test]
fn tests_age_out_and_the_file_stays_bounded() {
    let mut history = history([(1, vec![passed("g", "old", 1)])]);
    for run in 2..=RUNS_MAX as u64 {
        history.record(run, vec![saw("g", "a", Seen::Failed)], Vec::new());
    }
    assert_eq!(history.tests(), 2);
    history.record(1_000, vec![saw("g", "a", Seen::Failed)], Vec::new());
    assert_eq!(history.tests(), 1);
    let before = history.clone();
    history.record(1, vec![passed("g", "too late", 1)], Vec::new());
    assert_eq!(history, before);
}

#[test]
fn recording_a_run_again_replaces_what_it_said_of_the_same_suites() {
    let other = || Observation { test: TestId::new(&suite("t"), "x"), ..passed("g", "x", 3) };
    let mut history = history([(1, vec![passed("g", "a", 1), passed("g", "b", 2), other()])]);
    history.record(1, vec![passed("g", "a", 5)], Vec::new());
    assert_eq!(history.tests(), 2);
    assert_eq!(estimate(&history, None, &group("g", Some(&["a"]))), (5, Basis::Measured));
}

#[test]
fn of_two_ends_of_one_test_the_worse_counts() {
    let twice = [Seen::Passed(3), Seen::Failed, Seen::Skipped].map(|seen| saw("g", "a", seen));
    let failed = history([(1, vec![saw("g", "a", Seen::Failed)])]);
    assert_eq!(history([(1, twice.into())]), failed);
}

#[test]
fn the_file_is_lines_that_can_be_read_and_compared() {
    let mut history = History::default();
    history.record(7, vec![passed("f.py", "f.py::a", 10)], facts(2, &[300]));
    let run = [
        passed("f.py", "f.py::a", 12),
        saw("f.py", "f.py::b", Seen::Flaky),
        passed("together:x", "q\"\n", 5),
    ];
    history.record(9, run.into(), Vec::new());
    history.record(11, vec![saw("f.py", "f.py::a", Seen::Failed)], Vec::new());
    let expected = r#"{"format":1}
{"suite":"s","runs":[[7,2,300],[9,null,null],[11,null,null]]}
{"test":"s:f.py::a","prefix":4,"us":[10,12],"at":[0,1],"failed":[2]}
{"test":"s:f.py::b","prefix":4,"flaky":[1]}
{"test":"s:q\"\n","group":"together:x","us":[5],"at":[1]}
"#;
    assert_eq!(String::from_utf8(history.to_bytes()).unwrap(), expected);
    assert_eq!(History::read(expected.as_bytes()).unwrap(), (history, Vec::new()));
}

#[test]
fn damaged_lines_are_left_out_and_counted() {
    let good = history([(1, vec![passed("g", "a", 10)])]);
    let text = String::from_utf8(good.to_bytes()).unwrap();
    for bad in [
        r#"{"test":"s:b","group":"g","us":[1"#,
        r#"{"test":"s:b","group":"g","us":[-1]}"#,
        r#"{"test":"s:b","group":"g","us":[1e99]}"#,
        r#"{"test":"s:b","group":"g","us":[1,2]}"#,
        r#"{"test":"s:b","group":"g","us":[1],"at":[1]}"#,
        r#"{"test":"s:b","group":"g","us":[99999999999999]}"#,
        r#"{"test":"s:b","group":"g","failed":[0,0]}"#,
        r#"{"test":"s:b","prefix":9,"us":[1]}"#,
        r#"{"test":"s:b","us":[1]}"#,
        r#"{"test":"s:b","group":"g"}"#,
        r#"{"test":"s:","group":"g","us":[1]}"#,
        r#"{"test":"no id","group":"g","us":[1]}"#,
        r#"{"test":"unknown:b","group":"g","us":[1]}"#,
        r#"{"suite":"s","runs":[]}"#,
        r#"{"suite":"t","runs":[[2,1,1],[1,1,1]]}"#,
        "<<<<<<< HEAD",
    ] {
        let (read, warnings) = History::read(format!("{text}{bad}\n\n").as_bytes()).unwrap();
        assert_eq!(read, good, "{bad}");
        assert_eq!(warnings, [Warning::Damaged { lines: 1, first: 4 }], "{bad}");
    }
    let later = text.replace(r#""group""#, r#""new":{"x":[1]},"group""#);
    assert_eq!(History::read(later.as_bytes()).unwrap(), (good, Vec::new()));
    let warning = Warning::Damaged { lines: 2, first: 4 }.to_string();
    assert!(warning.contains("2 damaged lines (the first is line 4)"), "{warning}");
}

#[test]
fn a_file_torn_anywhere_keeps_what_is_before() {
    let whole = history([(1, vec![passed("g", "a", 10), passed("g", "b", 20)])]);
    let bytes = whole.to_bytes();
    let header = bytes.iter().position(|&byte| byte == b'\n').unwrap();
    for end in header..bytes.len() {
        let (read, _) = History::read(&bytes[..end]).unwrap();
        assert!(read.tests() <= 2);
    }
    let (read, warnings) = History::read(&bytes[..bytes.len() - 2]).unwrap();
    assert_eq!((read.tests(), warnings.len()), (1, 1));
}

#[test]
fn what_another_program_wrote_is_no_history() {
    let newer = History::read(b"{\"format\":2,\"x\":1}\nwhatever").unwrap_err();
    assert!(matches!(newer, HistoryError::Newer(2)));
    assert!(newer.to_string().contains("format 2"), "{newer}");
    for foreign in [&b"\n"[..], b"{}", b"# README\n", b"{\"format\":1", b"\xff\xfe", b"[[[["] {
        assert!(matches!(History::read(foreign), Err(HistoryError::Foreign)), "{foreign:?}");
    }
    assert_eq!(History::read(b"").unwrap(), (History::default(), Vec::new()));
}

#[test]
fn medians_are_whole_numbers() {
    let median = |values: &[u64]| estimate::median(&mut values.to_vec());
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[9, 1, 5]), Some(5));
    assert_eq!(median(&[9, 1, 4, 5]), Some(4));
    assert_eq!(median(&[u64::MAX, u64::MAX]), Some(u64::MAX));
}

type Run = (Vec<Observation>, Vec<SuiteFacts>);

fn any_seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        4 => (0..5_000_u64).prop_map(Seen::Passed),
        1 => Just(Seen::Failed),
        1 => Just(Seen::Flaky),
        1 => Just(Seen::Skipped),
    ]
}

fn any_run() -> impl Strategy<Value = Run> {
    let observation =
        ("[st]", "[a-c]", "[a-c]\\PC?", any_seen()).prop_map(|(s, group, test, seen)| {
            Observation { test: TestId::new(&suite(&s), &test), group: group.into(), seen }
        });
    let facts = vec((1..9_u32, vec(0..99_u64, 0..4)), 0..2).prop_map(|of_suites| {
        let facts = |((workers, overheads_us), name): (_, &str)| SuiteFacts {
            suite: suite(name),
            workers,
            overheads_us,
        };
        of_suites.into_iter().zip(["s", "t"]).map(facts).collect()
    });
    (vec(observation, 0..12), facts)
}

fn any_runs(runs: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(u64, Run)>> {
    btree_map(any::<u64>(), any_run(), runs).prop_map(|runs| runs.into_iter().collect())
}

fn taught(runs: &[(u64, Run)]) -> History {
    let mut history = History::default();
    for (number, (observations, facts)) in runs {
        history.record(*number, observations.clone(), facts.clone());
    }
    history
}

/// What a run could ask.
fn answers(history: &History, as_of: u64) -> Vec<(Estimate, Option<usize>, Option<u32>)> {
    let estimator = Estimator::new(history, Some(as_of));
    let groups = ["a", "b", "c", "new"].map(|name| group(name, None));
    let listed = ["a", "b", "new"].map(|test| group("a", Some(&[test])));
    let ask = |group: &Group| {
        let last = estimator.tests_last_time(&group.id.suite, &group.id.name);
        (estimator.estimate(group), last, estimator.workers(&group.id.suite))
    };
    groups.iter().chain(&listed).map(ask).collect()
}

/// Runs that one history took in, and those that another did: some of them the same.
fn two_histories() -> impl Strategy<Value = (History, History)> {
    (any_runs(0..60), any::<u64>(), any_runs(0..4)).prop_map(|(runs, pick, other)| {
        let of = |side: u64| {
            let side = move |(at, _): &(usize, _)| (pick >> (at % 32 * 2)) & side != 0;
            taught(
                &runs
                    .iter()
                    .cloned()
                    .enumerate()
                    .filter(side)
                    .map(|(_, run)| run)
                    .collect::<Vec<_>>(),
            )
        };
        let (mut one, two) = (of(1), of(2));
        // The same numbers with other contents, as from two attempts of one run.
        for ((number, _), (_, (observations, facts))) in runs.iter().zip(&other) {
            one.record(*number, observations.clone(), facts.clone());
        }
        (one, two)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_is_commutative_and_idempotent((one, two) in two_histories()) {
        let merged = one.clone().merge(two.clone());
        prop_assert_eq!(merged.to_bytes(), two.clone().merge(one.clone()).to_bytes());
        prop_assert_eq!(&merged.clone().merge(one.clone()), &merged);
        prop_assert_eq!(&merged.clone().merge(two), &merged);
        prop_assert_eq!(one.clone().merge(one.clone()), one.clone());
        prop_assert_eq!(one.clone().merge(History::default()), one);
        let (read, warnings) = History::read(&merged.to_bytes()).unwrap();
        prop_assert_eq!((read, warnings.len()), (merged, 0));
    }

    #[test]
    fn merging_is_recording_all_runs(
        runs in any_runs(0..70), split in any::<prop::sample::Index>(),
    ) {
        let (one, two) = runs.split_at(split.index(runs.len() + 1));
        prop_assert_eq!(taught(one).merge(taught(two)), taught(&runs));
    }

    #[test]
    fn the_order_of_recording_does_not_matter(
        (runs, shuffled) in any_runs(0..70)
            .prop_flat_map(|runs| (Just(runs.clone()), Just(runs).prop_shuffle())),
    ) {
        prop_assert_eq!(taught(&runs).to_bytes(), taught(&shuffled).to_bytes());
    }

    #[test]
    fn recording_again_changes_nothing(
        runs in any_runs(1..20), again in any::<prop::sample::Index>(),
    ) {
        let once = taught(&runs);
        let (number, (observations, facts)) = again.get(&runs);
        let mut twice = once.clone();
        twice.record(*number, observations.clone(), facts.clone());
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn a_later_run_changes_no_earlier_runs_estimates(
        runs in any_runs(1..20), later in 1..=MEASURED_MAX - RECENT,
    ) {
        let split = runs.len().saturating_sub(later);
        let as_of = runs[split].0;
        prop_assert_eq!(answers(&taught(&runs[..split]), as_of), answers(&taught(&runs), as_of));
    }

    #[test]
    fn bytes_read_back_as_they_were(runs in any_runs(0..20)) {
        let history = taught(&runs);
        let (read, warnings) = History::read(&history.to_bytes()).unwrap();
        prop_assert_eq!((&read, &*warnings), (&history, &[][..]));
        prop_assert_eq!(read.to_bytes(), history.to_bytes());
    }

    #[test]
    fn damaged_bytes_never_panic(
        runs in any_runs(1..4), at in any::<prop::sample::Index>(), junk in vec(any::<u8>(), 0..20),
    ) {
        let mut bytes = taught(&runs).to_bytes();
        let at = at.index(bytes.len());
        bytes.splice(at..at, junk);
        if let Ok((mut read, _)) = History::read(&bytes) {
            let _ = answers(&read, u64::MAX);
            read.record(read.next_run(), vec![passed("g", "a", 1)], Vec::new());
            prop_assert!(History::read(&read.to_bytes()).unwrap().1.is_empty());
        }
    }
}
