//! The only place that writes to the terminal on evenly's own behalf: data to standard output,
//! talk to standard error. A closed pipe is not an error: whoever reads has read enough.

use std::io::{IsTerminal, Write};

/// Writes data.
pub(super) fn out(text: &str) {
    let mut stdout = anstream::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes talk.
pub(super) fn err(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
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

/// Whether standard output takes colours: a terminal or a CI that shows them, and no `NO_COLOR`.
pub(super) fn takes_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}
