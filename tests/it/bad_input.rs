//! Bad input never panics, never hangs, never loses a result, never runs fewer tests than it said.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use serde_json::Value;

use crate::support::{Project, Ran, SHELL_SUITE};

const JOURNAL: &str = "evenly-out/shard-1-of-1.attempt-1.jsonl";

#[test]
fn malformed_toml_names_file_and_line() {
    let project = Project::new("[run]\nworkers = = 2\n");
    project.evenly(&["run"]).exits(2).warns("evenly.toml").warns("line 2");
}

#[test]
fn an_unknown_key_names_line_and_nearest_key() {
    let project = Project::new(&format!("[run]\nretires = 2\n{SHELL_SUITE}"));
    project.evenly(&["run"]).exits(2).warns("line 2").warns("`retries`");
}

#[test]
fn no_configuration_says_where_it_looked() {
    let project = Project::new("");
    fs::remove_file(project.path("evenly.toml")).unwrap();
    project.evenly(&["run"]).exits(2).warns("evenly.toml");
}

#[test]
fn an_unknown_framework_names_the_known_ones() {
    let project = Project::new("[[suite]]\nname = \"a\"\nframework = \"pytets\"\n");
    project.evenly(&["run"]).exits(2).warns("pytets").warns("pytest");
}

#[test]
fn a_glob_that_matches_nothing_is_not_a_pass() {
    let project = Project::new(SHELL_SUITE);
    project.evenly(&["run"]).exits(4).warns("t/*.sh");
    project.evenly(&["local"]).exits(4);
    project.evenly(&["plan"]).exits(4);
}

#[test]
fn a_suite_that_may_be_empty_may() {
    let project = Project::new(&format!(
        "{SHELL_SUITE}[[suite]]\nname = \"no\"\nframework = \"command\"\nglobs = [\"no/*\"]\n\
         run = \"sh {{tests}}\"\nrequired = false\n"
    ))
    .file("t/a.sh", "");
    project.evenly(&["run"]).exits(0);
}

#[test]
fn one_empty_suite_beside_a_full_one_is_not_a_pass() {
    let empty = SHELL_SUITE.replace("\"sh\"", "\"other\"").replace("t/*.sh", "u/*.sh");
    let project = Project::new(&format!("{SHELL_SUITE}{empty}")).file("t/a.sh", "touch ran");
    project.evenly(&["run"]).exits(4).warns("other");
    assert!(!project.path("ran").exists());
}

fn listed(command: &str) -> Project {
    Project::new(&format!(
        "[[suite]]\nname = \"l\"\nframework = \"command\"\ndiscover = \"\"\"{command}\"\"\"\n\
         run = \"printf '%s\\\\n' {{tests}}\"\n"
    ))
}

#[test]
fn duplicate_ids_are_refused_by_name() {
    listed("printf 'a\\\\nb\\\\na\\\\n'").evenly(&["run"]).exits(2).warns("`l:a`");
}

#[test]
fn a_discovery_that_fails_is_an_error_with_its_words() {
    let project = listed("echo a; echo the reason >&2; exit 3");
    project.evenly(&["run"]).exits(2).warns("exit status 3").warns("the reason");
    listed("true").evenly(&["run"]).exits(4);
}

#[test]
fn ids_with_spaces_and_quotes_reach_the_command_unchanged() {
    for id in ["a b", "it's", "say \"hi\"", "$(touch hacked)", "`touch hacked`", "-n", "a;b", "é*?"]
    {
        let project = listed("cat ids").file("ids", format!("{id}\n"));
        let ran = project.evenly(&["run", "--output", "all"]).exits(0);
        assert!(ran.stdout.lines().any(|line| line == id), "{id}: {ran}");
        assert!(!project.path("hacked").exists());
        project.evenly(&["merge", "evenly-out"]).exits(0);
        assert_eq!(project.report()["tests"][0]["id"], format!("l:{id}"));
    }
}

#[test]
fn hostile_file_names_run_and_are_reported() {
    let names: [&[u8]; 5] =
        [b"new\nline.sh", b"two  spaces.sh", b"q'uo\"te.sh", b"bad\xff\xfeutf8.sh", b"-rf.sh"];
    let mut project = Project::new(SHELL_SUITE.replace("sh {tests}", "sh -- {tests}").as_str());
    for (number, name) in names.iter().enumerate() {
        let path = std::path::Path::new("t").join(OsStr::from_bytes(name));
        project = project.file(path, format!("touch ran{number}"));
    }
    project.evenly(&["local", "--shards", "2"]).exits(0);
    for number in 0..names.len() {
        assert!(project.path(format!("ran{number}")).exists(), "{number}");
    }
    let report = project.report();
    assert_eq!(report["totals"]["passed"], 5);
    let ids: Vec<_> = report["tests"].as_array().unwrap().iter().map(|t| t["id"].clone()).collect();
    assert!(ids.contains(&Value::from("sh:t/bad\\xff\\xfeutf8.sh")), "{ids:?}");
}

#[test]
fn a_history_that_is_torn_or_newer_is_warned_of_and_left_out() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "");
    project.evenly(&["local"]).exits(0);
    let whole = project.text(".evenly/history.jsonl");
    project.write(".evenly/history.jsonl", &whole[..whole.len() - 7]);
    project.evenly(&["run"]).exits(0).warns("history");
    let newer = whole.replacen("\"format\":1", "\"format\":999", 1);
    project.write(".evenly/history.jsonl", &newer);
    project.evenly(&["local"]).exits(0).warns("newer");
    assert_eq!(project.text(".evenly/history.jsonl"), newer, "a newer history was overwritten");
    project.write(".evenly/history.jsonl", b"\xff\x00garbage");
    project.evenly(&["run"]).exits(0).warns("history");
}

#[test]
fn a_journal_torn_at_any_byte_of_its_last_line_keeps_the_rest() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "").file("t/b.sh", "");
    project.evenly(&["run"]).exits(0);
    let whole = project.text(JOURNAL);
    let last = whole.trim_end().rfind('\n').unwrap() + 1;
    let one_less = whole[..last].trim_end().rfind('\n').unwrap() + 1;
    for cut in (one_less..whole.len()).step_by(7).chain([last, last + 1, whole.len() - 1]) {
        project.write(JOURNAL, &whole[..cut]);
        let ran = project.evenly(&["merge", "evenly-out", "--history", "none"]);
        let expected = if cut >= last - 1 { 0 } else { 5 };
        let ran = Ran::of(&ran.into_command().output().unwrap());
        // A journal without its last line is a killed shard that had finished everything.
        assert!(
            ran.status == Some(expected) || (cut >= last && ran.status == Some(5)),
            "{cut}: {ran}"
        );
        assert!(project.report()["totals"]["passed"].as_u64().unwrap() >= 1, "{cut}");
    }
}

#[test]
fn an_output_directory_that_cannot_be_written_is_found_before_any_test() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "touch ran").file("in-the-way", "");
    project.evenly(&["run", "--out", "in-the-way"]).exits(3).warns("in-the-way");
    project.evenly(&["run", "--out", "in-the-way/deeper"]).exits(3).warns("in-the-way");
    project.evenly(&["run", "--out", "/proc/nowhere"]).exits(3).warns("/proc/nowhere");
    assert!(!project.path("ran").exists());
}

#[test]
fn a_full_disk_keeps_what_was_finished() {
    let mut project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"));
    for number in 10..60 {
        let script = "head -c 3000 /dev/zero | tr '\\0' x";
        project = project.file(format!("t/{number}.sh"), script);
    }
    // A limit on file size is what a full disk is to the one who writes: a short write, then an
    // error. 64 blocks of 1 KiB hold about 20 of the 50 groups.
    let ran = project.bash("ulimit -f 64; exec \"$0\" run").exits(3);
    assert!(ran.stderr.contains("jsonl"), "{ran}");
    let text = project.text(JOURNAL);
    assert!(text.ends_with('\n'), "the journal ends in a torn line");
    let finished = text.lines().filter(|line| line.contains("\"group-finished\"")).count();
    assert!(finished > 3 && finished < 50, "{finished}");
    project.evenly(&["merge", "evenly-out"]).exits(5);
    let report = project.report();
    assert_eq!(report["totals"]["passed"], finished);
    assert_eq!(report["ledger"]["lost"].as_array().unwrap().len(), 50 - finished);
}

#[test]
fn a_template_that_would_run_everything_is_refused() {
    let project = Project::new(&SHELL_SUITE.replace("sh {tests}", "sh t/a.sh"));
    project.evenly(&["run"]).exits(2).warns("{tests}");
    let project = Project::new(&SHELL_SUITE.replace("{tests}", "{test}"));
    project.evenly(&["run"]).exits(2).warns("{tests}");
}

#[test]
fn a_command_that_does_not_exist_fails_its_group() {
    let project = Project::new(&SHELL_SUITE.replace("sh {tests}", "no-such-tool-here {tests}"))
        .file("t/a.sh", "");
    project.evenly(&["run"]).exits(1).says("exit status 127").says("no-such-tool-here");
}
