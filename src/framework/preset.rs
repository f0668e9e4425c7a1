//! Presets: a framework as data. `presets.toml` holds those that evenly comes with; a `command`
//! suite is a [`Preset`] made from the user's own lines.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Deserialize;

use super::listing::ListFormat;
use super::naming::Naming;
use super::template::{Placeholder, Role, Template, TemplateError};
use crate::model::Member;

/// A framework, as far as evenly must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    /// Prints the tests.
    pub list: Template,
    /// The form in which it prints them.
    pub list_format: ListFormat,
    /// Runs the members that `{tests}` names.
    pub run: Template,
    /// Where the results are.
    pub results: Results,
    /// How a JUnit case is matched with a listed test.
    pub naming: Naming,
    /// The smallest thing that `{tests}` may name.
    pub selects: Selects,
    /// The program of ours that `{shim}` stands for.
    pub shim: Option<Shim>,
    /// Environment variables for `list` and `run`.
    pub env: BTreeMap<String, Template>,
    /// Files to write into `{outdir}` before `run`, by name.
    pub files: BTreeMap<String, Template>,
    /// How many groups one command may run; 1 where each has its own.
    pub batch: NonZeroU32,
    /// Prints the tool's version: for who is told that its listing failed.
    pub version: Option<String>,
    /// What the user must have installed, and what to mind.
    pub needs: String,
    /// With what the preset was tried; empty where it was not.
    pub proved: String,
}

/// Where a run's results are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Results {
    /// In the JUnit file that the framework writes.
    Junit,
    /// In the exit status alone: a group is one test.
    ExitStatus,
}

/// The smallest thing that a `run` command may be told to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selects {
    /// A group.
    Group,
    /// A test, by its name.
    Test,
    /// A test, by a filter expression of nextest.
    NextestFilter,
}

impl Selects {
    /// What goes on the command line to run these listed tests of a group again. None when only
    /// whole groups can be run, or when one of them is not the group's.
    #[must_use]
    pub fn arguments(self, group: &[Member], tests: &[String]) -> Option<Vec<Vec<u8>>> {
        let arguments = tests.iter().map(|test| match self {
            Self::Group => None,
            Self::Test => Some(vec![test_argument(group, test)]),
            Self::NextestFilter => {
                // A part of a binary has its tests as members.
                if let Some(member) = group.iter().find(|member| *member.name == **test) {
                    return Some(vec![member.argument.clone()]);
                }
                // `a::b::t` may be of the binary `a` or of `a::b`: where a rule keeps them
                // together, a filter for each, of which one finds nothing.
                let filters: Vec<_> =
                    group.iter().filter_map(|member| nextest_filter(member, test)).collect();
                (!filters.is_empty()).then_some(filters)
            }
        });
        arguments.collect::<Option<Vec<_>>>().map(|arguments| arguments.concat())
    }
}

/// A test's own name, or a class's, with the exact bytes of its group's where it begins with that.
pub(super) fn test_argument(group: &[Member], test: &str) -> Vec<u8> {
    let inside = |member: &Member| {
        let rest = test.strip_prefix(&*member.name)?;
        let within = rest.is_empty() || rest.starts_with([':', '[']);
        within.then(|| [&member.argument, rest.as_bytes()].concat())
    };
    group.iter().find_map(inside).unwrap_or_else(|| test.into())
}

pub(super) fn nextest_filter(member: &Member, test: &str) -> Option<Vec<u8>> {
    let inside = test.strip_prefix(&*member.name)?.strip_prefix("::")?;
    let filter = nextest_literal(inside);
    Some([&member.argument, " & test(=".as_bytes(), filter.as_bytes(), b")"].concat())
}

/// A name inside `test(=…)` or `binary_id(=…)` of a nextest filter expression.
pub(super) fn nextest_literal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '\\' | ')' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    // Spaces at either end would be trimmed.
    if out.starts_with(' ') {
        out.replace_range(..1, "\\u{20}");
    }
    if out.ends_with(' ') {
        out.replace_range(out.len() - 1.., "\\u{20}");
    }
    out
}

/// A program of ours between evenly and a framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shim {
    /// For mocha.
    Mocha,
    /// For vitest.
    Vitest,
    /// For `RSpec`.
    Rspec,
    /// For Minitest.
    Minitest,
    /// For `PHPUnit`.
    Phpunit,
    /// For `ExUnit`.
    Exunit,
    /// For Maven's Surefire.
    Maven,
    /// For Gradle.
    Gradle,
}

/// Why a preset was refused.
#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    /// A command, variable or file of it is wrong.
    #[error("`{key}`: {error}")]
    Template {
        /// Which one.
        key: String,
        /// What is wrong.
        error: TemplateError,
    },
    /// It has no results.
    #[error(
        "nothing in `run`, `env` or `files` has `{{junit}}` or `{{outdir}}`, so its results would \
         be nowhere"
    )]
    NoJunit,
    /// A shim is named but not used, or the other way round.
    #[error("`shim` and `{{shim}}` must be given together")]
    Shim,
}

impl Preset {
    /// The preset of a name, one of [`Preset::names`].
    ///
    /// # Panics
    /// Never: a test reads every preset of the file that is built in.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let text = texts().remove(name)?;
        Some(Self::try_from(text).expect("a test checks every preset"))
    }

    /// The names of all presets, sorted.
    ///
    /// # Panics
    /// Never: a test reads the file that is built in.
    #[must_use]
    pub fn names() -> Vec<String> {
        texts().into_keys().collect()
    }
}

/// A preset as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Text {
    list: String,
    list_format: ListFormat,
    run: String,
    results: Results,
    naming: Naming,
    selects: Selects,
    shim: Option<Shim>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default = "one")]
    batch: NonZeroU32,
    version: Option<String>,
    needs: String,
    proved: String,
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

fn texts() -> BTreeMap<String, Text> {
    toml::from_str(include_str!("presets.toml")).expect("a test reads it")
}

impl TryFrom<Text> for Preset {
    type Error = PresetError;

    fn try_from(text: Text) -> Result<Self, PresetError> {
        let parse = |role, key: &str, text: &str| {
            Template::parse(role, text)
                .map_err(|error| PresetError::Template { key: key.to_owned(), error })
        };
        let parse_all = |role, texts: BTreeMap<String, String>| {
            texts
                .into_iter()
                .map(|(key, text)| parse(role, &key, &text).map(|template| (key, template)))
                .collect::<Result<BTreeMap<_, _>, _>>()
        };
        let preset = Self {
            list: parse(Role::List, "list", &text.list)?,
            list_format: text.list_format,
            run: parse(Role::Run, "run", &text.run)?,
            results: text.results,
            naming: text.naming,
            selects: text.selects,
            shim: text.shim,
            env: parse_all(Role::Variable, text.env)?,
            files: parse_all(Role::File, text.files)?,
            batch: text.batch,
            version: text.version,
            needs: text.needs,
            proved: text.proved,
        };
        let told = preset.uses(Placeholder::Junit) || preset.uses(Placeholder::Outdir);
        if preset.results == Results::Junit && !told {
            return Err(PresetError::NoJunit);
        }
        if preset.shim.is_some() != preset.uses(Placeholder::Shim) {
            return Err(PresetError::Shim);
        }
        Ok(preset)
    }
}

impl Preset {
    /// Whether the placeholder occurs in what is needed for a run.
    #[must_use]
    pub fn uses(&self, placeholder: Placeholder) -> bool {
        [&self.run]
            .into_iter()
            .chain(self.env.values())
            .chain(self.files.values())
            .any(|template| template.uses(placeholder))
    }
}

#[cfg(test)]
mod tests {
    use super::super::template::Values;
    use super::*;

    fn member(name: &str, argument: &str) -> Member {
        Member { name: name.into(), argument: argument.into() }
    }

    #[test]
    fn every_preset_is_whole() {
        assert!(Preset::names().len() >= 18);
        for name in Preset::names() {
            let preset = Preset::named(&name).unwrap();
            assert!(preset.uses(Placeholder::Args), "{name}");
            // Only with a shim or a filter may a run see them: it collects nothing from there.
            let narrows = preset.shim.is_some() || matches!(&*name, "bats" | "dotnet");
            assert!(narrows || !preset.uses(Placeholder::Paths), "{name}");
            assert!(!preset.needs.is_empty(), "{name}");
            // What cannot be told apart is not batched.
            let apart =
                preset.results == Results::Junit && preset.selects != Selects::NextestFilter;
            assert!(apart || preset.batch.get() == 1, "{name}");
        }
        assert_eq!(Preset::named("nosuch"), None);
    }

    #[test]
    fn a_preset_with_an_unknown_key_or_without_results_is_refused() {
        let preset = |more: &str| {
            let text = format!(
                "list-format='lines'\nresults='junit'\nnaming='pytest'\nselects='test'\n\
                 list='ls'\nneeds=''\nproved=''\n{more}"
            );
            toml::from_str::<Text>(&text).map(Preset::try_from)
        };
        assert!(preset("run='x {tests} {junit}'\nlisst=''").is_err());
        assert!(preset("run='x {tests} {junit}'").unwrap().is_ok());
        let files = "run='x {tests}'\nfiles={a='{junit}'}";
        assert!(preset(files).unwrap().is_ok());
        assert!(matches!(preset("run='x {tests}'").unwrap(), Err(PresetError::NoJunit)));
        assert!(matches!(preset("run='{shim} {tests} {junit}'").unwrap(), Err(PresetError::Shim)));
        let error = preset("run='x {test} {junit}'").unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`run`: `{test}` means nothing here: did you mean `{tests}`?"
        );
    }

    #[test]
    fn jests_own_templates_are_left_alone() {
        let jest = Preset::named("jest").unwrap();
        let rendered = jest.env["JEST_JUNIT_TITLE"].render(&Values::default()).unwrap();
        assert_eq!(rendered, "{classname} › {title}".as_bytes());
    }

    #[test]
    fn nextests_file_holds_any_path() {
        let file = &Preset::named("nextest").unwrap().files["nextest.toml"];
        let path = r#"/tmp/a "b"\c'/junit.xml"#;
        let text =
            file.render(&Values::default().with(Placeholder::Junit, [path.as_bytes()])).unwrap();
        let table: toml::Table = toml::from_str(std::str::from_utf8(&text).unwrap()).unwrap();
        assert_eq!(table["profile"]["evenly"]["junit"]["path"].as_str(), Some(path));
    }

    fn arguments(selects: Selects, group: &[Member], test: &str) -> Option<Vec<String>> {
        let arguments = selects.arguments(group, &[test.to_owned()])?;
        Some(arguments.iter().map(|bytes| super::super::shown(bytes)).collect())
    }

    #[test]
    fn single_tests_are_selected_as_the_framework_can() {
        let group = [member("a.py", "a.py")];
        assert_eq!(arguments(Selects::Group, &group, "a.py::t"), None);
        assert_eq!(arguments(Selects::Test, &group, "a.py::t").unwrap(), ["a.py::t"]);
        let group = [member("semver", "--filterset=binary_id(=semver)")];
        let argument = arguments(Selects::NextestFilter, &group, "semver::a::b(1, 2)").unwrap();
        assert_eq!(argument, [r"--filterset=binary_id(=semver) & test(=a::b(1\, 2\))"]);
        assert_eq!(arguments(Selects::NextestFilter, &group, "other::a"), None);
    }

    #[test]
    fn a_test_is_selected_by_the_exact_bytes_of_its_file() {
        let group = [Member { name: "\\xff.py".into(), argument: b"\xff.py".to_vec() }];
        let argument = Selects::Test.arguments(&group, &["\\xff.py::t".to_owned()]).unwrap();
        assert_eq!(argument, [b"\xff.py::t"]);
    }

    #[test]
    fn a_test_of_either_of_two_binaries_is_selected_in_both() {
        let group = [member("a", "-E binary_id(=a)"), member("a::b", "-E binary_id(=a::b)")];
        assert_eq!(
            arguments(Selects::NextestFilter, &group, "a::b::t").unwrap(),
            ["-E binary_id(=a) & test(=b::t)", "-E binary_id(=a::b) & test(=t)"]
        );
    }
}
