use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::*;
use crate::model::{Basis, SuiteName};

fn id(name: &str) -> GroupId {
    GroupId::new(&SuiteName::new("s").unwrap(), name)
}

fn work(name: &str, us: u64) -> Work<'static> {
    let estimate = Estimate { us, basis: Basis::Measured };
    Work { id: id(name), estimate, exclusive: false, tests: None }
}

fn alone(name: &str, us: u64) -> Work<'static> {
    Work { exclusive: true, ..work(name, us) }
}

/// The names of each shard's groups, in start order.
fn names_by_shard(plan: &Plan) -> Vec<Vec<&str>> {
    plan.shards.iter().map(|shard| shard.groups.iter().map(name_of).collect()).collect()
}

fn name_of(group: &Assigned) -> &str {
    &group.id.name
}

fn predicted(plan: &Plan) -> Vec<u64> {
    plan.shards.iter().map(|shard| shard.predicted_us).collect()
}

#[test]
fn the_longest_goes_first_onto_the_emptiest_lane() {
    let plan = make(
        ["a", "b", "c", "d"].iter().zip([2, 9, 5, 3]).map(|(n, us)| work(n, us)).collect(),
        2,
        1,
    )
    .unwrap();
    assert_eq!(names_by_shard(&plan), [vec!["b"], vec!["c", "d", "a"]]);
    assert_eq!(predicted(&plan), [9, 10]);
    assert_eq!(plan.groups(), 4);
}

#[test]
fn equal_groups_start_by_id_and_use_every_shard_before_a_second_lane() {
    let work: Vec<_> = ["d", "c", "b", "a", "e"].map(|name| work(name, 7)).into();
    let plan = make(work, 3, 2).unwrap();
    assert_eq!(names_by_shard(&plan), [vec!["a", "d"], vec!["b", "e"], vec!["c"]]);
    assert_eq!(predicted(&plan), [7, 7, 7]);
}

#[test]
fn exclusive_groups_come_first_and_hold_all_lanes_of_their_shard() {
    let plan = make(vec![work("long", 50), alone("x", 10), work("mid", 42)], 2, 2).unwrap();
    // Shard 2 is free at 0, shard 1 only at 10.
    assert_eq!(names_by_shard(&plan), [vec!["x"], vec!["long", "mid"]]);
    assert_eq!(predicted(&plan), [10, 50]);
    let plan = make(vec![work("long", 50), alone("x", 10), alone("y", 30)], 1, 4).unwrap();
    assert_eq!(names_by_shard(&plan), [vec!["y", "x", "long"]]);
    assert_eq!(predicted(&plan), [90]);
}

#[test]
fn an_empty_plan_and_a_shard_without_groups_are_plans() {
    let plan = make(Vec::new(), 3, 2).unwrap();
    assert_eq!(predicted(&plan), [0, 0, 0]);
    let plan = make(vec![work("a", 1)], 3, 2).unwrap();
    assert!(plan.shard(Shard::new(3, 3).unwrap()).groups.is_empty());
}

#[test]
fn doubled_ids_are_named_and_counted() {
    let twice = ["a", "b\n", "a", "c", "b\n", "b\n"].map(|name| work(name, 1)).into();
    let error = make(twice, 2, 1).unwrap_err();
    assert_eq!(error, PlanError::Duplicate(vec![id("a"), id("b\n")]));
    assert!(error.to_string().ends_with(r"`s:a`, `s:b\n`"), "{error}");
    let many = (0..20).map(|number| work(&format!("{:02}", number / 2), 1)).collect();
    assert!(make(many, 2, 1).unwrap_err().to_string().ends_with("`s:04` and 5 more"));
}

#[test]
fn numbers_beyond_their_limits_are_refused() {
    assert_eq!(make(Vec::new(), 0, 1), Err(PlanError::Shards(0)));
    assert_eq!(make(Vec::new(), SHARDS_MAX + 1, 1), Err(PlanError::Shards(SHARDS_MAX + 1)));
    assert_eq!(make(Vec::new(), 1, 0), Err(PlanError::Workers(0)));
    assert_eq!(make(Vec::new(), 1, u32::MAX), Err(PlanError::Workers(u32::MAX)));
    assert!(make(vec![work("a", 1)], SHARDS_MAX, WORKERS_MAX).is_ok());
}

#[test]
fn endless_estimates_do_not_overflow() {
    let work: Vec<_> = ["a", "b", "c"].map(|name| work(name, u64::MAX)).into();
    assert_eq!(predicted(&make(work, 1, 2).unwrap()), [u64::MAX]);
}

#[test]
fn the_fingerprint_tells_every_input_apart() {
    let (ab, a_b) = (["ab".to_owned()], ["a".to_owned(), "b".to_owned()]);
    let with = |tests| Work { tests, ..work("g", 5) };
    let plans = [
        make(vec![work("g", 5)], 2, 1),
        make(vec![work("g", 6)], 2, 1),
        make(vec![work("h", 5)], 2, 1),
        make(vec![alone("g", 5)], 2, 1),
        make(vec![work("g", 5)], 3, 1),
        make(vec![work("g", 5)], 2, 2),
        make(vec![with(Some(&[]))], 2, 1),
        make(vec![with(Some(&ab))], 2, 1),
        make(vec![with(Some(&a_b))], 2, 1),
    ];
    let distinct: BTreeSet<_> =
        plans.iter().map(|plan| plan.as_ref().unwrap().fingerprint.to_string()).collect();
    assert_eq!(distinct.len(), plans.len());
    assert!(distinct.iter().all(|digits| digits.len() == 32), "{distinct:?}");
}

#[test]
fn the_fingerprint_is_the_same_on_every_machine() {
    let plan = make(vec![work("a", 1), alone("b", 2)], 2, 1).unwrap();
    // Changes only together with `ALGORITHM`.
    assert_eq!(plan.fingerprint.as_str(), "b881aa3ae074b0c1f4f3694be7854c0d");
}

#[test]
fn json_is_what_other_programs_rely_on() {
    let plan = make(vec![work("a", 4), alone("b", 2)], 2, 3).unwrap();
    let expected = concat!(
        r#"{"format":1,"fingerprint":"FP","workers":3,"shards":["#,
        r#"{"index":1,"predicted_us":2,"groups":["#,
        r#"{"id":"s:b","estimate_us":2,"basis":"measured","exclusive":true}]},"#,
        r#"{"index":2,"predicted_us":4,"groups":["#,
        r#"{"id":"s:a","estimate_us":4,"basis":"measured"}]}]}"#,
    );
    assert_eq!(
        to_json(&plan, &[], &BTreeMap::new()),
        expected.replace("FP", plan.fingerprint.as_str())
    );
}

#[test]
fn json_that_is_no_whole_plan_is_refused() {
    let plan = make(vec![work("a", 4), work("b", 2)], 2, 3).unwrap();
    let good = to_json(&plan, &[], &BTreeMap::new());
    let refused = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        read(good.replace(from, to).as_bytes()).unwrap_err().to_string()
    };
    assert!(refused(r#""format":1"#, r#""format":2,"x":[]"#).contains("format 2"));
    assert!(refused(r#""index":2"#, r#""index":1"#).contains("1, 2, 3"));
    assert!(refused("s:b", "s:a").contains("`s:a` more than once"));
    assert!(refused(r#""workers":3"#, r#""workers":0"#).contains("0 workers"));
    assert!(refused(r#""workers":3"#, r#""workers":4000000000"#).contains("4000000000 workers"));
    assert!(refused(r#""estimate_us":4"#, r#""estimate_us":-4"#).contains("not a plan"));
    assert!(refused(r#""estimate_us":4"#, r#""estimate_us":5"#).contains("was changed"));
    assert!(refused(r#""id":"s:a""#, r#""id":"s:a","tests":["t"]"#).contains("was changed"));
    assert!(refused(r#""id":"s:a""#, r#""id":"s:a","part_of":"""#).contains("without a name"));
    assert!(read(&good.as_bytes()[..good.len() - 1]).is_err());
    assert!(read(good.replace(r#""index":1"#, r#""later":true,"index":1"#).as_bytes()).is_ok());
}

#[test]
fn the_table_shows_groups_shards_and_the_spread() {
    let new = Estimate { us: 350_000, basis: Basis::Neighbours };
    let new = Work { estimate: new, ..work("tests/new.py", 0) };
    let plan = make(vec![work("tests/a.py", 1_400_000), new, alone("b", 700_000)], 2, 1).unwrap();
    let table = render(&plan, Detail::Biggest, 80);
    let expected = "\
shard  group               estimate  from
    1  s:b                   700 ms  measured    ██████████ alone
    1  s:tests/new.py        350 ms  neighbours  █████
    2  s:tests/a.py           1.4 s  measured    ████████████████████

shard  groups             predicted
    1  2                      1.1 s              ███████████████
    2  1                      1.4 s              ████████████████████

3 groups over 2 shards of 1 worker, spread 350 ms (25 %), plan FP
";
    assert_eq!(table, expected.replace("FP", plan.fingerprint.as_str()));
}

#[test]
fn a_long_table_is_cut_unless_all_is_asked_for() {
    let many: Vec<_> = (1..=100).map(|us| work(&format!("{us:03}"), us * 1_000)).collect();
    let plan = make(many, 1, 1).unwrap();
    let brief = render(&plan, Detail::Biggest, 80);
    // The 40 smallest take 1 + 2 + … + 40 ms.
    assert!(brief.contains("\n    1  … 40 smaller        820 ms\n"), "{brief}");
    assert!(!brief.contains("s:040"));
    assert!(render(&plan, Detail::All, 80).contains("s:001"));
}

#[test]
fn hostile_names_stay_on_their_line_and_in_their_column() {
    let names = ["a\nb\u{1b}[2J", "\u{202e}evil", &"宽".repeat(200), &"x".repeat(500), ""];
    let plan = make(names.map(|name| alone(name, 9)).into(), 2, 2).unwrap();
    for columns in [0, 40, 80, 200] {
        let table = render(&plan, Detail::All, columns);
        assert_eq!(table.lines().count(), 1 + names.len() + 1 + 3 + 1 + 1);
        assert!(!table.contains(['\u{1b}', '\u{202e}']));
        let groups = table.lines().take(1 + names.len());
        assert!(groups.into_iter().all(|line| line.width() <= columns.max(73)), "{table}");
    }
}

/// The best makespan there is, by trying everything.
fn optimum(jobs: &[u64], lanes: &mut [u64]) -> u64 {
    let Some((&job, rest)) = jobs.split_first() else {
        return lanes.iter().copied().max().unwrap_or(0);
    };
    let mut best = u64::MAX;
    for lane in 0..lanes.len() {
        lanes[lane] += job;
        best = best.min(optimum(rest, lanes));
        lanes[lane] -= job;
        if lanes[lane] == 0 {
            break; // empty lanes are all alike
        }
    }
    best
}

fn any_work() -> impl Strategy<Value = Vec<Work<'static>>> {
    let group = ("[a-c]{0,4}\\PC?", 1..1_000_u64, prop::bool::weighted(0.2));
    vec(group, 0..40).prop_map(|groups| {
        let unique: BTreeMap<_, _> =
            groups.into_iter().map(|(name, us, exclusive)| (name, (us, exclusive))).collect();
        let made = |(name, (us, exclusive)): (String, _)| Work { exclusive, ..work(&name, us) };
        unique.into_iter().map(made).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_group_is_in_exactly_one_shard(
        work in any_work(), shards in 1..9_u32, workers in 1..5_u32,
    ) {
        let plan = make(work.clone(), shards, workers).unwrap();
        let indexes: Vec<u32> = plan.shards.iter().map(|shard| shard.index).collect();
        prop_assert_eq!(indexes, (1..=shards).collect::<Vec<_>>());
        let mut planned: Vec<_> = plan
            .shards
            .iter()
            .flat_map(|shard| &shard.groups)
            .map(|group| (group.id.clone(), group.estimate, group.exclusive))
            .collect();
        planned.sort_by(|a, b| a.0.cmp(&b.0));
        let mut wanted: Vec<_> =
            work.into_iter().map(|work| (work.id, work.estimate, work.exclusive)).collect();
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        prop_assert_eq!(planned, wanted);
        for shard in &plan.shards {
            let order = |g: &Assigned| (!g.exclusive, Reverse(g.estimate.us), g.id.clone());
            prop_assert!(shard.groups.is_sorted_by_key(order));
        }
    }

    #[test]
    fn a_shard_that_pulls_from_one_queue_takes_as_long_as_predicted(
        work in any_work(), shards in 1..5_u32, workers in 1..5_u32,
    ) {
        for shard in make(work, shards, workers).unwrap().shards {
            let mut lanes = vec![0; workers as usize];
            for Assigned { estimate, exclusive, .. } in &shard.groups {
                if *exclusive {
                    let start = *lanes.iter().max().unwrap();
                    lanes.fill(start + estimate.us);
                } else {
                    *lanes.iter_mut().min().unwrap() += estimate.us;
                }
            }
            prop_assert_eq!(lanes.into_iter().max().unwrap(), shard.predicted_us);
        }
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(
        (sorted, shuffled) in any_work()
            .prop_flat_map(|work| (Just(work.clone()), Just(work).prop_shuffle())),
        shards in 1..9_u32,
    ) {
        prop_assert_eq!(make(sorted, shards, 2), make(shuffled, shards, 2));
    }

    #[test]
    fn no_plan_is_worse_than_grahams_bound(
        jobs in vec(1..100_u64, 1..10), shards in 1..3_u32, workers in 1..3_u32,
    ) {
        let lanes = u64::from(shards * workers);
        let named = jobs.iter().enumerate().map(|(n, &us)| work(&n.to_string(), us));
        let plan = make(named.collect(), shards, workers).unwrap();
        let makespan = *predicted(&plan).iter().max().unwrap();
        let mut longest_first = jobs;
        longest_first.sort_by_key(|&us| Reverse(us));
        let best = optimum(&longest_first, &mut vec![0; usize::try_from(lanes).unwrap()]);
        prop_assert!(makespan >= best);
        // makespan ≤ (4/3 − 1/(3m)) · best, without fractions.
        prop_assert!(makespan * 3 * lanes <= (4 * lanes - 1) * best, "{makespan} against {best}");
    }

    #[test]
    fn json_reads_back_as_it_was(work in any_work(), shards in 1..5_u32) {
        // An id without a name has no text form.
        let work = work.into_iter().filter(|work| !work.id.name.is_empty()).collect();
        let plan = make(work, shards, 2).unwrap();
        let json = to_json(&plan, &[], &BTreeMap::new());
        prop_assert_eq!(read(json.as_bytes()).unwrap().plan, plan);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes).is_err());
    }
}
