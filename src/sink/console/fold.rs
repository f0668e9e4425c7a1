//! The lines with which a CI's log folds. Titles come from [`crate::term::label`]: one line, no
//! command in it; what else a CI's syntax needs escaped is escaped here.

use crate::ci::Folding;

/// A part of the log that folds.
pub(super) struct Fold<'a> {
    /// What is seen of it when it is shut.
    pub(super) title: &'a str,
    /// Whether it starts open, where the CI can do that.
    pub(super) open: bool,
    /// Tells it from the log's other folds.
    pub(super) number: u32,
    /// When what it shows began, seconds since 1970.
    pub(super) from_s: i64,
    /// When that ended, seconds since 1970.
    pub(super) to_s: i64,
    /// With which GitHub, and no other CI, takes commands again: unknown to whoever printed the
    /// content.
    pub(super) token: &'a str,
}

impl Fold<'_> {
    /// What comes before the content. Where the log does not fold, the title's line.
    pub(super) fn begin(&self, folding: Folding) -> String {
        let Self { title, open, number, from_s, to_s: _, token } = self;
        match folding {
            Folding::None => format!("{title}\n"),
            Folding::GitHub => {
                format!("::group::{}\n::stop-commands::{token}\n", github(title))
            }
            Folding::GitLab => format!(
                "\x1b[0Ksection_start:{from_s}:evenly_{number}[collapsed={}]\r\x1b[0K{title}\n",
                !open
            ),
            Folding::Azure => format!("##[group]{title}\n"),
            Folding::Buildkite => format!("{} {title}\n", if *open { "+++" } else { "---" }),
            Folding::TeamCity => {
                format!("##teamcity[blockOpened name='{}']\n", teamcity(title))
            }
            Folding::Travis => format!("travis_fold:start:evenly.{number}\r\x1b[0K{title}\n"),
        }
    }

    /// What comes after the content.
    pub(super) fn end(&self, folding: Folding) -> String {
        let Self { title, open: _, number, from_s: _, to_s, token } = self;
        match folding {
            Folding::None => String::new(),
            Folding::GitHub => format!("::{token}::\n::endgroup::\n"),
            Folding::GitLab => {
                format!("\x1b[0Ksection_end:{to_s}:evenly_{number}\r\x1b[0K\n")
            }
            Folding::Azure => "##[endgroup]\n".to_owned(),
            // A heading lasts until the next: this one takes what evenly says afterwards.
            Folding::Buildkite => "--- evenly\n".to_owned(),
            Folding::TeamCity => {
                format!("##teamcity[blockClosed name='{}']\n", teamcity(title))
            }
            Folding::Travis => format!("travis_fold:end:evenly.{number}\r\x1b[0K\n"),
        }
    }
}

/// What comes before the line of the totals, so that no fold holds it.
pub(super) fn unfolded(folding: Folding) -> &'static str {
    match folding {
        Folding::Buildkite => "+++ ",
        Folding::None
        | Folding::GitHub
        | Folding::GitLab
        | Folding::Azure
        | Folding::TeamCity
        | Folding::Travis => "",
    }
}

/// A command's data, after the runner's own escapes.
fn github(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A service message's value.
fn teamcity(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '\'' | '[' | ']' => value.extend(['|', c]),
            '\n' => value.push_str("|n"),
            '\r' => value.push_str("|r"),
            c => value.push(c),
        }
    }
    value
}
