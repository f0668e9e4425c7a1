//! The Python package of warm workers, spoken to in its protocol by a script that plays evenly.

mod django_orm;
mod hostile;
mod python;
mod real;
mod trial;
mod unittest;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use evenly::framework::protocol::{TestFinished, Told};
use evenly::model::{Outcome, ProcessEnd};
use serde_json::{Value, json};

use crate::support::{Project, tool};

const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/shim/evenly_worker");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/warm_python");

/// Outcomes by name.
type Outcomes = BTreeMap<String, String>;

/// The interpreter that has the frameworks.
fn python() -> Option<String> {
    Some(format!("{}/bin/python", tool("EVENLY_TEST_VENV")?.to_str().unwrap()))
}

fn project(fixture: &str) -> Project {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    Project::new("").copy(&fixtures.join(fixture))
}

/// Runs Python in a project.
#[track_caller]
fn run(project: &Project, python: &str, args: &[&str]) -> Output {
    let bare = project.evenly(&[]).into_command();
    let mut command = Command::new(python);
    command.arg("-B").args(args).current_dir(project.path("")).env_clear();
    for (key, value) in bare.get_envs() {
        command.envs(value.map(|value| (key, value)));
    }
    command.output().unwrap()
}

/// What was said in a scenario.
#[derive(Debug)]
struct Talk {
    main: Vec<Told>,
    worker: Vec<Told>,
    outputs: Vec<String>,
    log: String,
    exit: i32,
}

impl Talk {
    /// Plays a scenario: see `driver.py`.
    #[track_caller]
    fn of(project: &Project, python: &str, framework: &str, scenario: &Value) -> Self {
        let driver = format!("{SCRIPTS}/driver.py");
        let args = [&*driver, PACKAGE, framework, &scenario.to_string()];
        let ran = run(project, python, &args);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let text = String::from_utf8(ran.stdout).unwrap();
        let mut talk =
            Self { main: vec![], worker: vec![], outputs: vec![], log: String::new(), exit: -1 };
        for line in text.lines() {
            let (who, said) = line.split_once('\t').unwrap();
            match who {
                "main" => talk.main.push(serde_json::from_str(said).expect(said)),
                "worker" => talk.worker.push(serde_json::from_str(said).expect(said)),
                "output" => talk.outputs.push(serde_json::from_str(said).unwrap()),
                "log" => talk.log = serde_json::from_str(said).unwrap(),
                "exit" => talk.exit = said.parse().unwrap(),
                _ => panic!("{line}"),
            }
        }
        talk
    }

    /// Every result, in the order in which they came.
    fn results(&self) -> impl Iterator<Item = &TestFinished> {
        self.worker.iter().filter_map(|told| match told {
            Told::TestFinished(finished) => Some(&**finished),
            _ => None,
        })
    }

    #[track_caller]
    fn result(&self, test: &str) -> &TestFinished {
        self.results().find(|found| found.test == test).unwrap_or_else(|| panic!("{self:#?}"))
    }

    /// What became of each test. Each was told once.
    #[track_caller]
    fn outcomes(&self) -> Outcomes {
        let mut found = Outcomes::new();
        for result in self.results() {
            let again = found.insert(result.test.clone(), word(result.outcome).to_owned());
            assert_eq!(again, None, "{} was told twice", result.test);
        }
        found
    }

    /// The groups that were listed, with their tests.
    fn groups(&self) -> Vec<(&str, &[String])> {
        let groups = self.main.iter().filter_map(|told| match told {
            Told::Group(group) => Some((&*group.name, &*group.tests)),
            _ => None,
        });
        groups.collect()
    }

    /// How the workers ended.
    fn ends(&self) -> Vec<ProcessEnd> {
        let ends = self.main.iter().filter_map(|told| match told {
            Told::Ended { end, .. } => Some(end.clone()),
            _ => None,
        });
        ends.collect()
    }

    /// The framework's own verdicts.
    fn verdicts(&self) -> Vec<bool> {
        let verdicts = self.worker.iter().filter_map(|told| match told {
            Told::GroupFinished(finish) => Some(finish.good),
            _ => None,
        });
        verdicts.collect()
    }

    /// The message of a process that could not go on.
    #[track_caller]
    fn refusal(&self) -> &str {
        match self.main.last() {
            Some(Told::Failed { message, .. }) => message,
            _ => panic!("{self:#?}"),
        }
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Skipped => "skipped",
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Errored => "errored",
    }
}

/// Lines of an outcome and a name; other lines were printed by tests. Of a name that is there more
/// often, the worst.
fn model(text: &str) -> Outcomes {
    const WORSE: [&str; 4] = ["passed", "skipped", "failed", "errored"];
    let rank = |word: &str| WORSE.iter().position(|known| *known == word);
    let mut found = Outcomes::new();
    for (outcome, name) in text.lines().filter_map(|line| line.split_once(' ')) {
        if rank(outcome).is_none() {
            continue;
        }
        let known = found.entry(name.to_owned()).or_insert_with(|| outcome.to_owned());
        if rank(outcome) > rank(known) {
            outcome.clone_into(known);
        }
    }
    found
}

/// Checks that two runs came to the same.
#[track_caller]
fn same(found: &Outcomes, alone: &Outcomes) {
    let differs: Vec<_> = found.iter().filter(|(id, what)| alone.get(*id) != Some(*what)).collect();
    assert!(differs.is_empty(), "not as the framework alone has it: {differs:#?}");
    let lost: Vec<_> = alone.keys().filter(|id| !found.contains_key(*id)).collect();
    assert!(lost.is_empty(), "lost: {lost:#?}");
}

/// What the framework's own run comes to, by a script that prints it.
#[track_caller]
fn alone(project: &Project, python: &str, script: &str, args: &[&str]) -> Outcomes {
    let ran = run(project, python, &[&[script], args].concat());
    let text = String::from_utf8_lossy(&ran.stdout);
    assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    model(&text)
}

/// Only these groups.
fn groups(names: &[&str]) -> Value {
    json!({ "groups": names })
}
