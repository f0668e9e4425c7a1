//! Listings that are documents of their tool's own form.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde::Deserialize;
use serde_json::Value;

use super::{Broken, ListError, ListedGroup, json, pattern, start};

#[derive(Debug, Deserialize)]
struct RspecListing {
    examples: Vec<RspecExample>,
}

#[derive(Debug, Deserialize)]
struct RspecExample {
    id: String,
}

/// See [`super::ListFormat::Rspec`]. An example belongs to the file that its id begins with: that
/// of the group around it, which loads shared examples of other files.
pub(super) fn rspec(stdout: &[u8]) -> Result<Vec<ListedGroup>, ListError> {
    let listing: RspecListing = json(stdout, "RSpec's JSON")?;
    let file = |example: RspecExample| {
        let (path, _) = example.id.rsplit_once('[')?;
        Some(path.strip_prefix("./").unwrap_or(path).to_owned())
    };
    let files: BTreeSet<String> = listing.examples.into_iter().filter_map(file).collect();
    let group = |name: String| ListedGroup {
        // One that is not below the project has its whole path.
        argument: format!("{}{name}", if name.starts_with('/') { "" } else { "./" }).into(),
        name,
        tests: None,
        exclusive: false,
    };
    Ok(files.into_iter().map(group).collect())
}

/// See [`super::ListFormat::Phpunit`]. A group is selected by a pattern of its tests' names.
pub(super) fn phpunit(stdout: &[u8]) -> Result<Vec<ListedGroup>, ListError> {
    let refuse = |error: String| ListError::Xml {
        expected: "PHPUnit's XML",
        error: error.into(),
        start: start(stdout).into(),
    };
    let mut reader = Reader::from_reader(stdout);
    let mut classes = PhpunitClasses::default();
    let mut known = false;
    let mut phpt = Vec::new();
    loop {
        match reader.read_event().map_err(|error| refuse(error.to_string()))? {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                b"tests" | b"testSuite" => known = true,
                b"testCaseClass" | b"testClass" => {
                    classes.open = attribute(&tag, "name").unwrap_or_default();
                }
                b"testCaseMethod" | b"testMethod" => {
                    if let Some(name) = attribute(&tag, "name") {
                        let data = attribute(&tag, "dataSet");
                        let data = data.map(|data| format!(" with data set {data}"));
                        classes.test(&name, &data.unwrap_or_default());
                    }
                }
                b"phptFile" | b"phpt" => {
                    let path = attribute(&tag, "path").or_else(|| attribute(&tag, "file"));
                    let message = "a PHPT test, which evenly cannot select: exclude it and run it \
                                   in a suite of its own, with `framework = \"command\"`";
                    phpt.push(Broken { name: path.unwrap_or_default(), message: message.into() });
                }
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    if !known {
        return Err(refuse("it has no `tests`".to_owned()));
    }
    if !phpt.is_empty() {
        return Err(ListError::Broken(phpt));
    }
    let group = |(name, tests): (String, Vec<String>)| ListedGroup {
        argument: selecting(&name, classes.skipped.contains(&name)),
        name,
        tests: Some(tests),
        exclusive: false,
    };
    Ok(classes.found.into_iter().map(group).collect())
}

/// `PHPUnit`'s classes that have tests, in its order.
#[derive(Debug, Default)]
struct PhpunitClasses {
    found: Vec<(String, Vec<String>)>,
    /// Those with tests that are skipped for want of data.
    skipped: BTreeSet<String>,
    /// The one that is being told.
    open: String,
}

impl PhpunitClasses {
    fn test(&mut self, name: &str, data: &str) {
        let (class, test) = match self.open.as_str() {
            // What is skipped for want of data is named with its class.
            SKIPPED | INCOMPLETE => {
                let class = name.split("::").next().unwrap_or_default();
                self.skipped.insert(class.to_owned());
                (class, name.to_owned())
            }
            // These have no class in JUnit, and all the same name.
            class @ (ERROR | WARNING) => (class, name.to_owned()),
            class => (class, format!("{class}::{name}{data}")),
        };
        match self.found.iter_mut().rev().find(|(known, _)| known == class) {
            Some(_) if matches!(class, ERROR | WARNING) => {}
            Some((_, tests)) => tests.push(test),
            None => self.found.push((class.to_owned(), vec![test])),
        }
    }
}

/// The classes by which `PHPUnit` 9 tells of tests that it could not make.
const SKIPPED: &str = r"PHPUnit\Framework\SkippedTestCase";
const INCOMPLETE: &str = r"PHPUnit\Framework\IncompleteTestCase";
const ERROR: &str = r"PHPUnit\Framework\ErrorTestCase";
const WARNING: &str = r"PHPUnit\Framework\WarningTestCase";

/// What `PHPUnit` compares with the names of a class's tests; where it could not make a test, with
/// its message, of which only errors begin so.
fn selecting(class: &str, some_skipped: bool) -> Vec<u8> {
    const ERRORS: &str = "(The data provider|Cannot instantiate)";
    match class {
        class if some_skipped => {
            let before = format!("({SKIPPED}|{INCOMPLETE})").replace('\\', r"\\");
            [format!("({before}::)?").into_bytes(), pattern(class), b"::.*".to_vec()].concat()
        }
        ERROR => format!("{ERRORS} .*").into(),
        WARNING => format!(r"(?!{ERRORS} )[^:]*\s.*").into(),
        _ => [pattern(class), b"::.*".to_vec()].concat(),
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.try_get_attribute(name).ok()??;
    let raw = String::from_utf8_lossy(&found.value).into_owned();
    Some(quick_xml::escape::unescape(&raw).map_or_else(|_| raw.clone(), Into::into))
}

#[derive(Debug, Deserialize)]
struct CtestListing {
    tests: Vec<CtestTest>,
}

#[derive(Debug, Deserialize)]
struct CtestTest {
    name: String,
    #[serde(default)]
    properties: Vec<CtestProperty>,
}

#[derive(Debug, Deserialize)]
struct CtestProperty {
    name: String,
    value: Value,
}

impl CtestTest {
    /// What it shares with others: the fixtures that it makes, needs or cleans, and the tests that
    /// it depends on.
    fn ties(&self) -> BTreeSet<String> {
        let mut ties = BTreeSet::new();
        for CtestProperty { name, value } in &self.properties {
            let kind = match name.as_str() {
                "FIXTURES_SETUP" | "FIXTURES_REQUIRED" | "FIXTURES_CLEANUP" => "fixture",
                "DEPENDS" => "test",
                _ => continue,
            };
            let words = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            ties.extend(words.map(|word| format!("{kind} {word}")));
        }
        if !ties.is_empty() {
            ties.insert(format!("test {}", self.name));
        }
        ties
    }

    /// Whether no other test may run beside it.
    fn runs_alone(&self) -> bool {
        let set = |one: &CtestProperty| one.name == "RUN_SERIAL" && one.value == Value::Bool(true);
        self.properties.iter().any(set)
    }
}

/// See [`super::ListFormat::Ctest`].
pub(super) fn ctest(stdout: &[u8]) -> Result<Vec<ListedGroup>, ListError> {
    let listing: CtestListing = json(stdout, "CTest's JSON")?;
    refuse_unbuilt(&listing)?;
    let alone = listing.tests.iter().filter(|test| test.runs_alone());
    let alone: BTreeSet<String> = alone.map(|test| test.name.clone()).collect();
    let depended: BTreeSet<String> = listing.tests.iter().flat_map(CtestTest::ties).collect();
    // Sets of ties with the tests that have them; a test that ties two sets makes them one.
    let mut sets: Vec<(BTreeSet<String>, Vec<String>)> = Vec::new();
    for test in listing.tests {
        let mut ties = test.ties();
        let own = format!("test {}", test.name);
        if depended.contains(&own) {
            ties.insert(own);
        }
        let mut names = Vec::new();
        let (joined, apart): (Vec<_>, Vec<_>) =
            sets.into_iter().partition(|(other, _)| !other.is_disjoint(&ties));
        sets = apart;
        for (other, more) in joined {
            ties.extend(other);
            names.extend(more);
        }
        names.push(test.name);
        sets.push((ties, names));
    }
    let mut groups: BTreeMap<String, ListedGroup> = BTreeMap::new();
    for (_, tests) in sets {
        let Some(name) = tests.first().cloned() else { continue };
        let argument = tests.iter().map(|test| pattern(test)).collect::<Vec<_>>().join(&b'|');
        let exclusive = tests.iter().any(|test| alone.contains(test));
        let group = ListedGroup { name: name.clone(), argument, tests: Some(tests), exclusive };
        groups.insert(name, group);
    }
    Ok(groups.into_values().collect())
}

/// What the modules of `CMake` list instead of the tests of a program that is not built.
fn refuse_unbuilt(listing: &CtestListing) -> Result<(), ListError> {
    let unbuilt = listing.tests.iter().filter(|test| test.name.ends_with("_NOT_BUILT"));
    let broken: Vec<Broken> = unbuilt
        .map(|test| Broken { name: test.name.clone(), message: "build it first".to_owned() })
        .collect();
    if broken.is_empty() { Ok(()) } else { Err(ListError::Broken(broken)) }
}

#[cfg(test)]
mod tests {
    use super::super::{ListFormat, parse};

    fn names(format: ListFormat, text: &str) -> Vec<String> {
        let groups = parse(format, text.as_bytes()).unwrap();
        groups.into_iter().map(|group| group.name).collect()
    }

    #[test]
    fn an_rspec_example_is_of_the_file_around_it() {
        let text = r#"{"examples":[{"id":"./spec/b_spec.rb[1:1]","file_path":"./spec/shared.rb"},
            {"id":"./spec/odd [1]_spec.rb[1:2:1]"},{"id":"./spec/b_spec.rb[1:2]"}]}"#;
        assert_eq!(names(ListFormat::Rspec, text), ["spec/b_spec.rb", "spec/odd [1]_spec.rb"]);
    }

    #[test]
    fn a_phpunit_class_has_tests_with_their_data() {
        let text = r#"<?xml version="1.0"?><tests><testCaseClass name="A\B\FooTest">
            <testCaseMethod name="testTwo" groups="default" dataSet="&quot;a.b&quot;"/>
            <testCaseMethod name="testOne" groups="default"/></testCaseClass>
            <testCaseClass name="EmptyTest"/></tests>"#;
        let groups = parse(ListFormat::Phpunit, text.as_bytes()).unwrap();
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].argument, br"A\\B\\FooTest::.*");
        let tests = [r#"A\B\FooTest::testTwo with data set "a.b""#, r"A\B\FooTest::testOne"];
        assert_eq!(groups[0].tests.as_deref().unwrap(), tests);
        assert!(parse(ListFormat::Phpunit, b"<html></html>").is_err());
        assert!(parse(ListFormat::Phpunit, b"<tests><").is_err());
    }

    #[test]
    fn what_phpunit_could_not_make_is_of_its_class_or_selected_by_its_message() {
        let text = r#"<tests>
            <testCaseClass name="PHPUnit\Framework\SkippedTestCase">
            <testCaseMethod name="A\FooTest::testNone"/></testCaseClass>
            <testCaseClass name="PHPUnit\Framework\ErrorTestCase"><testCaseMethod name="Error"/>
            <testCaseMethod name="Error"/></testCaseClass>
            <testCaseClass name="A\FooTest"><testCaseMethod name="testOne"/></testCaseClass>
            <testCaseClass name="PHPUnit\Framework\WarningTestCase">
            <testCaseMethod name="Warning"/></testCaseClass></tests>"#;
        let groups = parse(ListFormat::Phpunit, text.as_bytes()).unwrap();
        let tests: Vec<_> = groups.iter().map(|group| group.tests.clone().unwrap()).collect();
        let foo = vec![r"A\FooTest::testNone", r"A\FooTest::testOne"];
        assert_eq!(tests, [foo, vec!["Error"], vec!["Warning"]]);
        let selects = String::from_utf8(groups[0].argument.clone()).unwrap();
        assert!(selects.starts_with(r"((PHPUnit\\Framework\\SkippedTestCase|"), "{selects}");
        assert!(selects.ends_with(r"::)?A\\FooTest::.*"), "{selects}");
        assert_eq!(groups[1].argument, b"(The data provider|Cannot instantiate) .*");
        assert!(groups[2].argument.starts_with(b"(?!"));
    }

    #[test]
    fn phpt_tests_are_not_left_out_silently() {
        let text = br#"<tests><phptFile path="/p/tests/a.phpt"/></tests>"#;
        let refused = parse(ListFormat::Phpunit, text).unwrap_err().to_string();
        assert!(refused.contains("`/p/tests/a.phpt` (a PHPT test"), "{refused}");
    }

    #[test]
    fn ctests_that_need_each_other_are_one_group() {
        let text = r#"{"kind":"ctestInfo","tests":[
            {"name":"alone (1)","properties":[{"name":"WORKING_DIRECTORY","value":"/b"}]},
            {"name":"up","properties":[{"name":"FIXTURES_SETUP","value":["db"]}]},
            {"name":"uses","properties":[{"name":"FIXTURES_REQUIRED","value":["db"]}]},
            {"name":"later","properties":[{"name":"DEPENDS","value":["first"]}]},
            {"name":"first"}]}"#;
        let groups = parse(ListFormat::Ctest, text.as_bytes()).unwrap();
        let tests: Vec<_> = groups.iter().map(|group| group.tests.clone().unwrap()).collect();
        assert_eq!(tests, [vec!["alone (1)"], vec!["later", "first"], vec!["up", "uses"]]);
        assert_eq!(groups[0].argument, br"alone \(1\)");
        assert_eq!(groups[2].argument, b"up|uses");
        assert!(groups.iter().all(|group| !group.exclusive));
        let serial = r#"{"tests":[{"name":"a"},
            {"name":"b","properties":[{"name":"RUN_SERIAL","value":true}]}]}"#;
        let serial = parse(ListFormat::Ctest, serial.as_bytes()).unwrap();
        assert_eq!(serial.iter().map(|group| group.exclusive).collect::<Vec<_>>(), [false, true]);
        let unbuilt = parse(ListFormat::Ctest, br#"{"tests":[{"name":"basket_NOT_BUILT"}]}"#);
        assert!(unbuilt.unwrap_err().to_string().contains("build it first"));
    }
}
