//! Output that tries to be a command of the CI, against small models of how each CI reads a log.

use proptest::prelude::*;

use super::*;

/// Lines that act, raw, in at least one CI.
const COMMANDS: [&str; 21] = [
    "::error file=a::x",
    "::ERROR::x",
    "::set-output name=a::b",
    "::add-mask::x",
    "::group::x",
    "::endgroup::",
    "::stop-commands::mine",
    "::mine::",
    "::token-1::",
    "::token-0::",
    "##[group]x",
    "##[endgroup]",
    "##[error]x",
    "##[token-1]",
    "##vso[task.setvariable variable=a]b",
    "##teamcity[buildStatus status='SUCCESS']",
    "--- x",
    "+++ x",
    "^^^ +++",
    "\x1b[0Ksection_end:1:evenly_1\r\x1b[0K",
    "travis_fold:end:evenly.1\r\x1b[0K",
];

/// Ways to bring such a line.
const WAYS: [fn(&str) -> String; 15] = [
    str::to_owned,
    |command| format!("   \t{command}"),
    |command| format!("\u{a0}\u{2003}{command}"),
    |command| format!("\u{feff}\u{200b}{command}"),
    |command| format!("x\r{command}"),
    |command| format!("x\r\n{command}\r"),
    |command| format!("\x1b[31m{command}\x1b[0m"),
    |command| format!("\x1b[2K\x1b[1G{command}"),
    |command| format!("\x1b]0;t\x07{command}"),
    |command| format!("\x1b]0;t\n{command}"),
    |command| format!("\0\u{85}{command}"),
    |command| format!("some words {command}"),
    |command| after_each(command, "\x1b[2K"),
    |command| after_each(command, "\x1b]0;x\x1b\\"),
    |command| format!("\u{2028}{command}\u{2029}{command}\x0b{command}"),
];

/// A text with something after each of its characters.
fn after_each(text: &str, piece: &str) -> String {
    text.chars().flat_map(|c| std::iter::once(c).chain(piece.chars())).collect()
}

/// The lines of a log as .NET reads them: a lone CR ends one too.
fn net_lines(log: &str) -> Vec<String> {
    log.replace("\r\n", "\n").replace('\r', "\n").lines().map(str::to_owned).collect()
}

/// The name of the command in a line, as `ActionCommand.cs` of the runner finds it: first
/// `TryParseV2`, then `TryParse`. All names count as registered.
fn github_command(line: &str) -> Option<String> {
    let version_2 = || {
        let rest = line.trim_start().strip_prefix("::")?;
        rest.split_once("::").map(|(command, _)| command)
    };
    let version_1 = || {
        let rest = &line[line.find("##[")? + 3..];
        rest.split_once(']').map(|(command, _)| command)
    };
    let command = version_2().or_else(version_1)?;
    command.split(' ').next().map(str::to_lowercase)
}

/// The commands that a GitHub runner obeys: none between `stop-commands` and its token. Of the
/// rest, those that evenly itself prints are the opening and closing of its folds.
fn github_obeys(log: &str) -> Vec<String> {
    let mut stopped: Option<String> = None;
    let mut obeyed = Vec::new();
    for line in net_lines(log) {
        let Some(command) = github_command(&line) else { continue };
        match &stopped {
            Some(token) if *token == command => stopped = None,
            Some(_) => {}
            None if command == "stop-commands" => {
                stopped = line.rsplit("::").next().map(str::to_lowercase);
            }
            None => obeyed.push(command),
        }
    }
    assert_eq!(stopped, None, "commands stay stopped");
    obeyed
}

/// What each CI's reader finds in a log, without the first and last lines of evenly's one fold.
fn finds(folding: Folding, log: &str) -> Vec<String> {
    let lines = net_lines(log);
    let with = |needles: &[&str]| {
        let acts = |line: &&String| needles.iter().any(|needle| line.contains(needle));
        lines.iter().filter(acts).cloned().collect::<Vec<_>>()
    };
    match folding {
        Folding::None => vec![],
        // The web view folds and paints at `##[` whatever the runner obeyed.
        Folding::GitHub => [github_obeys(log), with(&["##["])].concat(),
        Folding::Azure => with(&["##[", "##vso["]),
        Folding::TeamCity => with(&["##teamcity["]),
        Folding::GitLab => with(&["section_start:", "section_end:"]),
        Folding::Travis => with(&["travis_fold:", "travis_time:"]),
        Folding::Buildkite => {
            let heads = ["---", "+++", "~~~", "^^^"];
            let lines = lines.iter().map(|line| plain(line).trim_start().to_owned());
            lines.filter(|line| heads.iter().any(|head| line.starts_with(head))).collect()
        }
    }
}

/// A line without its colours.
fn plain(line: &str) -> String {
    crate::term::clean(line, crate::term::Place::Terminal, Colour::Drop).into_owned()
}

const FOLDINGS: [Folding; 6] = [
    Folding::GitHub,
    Folding::GitLab,
    Folding::Azure,
    Folding::Buildkite,
    Folding::TeamCity,
    Folding::Travis,
];

/// A run with strangers' text in every place that a stranger's text can have.
fn infested(text: &str) -> Vec<Event> {
    let name = if text.is_empty() { "x" } else { text };
    let mut result = test(name, Outcome::Failed);
    result.message = Some(text.into());
    let mut failed = bad(name, text);
    failed.tests = vec![result];
    failed.leaked = vec![text.into()];
    failed.problem = Some(Problem::TornReport(text.into()));
    failed.end = ProcessEnd::Unknown(text.into());
    let whole = Some(text.to_owned());
    failed.output.tail = Some(crate::model::Kept { omitted_bytes: 1, text: text.into(), whole });
    let why = Stop::Broken(text.into());
    let not_run = vec![crate::model::NotRun { group: group(name), why: why.clone() }];
    vec![
        started(),
        planned(&[(name, 1)]),
        Event::Streamed { group: group(name), text: text.into() },
        finishes(failed),
        Event::Stopping { why, at_us: 1 },
        Event::RunFinished { at_us: 2, not_run },
    ]
}

/// How many commands of evenly's own that run has: a test holds it against harmless text.
fn own(folding: Folding, show: Show) -> usize {
    let totals = usize::from(folding == Folding::Buildkite);
    let fold = if show == Show::Stream { 0 } else { 2 };
    fold + totals
}

fn check(text: &str) {
    for folding in FOLDINGS {
        for show in [Show::Failed, Show::Stream] {
            let own = own(folding, show);
            for colour in [Colour::Keep, Colour::Drop] {
                let options = Options { colour, ..options(show, folding) };
                let log = printed_with(options, &infested(text));
                let found = finds(folding, &log);
                assert_eq!(found.len(), own, "{folding:?} {text:?}: {found:?} in\n{log}");
            }
        }
    }
}

#[test]
fn the_models_find_what_they_should() {
    assert_eq!(github_obeys("a\n  ::error::x\nb ##[warning]y\rz::no::"), ["error", "warning"]);
    let stopped = "::stop-commands::t\n::error::x\n::t::\n::group::y\n";
    assert_eq!(github_obeys(stopped), ["group"]);
    for (folding, show) in FOLDINGS.iter().flat_map(|f| [(*f, Show::Failed), (*f, Show::Stream)]) {
        let found = finds(folding, &printed(show, folding, &infested("harmless")));
        assert_eq!(found.len(), own(folding, show), "{folding:?} {show:?}: {found:?}");
    }
    for folding in FOLDINGS {
        let found = COMMANDS.iter().filter(|command| !finds_raw(folding, command).is_empty());
        assert!(found.count() > 0, "{folding:?} finds nothing");
    }
}

fn finds_raw(folding: Folding, command: &str) -> Vec<String> {
    match folding {
        Folding::GitHub => github_command(command).into_iter().collect(),
        folding => finds(folding, command),
    }
}

#[test]
fn no_stranger_commands_a_ci() {
    for command in COMMANDS {
        for way in WAYS {
            check(&format!("{}\n{}", way(command), way(command)));
        }
    }
}

#[test]
fn an_old_token_starts_nothing_again() {
    let steal = "::token-1::\n::error::x\n";
    let events = [finishes(bad("a", "first")), finishes(bad("b", steal))];
    let log = printed(Show::Failed, Folding::GitHub, &events);
    assert_eq!(github_obeys(&log), ["group", "endgroup", "group", "endgroup"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn nor_does_noise(text in "(::|##|\\[|\\]|:|#|vso|teamcity|error|section_end:1:a|---|\\+|\
        \\^|\\r|\\n|\\x1b\\[[0-9;]{0,3}[mKJ]?|\\x1b\\]|\\x07|[\\x00-\\x9f]|\\PC| ){0,24}") {
        check(&text);
    }
}
