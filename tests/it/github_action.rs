//! The action, in the workflows of the guide: nektos act runs them on this machine, with the real
//! clients of artifacts and of the cache. What act does not have (cancelled jobs, releases) its
//! scripts are asked for by themselves.

mod dogfood;
mod scripts;

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{EVENLY, Project, Ran, SHELL_SUITE, copy_dir, tool};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// A repository with a workflow of the guide, and what a GitHub around it would keep.
struct Repository {
    project: Project,
    /// Artifacts, caches and act's own files.
    kept: tempfile::TempDir,
    act: PathBuf,
    modules: OsString,
}

/// A workflow of the guide, with this evenly for a release's; its last step tells the verdict.
fn workflow(name: &str) -> String {
    let guide = fs::read_to_string(Path::new(REPOSITORY).join("docs/guide/github.md")).unwrap();
    let begin = format!("```yaml\n# .github/workflows/{name}\n");
    let (_, rest) = guide.split_once(&begin).expect("the guide has the workflow");
    let (text, _) = rest.split_once("```").expect("its end");
    let lines = text.lines().filter(|line| !line.is_empty()).count();
    assert!(name != "tests.yml" || lines < 30, "{lines} lines and the file's name");
    let with = format!("{{ version: {EVENLY}, comment: \"\", command: ");
    let told = "${{ steps.merge.outputs.verdict }} ${{ steps.merge.outputs.failed }} of \
                ${{ steps.merge.outputs.report }} at ${{ steps.merge.outputs.report-url }}";
    let last = "        id: merge\n      - if: always()\n        run: echo \"told ";
    text.replace("{ command: ", &with) + last + told + "\"\n"
}

impl Repository {
    /// A project with a workflow of the guide.
    fn of_guide(project: Project, name: &str) -> Option<Self> {
        Self::new(project.file(format!(".github/workflows/{name}"), workflow(name)))
    }

    fn new(project: Project) -> Option<Self> {
        let act = Path::new(&tool("EVENLY_TEST_VENV")?).join("bin/act");
        let mut modules = tool("EVENLY_TEST_NODE")?;
        modules.push("/node_modules");
        let kept = tempfile::tempdir().unwrap();
        let action = kept.path().join("action");
        copy_dir(&Path::new(REPOSITORY).join(".github/action"), &action.join(".github/action"));
        for file in ["action.yml", "Cargo.toml"] {
            fs::copy(Path::new(REPOSITORY).join(file), action.join(file)).unwrap();
        }
        let git = "git init -q -b main . && git add -A && git -c user.name=a -c user.email=a@b \
                   commit -qm one && git remote add origin https://github.com/o/r";
        project.bash(git).exits(0);
        Some(Self { project, kept, act, modules })
    }

    /// Runs the workflow as one of a pull request.
    fn run(&self, more: &[&str]) -> Ran {
        let kept = |name: &str| self.kept.path().join(name).into_os_string().into_string().unwrap();
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(&self.act);
        command.current_dir(self.project.path("")).arg("pull_request").args(more);
        for image in ["ubuntu-latest", "ubuntu-24.04"] {
            command.args(["-P", &format!("{image}=-self-hosted")]);
        }
        if !more.contains(&"--secret-file") {
            command.args(["-s", "GITHUB_TOKEN=ghs_secret"]);
        }
        command.args(["--artifact-server-addr", "127.0.0.1", "--cache-server-addr", "127.0.0.1"]);
        for (flag, value) in [
            ("--artifact-server-path", kept("artifacts")),
            ("--artifact-server-port", port().to_string()),
            ("--cache-server-path", kept("caches")),
            ("--cache-server-port", port().to_string()),
            ("--action-cache-path", kept("act")),
            ("--env", format!("STANDIN_MODULES={}", self.modules.to_string_lossy())),
        ] {
            command.args([flag, &value]);
        }
        for local in self.stand_ins() {
            command.args(["--local-repository", &local]);
        }
        for name in ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY", "GITHUB_TOKEN"] {
            command.env_remove(name);
        }
        command.env("HOME", kept("home")).env("XDG_CACHE_HOME", kept("xdg"));
        Ran::of(&command.output().unwrap())
    }

    /// Every action that is used, from a folder: the network is out of reach.
    fn stand_ins(&self) -> Vec<String> {
        let action = fs::read_to_string(Path::new(REPOSITORY).join("action.yml")).unwrap();
        let used = action.lines().filter_map(|line| line.trim().strip_prefix("uses: actions/"));
        let own = Path::new(REPOSITORY).join("tests/it/github_action");
        let mut all: Vec<String> = used
            .map(|used| {
                let (name, rest) = used.split_once('@').expect("a version");
                let hash = rest.split(' ').next().unwrap_or(rest);
                let name = name.split('/').next().unwrap_or(name);
                let folder = own.join(name);
                format!("https://github.com/actions/{name}@{hash}={}", folder.display())
            })
            .collect();
        all.sort();
        all.dedup();
        let action = self.kept.path().join("action");
        all.push(format!("https://github.com/evenly-ci/evenly@v0.1.0={}", action.display()));
        all
    }

    fn artifacts(&self, run: &str) -> Vec<String> {
        let entries = fs::read_dir(self.kept.path().join("artifacts").join(run)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// The shard that a group is planned into.
fn shard_of(project: &Project, group: &str, total: usize) -> String {
    let args = ["plan", "--json", "--shards", &total.to_string()];
    let plan: Value = serde_json::from_str(&project.evenly(&args).exits(0).stdout).unwrap();
    let holds = |shard: &&Value| {
        let groups = shard["groups"].as_array().unwrap();
        groups.iter().any(|planned| planned["id"] == format!("sh:{group}"))
    };
    let shard = plan["shards"].as_array().unwrap().iter().find(holds).unwrap();
    format!("{}/{total}", shard["index"])
}

/// Kills evenly itself, in the first attempt: the outermost of the processes above with that name.
const CRASHES: &str = "[ \"$GITHUB_RUN_ATTEMPT\" = 1 ] || exit 0\npid=$$\n\
                       while [ \"$pid\" -gt 1 ]; do\n\
                       grep -q '(evenly)' /proc/$pid/stat && evenly=$pid\n\
                       pid=$(cut -d ' ' -f 4 /proc/$pid/stat)\ndone\nkill -9 \"$evenly\"\n";
/// Fails in the first attempt, and says what a workflow would obey.
const FAILS: &str = "printf '%s\\n' '::set-output name=verdict::stolen' '::error::stolen' \
                     '::add-mask::told' '##[error]stolen'\n\
                     env | grep -qE '^(GITHUB_(OUTPUT|TOKEN)|EVENLY_ACTION_)' && exit 9\n\
                     [ \"$GITHUB_RUN_ATTEMPT\" != 1 ]\n";

#[test]
fn a_failed_and_a_crashed_shard_are_told_and_a_re_run_of_both_is_green() {
    let project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"))
        .file("t/crash.sh", CRASHES)
        .file("t/fail.sh", FAILS)
        .file("t/fine.sh", "");
    let Some(repository) = Repository::of_guide(project, "tests.yml") else { return };
    let again = ["t/crash.sh", "t/fail.sh"].map(|group| shard_of(&repository.project, group, 3));
    let first = repository.run(&["--env", "GITHUB_RUN_ID=7", "--env", "GITHUB_RUN_ATTEMPT=1"]);
    let first = first.exits(1).says("told incomplete 1 of evenly-out at https://");
    first
        .says("Cache not found")
        .says("Cache saved with key: evenly/history/evenly/7/1")
        .obeyed_no();
    let names = repository.artifacts("7");
    for shard in 1..=3 {
        let name = format!("evenly-shard-{shard}-of-3-attempt-1");
        assert!(names.iter().any(|artifact| artifact.starts_with(&name)), "{name}: {names:?}");
    }

    let cells = again.map(|shard| format!("shard:{shard}"));
    let attempt = ["--env", "GITHUB_RUN_ID=7", "--env", "GITHUB_RUN_ATTEMPT=2"];
    let matrix = ["--matrix", cells[0].as_str(), "--matrix", cells[1].as_str()];
    let second = repository.run(&[attempt, matrix].concat());
    let second = second.exits(0).says("told passed 0 of evenly-out at https://");
    second.says("Cache restored from key: evenly/history/evenly/7/1").obeyed_no();
    let names = repository.artifacts("7");
    let newer = names.iter().filter(|name| name.contains("-attempt-2"));
    assert_eq!(newer.count(), 3, "two shards and the report: {names:?}");
}

impl Ran {
    /// Checks that nothing that a test printed was obeyed, and that no token is in the log.
    fn obeyed_no(self) -> Self {
        let obeyed = |line: &&str| {
            ["set-output", "add-mask", "::error::", "❗", "⚙"].iter().any(|sign| line.contains(sign))
                && (line.contains("stolen") || line.contains("add-mask"))
                // evenly shows what was printed, with its commands broken.
                && !line.contains('\u{200b}')
        };
        let lines: Vec<&str> = self.stdout.lines().filter(obeyed).collect();
        assert_eq!(lines, Vec::<&str>::new(), "{self}");
        self.lacks("ghs_secret")
    }
}

#[test]
fn a_failed_shard_that_is_run_again_can_run_only_what_failed() {
    let text = workflow("tests.yml").replace("command: run,", "command: run, args: --failed,");
    let project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"));
    // A job has a copy of the project that is gone with it.
    let fine = format!("echo $GITHUB_RUN_ATTEMPT >> '{}'\n", project.path("fine").display());
    // As many as give each of three shards two at least.
    for name in ["a", "b", "c", "d", "e", "f"] {
        project.write(format!("t/{name}.sh"), &fine);
    }
    let project = project
        .file("t/fail.sh", "[ \"$GITHUB_RUN_ATTEMPT\" != 1 ]\n")
        .file(".github/workflows/tests.yml", text);
    let Some(repository) = Repository::new(project) else { return };
    let shard = format!("shard:{}", shard_of(&repository.project, "t/fail.sh", 3));
    let attempt = |number| format!("GITHUB_RUN_ATTEMPT={number}");
    let first = repository.run(&["--env", "GITHUB_RUN_ID=7", "--env", &attempt(1)]);
    first.exits(1).says("told failed 1 of evenly-out");
    let again = ["--env", "GITHUB_RUN_ID=7", "--env", &attempt(2), "--matrix", &shard];
    let second = repository.run(&again).exits(0);
    second.says("told passed 0 of evenly-out").says("7 tests, every one ran exactly once");
    let fine = repository.project.text("fine");
    assert_eq!(fine.lines().collect::<Vec<_>>(), ["1"; 6], "nothing that had passed ran again");
}

#[test]
fn a_first_job_chooses_how_many_others_there_are() {
    let history = "{\"format\":1}\n{\"suite\":\"sh\",\"runs\":[[1,1,0]]}\n\
                   {\"test\":\"sh:t/a.sh\",\"prefix\":6,\"us\":[200000000]}\n\
                   {\"test\":\"sh:t/b.sh\",\"prefix\":6,\"us\":[200000000]}\n";
    let project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"))
        .file("t/a.sh", "")
        .file("t/b.sh", "")
        .file(".evenly/history.jsonl", history);
    let Some(repository) = Repository::of_guide(project, "planned.yml") else { return };
    let ran = repository.run(&["--env", "GITHUB_RUN_ID=9"]);
    ran.exits(0).says("2 shards for a target of 5 min 0 s").says("told passed 0 of evenly-out");
    let names = repository.artifacts("9").join(" ");
    for shard in ["evenly-shard-1-of-2-attempt-1", "evenly-shard-2-of-2-attempt-1"] {
        assert!(names.contains(shard), "{names}");
    }
}
