//! `[[rule]]`: what the plan must respect. Rules come as data; nothing here reads a file.
//!
//! All rules that match a group apply, in order: of two that say different things, the later wins.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};

use crate::model::{Group, GroupId, Limits};

/// What the name of a group that a rule keeps together starts with.
const TOGETHER: &str = "together:";

/// A glob over names: `*` is any text, `/`, `.` and line ends included; `?`, `[a-z]`, `{a,b}` and
/// `\` as usual.
#[derive(Debug, Clone)]
pub struct Pattern(GlobMatcher);

/// A pattern that is no glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a pattern: {why}")]
pub struct PatternError {
    /// What was given.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

impl Pattern {
    /// Compiles a glob.
    ///
    /// # Errors
    /// When it is none: a bracket is not closed, say.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        let glob = GlobBuilder::new(pattern)
            .literal_separator(false)
            .backslash_escape(true)
            .build()
            .map_err(|error| PatternError {
                pattern: pattern.to_owned(),
                why: error.kind().to_string(),
            })?;
        Ok(Self(glob.compile_matcher()))
    }

    /// Whether it matches a group's name or its whole id, `suite:name`.
    #[must_use]
    pub fn matches(&self, id: &GroupId) -> bool {
        self.0.is_match(&*id.name) || self.0.is_match(id.to_string())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.glob().glob().fmt(f)
    }
}

/// One `[[rule]]`. What is `None` is left as it is.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The groups that it is about.
    pub pattern: Pattern,
    /// Whether they are alone on their shard's machine while they run.
    pub exclusive: Option<bool>,
    /// Whether their tests use the databases of their suite.
    pub database: Option<bool>,
    /// The label under which those of one suite become one group.
    pub together: Option<String>,
    /// How long one execution may take.
    pub timeout: Option<Duration>,
    /// How often a failed one is tried again.
    pub retries: Option<u32>,
}

/// Groups as the rules want them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruled {
    /// By id.
    pub groups: Vec<Group>,
    /// The positions of the rules that matched no group: a misspelt pattern, usually.
    pub unmatched: Vec<usize>,
}

/// Applies the rules. Groups kept together become one named `together:<label>`, with the members
/// and tests of all in the order of their ids (no list of tests if one of them has none),
/// exclusive if one of them is, under the largest of their limits.
#[must_use]
pub fn apply(mut groups: Vec<Group>, rules: &[Rule]) -> Ruled {
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    let mut matched = vec![false; rules.len()];
    let mut done = Vec::with_capacity(groups.len());
    let mut joined: BTreeMap<GroupId, Group> = BTreeMap::new();
    for mut group in groups {
        let mut label = None;
        for (rule, matched) in rules.iter().zip(&mut matched) {
            let Rule { pattern, exclusive, database, together, timeout, retries } = rule;
            if !pattern.matches(&group.id) {
                continue;
            }
            *matched = true;
            group.exclusive = exclusive.unwrap_or(group.exclusive);
            group.databases = database.unwrap_or(group.databases);
            group.limits.timeout = timeout.or(group.limits.timeout);
            group.limits.retries = retries.or(group.limits.retries);
            label = together.as_deref().or(label);
        }
        match label {
            None => done.push(group),
            Some(label) => {
                let id = GroupId::new(&group.id.suite, &format!("{TOGETHER}{label}"));
                let whole = match joined.remove(&id) {
                    None => Group { id: id.clone(), ..group },
                    Some(first) => join(first, group),
                };
                joined.insert(id, whole);
            }
        }
    }
    done.extend(joined.into_values());
    done.sort_by(|a, b| a.id.cmp(&b.id));
    let unmatched = (0..rules.len()).filter(|&index| !matched[index]).collect();
    Ruled { groups: done, unmatched }
}

/// The first group, with the second after it.
fn join(first: Group, second: Group) -> Group {
    let Group { id, mut members, tests, exclusive, databases, limits } = first;
    members.extend(second.members);
    let tests = tests.zip(second.tests).map(|(mut all, more)| {
        all.extend(more);
        all
    });
    let limits = Limits {
        timeout: limits.timeout.max(second.limits.timeout),
        retries: limits.retries.max(second.limits.retries),
    };
    let exclusive = exclusive || second.exclusive;
    let databases = databases || second.databases;
    Group { id, members, tests, exclusive, databases, limits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Member;

    fn group(id: &str, tests: Option<&[&str]>) -> Group {
        let id: GroupId = id.parse().unwrap();
        let name = id.name.to_string();
        Group {
            members: vec![Member { argument: name.clone().into_bytes(), name }],
            tests: tests.map(|tests| tests.iter().map(ToString::to_string).collect()),
            id,
            exclusive: false,
            databases: true,
            limits: Limits::default(),
        }
    }

    fn rule(pattern: &str) -> Rule {
        let pattern = Pattern::new(pattern).unwrap();
        Rule {
            pattern,
            exclusive: None,
            database: None,
            together: None,
            timeout: None,
            retries: None,
        }
    }

    fn together(pattern: &str, label: &str) -> Rule {
        Rule { together: Some(label.to_owned()), ..rule(pattern) }
    }

    fn ids(ruled: &Ruled) -> Vec<String> {
        ruled.groups.iter().map(|group| group.id.to_string()).collect()
    }

    #[test]
    fn a_star_is_any_text_and_the_suite_may_be_named() {
        let id = |text: &str| text.parse::<GroupId>().unwrap();
        for (pattern, text, expected) in [
            ("shop.billing.*", "web:shop.billing.tests.T", true),
            ("shop.billing.*", "web:shop.billings", false),
            ("tests/*_slow.py", "web:tests/a/.b/c_slow.py", true),
            ("web:*", "web:a\nb", true),
            ("web:*", "net:a", false),
            ("*", "web:-\u{202e}'\"", true),
            ("t?st", "web:t/st", true),
            ("t\\[1\\]", "web:t[1]", true),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(&id(text)), expected, "{pattern}");
        }
    }

    #[test]
    fn a_broken_pattern_says_what_is_wrong() {
        let error = Pattern::new("a[b").unwrap_err().to_string();
        assert!(error.starts_with("`a[b` is not a pattern: "), "{error}");
        assert_eq!(Pattern::new("a*").unwrap().to_string(), "a*");
    }

    #[test]
    fn later_rules_win_and_silent_ones_leave_things_alone() {
        let minutes = |n: u64| Some(Duration::from_secs(n * 60));
        let rules = [
            Rule { exclusive: Some(true), timeout: minutes(9), retries: Some(2), ..rule("*") },
            Rule { exclusive: Some(false), timeout: minutes(1), ..rule("b*") },
            rule("typo"),
        ];
        let Ruled { groups, unmatched } =
            apply(vec![group("s:b", None), group("s:a", None)], &rules);
        assert_eq!(unmatched, [2]);
        let [a, b] = &groups[..] else { panic!("{groups:?}") };
        assert_eq!((a.exclusive, b.exclusive), (true, false));
        assert_eq!(a.limits, Limits { timeout: minutes(9), retries: Some(2) });
        assert_eq!(b.limits, Limits { timeout: minutes(1), retries: Some(2) });
    }

    #[test]
    fn groups_kept_together_become_one_of_each_suite() {
        let mut exclusive = group("s:b2", Some(&["t3"]));
        exclusive.exclusive = true;
        let groups = vec![
            exclusive,
            group("s:c", None),
            group("s:b1", Some(&["t2", "t1"])),
            group("z:b", Some(&[])),
        ];
        let slow = Rule { timeout: Some(Duration::from_secs(5)), retries: Some(1), ..rule("b1") };
        let ruled = apply(groups, &[together("b*", "B"), slow]);
        assert_eq!(ids(&ruled), ["s:c", "s:together:B", "z:together:B"]);
        let joined = &ruled.groups[1];
        let members: Vec<&str> = joined.members.iter().map(|member| &*member.name).collect();
        assert_eq!(members, ["b1", "b2"]);
        assert_eq!(joined.tests.as_deref().unwrap(), ["t2", "t1", "t3"]);
        assert!(joined.exclusive);
        let limits = Limits { timeout: Some(Duration::from_secs(5)), retries: Some(1) };
        assert_eq!(joined.limits, limits);
    }

    #[test]
    fn a_joined_group_lists_no_tests_if_one_member_lists_none() {
        let groups = vec![group("s:a", Some(&["t"])), group("s:b", None)];
        let ruled = apply(groups, &[together("*", "all"), together("b", "all")]);
        assert_eq!(ids(&ruled), ["s:together:all"]);
        assert_eq!(ruled.groups[0].tests, None);
    }

    #[test]
    fn the_later_label_wins() {
        let groups = vec![group("s:a", None), group("s:b", None)];
        let ruled = apply(groups, &[together("*", "all"), together("b", "own")]);
        assert_eq!(ids(&ruled), ["s:together:all", "s:together:own"]);
    }
}
