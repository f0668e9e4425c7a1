//! How a case of a JUnit file is matched with a test that the framework listed: both are turned
//! into a key, and equal keys are the same test.

use std::fmt::Write;

use serde::Deserialize;

/// A framework's way of naming its tests in JUnit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Naming {
    /// A listed test is called `classname::name`.
    ClassAndName,
    /// A listed test is a node id, of which pytest makes a dotted class.
    Pytest,
    /// A listed test is a dotted name, the class's and the method's.
    Dotted,
    /// As [`Naming::ClassAndName`]; a test outside any `describe` has a name with an empty first
    /// part.
    Jest,
    /// A listed test is `class::name`; PHP's backslashes between namespaces are dots in JUnit.
    Phpunit,
    /// A test is called by its `name` alone.
    Name,
}

/// The class under which jest-junit tells of a file that could not be run; the name is the file's.
const JEST_FILE_FAILED: &str = "Test suite failed to run";

impl Naming {
    /// The key of a test as it was listed.
    #[must_use]
    pub fn key_of_listed(self, test: &str) -> String {
        match self {
            Self::ClassAndName | Self::Dotted | Self::Jest | Self::Name => test.to_owned(),
            Self::Pytest => pytest_key(test),
            Self::Phpunit => {
                let class = test.split("::").next().unwrap_or_default();
                format!("{}{}", class.replace('\\', "."), &test[class.len()..])
            }
        }
    }

    /// The key of a JUnit case.
    #[must_use]
    pub fn key_of_case(self, class: &str, name: &str) -> String {
        match self {
            // What `PHPUnit` 9 skips for want of data has its class in its name.
            Self::Phpunit if class.is_empty() => self.key_of_listed(name),
            Self::ClassAndName | Self::Pytest | Self::Phpunit => joined(class, "::", name),
            Self::Name => name.to_owned(),
            Self::Dotted => joined(class, ".", name),
            Self::Jest if class == JEST_FILE_FAILED => joined(name, "::", class),
            Self::Jest => joined(class, "::", name.strip_prefix(" › ").unwrap_or(name)),
        }
    }

    /// The class and name of a JUnit case whose key is a listed test's. What is not cut by rule
    /// is cut after its group's name.
    #[must_use]
    pub fn case_of_listed(self, test: &str, group: &str) -> (String, String) {
        let key = self.key_of_listed(test);
        let cut = match self {
            Self::Pytest | Self::Phpunit => key.split_once("::"),
            Self::Dotted => key.rsplit_once('.'),
            Self::Name => return (key.clone(), key),
            Self::ClassAndName | Self::Jest => {
                let inside = key.strip_prefix(group).and_then(|rest| rest.strip_prefix("::"));
                inside.map(|inside| (group, inside)).or_else(|| key.split_once("::"))
            }
        };
        let whole = cut.filter(|(class, name)| !class.is_empty() && !name.is_empty());
        match whole {
            Some((class, name)) => (class.to_owned(), name.to_owned()),
            None => (String::new(), key),
        }
    }

    /// The name, inside the suite, of a JUnit case that no list knows.
    #[must_use]
    pub fn name_of_unlisted(self, class: &str, name: &str) -> String {
        self.key_of_case(class, name)
    }
}

fn joined(class: &str, separator: &str, name: &str) -> String {
    if class.is_empty() { name.to_owned() } else { format!("{class}{separator}{name}") }
}

/// What pytest makes of a node id: `mangle_test_address` and `bin_xml_escape` of its
/// `_pytest/junitxml.py`. The path's slashes become dots, its `.py` goes, all parts but the last
/// are joined with dots into the class; from the first `[` after the path on all is kept.
fn pytest_key(test: &str) -> String {
    let (path, inside) = test.split_once("::").map_or((test, None), |(p, rest)| (p, Some(rest)));
    let dotted = path.replace('/', ".");
    let dotted = dotted.strip_suffix(".py").unwrap_or(&dotted);
    let Some(inside) = inside else { return pytest_text(dotted) };
    let parameters = inside.find('[').unwrap_or(inside.len());
    let (class, name) = match inside[..parameters].rfind("::") {
        Some(at) => (format!("{dotted}.{}", inside[..at].replace("::", ".")), &inside[at + 2..]),
        None => (dotted.to_owned(), inside),
    };
    joined(&class, "::", &pytest_text(name))
}

fn pytest_text(text: &str) -> String {
    xml_text(text, |out, code| {
        if code <= 0xff { write!(out, "#x{code:02X}") } else { write!(out, "#x{code:04X}") }
    })
}

/// Text in which what XML 1.0 cannot hold, and DEL, is spelled by its number.
fn xml_text(text: &str, spell: impl Fn(&mut String, u32) -> std::fmt::Result) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\n' | '\r' | ' '..='~' | '\u{80}'..='\u{fffd}' | '\u{10000}'.. => out.push(c),
            _ => spell(&mut out, c.into()).expect("a String takes all"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Listed node id, and the class and name that pytest 9.2 wrote for it.
    const PYTEST: [(&str, &str, &str); 9] = [
        ("test_a.py::test_x", "test_a", "test_x"),
        ("tests/unit/test_a.py::TestC::TestD::test_x", "tests.unit.test_a.TestC.TestD", "test_x"),
        ("tests/test_a.py::test_x[a::b/c.py-1]", "tests.test_a", "test_x[a::b/c.py-1]"),
        ("tests/test_a.py::test_x[[]]", "tests.test_a", "test_x[[]]"),
        ("tests/test_a.py::test_x[a b \"'$(x)\"]", "tests.test_a", "test_x[a b \"'$(x)\"]"),
        ("tests/test_a.py::test_x[\u{1b}\u{7f}]", "tests.test_a", "test_x[#x1B#x7F]"),
        ("docs/a.pyx.rst::a.rst", "docs.a.pyx.rst", "a.rst"),
        ("a[1]/test_b[2].py::C::t[x[3]]", "a[1].test_b[2].C", "t[x[3]]"),
        ("tests/test_broken.py", "", "tests.test_broken"),
    ];

    #[test]
    fn pytest_cases_are_found_by_their_node_ids() {
        for (listed, class, name) in PYTEST {
            let key = Naming::Pytest.key_of_listed(listed);
            assert_eq!(key, Naming::Pytest.key_of_case(class, name), "{listed}");
        }
    }

    #[test]
    fn a_listed_test_has_a_case_of_its_own_key() {
        for (listed, class, name) in PYTEST {
            let case = Naming::Pytest.case_of_listed(listed, "g");
            assert_eq!(case, (class.to_owned(), name.to_owned()), "{listed}");
        }
        for naming in [
            Naming::ClassAndName,
            Naming::Pytest,
            Naming::Dotted,
            Naming::Jest,
            Naming::Phpunit,
            Naming::Name,
        ] {
            for test in ["a::b::m::t", "a.b.C.test_x", "t", "::t", "t::", ".t", "a.js::x › y", ""]
            {
                let (class, name) = naming.case_of_listed(test, "a::b");
                assert_eq!(naming.key_of_case(&class, &name), naming.key_of_listed(test), "{test}");
            }
        }
        let case = Naming::ClassAndName.case_of_listed("a::b::m::t", "a::b");
        assert_eq!(case, ("a::b".to_owned(), "m::t".to_owned()));
    }

    #[test]
    fn phpunits_namespaces_are_dots_in_junit() {
        let listed = r#"A\B\BasketTest::testTwo with data set "C\D::e""#;
        let case = ("A.B.BasketTest", r#"testTwo with data set "C\D::e""#);
        let key = Naming::Phpunit.key_of_listed(listed);
        assert_eq!(key, Naming::Phpunit.key_of_case(case.0, case.1));
        let found = Naming::Phpunit.case_of_listed(listed, r"A\B\BasketTest");
        assert_eq!(found, (case.0.to_owned(), case.1.to_owned()));
    }

    #[test]
    fn a_case_without_a_class_is_its_name() {
        assert_eq!(Naming::ClassAndName.name_of_unlisted("", "t"), "t");
        assert_eq!(Naming::ClassAndName.name_of_unlisted("c", "t"), "c::t");
    }

    #[test]
    fn a_jest_test_outside_any_describe_has_no_empty_first_part() {
        assert_eq!(Naming::Jest.name_of_unlisted("a.test.js", " › top"), "a.test.js::top");
        assert_eq!(Naming::Jest.name_of_unlisted("a.test.js", "x › y"), "a.test.js::x › y");
    }

    #[test]
    fn a_file_that_jest_could_not_run_comes_first_in_the_name() {
        let name = Naming::Jest.name_of_unlisted("Test suite failed to run", "a.test.js");
        assert_eq!(name, "a.test.js::Test suite failed to run");
    }
}
