//! `evenly db` and kept dumps, on real servers.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod dumps;
mod leftovers;
mod local;

use std::path::PathBuf;

use crate::support::{Project, Ran};

/// A suite with one test that does nothing.
pub(crate) const SUITE: &str = "[run]\nworkers = 1\n[[suite]]\nname = \"sh\"\n\
    framework = \"command\"\nglobs = [\"t/*.sh\"]\nrun = \"sh {tests}\"\ndatabases = [\"main\"]\n";

/// A project with one test and these databases.
fn project(databases: &str) -> Project {
    Project::new(&format!("{SUITE}{databases}")).file("t/a.sh", "echo \"$DATABASE_URL\" > seen")
}

/// The value of a variable that `up` printed.
fn exported(ran: &Ran, name: &str) -> String {
    let line = ran.stdout.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
    let line = line.unwrap_or_else(|| panic!("no {name}: {ran}"));
    shlex::split(line).unwrap().remove(0)
}

/// The servers' directories whose owner is this process.
fn homes_of(pid: i64) -> Vec<PathBuf> {
    let places = [PathBuf::from("/dev/shm"), std::env::temp_dir()];
    let entries = places.iter().filter_map(|place| std::fs::read_dir(place).ok()).flatten();
    let owned = |path: &PathBuf| {
        let text = std::fs::read_to_string(path.join("owner.json")).ok()?;
        let owner: serde_json::Value = serde_json::from_str(&text).ok()?;
        (owner["pid"] == pid).then_some(())
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| owned(path).is_some()).collect()
}

/// The processes that work below a directory.
fn processes_below(directory: &std::path::Path) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let below = |pid: &i32| {
        let cwd = std::fs::read_link(format!("/proc/{pid}/cwd"));
        cwd.is_ok_and(|cwd| cwd.starts_with(directory))
    };
    numbers.filter(below).collect()
}
