//! What is wrong with a configuration, said so that it can be mended at once.

use std::fmt;

use crate::model::one_line;

/// Beyond this many edits a known key is not what was meant.
const DISTANCE_MAX: usize = 3;

/// Why the configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The line in the file, from 1, where one can be named.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ConfigError {
    pub(super) fn plain(message: impl Into<String>) -> Self {
        Self { line: None, message: message.into(), hint: None }
    }

    pub(super) fn from_toml(error: &toml::de::Error, text: &str) -> Self {
        let line = error.span().map(|span| 1 + newlines_before(text, span.start));
        let message = error.message().trim().replace('\n', ", ");
        let hint = nearest_known(&message)
            .map(|(unknown, known)| format!("did you mean `{known}` instead of `{unknown}`?"));
        Self { line, message, hint }
    }
}

fn newlines_before(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// The unknown name and the known one nearest to it, out of serde's own messages: ``unknown field
/// `x`, expected one of `a`, `b` `` and the same for variants.
fn nearest_known(message: &str) -> Option<(&str, &str)> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    quoted
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .filter(|(distance, known)| *distance <= DISTANCE_MAX && *distance < known.len())
        .min()
        .map(|(_, known)| (unknown, known))
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&one_line(&self.message))
    }
}

impl std::error::Error for ConfigError {}
