//! `evenly history`: other tools' durations in and out, what it shows, and what it forgets.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Project, Ran, SHELL_SUITE, tool};

const HISTORY: &str = ".evenly/history.jsonl";

fn shell(names: &[&str]) -> Project {
    let project = Project::new(SHELL_SUITE);
    names.iter().fold(project, |project, name| project.file(format!("t/{name}.sh"), ""))
}

/// Estimate and basis of each group, by id.
fn estimates(project: &Project) -> Vec<(String, u64, String)> {
    let ran = project.evenly(&["plan", "--json"]).exits(0);
    let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
    let groups = plan["shards"][0]["groups"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = groups.map(|group| {
        let us = group["estimate_us"].as_u64().unwrap();
        (text(&group["id"]), us, text(&group["basis"]))
    });
    let mut found: Vec<_> = found.collect();
    found.sort();
    found
}

fn measured(id: &str, us: u64) -> (String, u64, String) {
    (id.to_owned(), us, "measured".to_owned())
}

#[test]
fn imported_durations_are_planned_with_until_there_are_own_ones() {
    let project = shell(&["a", "b"])
        .file("report.json", "{\"/ci/p/t/a.sh\": 600, \"/ci/p/t/b.sh\": 200.5, \"t/old.sh\": 3}");
    let ran = project.evenly(&["history", "import", "report.json"]).exits(0);
    let ran = ran.says("from 1 file (knapsack)").says("suite `sh`: 2 durations");
    ran.warns("1 of 3 entries match no test or group: `t/old.sh`");
    let expected = [measured("sh:t/a.sh", 600_000_000), measured("sh:t/b.sh", 200_500_000)];
    assert_eq!(estimates(&project), expected);
    let before = project.text(HISTORY);
    project.evenly(&["history", "import", "report.json"]).exits(0);
    assert_eq!(project.text(HISTORY), before);

    project.evenly(&["local"]).exits(0);
    for (id, us, basis) in estimates(&project) {
        assert!(us < 100_000_000 && basis == "measured", "{id} is still taken for {us} µs");
    }
    let again = project.evenly(&["history", "import", "report.json"]).exits(0);
    again.warns("2 of them evenly has measured itself");
    project.evenly(&["history", "show", "sh:t/a.sh"]).exits(0).says("import").says("10 min 0 s");
}

#[test]
fn a_dry_run_and_a_file_without_entries_change_nothing() {
    let project = shell(&["a"]).file("k.json", "{\"t/a.sh\": 2}").file("new.json", "{}");
    project.evenly(&["history", "import", "--dry-run", "k.json"]).exits(0).says("would import");
    project.evenly(&["history", "import", "new.json"]).exits(0).warns("nothing to import");
    assert!(!project.path(HISTORY).exists());
}

#[test]
fn what_cannot_be_imported_is_refused_with_a_reason_and_changes_nothing() {
    let project = shell(&["a"])
        .file("good.json", "{\"t/a.sh\": 2}")
        .file("foreign.json", "{\"x/z.rb\": 2, \"\\u001b[2J::error::\\n\": 3}")
        .file("torn.json", "{\"t/a.sh\": 2")
        .file("nan.json", "{\"t/a.sh\": NaN}")
        .file("split.json", "[{\"files\": [\"t/a.sh\"]}]")
        .file("binary", [0_u8, 159, 146, 150].repeat(1_000))
        .file("d/report.json", "{\"t/a.sh\": 2}")
        .file("d/junit.xml", "<testsuite><testcase name=\"t/a.sh\" time=\"1\"/></testsuite>")
        .file("e/readme.md", "nothing");
    for (args, why) in [
        (&["foreign.json"][..], "none of the 2 entries is a test or group of `sh`"),
        (&["torn.json"], "cannot be read: EOF"),
        (&["nan.json"], "line 1 column 12"),
        (&["split.json"], "no durations"),
        (&["binary"], "it is binary"),
        (&["good.json", "d/junit.xml"], "one import is of one format"),
        (&["d"], "one import is of one format"),
        (&["e"], "no file in `e` looks like durations"),
        (&["gone.json"], "cannot read `gone.json`"),
        (&["--format", "bun", "good.json"], "it is not bun's timings"),
        (&["--suite", "other", "good.json"], "there is no suite `other`; there is: `sh`"),
        (&["--format", "csv", "good.json"], "possible values: auto, pytest-split"),
    ] {
        let args = [&["history", "import"], args].concat();
        let status = if why.starts_with("cannot read") { 3 } else { 2 };
        let ran = project.evenly(&args).exits(status).warns(why);
        assert!(!ran.stderr.contains('\u{1b}') && !ran.stderr.contains("\n::"), "{ran}");
        assert!(!project.path(HISTORY).exists(), "{args:?}");
    }
    let some = ["history", "import", "--format", "knapsack", "d"];
    project.evenly(&some).exits(0).says("1 duration");
    let newer = "{\"format\":99}\n";
    project.write(HISTORY, newer);
    let ran = project.evenly(&["history", "import", "good.json"]).exits(3);
    ran.warns("format 99").warns("is left as it is");
    assert_eq!(project.text(HISTORY), newer);
}

#[test]
fn of_a_directory_what_is_something_else_is_told_and_passed_over() {
    let project = shell(&["a"])
        .file("r/report-1.json", "{\"t/a.sh\": 2}")
        .file("r/report-2.json", "{\"t/a.sh\": 4}")
        .file("r/report-3.json", "{\"fingerprint\": \"x\"}")
        .file("r/report-4.json", "{\"t/a");
    let ran = project.evenly(&["history", "import", "r"]).exits(0);
    ran.says("from 2 files (knapsack)").warns("2 files could not be read");
    assert_eq!(estimates(&project), [measured("sh:t/a.sh", 3_000_000)]);
}

#[test]
fn durations_that_cannot_be_are_told_and_left_out() {
    let text = "{\"t/a.sh\": -1, \"t/b.sh\": 31536000, \"t/c.sh\": 1e-7, \"t/d.sh\": \"1\"}";
    let project = shell(&["a", "b", "c", "d"]).file("k.json", text);
    let ran = project.evenly(&["history", "import", "k.json"]).exits(0).says("1 duration");
    ran.warns("3 entries without a duration that can be: `t/a.sh`, `t/b.sh`, `t/d.sh`");
}

#[test]
fn a_suite_is_told_apart_by_its_directory_or_by_name() {
    let other = SHELL_SUITE.replace("\"sh\"", "\"web\"\ndir = \"web\"");
    let project = Project::new(&format!("{SHELL_SUITE}{other}"))
        .file("t/a.sh", "")
        .file("web/t/a.sh", "")
        .file("web/t/b.sh", "")
        .file("log", "web/t/a.sh:5\nweb/t/b.sh:7\n")
        .file("inside", "t/b.sh:9\n");
    project.evenly(&["history", "import", "log"]).exits(0).says("suite `web`: 2 durations");
    project.evenly(&["history", "import", "--suite", "web", "inside"]).exits(0);
    let show = project.evenly(&["history", "show", "--json"]).exits(0);
    let show: Value = serde_json::from_str(&show.stdout).unwrap();
    assert_eq!(show["slowest"].as_array().unwrap().len(), 1);
    assert_eq!(show["slowest"][0]["id"], "web:t/b.sh");
}

#[test]
fn a_history_is_shown_whole_and_by_test() {
    let project = shell(&["quick"])
        .file("t/unsteady.sh", "test -e flag || { touch flag; exit 1; }")
        .file("t/broken.sh", "exit 1");
    project.evenly(&["history", "show"]).exits(2).warns("knows nothing");
    project.evenly(&["local", "--retries", "1"]).exits(1);
    let ran = project.evenly(&["history", "show"]).exits(0);
    let ran = ran.says("sh: 1 run (newest 1), 3 tests in 3 groups").says("slowest");
    ran.says("flakiest").says("flaky 1/1").lacks("fastest-growing").lacks("\u{1b}");
    let ran = project.evenly(&["history", "show", "sh:t/broken.sh"]).exits(0);
    ran.says("never measured, 1 run has seen it, failed in 1").says("failed  ✗");
    project.evenly(&["history", "show", "t/unsteady.sh"]).exits(0).says("flaky  ~");
    let colour = project.evenly(&["history", "show", "sh:t/broken.sh"]);
    colour.env("CLICOLOR_FORCE", "1").exits(0).says("\u{1b}[31m      failed");
    let ran = project.evenly(&["history", "show", "sh:t/brokn.sh"]).exits(2);
    ran.warns("knows no test `sh:t/brokn.sh`; the nearest are:\n  sh:t/broken.sh\n");
    let json = project.evenly(&["history", "show", "sh:t/broken.sh", "--json"]).exits(0);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["runs"][0]["outcome"], "failed");
    project.evenly(&["history", "show", "--suite", "x"]).exits(2).warns("there is: `sh`");
}

#[test]
fn what_is_gone_is_forgotten_when_asked() {
    let project = shell(&["a", "b"]);
    project.evenly(&["local"]).exits(0);
    std::fs::remove_file(project.path("t/b.sh")).unwrap();
    let before = project.text(HISTORY);
    let dry = project.evenly(&["history", "prune", "--dry-run"]).exits(0);
    dry.says("would forget 1 test, 1 test stay");
    assert_eq!(project.text(HISTORY), before);
    project.evenly(&["history", "prune"]).exits(0).says("forgot 1 test");
    assert!(!project.text(HISTORY).contains("t/b.sh"));
    project.evenly(&["history", "show", "t/b.sh"]).exits(2);
}

#[test]
fn exports_name_what_they_leave_out_and_need_a_suite() {
    let project = shell(&["a"]).file("t/bad.sh", "exit 1");
    project.evenly(&["history", "export", "--format", "bun"]).exits(2).warns("knows nothing");
    project.evenly(&["local"]).exits(1);
    let export = |format: &str| project.evenly(&["history", "export", "--format", format]).exits(0);
    export("knapsack").says("\"t/a.sh\": 0.").lacks("bad.sh").warns("left out 1 test");
    export("junit").says("file=\"t/a.sh\"");
    let to_file = ["history", "export", "--format", "bun", "--out", "deep/bun.json"];
    project.evenly(&to_file).exits(0).lacks("files").warns("wrote 1 test of suite `sh`");
    assert_eq!(project.json("deep/bun.json")["version"], 1);
    let other = SHELL_SUITE.replace("\"sh\"", "\"two\"");
    project.write("evenly.toml", format!("{SHELL_SUITE}{other}"));
    project.evenly(&["local"]).exits(1);
    let bare = project.evenly(&["history", "export", "--format", "bun"]).exits(2);
    bare.warns("several suites: `sh`, `two`").warns("--suite NAME");
    let two = ["history", "export", "--format", "bun", "--suite", "two"];
    project.evenly(&two).exits(0).says("t/a.sh");
}

/// A project of pytest, and its interpreter.
fn pytest() -> Option<(Project, String)> {
    let python = PathBuf::from(tool("EVENLY_TEST_VENV")?).join("bin/python");
    let python = python.to_str().unwrap().to_owned();
    let config = format!(
        "[[suite]]\nname = \"api\"\nframework = \"pytest\"\npython = \"{python}\"\n\
         args = [\"-p\", \"no:cacheprovider\"]\n"
    );
    let tests = "import pytest\n\nclass TestPay:\n    \
                 @pytest.mark.parametrize(\"x\", [\"a b\", \"c::d[e]\"])\n    \
                 def test_param(self, x): pass\n\ndef test_top(): pass\ndef test_last(): pass\n";
    let project = Project::new(&config).file("tests/test_a.py", tests);
    Some((project.file("tests/test_b.py", "def test_b(): pass\n"), python))
}

/// Runs a program in the project as its users do.
fn plainly(project: &Project, argv: &[&str]) -> Ran {
    let bare = project.bash("").into_command();
    let mut command = Command::new(argv[0]);
    command.args(&argv[1..]).current_dir(project.path("")).env_clear().stdin(Stdio::null());
    command.envs(bare.get_envs().filter_map(|(key, value)| Some((key, value?))));
    Ran::of(&command.output().unwrap())
}

#[test]
fn the_real_pytest_split_splits_by_what_is_exported() {
    let Some((project, python)) = pytest() else { return };
    let durations = "{\"tests/test_a.py::TestPay::test_param[a b]\": 40.5, \
                      \"tests/test_a.py::TestPay::test_param[c::d[e]]\": 1, \
                      \"tests/test_a.py::test_top\": 2, \"tests/test_a.py::test_last\": 3, \
                      \"tests/test_b.py::test_b\": 4}";
    project.write("other.json", durations);
    project.evenly(&["history", "import", "other.json"]).exits(0).says("5 durations");
    let to = ["history", "export", "--format", "pytest-split", "--out", ".test_durations"];
    project.evenly(&to).exits(0);
    let before: Value = serde_json::from_str(durations).unwrap();
    let after = project.json(".test_durations");
    for (id, seconds) in before.as_object().unwrap() {
        assert_eq!(after[id].as_f64(), seconds.as_f64(), "{id}");
    }
    let group = |group: &str| {
        let split = ["--splits", "2", "--group", group, "--splitting-algorithm", "least_duration"];
        let start = [python.as_str(), "-m", "pytest", "-q", "-p", "no:cacheprovider"];
        plainly(&project, &[&start[..], &split].concat()).exits(0)
    };
    group("1").says("estimated duration: 40.50s").says("1 passed, 4 deselected");
    group("2").says("estimated duration: 10.00s").says("4 passed, 1 deselected");
}

#[test]
fn what_the_real_pytest_split_stores_is_imported() {
    let Some((project, python)) = pytest() else { return };
    let argv = [python.as_str(), "-m", "pytest", "-p", "no:cacheprovider", "--store-durations"];
    plainly(&project, &argv).exits(0);
    let ran = project.evenly(&["history", "import", ".test_durations"]).exits(0);
    assert!(ran.stderr.is_empty() && ran.stdout.contains("api`: 5 durations"), "{ran}");
    assert!(estimates(&project).iter().all(|(_, _, basis)| basis == "measured"));
}

#[test]
fn a_real_pytests_junit_and_printed_durations_are_imported() {
    let Some((project, python)) = pytest() else { return };
    let start = [python.as_str(), "-m", "pytest", "-p", "no:cacheprovider"];
    plainly(&project, &[&start[..], &["--junitxml=out/junit.xml"]].concat()).exits(0);
    project.evenly(&["history", "import", "out"]).exits(0).says("(junit)").says("5 durations");
    let ran = plainly(&project, &[&start[..], &["--durations=0", "-vv"]].concat()).exits(0);
    project.write("log.txt", ran.stdout);
    let ran = project.evenly(&["history", "import", "log.txt"]).exits(0);
    ran.says("(pytest-durations)").says("5 durations");
    // Our own JUnit file, of an export and of a merge, is read as any.
    let export = ["history", "export", "--format", "junit", "--out", "own.xml"];
    project.evenly(&export).exits(0);
    project.evenly(&["history", "import", "own.xml"]).exits(0).says("5 durations");
    project.evenly(&["local"]).exits(0);
    let merged = project.evenly(&["history", "import", "evenly-out/junit.xml"]).exits(0);
    merged.says("5 durations").warns("5 of them evenly has measured itself");
}

#[test]
fn the_real_perf_cache_of_jest_is_imported() {
    let Some(node) = tool("EVENLY_TEST_NODE") else { return };
    let project = Project::new("[[suite]]\nname = \"web\"\nframework = \"jest\"\n")
        .file("package.json", "{\"jest\": {\"cacheDirectory\": \"<rootDir>/cache\"}}")
        .file("src/a.test.js", "test('a', () => {})")
        .file("src/b.test.js", "test('b', () => { throw 1 })");
    std::os::unix::fs::symlink(Path::new(&node).join("node_modules"), project.path("node_modules"))
        .unwrap();
    plainly(&project, &["npx", "--no", "--", "jest"]).exits(1);
    let ran = project.evenly(&["history", "import", "cache"]).exits(0).says("(jest)");
    ran.says("1 duration").warns("1 result that did not simply pass");
    let estimates = estimates(&project);
    assert_eq!(estimates[0].2, "measured", "{estimates:?}");
}

#[test]
fn an_import_into_a_full_history_is_told_to_be_lost() {
    let project = shell(&["a"]).file("k.json", "{\"t/a.sh\": 2}");
    let runs: Vec<String> = (1..=50).map(|run| format!("[{run},null,null]")).collect();
    let head = format!("{{\"format\":1}}\n{{\"suite\":\"sh\",\"runs\":[{}]}}\n", runs.join(","));
    let line = "{\"test\":\"sh:t/b.sh\",\"prefix\":6,\"us\":[5]}\n";
    project.write(HISTORY, format!("{head}{line}"));
    let ran = project.evenly(&["history", "import", "k.json"]).exits(0);
    ran.warns("an import is older, and is not kept");
    assert_eq!(project.text(HISTORY), format!("{head}{line}"));
}

#[test]
fn a_broken_pipe_and_a_huge_history_are_no_trouble() {
    let project = shell(&["a"]);
    let line = |n: u32| format!("{{\"test\":\"sh:t/{n:05}.sh\",\"prefix\":10,\"us\":[{n}]}}\n");
    let lines = (0..20_000).map(line).collect::<Vec<_>>().concat();
    let head = "{\"format\":1}\n{\"suite\":\"sh\",\"runs\":[[1,2,null]]}\n";
    project.write(HISTORY, format!("{head}{lines}"));
    project.evenly(&["history", "show", "sh:t/02O00.sh"]).exits(2).warns("  sh:t/02000.sh");
    let script = "\"$0\" history show --top 20000 | head -1; echo \"${PIPESTATUS[0]}\"";
    project.bash(script).exits(0).says("20,000 tests").says("\n0\n");
}
