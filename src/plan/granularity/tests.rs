use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{Work, make};
use super::*;
use crate::model::{Basis, Limits};

/// Names as pytest has them: `file::Class::function[parameter]`.
fn nesting(group: &Group, test: &str) -> Option<Nesting> {
    let inside = test.strip_prefix(&*group.id.name)?.strip_prefix("::")?;
    let start = test.len() - inside.len();
    let parameters = inside.find('[');
    let named = &inside[..parameters.unwrap_or(inside.len())];
    let mut ends: Vec<usize> = named.match_indices("::").map(|(at, _)| start + at).collect();
    let containers = ends.len();
    ends.push(start + named.len());
    ends.extend(parameters.map(|_| test.len()));
    Some(Nesting { ends, containers })
}

fn members(_: &Group, units: &[Unit<'_>]) -> Vec<Member> {
    let member = |unit: &Unit<'_>| Member { name: unit.name.into(), argument: unit.name.into() };
    units.iter().map(member).collect()
}

/// Groups with the milliseconds of their tests.
#[derive(Debug, Clone, Default)]
struct Suite {
    groups: Vec<Group>,
    us: BTreeMap<String, u64>,
    overhead_us: u64,
    guessed: bool,
    granularity: Granularity,
    kept: Vec<&'static str>,
}

impl Suite {
    fn file(mut self, file: &str, tests: &[(&str, u64)]) -> Self {
        let names = tests.iter().map(|(test, _)| format!("{file}::{test}"));
        self.us.extend(names.clone().zip(tests.iter().map(|(_, ms)| ms * 1_000)));
        self.groups.push(Group {
            id: format!("s:{file}").parse().unwrap(),
            members: vec![Member { name: file.into(), argument: file.into() }],
            tests: Some(names.collect()),
            exclusive: false,
            databases: true,
            aliases: None,
            late: false,
            limits: Limits::default(),
        });
        self
    }

    fn overhead(self, ms: u64) -> Self {
        Self { overhead_us: ms * 1_000, ..self }
    }

    fn tests_us(&self, group: &Group) -> Vec<u64> {
        group.tests.iter().flatten().map(|test| self.us[test]).collect()
    }

    fn estimate(&self, group: &Group) -> Estimate {
        let basis = if self.guessed { Basis::Default } else { Basis::Measured };
        Estimate { us: self.tests_us(group).iter().sum::<u64>() + self.overhead_us, basis }
    }

    /// The groups as planned, and the makespan as they were and as they are.
    fn grained(&self, shards: u32, workers: u32) -> (Grained, u64, u64) {
        let ways = Ways {
            estimate: &|group| self.estimate(group),
            tests_us: &|group| self.tests_us(group),
            nesting: &nesting,
            members: &members,
            granularity: &|_| self.granularity,
            keeps: &|id| self.kept.contains(&&*id.name),
        };
        let any = Grainer::new(&self.groups, &ways);
        let grained = any.parts(shards, workers).replace(self.groups.clone());
        let makespan = |groups: &[Group]| self.makespan(groups, shards, workers);
        let (before, after) = (makespan(&self.groups), makespan(&grained.groups));
        if !self.guessed {
            assert_eq!(any.predict(shards, workers).into_iter().max().unwrap_or(0), after);
        }
        (grained, before, after)
    }

    fn makespan(&self, groups: &[Group], shards: u32, workers: u32) -> u64 {
        let work = groups.iter().map(|group| Work {
            id: group.id.clone(),
            estimate: self.estimate(group),
            exclusive: group.exclusive,
            tests: group.tests.as_deref(),
        });
        let plan = make(work.collect(), shards, workers).unwrap();
        plan.shards.iter().map(|shard| shard.predicted_us).max().unwrap()
    }

    /// The names of the groups as planned.
    fn names(&self, shards: u32) -> Vec<String> {
        let (grained, ..) = self.grained(shards, 1);
        grained.groups.iter().map(|group| group.id.name.to_string()).collect()
    }
}

#[test]
fn what_is_within_its_share_stays_as_it_is() {
    let suite = Suite::default()
        .file("a.py", &[("t", 500), ("u", 500)])
        .file("b.py", &[("t", 900)])
        .file("c.py", &[("t", 1_000)])
        .file("d.py", &[("t", 1_000)]);
    assert_eq!(suite.names(4), ["a.py", "b.py", "c.py", "d.py"]);
    assert_eq!(suite.names(1), ["a.py", "b.py", "c.py", "d.py"]);
}

#[test]
fn a_file_beyond_its_share_is_split_along_classes() {
    let suite = Suite::default()
        .file("a.py", &[("A::t", 300), ("B::t", 600), ("B::u", 300), ("A::u", 600)])
        .file("b.py", &[("t", 900)]);
    assert_eq!(suite.names(3), ["a.py::A", "a.py::B", "b.py"]);
    let (grained, ..) = suite.grained(3, 1);
    // In the file's order, whatever stands between.
    assert_eq!(grained.groups[0].tests.as_deref().unwrap(), ["a.py::A::t", "a.py::A::u"]);
    let of: Vec<_> = grained.parts.values().map(|of| &*of.name).collect();
    assert_eq!(of, ["a.py", "a.py"]);
}

#[test]
fn a_class_is_split_only_when_it_is_too_much_itself() {
    let suite = Suite::default()
        .file("a.py", &[("A::t", 900), ("A::u", 900), ("B::t", 450), ("B::u", 450)]);
    assert_eq!(suite.names(3), ["a.py::A::t", "a.py::A::u", "a.py::B"]);
    let suite = suite.file("b.py", &[("t", 900)]);
    assert_eq!(suite.names(2), ["a.py::A", "a.py::B", "b.py"]);
}

#[test]
fn parameters_part_last() {
    let suite = Suite::default().file("a.py", &[("t[x]", 500), ("t[y]", 500), ("u[::]", 1_000)]);
    assert_eq!(suite.names(2), ["a.py::t", "a.py::u"]);
    assert_eq!(suite.names(3), ["a.py::t", "a.py::u"]);
    let suite = Suite::default().file("a.py", &[("t[x]", 500), ("t[y]", 500)]);
    assert_eq!(suite.names(2), ["a.py::t[x]", "a.py::t[y]"]);
}

#[test]
fn a_part_of_several_is_named_after_its_first_and_last() {
    let tests = ["a", "b", "c", "d", "e", "f"].map(|name| (name, 100));
    let suite = Suite::default().file("a.py", &tests);
    assert_eq!(suite.names(2), ["a.py::a..c", "a.py::d..f"]);
    let tests = [("A::a", 100), ("A::b", 100), ("A::c", 100), ("A::d", 100)];
    let suite = Suite::default().file("a.py", &tests);
    assert_eq!(suite.names(2), ["a.py::A::a..b", "a.py::A::c..d"]);
}

#[test]
fn a_part_is_selected_by_the_largest_that_is_whole_in_it() {
    let tests =
        [("A::a", 300), ("A::b", 300), ("t[x]", 300), ("t[y]", 300), ("u", 600), ("v", 600)];
    let (grained, ..) = Suite::default().file("a.py", &tests).grained(2, 1);
    let members: Vec<&str> = grained.groups[0].members.iter().map(|m| &*m.name).collect();
    assert_eq!(members, ["a.py::A", "a.py::t"]);
    assert_eq!(&*grained.groups[0].id.name, "a.py::A..t");
}

#[test]
fn parts_that_would_not_pay_are_not_made() {
    let tests = [("a", 400), ("b", 400), ("c", 400), ("d", 400)];
    let suite = Suite::default().file("a.py", &tests);
    assert_eq!(suite.names(4).len(), 4);
    // Two parts of 1.4 s are better than 2.2 s for all; a part of 0.4 s that costs 0.6 s is not.
    assert_eq!(suite.clone().overhead(600).names(4), ["a.py::a..b", "a.py::c..d"]);
    assert_eq!(suite.overhead(60_000).names(4), ["a.py"]);
}

#[test]
fn nothing_measured_splits_no_class() {
    let tests = [("A::t", 1_000), ("A::u", 1_000), ("A::v", 1_000), ("A::w", 1_000)];
    let guessed = Suite { guessed: true, ..Suite::default() }.file("a.py", &tests);
    assert_eq!(guessed.names(4), ["a.py"]);
    assert_eq!(guessed.file("b.py", &tests).names(8), ["a.py", "b.py"]);
}

#[test]
fn what_must_stay_whole_does() {
    let tests = [("A::t", 600), ("A::u", 600), ("B::t", 900), ("B::u", 900)];
    let suite = Suite::default().file("a.py", &tests);
    assert_eq!(suite.names(4).len(), 4);
    let kept = |name| Suite { kept: vec![name], ..suite.clone() };
    assert_eq!(kept("a.py").names(4), ["a.py"]);
    assert_eq!(kept("a.py::A").names(4), ["a.py::A", "a.py::B::t", "a.py::B::u"]);
    let mut together = suite.clone();
    together.groups[0].members.push(Member { name: "b.py".into(), argument: "b.py".into() });
    assert_eq!(together.names(4), ["a.py"]);
}

#[test]
fn a_granularity_that_is_asked_for_is_made() {
    let tests = [("A::t", 1), ("A::I::u", 1), ("B::t", 1), ("f", 1), ("g[1]", 1), ("g[2]", 1)];
    let suite = Suite::default().file("a.py", &tests);
    let asked = |granularity| Suite { granularity, ..suite.clone() }.names(1);
    assert_eq!(asked(Granularity::File), ["a.py"]);
    // `A` holds more than its own tests, so what is left of it is named by them.
    assert_eq!(asked(Granularity::Class), ["a.py::A::I", "a.py::A::t", "a.py::B", "a.py::f..g"]);
    assert_eq!(asked(Granularity::Test).len(), 6);
}

#[test]
fn a_part_that_would_take_anothers_name_is_not_made() {
    let suite =
        Suite::default().file("a.py", &[("A::t", 900), ("B::t", 900)]).file("a.py::A", &[("t", 1)]);
    assert_eq!(suite.names(2), ["a.py", "a.py::A"]);
}

#[test]
fn a_test_that_would_select_another_is_not_parted_from_it() {
    let suite = Suite::default().file("a.py", &[("t", 900), ("t[x]", 900)]);
    assert_eq!(suite.names(2), ["a.py"]);
}

#[test]
fn names_that_fit_no_command_line_are_parted() {
    let tests: Vec<(String, u64)> =
        (0..40).map(|n| (format!("{n}{}", "x".repeat(30_000)), 0)).collect();
    let tests: Vec<(&str, u64)> = tests.iter().map(|(name, ms)| (&**name, *ms)).collect();
    let suite = Suite { granularity: Granularity::Class, ..Suite::default() };
    assert_eq!(suite.file("a.py", &tests).names(1).len(), 3);
}

#[test]
fn the_longest_that_cannot_be_split_is_named() {
    let suite = Suite::default()
        .file("a.py", &[("A::t", 900), ("A::u", 300), ("B::t", 600)])
        .file("b.py", &[("t", 800)])
        .overhead(100);
    let ways = Ways {
        estimate: &|group| suite.estimate(group),
        tests_us: &|group| suite.tests_us(group),
        nesting: &nesting,
        members: &members,
        granularity: &|_| Granularity::Auto,
        keeps: &|_| false,
    };
    let longest = Grainer::new(&suite.groups, &ways).longest().unwrap();
    assert_eq!(longest, Longest { id: "s:a.py::A::t".parse().unwrap(), us: 1_000_000 });
}

/// Tests in up to two classes, some with a parameter.
const NAMES: &str = "[AB]{0,2}[ab]{1,2}(\\[[xy]\\])?";

/// `ABa[x]` as `A::B::a[x]`.
fn spread(test: &str) -> String {
    let mut name = String::new();
    for c in test.chars() {
        name.push(c);
        name.push_str(if c.is_ascii_uppercase() { "::" } else { "" });
    }
    name
}

/// Whether a test's function is there with parameters too, as it cannot be.
fn has_parameters(test: &str, all: &[(String, u64)]) -> bool {
    let rests = all.iter().filter_map(|(other, _)| other.strip_prefix(test));
    rests.into_iter().any(|rest| rest.starts_with('['))
}

prop_compose! {
    fn any_suite()(
        files in prop::collection::vec(
            (
                prop::collection::btree_map(NAMES, 0..3_000_u64, 1..12),
                any::<bool>(),
            ),
            1..6,
        ),
        overhead in prop_oneof![Just(0), 1..2_000_u64],
        guessed in any::<bool>(),
        granularity in prop_oneof![
            Just(Granularity::Auto),
            Just(Granularity::Class),
            Just(Granularity::Test),
        ],
    ) -> Suite {
        let mut suite = Suite { guessed, granularity, ..Suite::default() }.overhead(overhead);
        for (number, (tests, exclusive)) in files.into_iter().enumerate() {
            let named: Vec<(String, u64)> =
                tests.iter().map(|(test, ms)| (spread(test), *ms)).collect();
            let named: Vec<(&str, u64)> = named
                .iter()
                .filter(|(test, _)| !has_parameters(test, &named))
                .map(|(test, ms)| (&**test, *ms))
                .collect();
            suite = suite.file(&format!("f{number}.py"), &named);
            suite.groups[number].exclusive = exclusive;
        }
        suite
    }
}

proptest! {
    #[test]
    fn each_test_is_in_exactly_one_part(
        suite in any_suite(), shards in 1..9_u32, workers in 1..4_u32
    ) {
        let (grained, ..) = suite.grained(shards, workers);
        let mut ids: Vec<&GroupId> = grained.groups.iter().map(|group| &group.id).collect();
        ids.dedup();
        prop_assert_eq!(ids.len(), grained.groups.len());
        let mut found: BTreeMap<&GroupId, Vec<&String>> = BTreeMap::new();
        for group in &grained.groups {
            let of = grained.parts.get(&group.id).unwrap_or(&group.id);
            let tests = group.tests.as_deref().unwrap();
            let whole = suite.groups.iter().find(|whole| whole.id == *of).unwrap();
            prop_assert_eq!(group.exclusive, whole.exclusive);
            // In the order of the whole.
            let mut left = whole.tests.iter().flatten();
            prop_assert!(tests.iter().all(|test| left.any(|other| other == test)));
            // What selects it selects that and nothing else.
            let selected = |test: &&String| group.members.iter().any(|member| {
                test.strip_prefix(&*member.name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '[']))
            });
            let chosen = whole.tests.iter().flatten().filter(selected).count();
            prop_assert_eq!(chosen, tests.len());
            found.entry(of).or_default().extend(tests);
        }
        for whole in &suite.groups {
            let mut tests: Vec<&String> = whole.tests.iter().flatten().collect();
            let found = found.get_mut(&whole.id).unwrap();
            tests.sort();
            found.sort();
            prop_assert_eq!(&tests, found);
        }
    }

    #[test]
    fn the_order_of_groups_does_not_matter(suite in any_suite(), shards in 1..9_u32) {
        let mut turned = suite.clone();
        turned.groups.reverse();
        prop_assert_eq!(suite.grained(shards, 1).0, turned.grained(shards, 1).0);
    }

    #[test]
    fn parts_never_cost_more_than_they_bring(
        suite in any_suite(), shards in 1..9_u32, workers in 1..4_u32
    ) {
        let suite = Suite { granularity: Granularity::Auto, guessed: false, ..suite };
        let (grained, before, after) = suite.grained(shards, workers);
        prop_assert!(after <= before, "{} > {}", after, before);
        for part in grained.groups.iter().filter(|group| grained.parts.contains_key(&group.id)) {
            let tests: u64 = suite.tests_us(part).iter().sum();
            prop_assert!(tests >= suite.overhead_us, "{} takes {}", part.id, tests);
        }
        if !grained.parts.is_empty() {
            prop_assert!(after < before, "{} is no better than {}", after, before);
        }
    }
}
