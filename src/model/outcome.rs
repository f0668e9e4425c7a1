//! How tests, processes and groups end.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::property::Property;

/// How one execution of a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was not run, on purpose.
    Skipped,
    /// It ran and held.
    Passed,
    /// An assertion did not hold.
    Failed,
    /// Something else broke: set-up, an exception, the process.
    Errored,
}

impl Outcome {
    /// Whether the run can be green with it.
    #[must_use]
    pub fn is_good(self) -> bool {
        match self {
            Self::Skipped | Self::Passed => true,
            Self::Failed | Self::Errored => false,
        }
    }
}

/// One execution of one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// The test's name inside its suite: the listed name where the framework lists tests, else
    /// made of the JUnit file's class and name.
    pub name: String,
    /// JUnit's `classname`, for the joined JUnit file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// JUnit's `name`, for the joined JUnit file.
    pub case: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, microseconds, as the framework says.
    pub duration_us: u64,
    /// The failure's, error's or skip's one-line message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The failure's or error's type (an exception's class, say).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The failure's or error's text: a trace, usually.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The file it stands in, where the framework says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// False when the framework said nothing of it and the result was concluded from how its
    /// process ended.
    pub reported: bool,
    /// How often the framework reported it within this one execution of its group; 1 as a rule.
    pub repeats: u32,
    /// What it came to before, within this one execution, where its framework tried it again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Try>,
    /// What it recorded about itself, in its last try.
    #[serde(default, skip_serializing_if = "<[Property]>::is_empty")]
    pub properties: Box<[Property]>,
}

/// A try of a test that its framework itself followed by another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, microseconds.
    pub duration_us: u64,
    /// Its one-line message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its type (an exception's class, say).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its text: a trace, usually.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessEnd {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
    /// It never ran; the text says why.
    NotStarted(String),
    /// Whoever watched it died, so its end is not known; the text says what is.
    Unknown(String),
}

impl fmt::Display for ProcessEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exit status {status}"),
            Self::Signaled(signal) => write!(f, "signal {signal}, {}", signal_name(*signal)),
            Self::NotStarted(why) => write!(f, "not started: {why}"),
            Self::Unknown(why) => write!(f, "end unknown: {why}"),
        }
    }
}

/// The name of a signal, by the numbers of Linux and macOS that are the same on both.
fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => "see signal(7)",
    }
}

/// What was wrong with an execution of a group beyond its tests' own failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// It wrote no JUnit file.
    NoReport,
    /// Its JUnit file could not be read to the end; the text says where it broke.
    TornReport(String),
    /// Its JUnit file holds no test.
    EmptyReport,
    /// Its JUnit file is all green, but the process failed.
    GreenButFailed,
    /// It ran beyond its time, microseconds, and was killed.
    TimedOut(u64),
    /// It was ended because the run was.
    Interrupted,
    /// Its process could not be started.
    NotStarted,
    /// Processes that it started could not be killed; their numbers.
    Unkillable(Vec<i32>),
    /// Its warm worker ended before the group did.
    WorkerDied,
    /// Its warm worker said what it must not, and was killed; the text is what.
    WorkerAstray(String),
    /// So many warm workers ended in it that it was given up.
    GivenUp(u32),
    /// Its framework calls it bad, and no test of it is.
    CalledBad,
}

impl Problem {
    /// The problem and how the process ended, in one line.
    #[must_use]
    pub fn describe(&self, end: &ProcessEnd) -> String {
        match self {
            Self::NoReport => format!("wrote no JUnit file ({end})"),
            Self::TornReport(at) => format!("wrote a JUnit file that is not whole: {at} ({end})"),
            Self::EmptyReport => format!("wrote a JUnit file without a single test ({end})"),
            Self::GreenButFailed => format!("reported no failure, but its process failed ({end})"),
            Self::TimedOut(after_us) => {
                format!("timed out after {:.1} s ({end})", micros_to_secs(*after_us))
            }
            Self::Interrupted => format!("was interrupted ({end})"),
            Self::NotStarted => format!("could not be started ({end})"),
            Self::Unkillable(pids) => format!("left processes that cannot be killed: {pids:?}"),
            Self::WorkerDied => format!("lost its worker ({end})"),
            Self::WorkerAstray(what) => format!("had a worker that {what} ({end})"),
            Self::GivenUp(1) => format!("was given up: its worker died ({end})"),
            Self::GivenUp(deaths) => {
                format!("was given up: its workers died {deaths} times, the last one by {end}")
            }
            Self::CalledBad => "is bad in its framework's eyes, although no test of it is".into(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people to read, one decimal")]
fn micros_to_secs(us: u64) -> f64 {
    us as f64 / 1e6
}

/// How an execution of a group ended, all told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every test good and no problem.
    Passed,
    /// A test failed, or there was a problem.
    Failed,
}
