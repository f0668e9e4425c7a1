//! Input that an enemy would write: nothing of it acts, nothing of it makes fewer tests run.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::process::Stdio;

use crate::support::{Project, Ran, SHELL_SUITE};

/// Ids that are commands of some CI, wherever they stand in a line.
const COMMANDS: [&str; 4] =
    ["##[error]x", "##vso[task.setvariable variable=a]b", "##teamcity[x]", "section_start:1:x"];

/// A suite whose ids are the lines of the file `ids`.
fn listed(run: &str) -> Project {
    Project::new(&format!(
        "[[suite]]\nname = \"l\"\nframework = \"command\"\ndiscover = \"cat ids\"\n\
         run = '''{run}'''\n"
    ))
}

/// Checks that no line of it is a command.
#[track_caller]
fn is_harmless(ran: &Ran) {
    for line in ran.stdout.lines().chain(ran.stderr.lines()) {
        assert!(!line.trim_start().starts_with("::error"), "{line:?} in\n{ran}");
        assert!(COMMANDS.iter().all(|command| !line.contains(command)), "{line:?} in\n{ran}");
    }
}

#[test]
fn no_table_and_no_json_is_a_command_of_the_ci() {
    let project = listed("true {tests}").file("ids", COMMANDS.join("\n"));
    for ci in ["CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION", "GITLAB_CI"] {
        let evenly = |args: &[&str]| project.evenly(args).env(ci, "true");
        evenly(&["run", "--shard", "1/1"]).exits(0);
        let ran = evenly(&["merge", "evenly-out"]).exits(0);
        if ci == "CI" {
            is_harmless(&ran);
        }
        assert!(!ran.stdout.contains("##vso[") && !ran.stdout.contains("##teamcity["), "{ran}");
        is_harmless(&evenly(&["plan", "--all"]).exits(0));
        let ran = evenly(&["plan", "--json"]).exits(0);
        is_harmless(&ran);
        let plan: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let groups = plan["shards"][0]["groups"].as_array().unwrap();
        let ids: Vec<_> = groups.iter().map(|group| group["id"].as_str().unwrap()).collect();
        for command in COMMANDS {
            assert!(ids.contains(&&*format!("l:{command}")), "{ids:?}");
        }
    }
}

#[test]
fn no_error_is_a_command_of_the_ci() {
    let hostile = "x\n::error::x##vso[task.setvariable variable=a]b\u{1b}]0;t\u{7}";
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "");
    let evenly = |args: &[&str]| project.evenly(args).env("GITHUB_ACTIONS", "true");
    for args in [
        &["run", "--shard", hostile][..],
        &["plan", "--shards", hostile],
        &["merge", hostile],
        &["plan", "--config", hostile],
        &[hostile],
    ] {
        let ran = evenly(args).exits(2);
        is_harmless(&ran);
        assert!(!ran.stderr.contains('\u{7}'), "{ran}");
    }
    project.write("t/x\n::error::x.sh", "");
    is_harmless(&evenly(&["plan", "--all"]).exits(0));
    let script = "printf '::error::x\\n##[error]x\\n' >&2; exit 3";
    let project = listed("true {tests}").file("script", script);
    project.write("evenly.toml", project.text("evenly.toml").replace("cat ids", "sh script"));
    is_harmless(&project.evenly(&["plan"]).env("GITHUB_ACTIONS", "true").exits(2));
}

#[test]
fn a_name_is_never_run_whatever_the_template() {
    for run in ["cat <<END\n{tests}\nEND", "true `{tests}`", r"true \{tests}", "true\n# {tests}"] {
        let project = listed(run).file("ids", "$(touch hacked)");
        project.evenly(&["run"]).exits(2).warns("`{tests}` stands inside");
        assert!(!project.path("hacked").exists(), "{run}");
    }
}

#[test]
fn numbers_out_of_range_are_refused_with_the_range() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "touch ran");
    for (args, part) in [
        (["plan", "--shards", "0"], "1..=10000"),
        (["plan", "--shards", "-1"], "1..=10000"),
        (["local", "--shards", "10001"], "1..=10000"),
        (["run", "--workers", "-1"], "from 1 to 1024"),
        (["run", "--workers", "0"], "from 1 to 1024"),
        (["run", "--retries", "101"], "0..=100"),
        (["run", "--retries", "-1"], "0..=100"),
        (["run", "--attempt", "-1"], "1.."),
        (["run", "--attempt", "0"], "1.."),
    ] {
        project.evenly(&args).exits(2).warns(part);
    }
    assert!(!project.path("ran").exists());
}

#[test]
fn an_empty_variable_is_refused_by_name() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "touch ran");
    for variable in ["WORKERS", "OUT", "CONFIG", "HISTORY", "RETRIES", "OUTPUT", "ATTEMPT"] {
        let variable = format!("EVENLY_{variable}");
        let ran = project.evenly(&["run"]).env(&variable, "").exits(2);
        ran.warns(&format!("`{variable}` is set, but empty"));
    }
    assert!(!project.path("ran").exists());
}

#[test]
fn a_ci_whose_variables_are_not_text_is_still_a_ci() {
    use std::os::unix::ffi::OsStrExt;
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "touch ran");
    let odd = std::ffi::OsStr::from_bytes(b"\xff");
    project.evenly(&["run"]).env("CI", odd).exits(2).warns("--shard");
    project.evenly(&["run"]).env("GITLAB_CI", "true").env("CI_NODE_INDEX", odd).exits(2);
    assert!(!project.path("ran").exists());
}

#[test]
fn settings_that_no_process_can_be_given_are_refused_before_any_test() {
    for line in [
        "env = { \"A=B\" = \"x\" }",
        "env = { \"\" = \"x\" }",
        "env = { \"A\\u0000\" = \"x\" }",
        "env = { A = \"\\u0000\" }",
        "args = [\"\\u0000\"]",
        "dir = \"\\u0000\"",
    ] {
        let project = Project::new(&format!("{SHELL_SUITE}{line}\n")).file("t/a.sh", "touch ran");
        project.evenly(&["run"]).exits(2).warns("suite `sh`");
        assert!(!project.path("ran").exists(), "{line}");
    }
}

#[test]
fn a_history_that_is_no_file_costs_neither_tests_nor_the_report_nor_the_device() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "");
    let status = std::process::Command::new("mkfifo").arg(project.path("fifo")).status();
    assert!(status.unwrap().success());
    for history in ["fifo", "t", "t/a.sh/deeper"] {
        project.evenly(&["local", "--history", history]).exits(0).warns("istory");
        assert_eq!(project.report()["totals"]["passed"], 1, "{history}");
    }
    assert!(fs::metadata(project.path("fifo")).unwrap().file_type().is_fifo());
}

#[test]
fn a_history_with_impossible_workers_does_not_stop_the_plan() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "");
    for workers in [0, 1_025, u32::MAX] {
        let text = format!("{{\"format\":1}}\n{{\"suite\":\"sh\",\"runs\":[[5,{workers},1]]}}\n");
        project.write("history", text);
        project.evenly(&["plan", "--history", "history"]).exits(0).warns("damaged");
    }
}

#[test]
fn a_secret_of_evenlys_own_reaches_no_test_and_no_file() {
    let project = listed("env {tests}; env").file("ids", "A=b");
    project
        .write("evenly.toml", project.text("evenly.toml").replace("cat ids", "env >&2; cat ids"));
    let evenly = |args: &[&str]| project.evenly(args).env("EVENLY_TOKEN", "s3cr3t");
    let ran = evenly(&["local", "--output", "all"]).exits(0);
    assert!(ran.stdout.contains("EVENLY_WORKER=0") && !ran.to_string().contains("s3cr3t"), "{ran}");
    for entry in fs::read_dir(project.path("evenly-out")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert!(!fs::read_to_string(&path).unwrap().contains("s3cr3t"), "{}", path.display());
        }
    }
}

#[test]
fn nobody_reading_stops_no_test() {
    let mut project = Project::new(SHELL_SUITE);
    for number in 0..20 {
        project = project.file(format!("t/{number}.sh"), "echo x; touch ran$(basename $0)");
    }
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    let closed = || Stdio::from(std::io::pipe().unwrap().1);
    for args in [&["local", "--output", "all"][..], &["plan", "--all"], &["plan", "--json"]] {
        for (out, err) in [(full(), full()), (closed(), closed())] {
            let mut command = project.evenly(args).into_command();
            let status = command.stdout(out).stderr(err).status().unwrap();
            assert_eq!(status.code(), Some(0), "{args:?}");
        }
    }
    assert!((0..20).all(|number| project.path(format!("ran{number}.sh")).exists()));
}

#[test]
fn a_name_of_a_megabyte_is_cut_where_it_is_shown() {
    let name = "x".repeat(1_000_000);
    let project = Project::new(
        "[[suite]]\nname = \"l\"\nframework = \"command\"\ndiscover = \"cat ids\"\n\
         run = \"wc -c {tests_file}; false\"\n",
    )
    .file("ids", &name);
    let ran = project.evenly(&["run"]).exits(1).says("1000001");
    assert!(ran.stdout.len() < 10_000, "{} bytes", ran.stdout.len());
    let text = project.text("evenly-out/shard-1-of-1.attempt-1.jsonl");
    assert!(text.contains(&name), "the journal has the whole name");
}
