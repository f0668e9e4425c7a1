//! A secret that never shows itself: neither printed, nor in an error, nor in what a server sent
//! back.

use std::fmt;

/// What stands where the token would.
const HIDDEN: &str = "***";

/// A token of GitHub's or GitLab's.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// What was given is no token. It is not shown: it may be a mistyped one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it holds a blank, a line end or a character that no token has")]
pub struct NoToken;

impl Token {
    /// The token in a variable's value; blanks and line ends around it are a mistake of copying.
    /// None where nothing is left: a CI sets a secret that a job may not have to the empty string.
    ///
    /// # Errors
    /// When it cannot be one.
    pub fn new(value: &str) -> Result<Option<Self>, NoToken> {
        let value = value.trim();
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NoToken);
        }
        Ok((!value.is_empty()).then(|| Self(value.to_owned())))
    }

    /// The text without the token in it.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        text.replace(&self.0, HIDDEN)
    }

    /// Whether it is an app's, such as the one that GitHub gives to each job: who that is, only
    /// GraphQL tells.
    pub(super) fn is_of_an_app(&self) -> bool {
        self.0.starts_with("ghs_")
    }

    /// The token itself, for the header of a request.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_shows_itself() {
        let token = Token::new(" ghs_abcdef\n").unwrap().unwrap();
        for shown in [format!("{token}"), format!("{token:?}"), format!("{:#?}", Some(&token))] {
            assert!(!shown.contains("abcdef"), "{shown}");
        }
        assert_eq!(token.hide("bad token ghs_abcdef, ghs_abcdef"), "bad token ***, ***");
        assert_eq!(token.reveal(), "ghs_abcdef");
    }

    #[test]
    fn nothing_is_no_token_and_what_cannot_be_one_is_refused_unseen() {
        assert_eq!(Token::new(" \n"), Ok(None));
        for wrong in ["two words", "line\nend", "caf\u{e9}", "nul\0"] {
            let error = Token::new(wrong).unwrap_err();
            assert!(!error.to_string().contains(wrong));
        }
    }
}
