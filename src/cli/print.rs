//! The only place that writes to the terminal on evenly's own behalf: data to standard output,
//! talk to standard error. A closed pipe is not an error: whoever reads has read enough.
//!
//! Whatever is printed here may quote a stranger: an id, a path, a variable, a line of the
//! configuration. So all of it is cleaned here, whoever made it, and no line of it can act as a
//! command of the CI.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use super::project::detect_ci;
use crate::ci::{Ci, Folding};
use crate::term::{self, Colour, Place};

/// Writes what a person reads.
pub(super) fn out(text: &str) {
    put(text_for_log(text).as_ref());
}

/// Writes JSON that a program reads.
pub(super) fn json(text: &str) {
    put(term::json(text).as_ref());
}

fn put(text: &str) {
    let mut stdout = anstream::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes talk.
pub(super) fn err(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let text = text_for_log(text);
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// Cleaned as for a log also where no CI is found: it may be one that is not known.
fn text_for_log(text: &str) -> Cow<'_, str> {
    let folding = detect_ci().as_ref().map_or(Folding::None, Ci::folding);
    term::clean(text, Place::Log(folding), Colour::Keep)
}

/// Says that something is not as it should be, and what that leads to.
pub(super) fn warn(text: &str) {
    err(&format!("warning: {text}\n"));
}

/// Says something that is good to know.
pub(super) fn note(text: &str) {
    err(&format!("note: {text}\n"));
}

/// Standard output, for a console that cleans and colours what it writes itself.
pub(super) fn stdout() -> Box<dyn Write + Send> {
    Box::new(std::io::stdout())
}

/// Whether somebody watches standard output.
pub(super) fn is_watched() -> bool {
    std::io::stdout().is_terminal()
}

/// How wide a table may be: as wide as the terminal, where there is one.
pub(super) fn columns() -> usize {
    const ELSEWHERE: usize = 100;
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    size.map_or(ELSEWHERE, |size| usize::from(size.ws_col)).max(1)
}

/// Whether standard output takes colours: a terminal or a CI that shows them, and no `NO_COLOR`.
pub(super) fn takes_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}
