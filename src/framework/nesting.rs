//! What stands inside what in a listed test's name, and how a part of a group is selected.

use super::judge::Reading;
use super::naming::Naming;
use super::preset::{Selects, nextest_filter, test_argument};
use crate::model::{Member, Nesting};

/// How deep a name is followed: what stands deeper is one test.
const DEPTH_MAX: usize = 16;

impl Reading {
    /// Where the name of a group's listed test can be cut. None where the name does not begin with
    /// the group's, or does not show what it stands in: such a group cannot be split.
    #[must_use]
    pub fn nesting(self, group: &str, test: &str) -> Option<Nesting> {
        match self {
            Self::ExitStatus | Self::Junit { naming: Naming::Jest | Naming::Name, .. } => None,
            // pytest looks for parameters from the first `[` on, the path included.
            Self::Junit { naming: Naming::Pytest, .. } if group.contains('[') => None,
            Self::Junit { naming: Naming::Pytest, .. } | Self::Told { naming: Naming::Pytest } => {
                nesting("::", Some('['), group, test)
            }
            Self::Junit { naming: Naming::ClassAndName, .. } => nesting("::", None, group, test),
            Self::Junit { naming: Naming::Phpunit, .. } => nesting("::", Some(' '), group, test),
            Self::Junit { naming: Naming::Dotted, .. } | Self::Told { naming: _ } => {
                nesting(".", None, group, test)
            }
        }
    }

    /// Whether less than a group can be selected.
    #[must_use]
    pub fn splits_groups(self) -> bool {
        match self {
            Self::ExitStatus => false,
            Self::Junit { selects, naming: _ } => selects.splits_groups(),
            Self::Told { naming: _ } => true,
        }
    }

    /// The members of a part of a group: what selects the class, function or test `unit` of it, in
    /// which these tests are.
    #[must_use]
    pub fn members(self, group: &[Member], unit: &str, tests: &[&str]) -> Vec<Member> {
        match self {
            Self::ExitStatus => group.to_vec(),
            Self::Junit { selects, naming: _ } => selects.members(group, unit, tests),
            // Its tests are selected by their names; this one is for people.
            Self::Told { naming: _ } => {
                vec![Member { name: unit.into(), argument: unit.as_bytes().to_vec() }]
            }
        }
    }
}

/// Cuts a name at each separator behind the group's, and where its parameters begin.
fn nesting(separator: &str, parameters: Option<char>, group: &str, test: &str) -> Option<Nesting> {
    let inside = test.strip_prefix(group)?.strip_prefix(separator)?;
    let parameters = parameters.and_then(|mark| inside.find(mark));
    let start = test.len() - inside.len();
    let mut ends = Vec::new();
    let mut at = start;
    for step in inside[..parameters.unwrap_or(inside.len())].split(separator) {
        if step.is_empty() {
            return None;
        }
        ends.push(at + step.len());
        at += step.len() + separator.len();
    }
    let containers = (ends.len() - 1).min(DEPTH_MAX);
    if ends.len() > DEPTH_MAX {
        ends.truncate(DEPTH_MAX);
        ends.push(at - separator.len());
    }
    if parameters.is_some() {
        ends.push(test.len());
    }
    Some(Nesting { ends, containers })
}

impl Selects {
    fn splits_groups(self) -> bool {
        match self {
            Self::Group => false,
            Self::Test | Self::NextestFilter => true,
        }
    }

    fn members(self, group: &[Member], unit: &str, tests: &[&str]) -> Vec<Member> {
        let member = |name: &str, argument| Member { name: name.into(), argument };
        match self {
            Self::Group => group.to_vec(),
            Self::Test => vec![member(unit, test_argument(group, unit))],
            Self::NextestFilter => {
                let filters = |test: &&str| {
                    let of = |group: &Member| Some(member(test, nextest_filter(group, test)?));
                    group.iter().find_map(of)
                };
                tests.iter().filter_map(filters).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: Reading = Reading::Told { naming: Naming::Dotted };
    const TOLD_BY_PYTEST: Reading = Reading::Told { naming: Naming::Pytest };
    const PYTEST: Reading = Reading::Junit { naming: Naming::Pytest, selects: Selects::Test };
    const CLASSES: Reading =
        Reading::Junit { naming: Naming::ClassAndName, selects: Selects::NextestFilter };
    const JEST: Reading = Reading::Junit { naming: Naming::Jest, selects: Selects::Group };

    /// The prefixes of a test's name, those of containers first.
    fn cuts(reading: Reading, group: &str, test: &str) -> Option<(Vec<String>, usize)> {
        let Nesting { ends, containers } = reading.nesting(group, test)?;
        Some((ends.iter().map(|&end| test[..end].to_owned()).collect(), containers))
    }

    #[test]
    fn pytest_has_classes_functions_and_parameters() {
        let (cuts, containers) = cuts(PYTEST, "t/a.py", "t/a.py::A::B::t[x::y]").unwrap();
        assert_eq!(cuts, ["t/a.py::A", "t/a.py::A::B", "t/a.py::A::B::t", "t/a.py::A::B::t[x::y]"]);
        assert_eq!(containers, 2);
    }

    #[test]
    fn what_pytests_worker_tells_is_cut_like_its_files_and_marked_groups_are_not() {
        let (cuts, containers) = cuts(TOLD_BY_PYTEST, "a[1].py", "a[1].py::A::t[x::y]").unwrap();
        assert_eq!(cuts, ["a[1].py::A", "a[1].py::A::t", "a[1].py::A::t[x::y]"]);
        assert_eq!(containers, 1);
        assert_eq!(TOLD_BY_PYTEST.nesting("@serial", "a.py::t"), None);
    }

    #[test]
    fn a_function_outside_a_class_stands_alone() {
        let (cuts, containers) = cuts(PYTEST, "a.py", "a.py::t").unwrap();
        assert_eq!((cuts, containers), (vec!["a.py::t".to_owned()], 0));
    }

    #[test]
    fn unittest_names_are_dotted() {
        let (cuts, containers) = cuts(TOLD, "m.test", "m.test.Outer.In.t").unwrap();
        assert_eq!(cuts, ["m.test.Outer", "m.test.Outer.In", "m.test.Outer.In.t"]);
        assert_eq!(containers, 2);
    }

    #[test]
    fn names_that_show_nothing_cannot_be_cut() {
        for (reading, group, test) in [
            (PYTEST, "a.py", "b.py::t"),
            (PYTEST, "a.py", "a.py"),
            (PYTEST, "a.py", "a.py::[x]"),
            (PYTEST, "a[1].py", "a[1].py::t"),
            (PYTEST, "a.py", "a.py::A::::t"),
            (TOLD, "m", "unittest.loader._FailedTest.m"),
            (TOLD, "m", "mm.T.t"),
            (CLASSES, "b", "a::t"),
            (JEST, "a.js", "a.js::t"),
        ] {
            assert_eq!(reading.nesting(group, test), None, "{test}");
        }
    }

    #[test]
    fn a_part_is_selected_by_its_classes_and_tests() {
        let group = [Member { name: "\\xff.py".into(), argument: b"\xff.py".to_vec() }];
        let members = Selects::Test.members(&group, "\\xff.py::A", &["\\xff.py::A::t"]);
        assert_eq!(members[0].argument, b"\xff.py::A");
        // What failed of it is selected by the same bytes.
        let again = Selects::Test.arguments(&members, &["\\xff.py::A::t".to_owned()]).unwrap();
        assert_eq!(again, [b"\xff.py::A::t"]);
    }

    #[test]
    fn a_part_of_a_binary_is_a_filter_a_test() {
        let argument = b"--filterset=binary_id(=b)".to_vec();
        let group = [Member { name: "b".into(), argument }];
        let members = Selects::NextestFilter.members(&group, "b::m", &["b::m::t", "b::m::t::u"]);
        let filter = |name: &str| format!("--filterset=binary_id(=b) & test(={name})").into_bytes();
        let found: Vec<_> = members.iter().map(|member| member.argument.clone()).collect();
        assert_eq!(found, [filter("m::t"), filter("m::t::u")]);
        let again = Selects::NextestFilter.arguments(&members, &["b::m::t::u".to_owned()]);
        assert_eq!(again.unwrap(), [filter("m::t::u")]);
    }
}
