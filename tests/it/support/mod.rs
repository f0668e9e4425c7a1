//! What every integration test starts from: a project in a fresh directory, and the real binary.

pub(crate) mod github;
pub(crate) mod gitlab;
pub(crate) mod http;
pub(crate) mod mariadb;
pub(crate) mod postgres;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program under test.
pub(crate) const EVENLY: &str = env!("CARGO_BIN_EXE_evenly");

/// Far beyond what anything here takes: only a hang runs into it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Runs `sh` on each `t/*.sh`; a file is one test, by its exit status.
pub(crate) const SHELL_SUITE: &str = r#"
[[suite]]
name = "sh"
framework = "command"
globs = ["t/*.sh"]
run = "sh {tests}"
"#;

/// Runs `sh` on each `t/*.sh`, which writes its own JUnit file to `$JUNIT`.
pub(crate) const JUNIT_SUITE: &str = r#"
[[suite]]
name = "ju"
framework = "command"
globs = ["t/*.sh"]
run = "JUNIT={junit} exec sh {tests}"
"#;

/// A project in a directory of its own.
pub(crate) struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new(config: &str) -> Self {
        let project = Self { dir: tempfile::tempdir().unwrap() };
        project.file("evenly.toml", config)
    }

    /// A project without a configuration.
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// Adds or replaces a file.
    pub(crate) fn file(self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> Self {
        self.write(name, content);
        self
    }

    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Copies a directory's files.
    pub(crate) fn copy(self, from: &Path) -> Self {
        copy_dir(from, self.dir.path());
        self
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn text(&self, name: impl AsRef<Path>) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn json(&self, name: impl AsRef<Path>) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    /// `evenly-out/report.json`.
    pub(crate) fn report(&self) -> Value {
        self.json("evenly-out/report.json")
    }

    /// The events of a journal below `evenly-out`.
    pub(crate) fn journal(&self, name: &str) -> Vec<Value> {
        let text = self.text(Path::new("evenly-out").join(name));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// `evenly` with these arguments, in the project, with a bare environment.
    pub(crate) fn evenly(&self, args: &[&str]) -> Evenly {
        self.bare(EVENLY, args)
    }

    /// A script for `bash` in which `"$0"` is `evenly`, in the same surroundings.
    pub(crate) fn bash(&self, script: &str) -> Evenly {
        self.bare("bash", &["-c", script, EVENLY])
    }

    fn bare(&self, program: &str, args: &[&str]) -> Evenly {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.dir.path()).env_clear().stdin(Stdio::null());
        for kept in ["PATH", "HOME", "LANG", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        Evenly { command }
    }
}

pub(crate) fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// One call of the program.
pub(crate) struct Evenly {
    command: Command,
}

impl Evenly {
    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Runs it to its end and checks the exit status.
    #[track_caller]
    pub(crate) fn exits(mut self, status: i32) -> Ran {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Ran::of(&self.command.output().unwrap()).exits(status)
    }

    /// Starts it in the background.
    pub(crate) fn start(mut self) -> Started {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Started { child: self.command.spawn().unwrap() }
    }

    pub(crate) fn into_command(self) -> Command {
        self.command
    }
}

/// A program that runs.
pub(crate) struct Started {
    child: Child,
}

impl Started {
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(self) -> Ran {
        Ran::of(&self.child.wait_with_output().unwrap())
    }
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn is_success(&self) -> bool {
        self.status == Some(0)
    }

    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self}");
        self
    }

    /// Checks that stdout has a text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "stdout lacks {text:?}:\n{self}");
        self
    }

    /// Checks that stdout lacks a text.
    #[track_caller]
    pub(crate) fn lacks(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text), "stdout has {text:?}:\n{self}");
        self
    }

    /// Checks that stderr has a text.
    #[track_caller]
    pub(crate) fn warns(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "stderr lacks {text:?}:\n{self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, stdout, stderr } = self;
        write!(f, "status {status:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// Waits until a condition holds; the test fails when it never does.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "never came true: {what}");
        std::thread::yield_now();
    }
}

/// Whether a process is there and not just a zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'),
        Err(_) => false,
    }
}

/// A JUnit file's text with passing and failing cases of one class.
pub(crate) fn junit(class: &str, passing: &[&str], failing: &[&str]) -> String {
    let pass =
        |name: &&str| format!("<testcase classname=\"{class}\" name=\"{name}\" time=\"0.01\"/>");
    let fail = |name: &&str| {
        format!(
            "<testcase classname=\"{class}\" name=\"{name}\" time=\"0.01\">\
             <failure message=\"{name} is wrong\">trace of {name}</failure></testcase>"
        )
    };
    let cases: String = passing.iter().map(pass).chain(failing.iter().map(fail)).collect();
    format!("<testsuites><testsuite name=\"s\">{cases}</testsuite></testsuites>")
}

/// A shell script that writes a JUnit file to `$JUNIT` and exits.
pub(crate) fn writes(junit: &str, status: i32) -> String {
    format!("cat > \"$JUNIT\" <<'END'\n{junit}\nEND\nexit {status}\n")
}

/// A directory of tools that `tests/run` installed; a test that needs it is skipped, loudly,
/// outside CI, and fails inside it.
pub(crate) fn tool(variable: &str) -> Option<OsString> {
    let found = std::env::var_os(variable).filter(|value| !value.is_empty());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "`{variable}` is not set: run `tests/run`");
        let said =
            format!("SKIPPED: `{variable}` is not set; `tests/run` installs what it names\n");
        std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).unwrap();
    }
    found
}
