//! The unittest shim against the fixture project, with the Python that is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::*;
use crate::framework::{ListFormat, ListedGroup, Naming, parse};

const ARGS: [&str; 2] = ["tests", "broken"];

struct Project {
    scratch: tempfile::TempDir,
    shim: PathBuf,
}

impl Project {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let Source { file_name, text } = source(Shim::Unittest);
        let shim = scratch.path().join(file_name);
        std::fs::write(&shim, text).unwrap();
        Self { scratch, shim }
    }

    fn shim(&self, args: &[&str]) -> Output {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/unittest");
        Command::new("python3")
            .args(["-B".as_ref(), self.shim.as_os_str()])
            .args(args)
            .current_dir(project)
            .output()
            .unwrap()
    }

    fn list(&self) -> Vec<ListedGroup> {
        let output = self.shim(&[&["list"], &ARGS[..]].concat());
        parse(ListFormat::Shim, &output.stdout).unwrap()
    }

    /// The status and the JUnit file, a line a case.
    fn run(&self, ids: &[&str]) -> (Option<i32>, String) {
        let junit = self.scratch.path().join("junit.xml");
        let start = ["run", "--junit", junit.to_str().unwrap(), ARGS[0], ARGS[1], "--"];
        let output = self.shim(&[&start, ids].concat());
        let text = std::fs::read_to_string(&junit).unwrap_or_default();
        (output.status.code(), text.replace("<testcase", "\n<testcase"))
    }
}

fn case<'a>(junit: &'a str, name: &str) -> &'a str {
    let attribute = format!(" name=\"{name}\"");
    junit.lines().find(|line| line.contains(&attribute)).unwrap_or_else(|| panic!("{junit}"))
}

#[test]
fn every_module_is_a_group_whatever_is_wrong_with_it() {
    let groups = Project::new().list();
    let names: Vec<&str> = groups.iter().map(|group| &*group.name).collect();
    let expected = [
        "tests.test_basket",
        "tests.test_fixtures",
        "tests.test_module",
        "tests.test_skipped",
        "broken.test_import",
    ];
    assert_eq!(names, expected);
    let broken = groups[4].tests.as_deref().unwrap();
    assert_eq!(broken, ["unittest.loader._FailedTest.broken.test_import"]);
    let generated = "tests.test_module.load_tests.<locals>.Generated.test_generated";
    assert!(groups[2].tests.as_ref().unwrap().iter().any(|test| test == generated));
}

/// The keys of all cases in a JUnit file.
fn keys(junit: &str) -> BTreeSet<String> {
    let mut reader = Reader::from_str(junit);
    let mut keys = BTreeSet::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == b"testcase" => {
                let attribute = |name: &str| {
                    let attribute = tag.try_get_attribute(name).unwrap().unwrap();
                    attribute.normalized_value(XmlVersion::Implicit1_0).unwrap().into_owned()
                };
                let (class, name) = (attribute("classname"), attribute("name"));
                keys.insert(Naming::Unittest.key_of_case(&class, &name));
            }
            Event::Eof => return keys,
            _ => {}
        }
    }
}

#[test]
fn every_listed_test_is_told_of_by_its_key() {
    let project = Project::new();
    for group in project.list() {
        let (_, junit) = project.run(&[&group.name]);
        let mut told = keys(&junit);
        told.remove("tests.test_fixtures.NoTearDown.tearDownClass");
        let listed = group.tests.unwrap();
        let listed = listed.iter().map(|test| Naming::Unittest.key_of_listed(test)).collect();
        assert_eq!(told, listed, "{}", group.name);
    }
}

#[test]
fn outcomes_are_as_unittest_has_them() {
    let (status, junit) = Project::new().run(&["tests.test_basket"]);
    assert_eq!(status, Some(1));
    assert!(junit.contains(r#"tests="14" failures="3" errors="1" skipped="1""#), "{junit}");
    assert!(case(&junit, "test_fails").contains("<failure message=\"AssertionError: 2 != 3"));
    assert!(case(&junit, "test_breaks").contains(r"ValueError: broken \x1b[31m&lt;&amp;&gt;"));
    assert!(case(&junit, "test_is_skipped").contains("<skipped message=\"not today\""));
    assert!(case(&junit, "test_fails_as_expected").ends_with("/>"));
    assert!(case(&junit, "test_passes_unexpectedly").contains("UnexpectedSuccess"));
    let subtests = "(number=1): AssertionError: 1 != 0; (number=3): AssertionError: 1 != 0";
    assert!(case(&junit, "test_subtests").contains(subtests));
}

#[test]
fn a_broken_set_up_is_an_error_of_every_test_it_was_for() {
    let (status, junit) = Project::new().run(&["tests.test_fixtures", "tests.test_module"]);
    assert_eq!(status, Some(1));
    let of_class = "setUpClass (tests.test_fixtures.NoSetUp): OSError: no server";
    assert_eq!(junit.matches(of_class).count(), 2, "{junit}");
    assert!(case(&junit, "tearDownClass").contains("still busy"));
    let of_module = "setUpModule (tests.test_module): OSError: no disk";
    assert_eq!(junit.matches(of_module).count(), 2, "{junit}");
}

#[test]
fn what_cannot_be_imported_or_found_is_an_error() {
    let project = Project::new();
    let gone = "tests.test_basket.Basket.test_gone";
    for (id, told) in [("broken.test_import", "no_such_module"), (gone, "there is no test")] {
        let (status, junit) = project.run(&[id]);
        assert_eq!(status, Some(1), "{id}");
        assert!(junit.contains(r#"tests="1" failures="0" errors="1""#), "{id}: {junit}");
        assert!(junit.contains(told), "{id}: {junit}");
    }
}

#[test]
fn single_tests_and_classes_can_be_chosen() {
    let project = Project::new();
    let odd = "tests.test_basket.Basket.test_$(exit 9)";
    let (status, junit) = project.run(&[odd, "tests.test_basket.Basket.test_passes"]);
    assert_eq!(status, Some(0));
    assert!(junit.contains(r#"tests="2""#), "{junit}");
    let (_, junit) = project.run(&["tests.test_fixtures.NoSetUp"]);
    assert!(junit.contains(r#"tests="2""#), "{junit}");
    let (status, junit) = project.run(&["tests.test_skipped"]);
    assert_eq!(status, Some(0));
    assert!(junit.contains("needs a moon"), "{junit}");
}

#[test]
fn the_binary_carries_every_file_of_the_package() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/shim/evenly_worker");
    let there = std::fs::read_dir(package).unwrap().map(|entry| entry.unwrap().path());
    let there = there.filter(|path| path.extension().is_some_and(|extension| extension == "py"));
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let there: BTreeSet<String> = there.map(name).collect();
    let carried = WORKER.iter().map(|file| file.file_name.replace("evenly_worker/", "")).collect();
    assert_eq!(there, carried);
}
