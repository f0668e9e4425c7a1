//! Which groups rules are about, and what becomes of them.

use super::*;
use crate::model::{Aliases, Limits, Member};

fn group(id: &str, tests: Option<&[&str]>) -> Group {
    let id: GroupId = id.parse().unwrap();
    let name = id.name.to_string();
    Group {
        members: vec![Member { argument: name.clone().into_bytes(), name: name.into() }],
        tests: tests.map(|tests| tests.iter().map(ToString::to_string).collect()),
        id,
        exclusive: false,
        databases: true,
        aliases: None,
        late: false,
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
        after: None,
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
    let Ruled { groups, unmatched, unmatched_after: _ } =
        apply(vec![group("s:b", None), group("s:a", None)], &rules).unwrap();
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
    let ruled = apply(groups, &[together("b*", "B"), slow]).unwrap();
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
    let ruled = apply(groups, &[together("*", "all"), together("b", "all")]).unwrap();
    assert_eq!(ids(&ruled), ["s:together:all"]);
    assert_eq!(ruled.groups[0].tests, None);
}

#[test]
fn the_later_label_wins() {
    let groups = vec![group("s:a", None), group("s:b", None)];
    let ruled = apply(groups, &[together("*", "all"), together("b", "own")]).unwrap();
    assert_eq!(ids(&ruled), ["s:together:all", "s:together:own"]);
}

fn after(pattern: &str, first: &str) -> Rule {
    Rule { after: Some(Pattern::new(first).unwrap()), ..rule(pattern) }
}

fn members(group: &Group) -> Vec<&str> {
    group.members.iter().map(|member| &*member.name).collect()
}

#[test]
fn groups_after_others_become_one_with_them_and_stand_behind() {
    let groups = ["s:a", "s:b", "s:c", "s:d", "z:a", "z:d"].map(|id| group(id, None));
    let ruled = apply(groups.to_vec(), &[after("a", "d"), after("b", "a")]).unwrap();
    assert_eq!(ids(&ruled), ["s:after:d", "s:c", "z:after:d"]);
    assert_eq!(members(&ruled.groups[0]), ["d", "a", "b"]);
    assert_eq!(members(&ruled.groups[2]), ["d", "a"]);
    assert_eq!(ruled.unmatched_after, [] as [usize; 0]);
}

#[test]
fn what_a_group_is_after_may_match_itself_and_others_keep_the_order_of_their_ids() {
    let groups = ["s:a", "s:b", "s:setup", "s:x"].map(|id| group(id, Some(&["t"])));
    let ruled = apply(groups.to_vec(), &[after("*", "setup*")]).unwrap();
    assert_eq!(ids(&ruled), ["s:after:setup"]);
    assert_eq!(members(&ruled.groups[0]), ["setup", "a", "b", "x"]);
    assert_eq!(ruled.groups[0].tests.as_ref().unwrap().len(), 4);
}

#[test]
fn a_label_names_the_whole_also_where_an_order_holds_it_together() {
    let groups = ["s:a", "s:b", "s:c"].map(|id| group(id, None));
    let ruled = apply(groups.to_vec(), &[together("[bc]", "l"), after("a", "c")]).unwrap();
    assert_eq!(ids(&ruled), ["s:together:l"]);
    assert_eq!(members(&ruled.groups[0]), ["b", "c", "a"]);
}

#[test]
fn a_circle_is_refused_and_an_order_after_nothing_is_told() {
    let groups = || ["s:a", "s:b", "s:c"].map(|id| group(id, None)).to_vec();
    let circle = [after("a", "b"), after("b", "c"), after("c", "a")];
    let error = apply(groups(), &circle).unwrap_err().to_string();
    assert!(error.contains("after itself"), "{error}");
    let ruled = apply(groups(), &[after("a", "nosuch"), after("nosuch", "a")]).unwrap();
    assert_eq!((ruled.unmatched_after, ruled.unmatched), (vec![0], vec![1]));
}

#[test]
fn a_joined_group_is_late_and_uses_what_its_parts_use() {
    let aliases = |used: &str, dirties: &[&str]| {
        let dirties = dirties.iter().map(ToString::to_string).collect();
        Some(Aliases { used: vec![used.to_owned()], dirties })
    };
    let mut first = group("s:a", None);
    first.aliases = aliases("y", &["y"]);
    let mut second = group("s:b", None);
    (second.aliases, second.late) = (aliases("x", &[]), true);
    let ruled = apply(vec![first, second], &[together("*", "all")]).unwrap();
    let [whole] = &ruled.groups[..] else { panic!("{ruled:?}") };
    assert!(whole.late);
    let expected = Aliases { used: vec!["x".into(), "y".into()], dirties: vec!["y".into()] };
    assert_eq!(whole.aliases.as_ref(), Some(&expected));
}
