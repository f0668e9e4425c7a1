//! Text from strangers, made fit for where it is shown.
//!
//! What is done where:
//!
//! | | terminal | CI log |
//! |---|---|---|
//! | colours (`CSI … m`) | kept or dropped, as asked | the same |
//! | every other escape sequence, C1 | dropped | dropped |
//! | a lone CR | a line break | a line break (the runners of GitHub and Azure split there too) |
//! | NUL and other C0, DEL | a picture: `␀` | the same |
//! | U+2028, U+2029 | a visible escape | the same |
//! | a command of the CI | – | broken by a zero-width space |
//!
//! A CI log's commands are broken for all CIs at once, since one may run inside another, but for
//! Buildkite's headings (`---`, `+++`), which are in every diff and are broken in Buildkite alone.
//! GitHub Actions gets a second guard from whoever prints: the output stands between
//! `::stop-commands::` and a fresh random token. The breaking is needed all the same, because the
//! web view of a log folds at `##[group]` whatever the runner did.

mod command;
mod escape;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::ci::Folding;
use crate::model::one_line;

/// Where text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A terminal, or what a person reads in one.
    Terminal,
    /// The log of a CI, whose commands begin as this folding's do.
    Log(Folding),
}

/// Whether text may have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// They stay.
    Keep,
    /// They go.
    Drop,
}

/// Output of a test, fit to be shown: lines stay lines, whatever else could act does not.
/// Colours that the text leaves on are put out at its end, before its last line break.
#[must_use]
pub fn clean(text: &str, place: Place, colour: Colour) -> Cow<'_, str> {
    guard(escape::strip(text, colour), place)
}

/// A name or a message, fit to be part of a line.
#[must_use]
pub fn label(text: &str, place: Place) -> Cow<'_, str> {
    guard(one_line(text), place)
}

/// JSON that says the same and in which no CI finds a command: what would make one is spelt as an
/// escape. The text must begin with `{` or `[` and have no line break but its last.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    command::escaped_in_json(text)
}

/// Breaks the CI's commands where there is a CI.
fn guard(text: Cow<'_, str>, place: Place) -> Cow<'_, str> {
    match place {
        Place::Terminal => text,
        Place::Log(folding) => command::broken(text, folding),
    }
}
