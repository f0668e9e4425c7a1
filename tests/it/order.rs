//! Groups that depend on what others leave behind: rules that keep them in order, the frameworks'
//! own order, and the search for the culprit.

use crate::support::{Project, Ran};

/// A suite whose groups come in an order that is neither that of their ids nor that of their
/// length.
const LISTED: &str = "
[[suite]]
name = \"sh\"
framework = \"command\"
discover = \"cat order\"
run = 'for t in {tests}; do echo \"$t\" >> ran; sh \"t/$t\" || exit 1; done'
results = \"exit-status\"
";

fn project(rules: &str, groups: &[(&str, &str)]) -> Project {
    let names: Vec<&str> = groups.iter().map(|(name, _)| *name).collect();
    let project = Project::new(&format!("{LISTED}{rules}")).file("order", names.join("\n"));
    groups.iter().fold(project, |project, (name, script)| project.file(format!("t/{name}"), script))
}

fn ran(project: &Project) -> Vec<String> {
    project.text("ran").lines().map(str::to_owned).collect()
}

#[test]
fn a_serial_run_is_in_the_frameworks_order_on_one_worker() {
    let groups = [("m", ""), ("z", ""), ("a", "sleep 0"), ("k", "")];
    let project = project("", &groups);
    project.evenly(&["run", "--order", "serial", "--workers", "4"]).exits(0);
    assert_eq!(ran(&project), ["m", "z", "a", "k"]);
    let journal = project.journal("shard-1-of-1.attempt-1.jsonl");
    assert_eq!(journal[0]["workers"], 1);
    std::fs::remove_file(project.path("ran")).unwrap();
    let local = project.evenly(&["local", "--shards", "1"]).env("EVENLY_ORDER", "serial");
    local.exits(0);
    assert_eq!(ran(&project), ["m", "z", "a", "k"]);
}

#[test]
fn groups_after_others_run_behind_them_in_one_process() {
    let rules = "[[rule]]\nmatch = \"a\"\nafter = \"z\"\n[[rule]]\nmatch = \"b\"\nafter = \"a\"\n";
    let groups = [("a", "test -e z-was"), ("b", "test -e z-was"), ("c", ""), ("z", "touch z-was")];
    let project = project(rules, &groups);
    project.evenly(&["local", "--shards", "2", "--workers", "1"]).exits(0);
    let found = ran(&project);
    let order: Vec<&str> = found.iter().map(String::as_str).filter(|name| *name != "c").collect();
    assert_eq!(order, ["z", "a", "b"]);
    let report = project.report();
    assert_eq!(report["ledger"]["planned"], 2);
    let plan = project.evenly(&["plan"]).exits(0);
    assert!(plan.stdout.contains("sh:after:z"), "{plan}");
}

#[test]
fn an_order_in_a_circle_or_after_nothing_is_told() {
    let circle = "[[rule]]\nmatch = \"a\"\nafter = \"b\"\n[[rule]]\nmatch = \"b\"\nafter = \"a\"\n";
    let project = project(circle, &[("a", ""), ("b", "")]);
    project.evenly(&["run"]).exits(2).warns("after itself");
    project.write("evenly.toml", format!("{LISTED}[[rule]]\nmatch = \"a\"\nafter = \"nope\"\n"));
    project.evenly(&["run"]).exits(0).warns("no group of its suite is `nope`");
}

/// `victim` fails where `dirt` is left, which lasts until the next call of evenly: each trial has
/// a directory for temporary files of its own.
const VICTIM: &str = "test ! -e \"$EVENLY_TMPDIR/dirt\"";
const CULPRIT: &str = "touch \"$EVENLY_TMPDIR/dirt\"";

fn dirty() -> Project {
    let innocent = ["a", "b", "c", "d", "e", "f"].map(|name| (name, "true"));
    let mut groups = innocent.to_vec();
    groups.insert(4, ("culprit 'x'", CULPRIT));
    groups.push(("victim", VICTIM));
    groups.push(("later", "true"));
    project("", &groups)
}

fn bisected(project: &Project, arguments: &[&str], status: i32) -> Ran {
    project.evenly(&[&["bisect"], arguments].concat()).exits(status)
}

#[test]
fn the_group_that_makes_another_fail_is_found_by_the_serial_order() {
    let project = dirty();
    let told = bisected(&project, &["victim"], 1)
        .says("`sh:victim` passes alone and fails after `sh:culprit 'x'`")
        .says("once more: evenly bisect sh:victim --after \"sh:culprit 'x'\"")
        .warns("alone: passes");
    assert!(!told.stdout.contains("sh:later"), "{told}");
    assert!(!project.path("evenly-out/bisect.work").exists());
    let times = ran(&project).iter().filter(|name| *name == "victim").count();
    assert!(times <= 8, "it ran {times} times");
    // What it says brings it back.
    bisected(&project, &["sh:victim", "--after", "sh:culprit 'x'"], 1).says("fails after");
    bisected(&project, &["sh:victim", "--after", "a", "--after", "b"], 0).says("does not fail");
}

#[test]
fn the_last_run_says_what_ran_before_it() {
    let project = dirty();
    let run = &["run", "--order", "serial", "--output", "never"];
    project.evenly(run).exits(1);
    bisected(&project, &["sh:victim"], 1)
        .warns("7 groups before it on worker 0")
        .says("fails after `sh:culprit 'x'`");
}

#[test]
fn a_group_that_fails_alone_or_never_is_told_so() {
    let project = project("", &[("a", ""), ("good", ""), ("bad", "exit 3")]);
    bisected(&project, &["bad"], 1).says("`sh:bad` fails alone");
    bisected(&project, &["good"], 0).says("does not fail: neither alone nor after 1 group");
    bisected(&project, &["a"], 0).says("does not fail");
    bisected(&project, &["nope"], 2).warns("there is no group `nope`");
}

#[test]
fn two_culprits_that_must_meet_are_both_named() {
    let both = "test ! -e \"$EVENLY_TMPDIR/x\" || test ! -e \"$EVENLY_TMPDIR/y\"";
    let project = project(
        "",
        &[
            ("a", ""),
            ("x", "touch \"$EVENLY_TMPDIR/x\""),
            ("b", ""),
            ("c", ""),
            ("y", "touch \"$EVENLY_TMPDIR/y\""),
            ("victim", both),
        ],
    );
    bisected(&project, &["victim"], 1).says("fails after `sh:x`, then `sh:y`");
}

#[test]
fn a_group_name_of_two_suites_needs_its_suite() {
    let twice = format!("{LISTED}{}", LISTED.replace("\"sh\"", "\"sh2\""));
    let project = project("", &[("a", "")]);
    project.write("evenly.toml", twice);
    bisected(&project, &["a"], 2).warns("several suites have a group `a`");
    bisected(&project, &["sh2:a"], 0).says("`sh2:a` does not fail");
}
