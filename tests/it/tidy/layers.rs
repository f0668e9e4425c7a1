//! Who may import whom, what the pure core may not name, and where one may print.

use super::Complaint;
use super::source::{Named, Source};

/// The layers from the bottom up, as in `docs/architecture.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Words,
    Core,
    Edge,
    Act,
    Command,
}

/// A module's layer and the neighbours of its own layer that it may import.
struct Place {
    module: &'static str,
    layer: Layer,
    beside: &'static [&'static str],
}

const fn place(module: &'static str, layer: Layer, beside: &'static [&'static str]) -> Place {
    Place { module, layer, beside }
}

/// The whole house. A new module is given its place here first.
const HOUSE: &[Place] = &[
    place("model", Layer::Words, &[]),
    place("exit", Layer::Words, &[]),
    place("history", Layer::Core, &["framework", "junit"]),
    place("plan", Layer::Core, &["history"]),
    place("framework", Layer::Core, &["junit"]),
    place("junit", Layer::Core, &[]),
    place("report", Layer::Core, &["history", "plan", "junit"]),
    place("config", Layer::Core, &["framework"]),
    place("ci", Layer::Core, &[]),
    place("init", Layer::Core, &["framework", "config"]),
    place("term", Layer::Edge, &[]),
    place("process", Layer::Edge, &[]),
    place("shim", Layer::Edge, &[]),
    place("db", Layer::Edge, &[]),
    place("publish", Layer::Edge, &[]),
    place("store", Layer::Edge, &[]),
    place("warm", Layer::Act, &[]),
    place("discover", Layer::Act, &["warm"]),
    place("provision", Layer::Act, &[]),
    place("runner", Layer::Act, &["warm", "provision", "sink"]),
    place("sink", Layer::Act, &[]),
    place("cli", Layer::Command, &[]),
    place("main", Layer::Command, &["cli"]),
    place("lib", Layer::Command, &[]),
];

/// What no pure module may name, as parts of a path in a row: the runtime, files, the network,
/// processes, the environment and clocks.
const OUTSIDE: &[&[&str]] = &[
    &["tokio"],
    &["sqlx"],
    &["rustix"],
    &["signal_hook"],
    &["indicatif"],
    &["getrandom"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "process"],
    &["std", "env"],
    &["std", "thread"],
    &["time", "Instant"],
    &["time", "SystemTime"],
    &["Instant", "now"],
    &["SystemTime", "now"],
    &["Timestamp", "now"],
    &["Zoned", "now"],
    &["io", "stdin"],
];

/// A type that only looks like the outside: the number that `main` returns.
const HARMLESS: &[&str] = &["std", "process", "ExitCode"];

/// The one file that prints.
const PRINTER: &str = "src/cli/print.rs";

/// Programs of their own inside ours, whose standard streams are a protocol and read by nobody.
const PIPED: &[&str] = &["src/process/supervise.rs"];

const PRINTING_MACROS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

const PRINTING_PATHS: &[&[&str]] = &[
    &["io", "stdout"],
    &["io", "stderr"],
    &["anstream", "stdout"],
    &["anstream", "stderr"],
    &["AutoStream"],
];

fn find(module: &str) -> Option<&'static Place> {
    HOUSE.iter().find(|place| place.module == module)
}

/// Why `from` may not import `to`, if it may not.
fn forbidden(from: &str, to: &str) -> Option<String> {
    if from == to {
        return None;
    }
    let missing = |module| format!("`{module}` has no place: add it to HOUSE in tidy/layers.rs");
    let (Some(from), Some(to)) = (find(from), find(to)) else {
        let unknown = if find(from).is_none() { from } else { to };
        return Some(missing(unknown));
    };
    let edge = format!("`{}` imports `{}`", from.module, to.module);
    if from.layer < to.layer {
        return Some(format!("{edge}: {:?} is below {:?}", from.layer, to.layer));
    }
    if from.layer == to.layer && !from.beside.contains(&to.module) {
        let beside = from.beside;
        return Some(format!("{edge}: of its own layer it may import no more than {beside:?}"));
    }
    None
}

/// The imports that go up or sideways.
pub(super) fn edges(source: &Source) -> Vec<Complaint> {
    let own = forbidden(&source.module, "").filter(|_| find(&source.module).is_none());
    let own = own.map(|what| (0, what));
    let imports = source.names.iter().filter_map(|Named { line, path, in_test: _ }| {
        let [first, to, ..] = path.as_slice() else { return None };
        // Lowercase: a module. What the crate's root itself defines has no layer.
        let lowercase = to.starts_with(|c: char| c.is_ascii_lowercase()) && to != "self";
        let is_module = first == "crate" && lowercase;
        let what = is_module.then(|| forbidden(&source.module, to)).flatten()?;
        Some((*line, what))
    });
    complaints(source, own.into_iter().chain(imports))
}

/// What a pure module names of the outside world; its tests may.
pub(super) fn impurities(source: &Source) -> Vec<Complaint> {
    if find(&source.module).is_none_or(|place| place.layer > Layer::Core) {
        return Vec::new();
    }
    let named = source.names.iter().filter(|name| !name.in_test && name.path != HARMLESS);
    let found = named.filter_map(|Named { line, path, in_test: _ }| {
        let outside = OUTSIDE.iter().find(|parts| has(path, parts))?;
        let (module, outside) = (&source.module, outside.join("::"));
        Some((*line, format!("`{module}` is pure and names `{outside}`: take a value instead")))
    });
    complaints(source, found)
}

/// Prints outside the one file for it.
pub(super) fn prints(source: &Source) -> Vec<Complaint> {
    if source.file == PRINTER {
        return Vec::new();
    }
    let piped = PIPED.contains(&source.file.as_str());
    let named = source.names.iter().filter(|name| !name.in_test && !piped);
    let streams = named.filter_map(|Named { line, path, in_test: _ }| {
        let stream = PRINTING_PATHS.iter().find(|parts| has(path, parts))?;
        Some((*line, stream.join("::")))
    });
    let macros = source.tokens.windows(2).filter_map(|pair| {
        let [name, bang] = pair else { return None };
        let prints = bang.text == "!" && PRINTING_MACROS.contains(&name.text.as_str());
        prints.then(|| (name.line, format!("{}!", name.text)))
    });
    let found = streams.chain(macros);
    complaints(source, found.map(|(line, what)| (line, format!("`{what}` outside {PRINTER}"))))
}

/// Lints switched off without a reason that the compiler checks.
pub(super) fn allows(source: &Source) -> Vec<Complaint> {
    let tokens = &source.tokens;
    let found = tokens.windows(3).filter_map(|three| {
        let texts: Vec<&str> = three.iter().map(|token| token.text.as_str()).collect();
        let what = "use `#[expect(lint, reason = \"…\")]` instead of `allow`".to_owned();
        (texts == ["[", "allow", "("]).then_some((three[0].line, what))
    });
    complaints(source, found)
}

fn has(path: &[String], parts: &[&str]) -> bool {
    path.windows(parts.len()).any(|window| window == parts)
}

fn complaints(source: &Source, found: impl Iterator<Item = (usize, String)>) -> Vec<Complaint> {
    found.map(|(line, what)| Complaint { file: source.file.clone(), line, what }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rule: fn(&Source) -> Vec<Complaint>, file: &str, text: &str) -> Vec<(usize, String)> {
        let complaints = rule(&Source::new(file, text));
        complaints.into_iter().map(|complaint| (complaint.line, complaint.what)).collect()
    }

    #[test]
    fn an_edge_is_refused_up_and_sideways_and_for_strangers() {
        let refused = [
            ("src/plan/mod.rs", "\nuse crate::runner::Run;"),
            ("src/plan/lanes.rs", "\nuse super::super::{model::Group, report::Ledger};"),
            ("src/junit/read.rs", "\nlet x = crate::plan::make();"),
            ("src/db/mod.rs", "\nuse crate::process;"),
            ("src/sink/mod.rs", "\nuse crate::runner::Run;"),
            ("src/runner/mod.rs", "\nuse crate::cli::Args;"),
            ("src/plan/mod.rs", "\nuse crate::unheard_of::X;"),
            ("src/model/id.rs", "\n#[cfg(test)] mod tests { use crate::{ci as c}; }"),
        ];
        for (file, text) in refused {
            let told = told(edges, file, text);
            assert_eq!(told.len(), 1, "{file} {text}: {told:?}");
            assert_eq!(told[0].0, 2, "{file} {text}: {told:?}");
        }
        assert_eq!(told(edges, "src/unheard_of.rs", "")[0].0, 0);
        let plan = &told(edges, "src/plan/mod.rs", "crate::runner::run()")[0].1;
        assert_eq!(plan, "`plan` imports `runner`: Core is below Act");
    }

    #[test]
    fn an_edge_downwards_is_fine() {
        let fine = [
            ("src/plan/mod.rs", "use crate::{history::History, model::{Group, Shard}};"),
            ("src/report/mod.rs", "use crate::{plan::Plan, junit, report::ledger};"),
            ("src/runner/mod.rs", "use crate::{sink::Sink, process::Child, ci::Ci};"),
            ("src/cli/run.rs", "use super::super::{runner, store}; use super::args::Args;"),
            ("src/main.rs", "fn main() { evenly::cli::run() }"),
            (
                "src/plan/mod.rs",
                "/// [`crate::runner`]\n// crate::cli\nconst A: &str = \"crate::cli\";",
            ),
        ];
        for (file, text) in fine {
            assert_eq!(told(edges, file, text), [], "{file} {text}");
        }
    }

    #[test]
    fn the_core_is_told_off_for_the_outside_and_the_edges_are_not() {
        let outside = [
            "use std::{fmt, fs};",
            "std::env::var(x)",
            "use std::time::{Duration, Instant};",
            "use std::time; time::Instant::now()",
            "jiff::Timestamp::now()",
            "tokio::spawn(x)",
            "std::process::Command::new(x)",
            "fn f() -> std::net::IpAddr {}",
        ];
        for text in outside {
            assert!(!told(impurities, "src/plan/mod.rs", text).is_empty(), "{text}");
            assert!(told(impurities, "src/store.rs", text).is_empty(), "{text}");
            let test = format!("#[cfg(test)] mod tests {{ {text} }}");
            assert!(told(impurities, "src/plan/mod.rs", &test).is_empty(), "{text}");
        }
        let pure = "use std::{fmt, time::Duration}; use std::process::ExitCode; env!(\"X\");";
        assert_eq!(told(impurities, "src/exit.rs", pure), []);
    }

    #[test]
    fn printing_and_allowing_are_seen() {
        let text = "fn f() {\n println!(\"x\"); }";
        assert_eq!(
            told(prints, "src/plan/mod.rs", text),
            [(2, "`println!` outside src/cli/print.rs".to_owned())]
        );
        assert_eq!(told(prints, PRINTER, text), []);
        assert_eq!(told(prints, "src/cli/mod.rs", "std::io::stderr().lock()").len(), 1);
        assert_eq!(told(prints, PIPED[0], "io::stdout()"), []);
        assert_eq!(told(prints, PIPED[0], text).len(), 1);
        assert_eq!(told(prints, "src/cli/mod.rs", "writeln!(out); Command::stdout(x)"), []);
        assert_eq!(told(allows, "src/plan/mod.rs", "\n#![allow(dead_code)]")[0].0, 2);
        assert_eq!(told(allows, "src/plan/mod.rs", "#[expect(dead_code)] allow(x)"), []);
    }
}
