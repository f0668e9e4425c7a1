//! The Python package of warm workers under tests that do what tests do.

use serde_json::Value;

use crate::support::Project;

/// Each of these ends as its name begins; `lasts` is the proof that the worker still works.
const HOSTILE: &str = r#"
import contextlib, ctypes, faulthandler, gc, io, json, os, signal, sys, tempfile, threading, time
import unittest
from unittest import mock


class Hostile(unittest.TestCase):
    def test_passes_after_closing_descriptors(self):
        os.closerange(3, 256)

    def test_passes_without_output(self):
        os.close(1)
        os.close(2)

    def test_passes_in_another_directory(self):
        os.chdir(tempfile.mkdtemp())

    def test_passes_after_changing_handlers(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)

    def test_passes_after_a_fork_that_exits(self):
        if os.fork() == 0:
            os._exit(3)
        os.wait()

    def test_passes_after_a_fork_that_comes_back(self):
        child = os.fork()
        if child:
            os.waitpid(child, 0)

    def test_passes_after_printing_messages(self):
        print(json.dumps({"test-finished": {"test": "x", "outcome": "failed", "duration-us": 1}}))
        print(json.dumps({"group-finished": {"good": False}}))
        os.write(1, b"\xff\x00\xfe no text\n")
        sys.stdout.buffer.write(b"\x80\n")

    def test_errored_by_leaving(self):
        sys.exit(3)

    def test_errored_by_leaving_well(self):
        raise SystemExit

    def test_passes_with_patched_time(self):
        for name in ("time", "monotonic", "perf_counter"):
            patch = mock.patch.object(time, name, side_effect=RuntimeError("patched"))
            patch.start()

    def test_passes_with_patched_output(self):
        sys.stdout = io.StringIO()
        sys.stderr = None
        print("nowhere")

    def test_passes_with_patched_os(self):
        for name in ("write", "read", "dup2", "getpid"):
            mock.patch.object(os, name, side_effect=RuntimeError("patched")).start()

    def test_passes_with_patched_json(self):
        mock.patch.object(json, "dumps", side_effect=RuntimeError("patched")).start()

    def test_passes_with_an_environment_of_its_own(self):
        os.environ.clear()

    def test_passes_with_a_thread_that_stays(self):
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()

    def test_passes_in_a_group_of_its_own(self):
        with contextlib.suppress(OSError):
            os.setsid()

    def test_fails_with_much_to_say(self):
        self.fail("x" * (50 << 20))

    def test_fails_with_odd_text(self):
        self.fail("\udcff \x00 \u2028 \x1b[31m ::error::")
"#;

const LASTS: &str = "
import unittest

class Lasts(unittest.TestCase):
    def test_passes(self):
        pass
";

fn suite(run: &str, suite: &str) -> Project {
    Project::new(&format!(
        "[run]\nworkers = 1\n{run}\n[[suite]]\nname = \"u\"\nframework = \"unittest\"\n\
         paths = [\"tests\"]\n{suite}\n"
    ))
    .file("tests/__init__.py", "")
    .file("tests/test_zz_lasts.py", LASTS)
}

/// Each test's last name and how it ended, of the report.
fn ends(project: &Project) -> Vec<(String, String)> {
    let report = project.report();
    let tests = report["tests"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    tests
        .map(|test| {
            let id = text(&test["id"]);
            let name = id.rsplit('.').next().unwrap().to_owned();
            (name, text(&test["outcome"]))
        })
        .collect()
}

#[test]
fn what_tests_do_to_their_process_does_not_break_the_conversation() {
    for processes in ["fork", "separate"] {
        let more = format!("processes = \"{processes}\"");
        let project = suite("", &more).file("tests/test_hostile.py", HOSTILE);
        project.evenly(&["run"]).exits(1);
        project.evenly(&["merge", "evenly-out"]).exits(1);
        let ends = ends(&project);
        assert_eq!(ends.len(), HOSTILE.matches("def test_").count() + 1);
        for (name, outcome) in ends {
            let expected = match name.split('_').nth(1) {
                Some("passes") => "passed",
                Some("fails") => "failed",
                _ => "errored",
            };
            assert_eq!(outcome, expected, "{processes}: {name}");
        }
    }
}

#[test]
fn a_test_that_ends_its_process_costs_itself_alone() {
    let dies = "
import ctypes, os, signal, unittest

class Dies(unittest.TestCase):
    def test_a_passes(self):
        print('said before')

    def test_b_crashes(self):
        ctypes.string_at(0)

    def test_c_passes(self):
        pass

    def test_d_leaves(self):
        os._exit(0)

    def test_e_is_killed(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def test_f_fails(self):
        self.fail()
";
    for processes in ["fork", "separate"] {
        let more = format!("processes = \"{processes}\"");
        let project = suite("", &more).file("tests/test_dies.py", dies);
        project.evenly(&["run"]).exits(1);
        project.evenly(&["merge", "evenly-out"]).exits(1);
        let expected = [
            ("test_a_passes", "passed"),
            ("test_b_crashes", "errored"),
            ("test_c_passes", "passed"),
            ("test_d_leaves", "errored"),
            ("test_e_is_killed", "errored"),
            ("test_f_fails", "failed"),
            ("test_passes", "passed"),
        ];
        let found = ends(&project);
        let found: Vec<(&str, &str)> = found.iter().map(|(name, how)| (&**name, &**how)).collect();
        assert_eq!(found, expected, "{processes}");
        let junit = project.text("evenly-out/junit.xml");
        assert!(junit.contains("Fatal Python error: Segmentation fault"), "{junit}");
    }
}

#[test]
fn a_hang_shows_the_stacks_of_all_threads() {
    let hangs = "
import threading, time, unittest

def in_a_thread():
    time.sleep(1000)

def in_the_test():
    while True:
        pass

class Hangs(unittest.TestCase):
    def test_a_passes(self):
        pass

    def test_b_hangs(self):
        threading.Thread(target=in_a_thread).start()
        in_the_test()

    def test_c_passes(self):
        pass
";
    let project = suite("timeout = \"3s\"\ngrace = \"1s\"", "").file("tests/test_hangs.py", hangs);
    let ran = project.evenly(&["run"]).exits(1);
    ran.says("in_the_test").says("in_a_thread").says("timed out after 3.0 s");
    project.evenly(&["merge", "evenly-out"]).exits(1);
    let found = ends(&project);
    let bad = found.iter().filter(|(_, outcome)| outcome == "errored").count();
    assert_eq!((found.len(), bad), (4, 2), "{found:?}");
}
