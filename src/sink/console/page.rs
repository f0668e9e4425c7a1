//! What is printed, as a pure function of the events so far.

use std::borrow::Cow;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::ci::Folding;
use crate::model::{
    Event, GroupFinished, GroupId, NotRun, Output, Problem, ProcessEnd, RunStarted, Stop,
    TemplateOrigin, Verdict, counted, human_time, thousands,
};
use crate::term::{Colour, Place, clean, label};

use super::fold::{Fold, unfolded};
use super::progress::Progress;
use super::tally::{Bounded, Counts, Failure, Tally};
use super::words::{about, shortened};
use super::{Live, Options};
use crate::config::Show;
use crate::report::rerun::Again;

/// How much of a test's message is printed in the list at the end.
const MESSAGE_CHARS_MAX: usize = 200;
/// How much of a group's or a test's name is printed; the journal has all of it.
const NAME_CHARS_MAX: usize = 300;
/// How many names of left-over processes are printed.
const LEAKED_NAMES_MAX: usize = 10;
/// How many groups that did not run are named.
const NOT_RUN_NAMES_MAX: usize = 20;
/// How many running groups the live line names.
const RUNNING_NAMES_MAX: usize = 4;

/// The state of what has been printed.
pub(super) struct Page {
    options: Options,
    place: Place,
    run: Option<RunStarted>,
    progress: Progress,
    tally: Tally,
    folds: u32,
    now_us: u64,
    over: bool,
}

/// How an execution went, for its line.
#[derive(Clone, Copy)]
enum Mark {
    Passed,
    Failed,
    Again,
}

impl Page {
    pub(super) fn new(options: Options) -> Self {
        let place = match (options.live, options.folding) {
            (Live::Terminal, Folding::None) => Place::Terminal,
            (Live::Terminal | Live::Plain, folding) => Place::Log(folding),
        };
        Self {
            options,
            place,
            run: None,
            progress: Progress::default(),
            tally: Tally::default(),
            folds: 0,
            now_us: 0,
            over: false,
        }
    }

    /// What an event adds to the page; whole lines, maybe none.
    pub(super) fn print(&mut self, event: &Event) -> String {
        match event {
            Event::RunStarted(started) => {
                self.run = Some(started.clone());
                String::new()
            }
            Event::Discovered { suite, groups } => {
                self.tally.list_of(suite, groups);
                String::new()
            }
            Event::DatabaseReady { database, origin, took_us } => {
                let how = match origin {
                    TemplateOrigin::Built => "built",
                    TemplateOrigin::Found => "found on the server",
                    TemplateOrigin::Restored => "restored from an earlier run",
                    TemplateOrigin::Existing => "there already",
                };
                let database = label(database, self.place);
                format!("database {database}: template {how}, {}\n", human_time(*took_us))
            }
            Event::Planned { fingerprint: _, workers, groups, assigned } => {
                let workers = self.run.as_ref().map_or(*workers, |run| run.workers);
                self.progress.plan(workers, assigned);
                self.opening(workers, *groups)
            }
            Event::GroupStarted { group, attempt: _, worker: _, at_us } => {
                self.now_us = *at_us;
                self.progress.start(group, *at_us);
                String::new()
            }
            Event::GroupSlow { group, attempt: _, at_us, timeout_us } => {
                self.now_us = *at_us;
                let (half, limit) = (about(timeout_us / 2), about(*timeout_us));
                let name = self.name(group);
                format!("… {name}  slow: {half} of its {limit} are over\n")
            }
            Event::Streamed { group, text } => self.streamed(group, text),
            Event::GroupFinished(finished) => self.finished(finished),
            Event::Stopping { why, at_us } => {
                self.now_us = *at_us;
                format!("stopping: {}\n", self.why(why))
            }
            Event::RunFinished { at_us, not_run } => {
                self.now_us = *at_us;
                self.over = true;
                self.closing(not_run)
            }
        }
    }

    /// Whether the shard has said its last.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// The live line; None before the start and after the end.
    pub(super) fn status(&self) -> Option<String> {
        if self.over || self.progress.total() == 0 {
            return None;
        }
        let (done, total) = (self.progress.done(), self.progress.total());
        let mut status = format!("{done}/{total} groups");
        let left_us = self.progress.left_us(self.now_us);
        if left_us > 0 {
            add(&mut status, format_args!(", about {} left", about(left_us)));
        }
        let running = self.progress.running();
        let more = running.len().saturating_sub(RUNNING_NAMES_MAX);
        let names: Vec<_> = running.take(RUNNING_NAMES_MAX).map(|group| self.name(group)).collect();
        if !names.is_empty() {
            add(&mut status, format_args!(": {}", names.join(", ")));
        }
        if more > 0 {
            add(&mut status, format_args!(" and {more} more"));
        }
        Some(status)
    }

    fn opening(&self, workers: u32, groups: usize) -> String {
        let mine = self.progress.total();
        let shard = self.shard();
        if mine == 0 {
            return format!(
                "{shard}: nothing to do, none of {} is its\n",
                counted(groups, "group")
            );
        }
        let (groups, workers) = (counted(groups, "group"), counted(workers as usize, "worker"));
        let left = about(self.progress.left_us(self.now_us));
        format!("{shard}: {mine} of {groups} on {workers}, about {left}\n")
    }

    /// Whole lines of a running group, each after its name.
    fn streamed(&self, group: &GroupId, text: &str) -> String {
        if self.options.show != Show::Stream {
            return String::new();
        }
        let name = self.name(group);
        let cleaned = clean(text, self.place, Colour::Drop);
        cleaned.lines().fold(String::new(), |mut lines, line| {
            add(&mut lines, format_args!("{name} | {line}\n"));
            lines
        })
    }

    fn finished(&mut self, finished: &GroupFinished) -> String {
        let group = &finished.group;
        self.now_us = finished.at_us;
        if finished.last {
            self.progress.finish(group);
        } else {
            self.progress.again(group);
        }
        let counts = self.tally.take(finished);
        let mark = match (finished.last, finished.verdict) {
            (false, _) => Mark::Again,
            (true, Verdict::Passed) => Mark::Passed,
            (true, Verdict::Failed) => Mark::Failed,
        };
        let title = self.title(finished, counts, mark);
        let mut text = self.section(finished, mark, &title);
        if !finished.leaked.is_empty() {
            let processes = processes(finished.leaked.len());
            let names = self.names(&finished.leaked, LEAKED_NAMES_MAX);
            add(&mut text, format_args!("  left {processes} behind, now ended: {names}\n"));
        }
        text
    }

    /// The line of an execution, without marks of colour.
    fn title(&self, finished: &GroupFinished, counts: Counts, mark: Mark) -> String {
        let sign = match mark {
            Mark::Passed => '✓',
            Mark::Failed => '✗',
            Mark::Again => '↻',
        };
        let name = self.name(&finished.group);
        let how = match finished.verdict {
            Verdict::Passed => passed(counts),
            Verdict::Failed => self.failed(finished, counts),
        };
        let mut title = format!("{sign} {name}  {how}  {}", human_time(finished.duration_us));
        if let Mark::Again = mark {
            let next = finished.attempt.saturating_add(1);
            let how = match finished.problem {
                Some(Problem::WorkerDied | Problem::WorkerAstray(_)) => "going on",
                Some(_) | None => "trying again",
            };
            add(&mut title, format_args!("; {how} (attempt {next})"));
        }
        if self.options.live == Live::Plain {
            let (done, total) = (self.progress.done(), self.progress.total());
            let width = total.to_string().len();
            title.insert_str(0, &format!("[{done:width$}/{total}] "));
            let left_us = self.progress.left_us(self.now_us);
            if left_us > 0 {
                add(&mut title, format_args!("  (about {} left)", about(left_us)));
            }
        }
        title
    }

    fn failed(&self, finished: &GroupFinished, counts: Counts) -> String {
        let (bad, total, end) = (counts.bad(), counts.total(), &finished.end);
        let problem = finished.problem.as_ref().map(|problem| problem.describe(end));
        let how = match (bad, problem) {
            (0, Some(problem)) => problem,
            // `1 of 1 failed` would count a result that nobody reported.
            (_, Some(problem)) if finished.tests.iter().all(|test| !test.reported) => problem,
            (0, None) => format!("failed ({end})"),
            (_, Some(problem)) => format!("{bad} of {total} failed, {problem}"),
            (_, None) => format!("{bad} of {total} failed ({end})"),
        };
        label(&how, self.place).into_owned()
    }

    /// The line with the output, if that is to be shown.
    fn section(&mut self, finished: &GroupFinished, mark: Mark, title: &str) -> String {
        let failed = finished.verdict == Verdict::Failed;
        let shown = match self.options.show {
            Show::Failed => failed,
            Show::All => true,
            Show::Never | Show::Stream => false,
        };
        let again = match mark {
            Mark::Failed if shown => self.again(&self.tally.only(finished), finished.worker),
            Mark::Passed | Mark::Failed | Mark::Again => String::new(),
        };
        let Output { head, tail } = &finished.output;
        if !shown || (head.is_empty() && tail.is_none()) {
            return self.painted(mark, title) + "\n" + &again;
        }
        self.folds += 1;
        let token = (self.options.token)();
        let to_s = self.clock_s(finished.at_us);
        let from_s = self.clock_s(finished.at_us.saturating_sub(finished.duration_us));
        let painted = self.painted(mark, title);
        let (number, token) = (self.folds, token.as_str());
        let fold = Fold { title: &painted, open: failed, number, from_s, to_s, token };
        let output = self.output(&finished.output);
        fold.begin(self.options.folding) + &output + &fold.end(self.options.folding) + &again
    }

    /// The line with its mark in colour, where it is no command's data.
    fn painted(&self, mark: Mark, title: &str) -> String {
        let colour = match mark {
            Mark::Passed => AnsiColor::Green,
            Mark::Failed => AnsiColor::Red,
            Mark::Again => AnsiColor::Yellow,
        };
        let plain = self.options.colour == Colour::Drop || self.options.folding != Folding::None;
        if plain {
            return title.to_owned();
        }
        let style: Style = colour.on_default();
        format!("{style}{title}{style:#}")
    }

    /// A group's output, ending with a line break.
    fn output(&self, output: &Output) -> String {
        let Output { head, tail } = output;
        let mut text = clean(head, self.place, self.options.colour).into_owned();
        end_line(&mut text);
        if let Some(tail) = tail {
            let bytes = thousands(tail.omitted_bytes);
            let whole = tail.whole.as_deref().map_or(Cow::default(), |path| {
                format!("; all of it is in `{}`", label(path, self.place)).into()
            });
            add(&mut text, format_args!("[… {bytes} bytes left out{whole} …]\n"));
            text.push_str(&clean(&tail.text, self.place, self.options.colour));
            end_line(&mut text);
        }
        text
    }

    fn closing(&self, not_run: &[NotRun]) -> String {
        let Tally { counts, troubled, failures, flakes, pending: _, listed: _ } = &self.tally;
        let time = human_time(self.now_us);
        let (shard, totals) = (self.shard(), totals(*counts, *troubled));
        let mut text = format!("\n{}{shard}: {totals} in {time}\n", unfolded(self.options.folding));
        self.list_failures(&mut text, failures);
        if !flakes.kept.is_empty() {
            text.push_str("flaky, failed and then passed:\n");
            for id in &flakes.kept {
                add(&mut text, format_args!("  {}\n", self.id(id)));
            }
            more(&mut text, flakes.more);
        }
        self.list_not_run(&mut text, not_run);
        // Apart from what follows: the next shard's lines or the report.
        text.push('\n');
        text
    }

    fn list_failures(&self, text: &mut String, failures: &Bounded<Failure>) {
        if failures.kept.is_empty() {
            return;
        }
        text.push_str("failed:\n");
        for Failure { id, message, only, worker } in &failures.kept {
            add(text, format_args!("  {}", self.id(id)));
            if let Some(line) = message.lines().find(|line| !line.trim().is_empty()) {
                let line = clean(line, Place::Terminal, Colour::Drop);
                let message = shortened(&line, MESSAGE_CHARS_MAX);
                add(text, format_args!(": {}", label(&message, self.place)));
            }
            text.push('\n');
            text.push_str(&self.again(&[only], *worker));
        }
        more(text, failures.more);
    }

    /// The line that says how to run these alone; nothing where no shell can be told.
    fn again(&self, ids: &[impl AsRef<str>], worker: u32) -> String {
        let config = self.run.as_ref().and_then(|run| run.config.as_deref());
        let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
        let command = Again { worker, config }.command(&ids);
        let line = |command: String| format!("    again: {}\n", label(&command, self.place));
        command.map(line).unwrap_or_default()
    }

    fn list_not_run(&self, text: &mut String, not_run: &[NotRun]) {
        if not_run.is_empty() {
            return;
        }
        add(text, format_args!("{} not run:\n", counted(not_run.len(), "group")));
        for NotRun { group, why } in not_run.iter().take(NOT_RUN_NAMES_MAX) {
            add(text, format_args!("  {}: {}\n", self.name(group), self.why(why)));
        }
        more(text, not_run.len().saturating_sub(NOT_RUN_NAMES_MAX));
    }

    fn why(&self, why: &Stop) -> String {
        match why {
            Stop::FailFast => "a group failed, and `fail-fast` is on".to_owned(),
            Stop::Signal(signal) => ProcessEnd::Signaled(*signal).to_string(),
            Stop::Broken(why) => label(why, self.place).into_owned(),
        }
    }

    fn shard(&self) -> String {
        self.run.as_ref().map_or("this shard".to_owned(), |run| format!("shard {}", run.shard))
    }

    fn name(&self, group: &GroupId) -> String {
        self.id(&group.to_string())
    }

    fn id(&self, id: &str) -> String {
        shortened(&label(id, self.place), NAME_CHARS_MAX)
    }

    fn names(&self, names: &[String], max: usize) -> String {
        let shown = names.iter().take(max).map(|name| label(name, self.place));
        let mut list = shown.collect::<Vec<_>>().join(", ");
        if names.len() > max {
            add(&mut list, format_args!(" and {} more", names.len() - max));
        }
        list
    }

    /// A time of this shard as seconds since 1970; 0 before the run's start is known.
    fn clock_s(&self, at_us: u64) -> i64 {
        let start_s = self.run.as_ref().map_or(0, |run| run.started.as_second());
        start_s.saturating_add(i64::try_from(at_us / 1_000_000).unwrap_or(i64::MAX))
    }
}

fn passed(counts: Counts) -> String {
    let mut how = counted(counts.total(), "test");
    for (number, what) in [(counts.skipped, "skipped"), (counts.flaky, "flaky")] {
        if number > 0 {
            add(&mut how, format_args!(", {number} {what}"));
        }
    }
    how
}

fn totals(counts: Counts, troubled: usize) -> String {
    let tests = counted(counts.total(), "test");
    let Counts { passed, failed, errored, skipped, flaky } = counts;
    let parts = [
        (failed, "failed"),
        (errored, "errored"),
        (flaky, "flaky"),
        (passed, "passed"),
        (skipped, "skipped"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts = parts.map(|(number, what)| format!(", {number} {what}"));
    let mut text = tests + &parts.collect::<Vec<_>>().concat();
    if troubled > 0 {
        add(&mut text, format_args!("; {} with a problem,", counted(troubled, "group")));
    }
    text
}

fn processes(number: usize) -> String {
    if number == 1 { "1 process".to_owned() } else { format!("{number} processes") }
}

fn more(text: &mut String, number: usize) {
    if number > 0 {
        add(text, format_args!("  … and {number} more\n"));
    }
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

fn add(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a String takes all text");
}
