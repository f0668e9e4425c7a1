//! What evenly and a warm worker tell each other: `docs/reference/shim-protocol.md`, as types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::listing::Broken;
use crate::model::{Outcome, ProcessEnd, Property, TestResult, Try};

/// The protocol's version.
pub const PROTOCOL: u32 = 1;

/// The longest message, bytes without the line end.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// The variable with the number of the descriptor that is a process's socket.
pub const PROTOCOL_FD: &str = "EVENLY_PROTOCOL_FD";

/// What evenly says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Always the first, to a process that evenly started.
    Hello(Hello),
    /// Asks for all groups.
    List {},
    /// Asks for a worker; a socket comes with it.
    Fork {
        /// The worker.
        worker: u32,
    },
    /// Sends a signal to a worker's process group.
    Signal {
        /// The worker.
        worker: u32,
        /// The signal's number.
        signal: i32,
    },
    /// Always the first, to a worker.
    Start {
        /// The worker.
        worker: u32,
        /// Variables for the suite.
        env: BTreeMap<String, String>,
    },
    /// Asks for an empty database to be filled.
    Prepare {
        /// Which of the framework's.
        alias: String,
        /// Where it is.
        url: String,
        /// The file to print into.
        output: String,
        /// Filled ones of those that must be created before it, by alias.
        #[serde(default)]
        databases: BTreeMap<String, String>,
    },
    /// Asks for tests of a group to be run.
    Run {
        /// The group's name.
        group: String,
        /// The tests, in their order.
        tests: Vec<String>,
        /// The file to print into.
        output: String,
        /// The clones, by alias.
        databases: BTreeMap<String, String>,
    },
    /// Asks the process to end.
    Stop {},
}

/// Which suite a process is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The framework's name in evenly.
    pub framework: String,
    /// Whether workers are to be forks.
    pub processes: Processes,
    /// The suite's settings.
    pub options: serde_json::Map<String, serde_json::Value>,
}

/// How workers come to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Processes {
    /// As forks of one process that has imported everything, where the framework allows it.
    #[default]
    Fork,
    /// Each is started by itself.
    Separate,
}

/// What a process says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// It can go on.
    Ready(Ready),
    /// It cannot do what it was asked.
    Failed {
        /// Why and what to do, one line.
        message: String,
        /// A trace.
        #[serde(default)]
        detail: String,
    },
    /// A group.
    Group(WarmGroup),
    /// There are no more groups.
    Listed(Listed),
    /// A worker is there.
    Forked {
        /// The worker.
        worker: u32,
        /// Its process.
        pid: i32,
    },
    /// A worker has ended.
    Ended {
        /// The worker.
        worker: u32,
        /// Its process.
        pid: i32,
        /// How.
        end: ProcessEnd,
    },
    /// A worker has its variables.
    Started {
        /// Its process.
        pid: i32,
    },
    /// A database is filled.
    Prepared {
        /// Which.
        alias: String,
    },
    /// A test begins.
    TestStarted {
        /// Its name.
        test: String,
    },
    /// A test has ended.
    TestFinished(Box<TestFinished>),
    /// A group has ended.
    GroupFinished(Finish),
}

/// What a process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The protocol that it speaks.
    pub protocol: u32,
    /// The framework's name and version, for people.
    pub framework: String,
    /// The language's name and version, for people.
    pub language: String,
    /// Whether it forks its workers.
    pub forks: bool,
}

/// A group, as a warm worker lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WarmGroup {
    /// Its name.
    pub name: String,
    /// Its tests, in the order in which they run.
    pub tests: Vec<String>,
    /// The aliases that they use.
    #[serde(default)]
    pub databases: Vec<String>,
    /// Those of them that it leaves otherwise than a fresh clone is.
    #[serde(default)]
    pub dirties: Vec<String>,
    /// Whether the framework runs it after all groups that are not.
    #[serde(default)]
    pub late: bool,
}

/// The end of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// How many groups there are.
    pub groups: usize,
    /// What cannot be collected.
    #[serde(default)]
    pub broken: Vec<Broken>,
    /// The databases that the framework would create.
    #[serde(default)]
    pub databases: Vec<WarmDatabase>,
}

/// A database that a framework would create for its tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WarmDatabase {
    /// The framework's name for it.
    pub alias: String,
    /// The server and the database that it is configured for; a secret.
    pub url: String,
    /// What the framework would call its test database.
    pub name: String,
    /// Whether tests would be run on it in memory.
    #[serde(default)]
    pub in_memory: bool,
    /// The alias that it is another name for.
    #[serde(default)]
    pub mirror: Option<String>,
    /// The aliases that must be created before it.
    #[serde(default)]
    pub after: Vec<String>,
    /// A hash of all that the filled database depends on.
    pub key: String,
}

/// A test's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TestFinished {
    /// Its name.
    pub test: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, microseconds.
    pub duration_us: u64,
    /// JUnit's class name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// JUnit's name; the test's where it is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub case: String,
    /// The failure's, error's or skip's message, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The failure's or error's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The failure's or error's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The file it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What it came to before, where the framework itself tried it more than once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Tried>,
    /// What it recorded about itself, in its last try.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
}

/// A try of a test before the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tried {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, microseconds.
    pub duration_us: u64,
    /// The failure's or error's message, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The failure's or error's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The failure's or error's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A group's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finish {
    /// The aliases whose clones are not as before.
    #[serde(default)]
    pub dirty: Vec<String>,
    /// What the worker has resident.
    #[serde(default)]
    pub memory_bytes: u64,
    /// The framework's own verdict.
    pub good: bool,
}

impl From<TestFinished> for TestResult {
    fn from(told: TestFinished) -> Self {
        let TestFinished {
            test,
            outcome,
            duration_us,
            class,
            case,
            message,
            kind,
            detail,
            file,
            line,
            earlier,
            properties,
        } = told;
        let properties = properties.iter().map(|one| (&one.name, &one.value));
        Self {
            case: if case.is_empty() { test.clone() } else { case },
            name: test,
            class,
            outcome,
            duration_us,
            message,
            kind,
            detail,
            file,
            line,
            reported: true,
            repeats: 1,
            tries: earlier.into_iter().map(Try::from).collect(),
            properties: Property::kept(properties),
        }
    }
}

impl From<Tried> for Try {
    fn from(told: Tried) -> Self {
        let Tried { outcome, duration_us, message, kind, detail } = told;
        Self { outcome, duration_us, message, kind, detail }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::PROPERTIES_BYTES_MAX;

    const DOCUMENTED: &str = include_str!("../../docs/reference/shim-protocol.md");

    fn examples() -> impl Iterator<Item = &'static str> {
        let blocks = DOCUMENTED.split("```json\n").skip(1);
        blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines())
    }

    /// A message's one key.
    fn key(message: &Value) -> String {
        message.as_object().unwrap().keys().next().unwrap().clone()
    }

    #[test]
    fn every_documented_message_is_understood_and_none_is_missing() {
        let mut seen = std::collections::BTreeSet::new();
        for line in examples() {
            let value: Value = serde_json::from_str(line).unwrap();
            seen.insert(key(&value));
            let again = if let Ok(ask) = serde_json::from_str::<Ask>(line) {
                serde_json::to_value(ask).unwrap()
            } else {
                let told: Told = serde_json::from_str(line).expect(line);
                serde_json::to_value(told).unwrap()
            };
            assert_eq!(again, value, "{line}");
        }
        let all = "ended failed fork forked group group-finished hello list listed prepare \
                   prepared ready run signal start started stop test-finished test-started";
        assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>().join(" "), all);
    }

    #[test]
    fn a_worker_cannot_make_evenly_keep_properties_without_end() {
        let property = Property { name: "n".into(), value: "v".repeat(1 << 20).into() };
        let line = r#"{"test": "a", "outcome": "passed", "duration-us": 1}"#;
        let told: TestFinished = serde_json::from_str(line).unwrap();
        let told = TestFinished { properties: vec![property; 1_000], ..told };
        let kept = TestResult::from(told).properties;
        assert!(kept.iter().map(Property::bytes).sum::<usize>() <= PROPERTIES_BYTES_MAX);
        assert!(!kept.is_empty());
    }

    #[test]
    fn unknown_fields_are_ignored_and_unknown_messages_are_not() {
        let told = |text: &str| serde_json::from_str::<Told>(text);
        assert!(told(r#"{"test-started": {"test": "a", "colour": "red"}}"#).is_ok());
        assert!(told(r#"{"dance": {}}"#).is_err());
    }
}
