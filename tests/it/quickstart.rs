//! The README's first command, as a newcomer types it.

use std::path::Path;

use serde_json::Value;

use crate::support::{Project, Ran};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// Builds evenly; the test has a built one.
const BUILDS: &str = "cargo run --release -- ";

/// A directory that looks like a clone of the repository, as far as the command needs one.
fn clone() -> Project {
    let project = Project::new("");
    let from = Path::new(REPOSITORY).join("docs/quickstart");
    for entry in walk(&from) {
        let name = entry.strip_prefix(REPOSITORY).unwrap().to_owned();
        project.write(name, std::fs::read(&entry).unwrap());
    }
    project
}

/// The quickstart's files, without what Python and evenly leave beside them.
fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let left_over = |path: &Path| {
        path.ends_with("__pycache__") || path.ends_with("evenly-out") || path.ends_with(".evenly")
    };
    let kept = entries.filter(|path| !left_over(path));
    kept.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// What stands after `cargo run --release --` in the first `sh` block of a document.
fn first_command(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(REPOSITORY).join(document)).unwrap();
    let block = text.split("```sh\n").nth(1).unwrap_or_else(|| panic!("{document}: no sh block"));
    let line = block.lines().next().unwrap();
    let typed = line.strip_prefix(BUILDS).unwrap_or_else(|| panic!("{document} begins {line:?}"));
    shlex::split(typed).unwrap()
}

fn run(project: &Project, words: &[String]) -> Ran {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    project.evenly(&words).exits(0)
}

#[test]
fn the_first_command_ends_with_a_report_and_the_next_plan_knows_more() {
    let project = clone();
    let command = first_command("README.md");
    assert_eq!(command, first_command("docs/quickstart/README.md"), "two documents differ");
    let ran = run(&project, &command);
    let last = ran.stdout.lines().last().unwrap();
    assert!(last.starts_with("✓ whole and green: 6 groups, 43 tests"), "{ran}");
    assert_eq!(bases(&project), ["default"; 6]);
    assert_eq!(project.report()["totals"]["passed"], 43);
    run(&project, &command).says("✓ whole and green");
    let bases = bases(&project);
    assert!(bases.len() >= 6 && bases.iter().all(|basis| basis == "measured"), "{bases:?}");
}

/// Where each group's estimate came from.
fn bases(project: &Project) -> Vec<String> {
    let report = project.report();
    let groups: &Vec<Value> = report["groups"].as_array().unwrap();
    groups.iter().map(|group| group["basis"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn it_works_with_more_shards_too() {
    let project = clone();
    let mut command = first_command("README.md");
    let at = command.iter().position(|word| word == "--shards").unwrap();
    command[at + 1] = "4".to_owned();
    run(&project, &command).says("4/4").says("✓ whole and green").says("43 tests");
    assert_eq!(project.report()["shards"].as_array().unwrap().len(), 4);
}
