//! What a person sees while a shard runs, and in the CI's log afterwards.
//!
//! A group's output is printed whole when the group is over, so outputs never interleave; in a
//! fold where the CI has folds, failures open where the CI can open them. Everything from tests
//! passes through [`crate::term`]; on GitHub a group's output also stands between
//! `::stop-commands::` and a fresh token. `--output stream` has no folds and no such guard, since
//! outputs interleave: there each line follows its group's name, and its commands are broken.
//!
//! What is printed is a pure function of the events so far (`page.rs`); this file writes it. Any
//! order of events is taken.

mod fold;
mod live;
mod page;
mod progress;
mod tally;
#[cfg(test)]
mod tests;
mod words;

use std::fmt::Write as _;
use std::io::Write;

use crate::ci::Folding;
use crate::config::Show;
use crate::model::Event;
use crate::term::Colour;

use super::{Sink, SinkError};
use live::Bar;
use page::Page;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// By a live line on standard error, if that is a terminal.
    Terminal,
    /// By a count and the time left on the line of each group.
    Plain,
}

/// How a console prints.
pub struct Options {
    /// Whose output is printed.
    pub show: Show,
    /// How the log folds.
    pub folding: Folding,
    /// How progress is shown.
    pub live: Live,
    /// Whether evenly's own marks and the tests' output may have colours.
    pub colour: Colour,
    /// Gives a token that no test can know, another at each call: see [`fresh_token`].
    pub token: Box<dyn FnMut() -> String + Send>,
}

/// A fold over events that prints.
pub struct Console {
    page: Page,
    bar: Option<Bar>,
    writer: Box<dyn Write + Send>,
}

impl Console {
    /// A console that prints to the writer: standard output, as a rule.
    #[must_use]
    pub fn new(options: Options, writer: Box<dyn Write + Send>) -> Self {
        let bar = match options.live {
            Live::Terminal => Some(Bar::new()),
            Live::Plain => None,
        };
        Self { page: Page::new(options), bar, writer }
    }
}

impl Sink for Console {
    fn take(&mut self, event: &Event) -> Result<(), SinkError> {
        let text = self.page.print(event);
        let writer = &mut self.writer;
        let mut write = || writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
        let written = match &self.bar {
            Some(_) if text.is_empty() => Ok(()),
            Some(bar) => bar.suspended(write),
            None => write(),
        };
        if let Some(bar) = &self.bar {
            match self.page.status() {
                Some(status) => bar.show(status),
                None if self.page.is_over() => bar.end(),
                None => {}
            }
        }
        let to = || "standard output".to_owned();
        written.map_err(|source| SinkError { what: "the progress", to: to(), source })
    }
}

/// 128 random bits from the system, in hexadecimal: what only a guess could find.
///
/// # Errors
/// When the system has no randomness to give.
pub fn fresh_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut token, byte| {
        write!(token, "{byte:02x}").expect("a String takes all text");
        token
    }))
}
