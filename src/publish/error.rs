//! What can go wrong between us and a server, and what to do about it.

use std::time::Duration;

use crate::model::human_time;

/// Why a request came to nothing. What a server said is in it as it is: whoever shows it cleans it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// 401.
    #[error("the token is not accepted ({0})")]
    Token(String),
    /// 403, for other reasons than those below.
    #[error("the token may not do that ({0})")]
    Forbidden(String),
    /// The conversation is locked.
    #[error("its conversation is locked")]
    Locked,
    /// 404 and 410: servers also say so of what a token may not see.
    #[error("it is not there, or not for this token to see")]
    Absent,
    /// The body was too long.
    #[error("the text is too long for the server ({0})")]
    TooLong(String),
    /// Another status of the 400s.
    #[error("the server refused it with status {status} ({message})")]
    Refused {
        /// The status.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// Too many requests, and the wait is longer than there is time.
    #[error("the server wants fewer requests{}", asked(*.0))]
    Limited(Option<Duration>),
    /// A status of the 500s, to the last try.
    #[error("the server failed with status {0}")]
    Server(u16),
    /// No connection, to the last try.
    #[error("the server cannot be reached ({0})")]
    Unreachable(String),
    /// A connection that broke, or was silent, or an answer that is not whole.
    #[error("no whole answer came ({0})")]
    Lost(String),
    /// A redirection elsewhere, or an address that cannot be one.
    #[error("the request could not be made ({0})")]
    Unmade(String),
}

fn asked(wait: Option<Duration>) -> String {
    let micros = |wait: Duration| u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
    wait.map(|wait| format!(" for {}", human_time(micros(wait)))).unwrap_or_default()
}

impl Why {
    /// Whether the server may have done what was asked for all the same.
    pub(super) fn may_be_done(&self) -> bool {
        match self {
            Self::Server(_) | Self::Lost(_) => true,
            Self::Token(_)
            | Self::Forbidden(_)
            | Self::Locked
            | Self::Absent
            | Self::TooLong(_)
            | Self::Refused { .. }
            | Self::Limited(_)
            | Self::Unreachable(_)
            | Self::Unmade(_) => false,
        }
    }

    /// What a status and the server's words about it mean.
    pub(super) fn of(status: u16, message: String) -> Self {
        let says = |word: &str| message.to_lowercase().contains(word);
        match status {
            401 => Self::Token(message),
            403 if says("locked") => Self::Locked,
            403 => Self::Forbidden(message),
            404 | 410 => Self::Absent,
            413 => Self::TooLong(message),
            400 | 422 if says("too long") => Self::TooLong(message),
            500.. => Self::Server(status),
            _ => Self::Refused { status, message },
        }
    }
}

/// Something that was to be published and was not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {act}: {why}")]
pub struct Failure {
    /// What was to be done to what.
    pub act: String,
    /// What kept us from it.
    pub why: Why,
}

impl Failure {
    pub(super) fn new(act: impl Into<String>, why: Why) -> Self {
        Self { act: act.into(), why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_with_its_words_is_one_of_the_reasons() {
        for (status, message, expected) in [
            (401, "Bad credentials", Why::Token("Bad credentials".to_owned())),
            (403, "Unable to create comment because issue is locked.", Why::Locked),
            (403, "Resource not accessible", Why::Forbidden("Resource not accessible".to_owned())),
            (404, "Not Found", Why::Absent),
            (410, "gone", Why::Absent),
            (422, "Body is too long", Why::TooLong("Body is too long".to_owned())),
            (
                400,
                "note is too long (maximum…)",
                Why::TooLong("note is too long (maximum…)".to_owned()),
            ),
            (422, "odd", Why::Refused { status: 422, message: "odd".to_owned() }),
            (502, "", Why::Server(502)),
            (304, "", Why::Refused { status: 304, message: String::new() }),
        ] {
            assert_eq!(Why::of(status, message.to_owned()), expected, "{status} {message}");
        }
    }

    #[test]
    fn a_reason_reads_like_one() {
        let failure = |why| Failure::new("comment on pull request 3", why).to_string();
        assert_eq!(
            failure(Why::Limited(Some(Duration::from_mins(61)))),
            "cannot comment on pull request 3: the server wants fewer requests for 1 h 1 min"
        );
        assert_eq!(
            failure(Why::Locked),
            "cannot comment on pull request 3: its conversation is locked"
        );
    }
}
