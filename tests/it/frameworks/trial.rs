//! Twisted's trial.

use super::{model, outcome, python, reported, suite};
use crate::support::Project;

const NET: &str = r#"
import os
from twisted.internet import defer, reactor, threads
from twisted.trial import unittest

class Net(unittest.TestCase):
    def test_waits(self):
        found = defer.Deferred()
        reactor.callLater(0, found.callback, None)
        return found

    def test_threads(self):
        return threads.deferToThread(lambda: None)

    def test_fails(self):
        self.assertEqual(1, 2)

    def test_dirty(self):
        reactor.callLater(60, lambda: None)

    def test_todo(self):
        self.fail("not yet")
    test_todo.todo = "later"

    def test_skipped(self):
        raise unittest.SkipTest("not here")
"#;

const MODEL: &str = "
passed net.test_net.Net.test_waits
passed net.test_net.Net.test_threads
failed net.test_net.Net.test_fails
errored net.test_net.Net.test_dirty
passed net.test_net.Net.test_todo
skipped net.test_net.Net.test_skipped
passed net.test_after.After.test_reactor
";

const AFTER: &str = r"
from twisted.internet import defer, reactor
from twisted.trial import unittest

class After(unittest.TestCase):
    def test_reactor(self):
        found = defer.Deferred()
        reactor.callLater(0, found.callback, None)
        return found
";

fn project(more: &str) -> Option<Project> {
    let lines = format!("python = {:?}\npaths = [\"net\"]\n{more}", python()?);
    let project = Project::new(&suite("trial", &lines))
        .file("net/__init__.py", "")
        .file("net/test_after.py", AFTER)
        .file("net/test_net.py", NET);
    Some(project)
}

#[test]
fn tests_come_to_what_trial_makes_of_them_and_the_reactor_stays_usable() {
    for workers in ["1", "2"] {
        let Some(project) = project("") else { return };
        project.evenly(&["local", "--shards", "1", "--workers", workers]).exits(1);
        assert_eq!(reported(&project), model(MODEL), "{workers} workers");
        assert!(!project.path("_trial_temp").exists());
    }
}

#[test]
fn a_module_that_cannot_be_imported_is_an_error_that_names_it() {
    let Some(project) = project("") else { return };
    project.write("net/test_broken.py", "import no_such_module\n");
    let told = project.evenly(&["local", "--shards", "1"]).exits(1);
    told.says("net.test_broken").says("no_such_module");
    assert_eq!(outcome(&project, "net.test_broken"), "errored");
}

#[test]
fn an_interpreter_without_twisted_is_told() {
    let Some(project) = project("") else { return };
    project.write("bare", "#!/bin/sh\nexec python3 -S \"$@\"\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.path("bare"), executable).unwrap();
    let config = project.text("evenly.toml");
    let line = config.lines().find(|line| line.starts_with("python")).unwrap().to_owned();
    project.write("evenly.toml", config.replace(&line, "python = \"./bare\""));
    project.evenly(&["local", "--shards", "1"]).exits(2).warns("has no Twisted");
}
