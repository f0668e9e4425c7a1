//! What a job must do before evenly: a language, and what the tests need of packages.

use super::Facts;
use super::facts::{has_ending, split};

/// What a suite needs before it can be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Setup {
    Python(Python),
    Node {
        install: Vec<String>,
    },
    Ruby,
    Php,
    Go,
    Rust {
        nextest: bool,
    },
    /// The directory of the POM whose modules need each other, if it is one of several.
    Maven {
        reactor: Option<String>,
    },
    Gradle,
    Elixir,
    Dotnet,
    /// Built in `build` below the directory of its sources.
    Cmake {
        source: String,
    },
    Bats,
}

/// What builds what `cmake` configures.
const BUILD: &str = "cmake -B build && cmake --build build";
/// What lets modules of Maven find each other.
const INSTALL: &str = "mvn -B -q install -DskipTests";

/// Versions of the actions that workflows use, in one place.
pub(super) mod actions {
    pub(in crate::init) const CHECKOUT: &str = "actions/checkout@v7";
    pub(super) const PYTHON: &str = "actions/setup-python@v6";
    pub(super) const NODE: &str = "actions/setup-node@v6";
    pub(super) const RUBY: &str = "ruby/setup-ruby@v1";
    pub(super) const PHP: &str = "shivammathur/setup-php@v2";
    pub(super) const GO: &str = "actions/setup-go@v6";
    pub(super) const NEXTEST: &str = "taiki-e/install-action@nextest";
    pub(super) const JAVA: &str = "actions/setup-java@v5";
    pub(super) const BEAM: &str = "erlef/setup-beam@v1";
    pub(super) const DOTNET: &str = "actions/setup-dotnet@v5";
}

/// The steps of a job of GitHub's, each its lines without indentation.
pub(super) struct Step(pub(super) Vec<String>);

impl Step {
    fn uses(action: &str, with: &str) -> Self {
        let mut lines = vec![format!("uses: {action}")];
        if !with.is_empty() {
            lines.push(format!("with: {{ {with} }}"));
        }
        Self(lines)
    }

    fn run(command: &str) -> Self {
        Self(vec![format!("run: {}", yaml(command))])
    }
}

/// A string of YAML, in double quotes where it is more than plain words.
pub(super) fn yaml(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_./=@+".contains(c);
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if starts && text.chars().all(plain) && !text.ends_with(' ') {
        return text.to_owned();
    }
    // JSON's strings are YAML's.
    serde_json::Value::from(text).to_string()
}

impl Setup {
    /// The steps of a job of GitHub's.
    pub(super) fn steps(&self, dir: &str) -> Vec<Step> {
        let run = |commands: &[String]| -> Vec<Step> {
            let command = commands.join(" && ");
            let command = within(dir, &command);
            if commands.is_empty() { Vec::new() } else { vec![Step::run(&command)] }
        };
        let uses = |action: &str, with: &str| vec![Step::uses(action, with)];
        match self {
            Self::Python(python) => {
                let mut steps = uses(actions::PYTHON, "python-version: 3.x");
                steps.extend(run(&python.install));
                steps
            }
            Self::Node { install } => {
                let mut steps = uses(actions::NODE, "node-version: lts/*");
                steps.extend(run(install));
                steps
            }
            Self::Ruby => {
                uses(actions::RUBY, &with_dir("ruby-version: ruby, bundler-cache: true", dir))
            }
            Self::Php => {
                let mut steps = uses(actions::PHP, "php-version: latest");
                steps.extend(run(&["composer install --no-interaction".to_owned()]));
                steps
            }
            Self::Go => {
                uses(actions::GO, &format!("go-version-file: {}", yaml(&below(dir, "go.mod"))))
            }
            Self::Rust { nextest: true } => uses(actions::NEXTEST, ""),
            Self::Maven { .. } | Self::Gradle => {
                let mut steps = uses(actions::JAVA, "distribution: temurin, java-version: 21");
                if let Self::Maven { reactor: Some(root) } = self {
                    steps.push(Step::run(&within(root, INSTALL)));
                }
                steps
            }
            Self::Elixir => {
                let mut steps = uses(actions::BEAM, "elixir-version: latest, otp-version: latest");
                steps.extend(run(&["mix deps.get".to_owned()]));
                steps
            }
            Self::Dotnet => uses(actions::DOTNET, "dotnet-version: 9.x"),
            Self::Cmake { source } => vec![Step::run(&within(source, BUILD))],
            Self::Bats => run(&["sudo apt-get install -y bats".to_owned()]),
            Self::Rust { nextest: false } => Vec::new(),
        }
    }

    /// The image of a job of GitLab's.
    pub(super) fn image(&self) -> &'static str {
        match self {
            Self::Python(_) => "python:3",
            Self::Node { .. } => "node:lts",
            Self::Ruby => "ruby:latest",
            Self::Php => "composer:latest",
            Self::Go => "golang:latest",
            Self::Rust { .. } => "rust:latest",
            Self::Maven { .. } => "maven:3-eclipse-temurin-21",
            Self::Gradle => "eclipse-temurin:21",
            Self::Elixir => "elixir:latest",
            Self::Dotnet => "mcr.microsoft.com/dotnet/sdk:9.0",
            Self::Cmake { .. } | Self::Bats => "debian:stable",
        }
    }

    /// What a job of GitLab's does before evenly.
    pub(super) fn script(&self, dir: &str) -> Vec<String> {
        let commands = match self {
            Self::Python(python) => python.install.clone(),
            Self::Node { install } => install.clone(),
            Self::Ruby => vec!["bundle install".to_owned()],
            Self::Php => vec!["composer install --no-interaction".to_owned()],
            Self::Rust { nextest: true } => vec!["cargo install --locked cargo-nextest".to_owned()],
            Self::Elixir => vec!["mix local.hex --force".to_owned(), "mix deps.get".to_owned()],
            Self::Cmake { source } => {
                let tools = "apt-get update && apt-get install -y cmake curl g++".to_owned();
                return vec![tools, within(source, BUILD)];
            }
            Self::Bats => vec!["apt-get update && apt-get install -y bats curl".to_owned()],
            Self::Maven { reactor: Some(root) } => return vec![within(root, INSTALL)],
            Self::Go
            | Self::Maven { reactor: None }
            | Self::Gradle
            | Self::Dotnet
            | Self::Rust { nextest: false } => Vec::new(),
        };
        commands.into_iter().map(|command| within(dir, &command)).collect()
    }
}

/// A command in a directory of the project, in a shell of its own.
fn within(dir: &str, command: &str) -> String {
    if dir.is_empty() { command.to_owned() } else { format!("(cd {dir} && {command})") }
}

fn with_dir(with: &str, dir: &str) -> String {
    if dir.is_empty() {
        with.to_owned()
    } else {
        format!("{with}, working-directory: {}", yaml(dir))
    }
}

fn below(dir: &str, name: &str) -> String {
    super::facts::join(dir, name)
}

/// How a Python project's packages are installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Python {
    /// One command after the other.
    pub(super) install: Vec<String>,
    /// The files that name packages.
    named_in: Vec<String>,
    /// The directory of the project.
    dir: String,
    /// Whether its packages go into `.venv`.
    venv: bool,
}

/// The names of extras and groups that tests usually need.
const FOR_TESTS: &[&str] = &["test", "tests", "testing", "dev"];

impl Python {
    /// By the files of a directory.
    pub(super) fn of(facts: &Facts, dir: &str) -> Self {
        let mut python = Self {
            install: Vec::new(),
            named_in: Vec::new(),
            dir: dir.to_owned(),
            venv: facts.has(dir, "uv.lock"),
        };
        let lists: Vec<String> = facts
            .below(dir)
            .map(|(path, _)| path)
            .filter(|path| has_ending(path, "txt") && is_of_requirements(path))
            .filter(|path| super::suites::is_plain(path))
            .map(str::to_owned)
            .collect();
        let pyproject = facts.text(dir, "pyproject.toml").unwrap_or_default();
        if python.venv {
            python.add("pip install uv".to_owned());
            python.add("uv sync --all-groups --all-extras".to_owned());
        } else if facts.has(dir, "poetry.lock") {
            python.add("pip install poetry".to_owned());
            python.add("poetry config virtualenvs.create false".to_owned());
            python.add("poetry install".to_owned());
        } else {
            python.by_pip(facts, pyproject, &lists);
        }
        let named = ["pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "Pipfile"];
        let named = named.into_iter().filter(|name| facts.has(dir, name)).map(str::to_owned);
        python.named_in = lists.into_iter().chain(named).collect();
        python
    }

    fn add(&mut self, command: String) {
        self.install.push(command);
    }

    fn by_pip(&mut self, facts: &Facts, pyproject: &str, lists: &[String]) {
        let mut words: Vec<String> =
            lists.iter().flat_map(|list| ["-r".to_owned(), list.clone()]).collect();
        let table: Option<toml::Table> = toml::from_str(pyproject).ok();
        let at = |path: &[&str]| -> Vec<String> {
            let mut here = table.clone().map(toml::Value::Table);
            for step in path {
                here = here.and_then(|value| value.get(step).cloned());
            }
            let known = here.and_then(|value| value.as_table().cloned()).unwrap_or_default();
            let known = |name: &&&str| known.contains_key(**name);
            FOR_TESTS.iter().filter(known).map(ToString::to_string).collect()
        };
        if table.as_ref().is_some_and(|table| table.contains_key("project"))
            || facts.has(&self.dir, "setup.py")
        {
            let extras = at(&["project", "optional-dependencies"]);
            words.push("-e".to_owned());
            words.push(match extras.as_slice() {
                [] => ".".to_owned(),
                extras => format!("\".[{}]\"", extras.join(",")),
            });
        }
        let groups = at(&["dependency-groups"]);
        words.extend(groups.iter().flat_map(|group| ["--group".to_owned(), group.clone()]));
        if !words.is_empty() {
            self.add(format!("pip install {}", words.join(" ")));
        }
    }

    /// The file that asks for a package.
    pub(super) fn file_with(&self, facts: &Facts, package: &str) -> Option<String> {
        let names = |name: &&String| {
            facts.text(&self.dir, name).is_some_and(|text| has_word(text, package))
        };
        self.named_in.iter().find(names).cloned()
    }

    /// The same, with a package that no file asks for.
    pub(super) fn with(mut self, package: &str, facts: &Facts) -> Self {
        if self.file_with(facts, package).is_none() && !self.venv {
            self.add(format!("pip install {package}"));
        }
        self
    }

    /// The interpreter, where it is not the usual one.
    pub(super) fn interpreter(&self) -> Option<&'static str> {
        self.venv.then_some(".venv/bin/python")
    }
}

/// `requirements.txt`, `requirements-dev.txt`, `requirements/test.txt`; none that only docs need.
fn is_of_requirements(path: &str) -> bool {
    let (dir, name) = split(path);
    let fits = name.contains("requirements") && dir.is_empty() || dir == "requirements";
    fits && !name.contains("doc") && !name.contains("constraint")
}

/// Whether a text has a word that is no part of a longer name.
fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}
