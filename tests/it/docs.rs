//! The documents, held against the code: what they say is so, and what is so they say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use evenly::config::Config;
use evenly::exit::Exit;

use crate::support::{EVENLY, Project, Ran, SHELL_SUITE};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// What a configuration needs to be one.
const SUITE: &str = "[[suite]]\nname = \"a\"\nframework = \"pytest\"\n";

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(REPOSITORY).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Markdown file of ours, relative to the repository.
fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(PathBuf::from).into();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(Path::new(REPOSITORY).join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// The blocks of a language in a document.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("\n```{language}\n");
    let after = text.split(opening.as_str()).skip(1);
    after.map(|rest| rest.split("\n```").next().unwrap_or(rest)).collect()
}

/// The part of a document below the heading that begins so.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, rest) = text.split_once(heading).unwrap_or_else(|| panic!("no heading {heading:?}"));
    rest.split("\n## ").next().unwrap_or(rest)
}

/// The rows of the tables in a text, as cells; headers and rulers too.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    rows.map(|row| row.split('|').map(str::trim).collect())
}

/// What stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_example_of_a_configuration_is_accepted() {
    let mut tried = 0;
    for document in documents() {
        for block in blocks(&read(&document), "toml") {
            let suite = if block.contains("[[suite]]") { "" } else { SUITE };
            let parsed = Config::parse(&format!("{block}\n{suite}"));
            assert!(parsed.is_ok(), "{}: {parsed:?}\n{block}", document.display());
            tried += 1;
        }
    }
    assert!(tried >= 5, "only {tried} examples were found");
}

/// The keys that a table may have, out of the error for one that it may not.
fn keys_of(table: &str) -> BTreeSet<String> {
    let error = Config::parse(&format!("{table}\nqqqqqqqqqqqq = 1\n")).expect_err(table);
    let (_, known) = error.message.split_once("expected one of ").expect("the error names all");
    code(known).map(str::to_owned).collect()
}

#[test]
fn every_key_of_the_configuration_is_documented_with_an_example() {
    let text = read("docs/reference/config.md");
    for table in ["[run]", "[[suite]]", "[[rule]]"] {
        let documented = section(&text, &format!("\n## `{table}`"));
        let keys = documented.split("\n### ").next().unwrap_or(documented);
        let first = rows(keys).filter_map(|cells| code(cells[0]).next().map(str::to_owned));
        assert_eq!(first.collect::<BTreeSet<_>>(), keys_of(table), "the keys of {table}");
        for cells in rows(keys).filter(|cells| cells[0].starts_with('`')) {
            assert!(cells.len() == 4 && cells[3].starts_with('`'), "no example: {cells:?}");
            let key = code(cells[0]).next().expect("the row begins with a key");
            let example: Vec<_> = code(cells[3]).collect();
            example_is_accepted(table, key, example[0]);
        }
    }
}

#[test]
fn every_key_of_a_database_is_documented_with_an_example() {
    let text = read("docs/reference/databases.md");
    let documented = section(&text, "\n## `[database.NAME]`");
    let first = rows(documented).filter_map(|cells| code(cells[0]).next().map(str::to_owned));
    assert_eq!(first.collect::<BTreeSet<_>>(), keys_of("[database.x]"));
    let others = "[database.main]\nurl = \"sqlite:m\"\n[database.users]\nurl = \"sqlite:u\"\n";
    for cells in rows(documented).filter(|cells| cells[0].starts_with('`')) {
        let key = code(cells[0]).next().expect("the row begins with a key");
        let value = code(cells.last().expect("cells")).next().expect("an example");
        let mut lines = match key {
            "server" | "engine" => BTreeMap::from([
                ("server", "\"managed\""),
                ("engine", "\"mysql\""),
                ("prepare", "\"true\""),
            ]),
            "mirror" => BTreeMap::new(),
            _ => BTreeMap::from([("url", "\"postgres://h/d\"")]),
        };
        lines.insert(key, value);
        let lines: Vec<_> = lines.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let parsed = Config::parse(&format!("{others}[database.x]\n{}\n{SUITE}", lines.join("\n")));
        assert!(parsed.is_ok(), "`{key} = {value}`: {parsed:?}");
    }
}

/// Puts one key's example into a configuration that is sound without it.
fn example_is_accepted(table: &str, key: &str, value: &str) {
    let mut lines = match table {
        "[[suite]]" => BTreeMap::from([("name", "\"b\""), ("framework", "\"command\"")]),
        "[[rule]]" => BTreeMap::from([("match", "\"*\""), ("exclusive", "true")]),
        _ => BTreeMap::new(),
    };
    lines.insert(key, value);
    let lines: Vec<String> = lines.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    let parsed = Config::parse(&format!("{table}\n{}\n{SUITE}", lines.join("\n")));
    assert!(parsed.is_ok(), "`{key} = {value}` of {table}: {parsed:?}");
}

fn help(arguments: &[&str]) -> String {
    let mut command = Command::new(EVENLY);
    let command = command.args(arguments).arg("--help").env("COLUMNS", "100");
    Ran::of(&command.output().unwrap()).exits(0).stdout
}

/// Each long flag of a command with the variable that stands for it, as its help tells.
fn flags(command: &str) -> BTreeMap<String, String> {
    let help = help(&command.split(' ').collect::<Vec<_>>());
    let (_, options) = help.split_once("\nOptions:\n").expect("a list of options");
    let one_line = options.replace('\n', " ");
    let mut flags = BTreeMap::new();
    for option in one_line.split(" --").skip(1) {
        let name = option.split([' ', ',']).next().unwrap_or(option);
        let squeezed: String = option.split_whitespace().collect::<Vec<_>>().join(" ");
        let variable = squeezed.split_once("[env: ").map_or("", |(_, rest)| rest);
        let variable = variable.split('=').next().unwrap_or(variable);
        if !matches!(name, "help" | "version") {
            flags.insert(format!("--{name}"), variable.to_owned());
        }
    }
    flags
}

/// The commands that the help of a command lists.
fn commands_of(arguments: &[&str]) -> Vec<String> {
    let help = help(arguments);
    let Some((_, list)) = help.split_once("Commands:\n") else { return Vec::new() };
    let names = list.lines().take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_and_flag_is_documented_with_its_variable() {
    let text = read("docs/reference/cli.md");
    let mut commands = Vec::new();
    for command in commands_of(&[]) {
        match &commands_of(&[&command])[..] {
            [] => commands.push(command),
            inner => commands.extend(inner.iter().map(|inner| format!("{command} {inner}"))),
        }
    }
    let headings = text.matches("\n## `evenly ").count();
    assert_eq!(commands.len(), headings, "commands are {commands:?}");
    for command in commands {
        let rows = rows(section(&text, &format!("\n## `evenly {command}`")));
        let documented = rows.filter(|cells| cells[0].starts_with("`--")).map(|cells| {
            let flag = cells[0].trim_matches('`').split(' ').next().unwrap_or("");
            (flag.to_owned(), cells[1].trim_matches('`').to_owned())
        });
        assert_eq!(documented.collect::<BTreeMap<_, _>>(), flags(&command), "{command}");
    }
}

#[test]
fn a_flags_variable_is_on_and_off_as_documented() {
    let project = Project::new(&format!("[run]\nworkers = 1\n{SHELL_SUITE}"))
        .file("t/a.sh", "exit 1")
        .file("t/b.sh", "touch b-ran");
    for (value, runs) in [("", true), ("0", true), ("false", true), ("1", false), ("yes", false)] {
        let _ = std::fs::remove_file(project.path("b-ran"));
        project.evenly(&["run"]).env("EVENLY_FAIL_FAST", value).exits(1);
        assert_eq!(project.path("b-ran").exists(), runs, "EVENLY_FAIL_FAST={value}");
    }
}

#[test]
fn every_variable_of_a_test_process_is_documented() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "env | cut -d= -f1 > seen");
    project.evenly(&["run"]).exits(0);
    let seen = project.text("seen");
    // What a shell sets by itself.
    let own = |name: &str| matches!(name, "PWD" | "OLDPWD" | "SHLVL" | "_");
    let inherited = |name: &str| std::env::var_os(name).is_some();
    let set = seen.lines().filter(|name| !own(name) && !inherited(name));
    let set: BTreeSet<&str> = set.collect();
    let text = read("docs/reference/environment.md");
    let rows = rows(&text).filter_map(|cells| code(cells[0]).next());
    // Databases have their own tests.
    let rows = rows.filter(|name| !name.starts_with("DATABASE_URL"));
    assert_eq!(rows.collect::<BTreeSet<_>>(), set);
}

#[test]
fn every_exit_code_is_documented() {
    let text = read("docs/reference/exit-codes.md");
    let told = rows(&text).filter_map(|cells| cells[0].parse().ok());
    let codes = Exit::ALL.into_iter().chain([Exit::Signal(2), Exit::Signal(15)]).map(Exit::code);
    assert_eq!(told.collect::<Vec<u8>>(), codes.collect::<Vec<_>>());
}

#[test]
fn the_house_is_as_it_is_drawn() {
    let drawn = read("docs/architecture.md");
    let drawn: BTreeMap<&str, (&str, Vec<&str>)> = rows(section(&drawn, "\n## Layers"))
        .filter(|cells| cells[0].starts_with('`'))
        .map(|cells| (cells[0].trim_matches('`'), (cells[1], code(cells[2]).collect())))
        .collect();
    let source = read("tests/it/tidy/layers.rs");
    let (_, house) = source.split_once("const HOUSE").expect("the house");
    let house = house.split("];").next().unwrap_or(house);
    let built = modules();
    let placed = house.split("place(\"").skip(1).filter_map(|place| {
        let (module, rest) = place.split_once('"')?;
        let (_, rest) = rest.split_once("Layer::")?;
        let (layer, beside) = rest.split_once(',')?;
        // What is not built yet has its place already.
        let beside = beside.split('"').skip(1).step_by(2).collect();
        built.contains(module).then_some((module, (layer, beside)))
    });
    assert_eq!(placed.collect::<BTreeMap<_, _>>(), drawn);
    assert_eq!(drawn.keys().map(ToString::to_string).collect::<BTreeSet<_>>(), built);
}

/// What stands in `src/`: folders and files.
fn modules() -> BTreeSet<String> {
    let entries = std::fs::read_dir(Path::new(REPOSITORY).join("src")).unwrap();
    let names = entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned());
    names.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn every_link_leads_somewhere() {
    for document in documents() {
        let text = read(&document);
        let folder = document.parent().unwrap_or(Path::new(""));
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        for (link, _) in links.filter(|(link, _)| !link.contains("://")) {
            let path = link.split('#').next().unwrap_or(link);
            let target = Path::new(REPOSITORY).join(folder).join(path);
            assert!(target.exists(), "{}: `{link}` leads nowhere", document.display());
        }
    }
}

#[test]
fn every_document_is_in_the_index() {
    let index = read("docs/README.md");
    for document in documents() {
        let Ok(name) = document.strip_prefix("docs") else { continue };
        let own = name == Path::new("README.md") || name.starts_with("design");
        let listed = own || index.contains(&format!("]({})", name.display()));
        assert!(listed, "docs/README.md does not list `{}`", name.display());
    }
}
