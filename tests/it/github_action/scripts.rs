//! The action's scripts by themselves: signals, what is installed and what is refused, inputs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};

use rustix::process::Signal;
use sha2::{Digest, Sha256};

use super::{EVENLY, REPOSITORY};
use crate::support::{Evenly, Project, Ran, SHELL_SUITE, until};

/// One of the action's scripts as its step calls it.
fn script(project: &Project, name: &str) -> Evenly {
    project.write("temp/keep", "");
    let script = format!("exec {REPOSITORY}/.github/action/{name}.sh");
    let bash = project.bash(&script).env("RUNNER_TEMP", project.path("temp"));
    let bash = bash.env("GITHUB_OUTPUT", project.path("output"));
    bash.env("GITHUB_PATH", project.path("added")).env("GITHUB_RUN_ID", "7")
}

/// The inputs that the step which runs evenly passes on.
fn run(project: &Project, command: &str, args: &str) -> Evenly {
    let inputs = [
        ("PROGRAM", EVENLY),
        ("COMMAND", command),
        ("SHARD", "1/1"),
        ("CONFIG", "evenly.toml"),
        ("HISTORY", ".evenly/history.jsonl"),
        ("OUT", "evenly-out"),
        ("ARGS", args),
        ("COMMENT", ""),
        ("CHECK", "true"),
        ("JOURNALS", "evenly-out"),
    ];
    inputs.into_iter().fold(script(project, "run"), |bash, (name, value)| {
        bash.env(&format!("EVENLY_ACTION_{name}"), value)
    })
}

#[test]
fn a_cancelled_job_keeps_what_was_finished() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"))
            .file("t/a.sh", "")
            .file("t/b.sh", "touch started; sleep 1000")
            .file("t/c.sh", "");
        let started = run(&project, "run", "").start();
        until("the second group runs", || project.path("started").exists());
        // To the step's process alone, as the runner does.
        started.signal(signal);
        started.wait().exits(status);
        run(&project, "merge", "").exits(5);
        let report = project.report();
        assert_eq!(report["totals"]["passed"], 1, "{report}");
    }
}

#[test]
fn inputs_are_words_and_nothing_of_them_is_run_or_left_to_tests() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "env > seen; exit 1");
    let args = "--retries 1\n  --output all $(touch run) `touch run` ; touch run";
    run(&project, "run", args).exits(2).warns("$(touch");
    run(&project, "run", "--retries 1\n --output all").exits(1).says("attempt 2");
    assert!(!project.path("run").exists());
    assert!(!project.text("seen").contains("EVENLY_ACTION"));
    run(&project, "merge", "--history none").exits(2).warns("--history");
    run(&project, "plan", "--shards 3").exits(0);
    assert!(project.text("output").contains("shards=3\n"));
}

fn prepare(project: &Project, inputs: &[(&str, &str)]) -> Evenly {
    let defaults = [
        ("COMMAND", "run"),
        ("SHARD", "2/4"),
        ("HISTORY", ".evenly/history.jsonl"),
        ("CACHE", "true"),
        ("OUT", "evenly-out"),
        ("NAME", "evenly"),
        ("DIRECTORY", "."),
        ("ARGS", ""),
    ];
    let all = defaults.iter().chain(inputs);
    all.fold(script(project, "prepare"), |bash, (name, value)| bash.env(name, value))
}

/// What the script left for the other steps.
fn outputs(project: &Project, inputs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let _ = std::fs::remove_file(project.path("output"));
    prepare(project, inputs).exits(0);
    let text = project.text("output");
    let pairs = text.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn names_of_artifacts_have_shard_and_attempt_and_keys_are_of_one_name() {
    let project = Project::new(SHELL_SUITE);
    let shard = outputs(&project, &[("GITHUB_RUN_ATTEMPT", "3")]);
    assert_eq!(shard["artifact"], "evenly-shard-2-of-4-attempt-3");
    assert_eq!(shard["key"], "evenly/history/evenly/7/3");
    assert!(shard["key"].starts_with(&shard["restore-key"]));
    let inputs = [("COMMAND", "merge"), ("NAME", "web"), ("DIRECTORY", "sub/dir/")];
    let merge = outputs(&project, &inputs);
    assert_eq!(merge["artifact"], "web-report-attempt-1");
    assert_eq!(merge["artifacts"], "web-shard-*");
    assert_eq!(merge["report"], "sub/dir/evenly-out");
    assert_eq!(merge["cached"], "sub/dir/.evenly/history.jsonl");
    assert!(project.path("sub/dir").is_dir(), "a merge has no checkout");
    // No other name's key begins so.
    assert_eq!(merge["restore-key"], "evenly/history/web/");
    for (shard, label) in [("2", "2"), ("a b/4", "a-b-of-4")] {
        let artifact = format!("evenly-shard-{label}-attempt-1");
        assert_eq!(outputs(&project, &[("SHARD", shard)])["artifact"], artifact);
    }
    let index = [("SHARD", ""), ("EVENLY_JOB_INDEX", "08")];
    assert_eq!(outputs(&project, &index)["artifact"], "evenly-shard-9-attempt-1");
    // Only a job that is run again has anything to go on from.
    for (attempt, args, fetched) in [
        ("2", "--retries 1\n--failed", true),
        ("1", "--failed", false),
        ("2", "", false),
        ("2", "--failed-not", false),
    ] {
        let inputs = [("GITHUB_RUN_ATTEMPT", attempt), ("ARGS", args)];
        let earlier = outputs(&project, &inputs).remove("earlier");
        let expected = fetched.then(|| "evenly-shard-2-of-4-attempt-*".to_owned());
        assert_eq!(earlier, expected, "attempt {attempt}: {args}");
    }
    for uncached in [[("CACHE", "false")], [("HISTORY", "none")]] {
        assert!(!outputs(&project, &uncached).contains_key("cached"));
    }
}

#[test]
fn inputs_that_make_no_sense_are_refused() {
    let project = Project::new(SHELL_SUITE);
    for (name, value, told) in [
        ("COMMAND", "rnu", "`command` is one of"),
        ("NAME", "a/b", "`name` takes"),
        ("NAME", "a-shard-b", "`name` takes"),
        ("OUT", "", "cannot be empty"),
        ("OUT", "x\nartifact=stolen", "line break"),
    ] {
        prepare(&project, &[(name, value)]).exits(2).warns(told);
    }
}

/// A server of releases: these files, and 404 for all else.
fn releases(files: BTreeMap<&'static str, Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            lines.map(Result::unwrap).find(String::is_empty);
            let path = request.split(' ').nth(1).unwrap();
            let file = files.get(path.trim_start_matches("/octo/evenly/releases/download/v9.8.7/"));
            let (status, body) = file.map_or((404, &b"no"[..]), |body| (200, body));
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\
                                connection: close\r\n\r\n"
            );
            stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        }
    });
    address
}

/// A release's archive for this machine: a program that only tells its version.
fn archive(project: &Project) -> (&'static str, Vec<u8>) {
    project.write("pack/evenly", "#!/bin/sh\necho evenly 9.8.7\n");
    project.bash("chmod +x pack/evenly && tar -czf pack.tar.gz -C pack evenly").exits(0);
    let name = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "evenly-9.8.7-x86_64-unknown-linux-musl.tar.gz",
        ("linux", _) => "evenly-9.8.7-aarch64-unknown-linux-musl.tar.gz",
        (_, "x86_64") => "evenly-9.8.7-x86_64-apple-darwin.tar.gz",
        _ => "evenly-9.8.7-aarch64-apple-darwin.tar.gz",
    };
    (name, std::fs::read(project.path("pack.tar.gz")).unwrap())
}

fn sums(name: &str, content: &[u8]) -> Vec<u8> {
    let mut hex = String::new();
    for byte in Sha256::digest(content) {
        write!(hex, "{byte:02x}").unwrap();
    }
    format!("{}  evenly-9.8.7-other.tar.gz\n{hex}  {name}\n", "0".repeat(64)).into_bytes()
}

/// Installs a version, with a `cargo` that writes down what it was told.
fn install(project: &Project, version: &str, server: SocketAddr) -> Evenly {
    project.write("bin/cargo", "#!/bin/sh\necho \"$@\" > asked\nexit 1\n");
    project.bash("chmod +x bin/cargo").exits(0);
    let path = format!("{}:{}", project.path("bin").display(), std::env::var("PATH").unwrap());
    let bash = script(project, "install").env("PATH", path).env("VERSION", version);
    let bash = bash.env("SERVER", format!("http://{server}")).env("REPOSITORY", "octo/evenly");
    bash.env("ACTION_PATH", REPOSITORY)
}

#[test]
fn a_releases_binary_is_taken_with_its_checksum_and_refused_with_another() {
    let project = Project::new(SHELL_SUITE);
    let (name, content) = archive(&project);
    let good = BTreeMap::from([("SHA256SUMS", sums(name, &content)), (name, content.clone())]);
    install(&project, "9.8.7", releases(good)).exits(0).says("evenly 9.8.7");
    let program = project.path("temp/evenly/bin/evenly");
    assert_eq!(project.text("output"), format!("program={}\n", program.display()));
    assert!(project.text("added").ends_with("temp/evenly/bin\n"));
    // Once more in the same job: it is there.
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    install(&project, "9.8.7", nowhere).exits(0).says("evenly 9.8.7");

    let project = Project::new(SHELL_SUITE);
    let bad = BTreeMap::from([("SHA256SUMS", sums(name, b"another")), (name, content)]);
    install(&project, "9.8.7", releases(bad)).exits(3).warns("it is not used");
    assert!(!project.path("temp/evenly/bin/evenly").exists());
    assert!(!project.path("asked").exists(), "nothing else is tried instead");
}

#[test]
fn without_a_release_for_this_machine_cargo_builds_that_version() {
    let nothing = BTreeMap::new();
    let none_for_this = BTreeMap::from([("SHA256SUMS", sums("evenly-9.8.7-x.tar.gz", b""))]);
    for files in [nothing, none_for_this] {
        let project = Project::new(SHELL_SUITE);
        let ran = install(&project, "9.8.7", releases(files)).exits(1);
        ran.says("cargo builds it");
        let asked = project.text("asked");
        assert!(asked.starts_with("install evenly --version =9.8.7 --locked --root "), "{asked}");
    }
}

#[test]
fn the_version_of_the_action_is_its_crates() {
    let project = Project::new(SHELL_SUITE);
    install(&project, "", releases(BTreeMap::new())).exits(1);
    let version = env!("CARGO_PKG_VERSION");
    assert!(project.text("asked").contains(&format!(" --version ={version} ")));
    for bad in ["latest", "1.2", "1.2.3; touch x", "--git=1.2.3"] {
        install(&project, bad, releases(BTreeMap::new()))
            .exits(3)
            .warns("`version` is one such as");
    }
}

#[test]
fn a_path_and_the_checkout_are_versions_too() {
    let server = SocketAddr::from(([127, 0, 0, 1], 9));
    // An artifact: what it was may no longer be run.
    let project =
        Project::new(SHELL_SUITE).file("artifact/evenly", "#!/bin/sh\necho evenly mine\n");
    install(&project, "./artifact/evenly", server).exits(0).says("evenly mine");
    install(&project, "./artifact/other", server).exits(3).warns("there is no file");

    let project = Project::new(SHELL_SUITE)
        .file(
            "crate/Cargo.toml",
            "[package]\nname = \"evenly\"\nversion = \"0.0.9\"\n[workspace]\n",
        )
        .file(
            "crate/Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"evenly\"\nversion = \"0.0.9\"\n",
        )
        .file(
            "crate/src/main.rs",
            "fn main() { println!(\"evenly {}\", env!(\"CARGO_PKG_VERSION\")) }",
        );
    let own_cargo: Ran = {
        let bash = script(&project, "install").env("VERSION", "local").env("SERVER", "https://x");
        bash.env("REPOSITORY", "").env("ACTION_PATH", project.path("crate")).exits(0)
    };
    own_cargo.says("evenly 0.0.9");
}
