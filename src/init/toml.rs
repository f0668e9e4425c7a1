//! `evenly.toml`.

use std::fmt::Write;

use super::Suite;
use super::databases::Database;

/// The configuration; evenly's own reader takes it as it is.
pub(super) fn write(suites: &[Suite], database: Option<&Database>) -> String {
    let mut text = String::from(
        "# Written by `evenly init`; from here on it is yours. Every key there is:\n\
         # docs/reference/config.md. Try it: `evenly local --shards 2`.\n\
         \n\
         [run]\n\
         # Local workers of a shard; `\"auto\"` is as many as the machine has cores.\n\
         workers = \"auto\"\n\
         # How often what failed is tried again; what passes then is told as flaky.\n\
         retries = 0\n",
    );
    for suite in suites {
        suite_text(&mut text, suite, database);
    }
    text.push_str(&database.map(Database::text).unwrap_or_default());
    text
}

fn suite_text(text: &mut String, suite: &Suite, database: Option<&Database>) {
    let Suite { name, framework, dir, keys, remarks, setup: _, base: _ } = suite;
    text.push('\n');
    for remark in remarks {
        let _ = writeln!(text, "# {}", comment(remark));
    }
    let _ = writeln!(text, "[[suite]]\nname = {}", quoted(name));
    let _ = writeln!(text, "framework = {}", quoted(framework));
    if !dir.is_empty() {
        let _ = writeln!(text, "dir = {}", quoted(dir));
    }
    for (key, value) in keys {
        let _ = writeln!(text, "{key} = {value}");
    }
    if let Some(line) = database.and_then(|database| database.key_of(suite)) {
        let _ = writeln!(text, "{line}");
    }
}

/// A string of TOML.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A list of strings.
pub(super) fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(", "))
}

/// A line that stays one.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
