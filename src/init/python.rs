//! Django, pytest, trial and unittest.

use super::databases::Base;
use super::facts::{is_python_test, join, split};
use super::setup::{Python, Setup};
use super::suites::{Seen, is_plain};
use super::toml::{list, quoted};
use super::{Facts, Found};

/// What makes a directory a Python project.
const MARKERS: &[&str] = &[
    "manage.py",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "tox.ini",
    "pytest.ini",
    ".pytest.ini",
    "requirements.txt",
    "Pipfile",
];

pub(super) fn find(facts: &Facts, found: &mut Found) {
    let mut roots = facts.roots(MARKERS);
    // Bare test files need no marker.
    let loose = facts.below("").any(|(path, text)| is_test(path) && !text.is_empty());
    if roots.is_empty() && loose {
        roots.push(String::new());
    }
    for dir in roots {
        Project { facts, dir: &dir, install: Python::of(facts, &dir) }.find(found);
    }
}

fn is_test(path: &str) -> bool {
    is_python_test(split(path).1)
}

struct Project<'a> {
    facts: &'a Facts,
    dir: &'a str,
    install: Python,
}

impl Project<'_> {
    fn find(&self, found: &mut Found) {
        let pytest = self.pytest();
        if let Some((settings, why)) = self.django() {
            match self.pytest_django() {
                Some(more) => {
                    self.add_pytest(found, format!("{why}, and {more} says pytest-django"));
                }
                None => self.add_django(found, settings.as_deref(), why),
            }
        } else if let Some(why) = &pytest {
            self.add_pytest(found, why.clone());
        } else {
            self.unittests(found);
        }
    }

    fn tests(&self) -> impl Iterator<Item = (&str, &str)> {
        self.facts.below(self.dir).filter(|(path, _)| is_test(path))
    }

    /// The settings' module, where it is told, of a Django project.
    fn django(&self) -> Option<(Option<String>, String)> {
        let manage = self.facts.text(self.dir, "manage.py")?;
        let (_, behind) = manage.split_once("DJANGO_SETTINGS_MODULE")?;
        let module = behind.split(['"', '\'']).find(|word| is_module(word));
        let why = match module {
            Some(module) => format!("`manage.py` names the settings `{module}`"),
            None => "`manage.py` speaks of DJANGO_SETTINGS_MODULE".to_owned(),
        };
        Some((module.map(str::to_owned), why))
    }

    /// The file that says that pytest runs Django's tests.
    fn pytest_django(&self) -> Option<&'static str> {
        let inis = ["pytest.ini", ".pytest.ini", "pyproject.toml", "setup.cfg", "tox.ini"];
        inis.into_iter().find(|name| {
            let text = self.facts.text(self.dir, name).unwrap_or_default();
            text.contains("DJANGO_SETTINGS_MODULE") || text.contains("pytest-django")
        })
    }

    fn add_django(&self, found: &mut Found, settings: Option<&str>, why: String) {
        let mut keys = Vec::new();
        keys.extend(self.install.interpreter().map(|python| ("python", quoted(python))));
        keys.extend(settings.map(|settings| ("settings", quoted(settings))));
        let base = settings.and_then(|settings| self.base(settings));
        let before = found.suites.len();
        found.suite(Seen {
            called: "Django",
            names: &["django"],
            dir: self.dir,
            why,
            keys,
            remarks: vec![
                "Each worker gets databases of its own, cloned from one that the migrations filled."
                    .to_owned(),
            ],
            setup: Setup::Python(self.install.clone()),
        });
        if let Some(suite) = found.suites.get_mut(before) {
            suite.base = base;
        }
    }

    /// What the settings say of databases: the module, or the files of a package of that name.
    fn base(&self, settings: &str) -> Option<Base> {
        let path = settings.replace('.', "/");
        let parent = split(&path).0;
        let files = [format!("{path}.py"), format!("{path}/__init__.py")];
        let beside = ["base.py", "common.py", "settings.py"].map(|name| join(parent, name));
        files.iter().chain(&beside).find_map(|file| {
            let text = self.facts.text(self.dir, file)?;
            Base::of_settings(text, &join(self.dir, file))
        })
    }

    /// What says that pytest runs the tests.
    fn pytest(&self) -> Option<String> {
        for (name, mark) in [
            ("pytest.ini", ""),
            (".pytest.ini", ""),
            ("pyproject.toml", "[tool.pytest"),
            ("setup.cfg", "[tool:pytest]"),
            ("tox.ini", "[pytest]"),
        ] {
            if self.facts.text(self.dir, name).is_some_and(|text| text.contains(mark)) {
                return Some(format!("`{name}` configures it"));
            }
        }
        let conftest = self.facts.below(self.dir).find(|(path, _)| split(path).1 == "conftest.py");
        if let Some((path, _)) = conftest {
            return Some(format!("there is `{path}`"));
        }
        let name = self.install.file_with(self.facts, "pytest")?;
        let (first, _) = self.tests().next()?;
        Some(format!("`{name}` asks for it, and there is `{first}`"))
    }

    fn add_pytest(&self, found: &mut Found, why: String) {
        let mut keys = Vec::new();
        keys.extend(self.install.interpreter().map(|python| ("python", quoted(python))));
        let install = self.install.clone().with("pytest", self.facts);
        found.suite(Seen {
            called: "pytest",
            names: &["pytest"],
            dir: self.dir,
            why,
            keys,
            remarks: Vec::new(),
            setup: Setup::Python(install),
        });
    }

    /// Tests of the standard library's kind, and Twisted's.
    fn unittests(&self, found: &mut Found) {
        let with = |mark: &str| -> Vec<&str> {
            let is_one = |text: &str| text.contains(mark) && has_test_method(text);
            let having = self.tests().filter(|(_, text)| is_one(text));
            having.map(|(path, _)| path).collect()
        };
        let trial = with("twisted.trial");
        if let Some(first) = trial.first() {
            let why = format!("`{first}` imports twisted.trial");
            self.add_unittest(found, "Twisted's trial", "trial", why, &trial);
        }
        let plain: Vec<&str> =
            with("unittest").into_iter().filter(|path| !trial.contains(path)).collect();
        if let Some(first) = plain.first() {
            let why = format!("`{first}` imports unittest");
            self.add_unittest(found, "unittest", "unittest", why, &plain);
        }
    }

    fn add_unittest(
        &self,
        found: &mut Found,
        called: &str,
        framework: &str,
        why: String,
        tests: &[&str],
    ) {
        let mut keys = Vec::new();
        keys.extend(self.install.interpreter().map(|python| ("python", quoted(python))));
        let mut tops: Vec<String> = tests.iter().map(|path| top(path)).collect();
        tops.sort();
        tops.dedup();
        // Tests in the directory itself: all that is below it.
        let below = !tops.iter().any(String::is_empty) && tops.iter().all(|top| is_plain(top));
        if below {
            keys.push(("paths", list(&tops)));
        }
        found.suite(Seen {
            called,
            names: &[framework],
            dir: self.dir,
            why,
            keys,
            remarks: Vec::new(),
            setup: Setup::Python(self.install.clone()),
        });
    }
}

/// The first directory of a path; none where it is a file.
fn top(path: &str) -> String {
    path.split_once('/').map(|(top, _)| top.to_owned()).unwrap_or_default()
}

/// Whether a method is there that unittest takes for a test; one named `test` alone is a helper's.
fn has_test_method(text: &str) -> bool {
    let after = text
        .match_indices("def test")
        .filter_map(|(at, mark)| text[at + mark.len()..].chars().next());
    after.into_iter().any(|c| c == '_' || c.is_uppercase() || c.is_numeric())
}

fn is_module(word: &str) -> bool {
    let part = |part: &str| {
        let fits = |c: char| c.is_alphanumeric() || c == '_';
        !part.is_empty() && part.chars().all(fits) && !part.starts_with(|c: char| c.is_numeric())
    };
    !word.is_empty() && word.split('.').all(part)
}
