//! The words of a MySQL statement, just as far as names have to be told from everything else.
//!
//! Promises: tokens lie behind each other without a gap, so their texts joined are the statement;
//! nothing inside a string, a comment or a number is ever a name. Text that breaks off in the
//! middle of a token ends there.

use std::borrow::Cow;
use std::ops::Range;

/// How quotes and backslashes are read: two switches of the server's `sql_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Quotes {
    ansi: bool,
    no_escapes: bool,
}

impl Quotes {
    /// As they are under this `sql_mode`.
    pub(super) fn of_mode(sql_mode: &str) -> Self {
        let has = |wanted| sql_mode.split(',').any(|mode| mode.eq_ignore_ascii_case(wanted));
        Self { ansi: has("ANSI_QUOTES"), no_escapes: has("NO_BACKSLASH_ESCAPES") }
    }
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A quoted identifier; its value.
    Name(Cow<'a, str>),
    /// A keyword or an identifier without quotes.
    Word(&'a str),
    /// One character of punctuation.
    Mark(char),
    /// A string or a number.
    Value,
    /// Space and comments.
    Gap,
}

/// A piece of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) at: Range<usize>,
}

/// Takes a statement apart.
pub(super) fn tokens(text: &str, quotes: Quotes) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, quotes, in_versioned_comment: false };
    let mut all = Vec::new();
    while let Some(first) = text[lexer.at..].chars().next() {
        let start = lexer.at;
        let kind = lexer.next(first);
        all.push(Token { kind, at: start..lexer.at });
    }
    all
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    quotes: Quotes,
    /// Within `/*! … */`, whose inside the server executes.
    in_versioned_comment: bool,
}

impl<'a> Lexer<'a> {
    fn next(&mut self, first: char) -> Kind<'a> {
        let rest = &self.text[self.at..];
        match first {
            '`' => self.name('`'),
            '"' if self.quotes.ansi => self.name('"'),
            '\'' | '"' => self.string(first),
            '#' => self.gap_to("\n"),
            _ if first.is_ascii_whitespace() => {
                self.take_while(|letter| letter.is_ascii_whitespace());
                Kind::Gap
            }
            _ if dashes_are_a_comment(rest) => self.gap_to("\n"),
            _ if rest.starts_with("*/") && self.in_versioned_comment => {
                self.in_versioned_comment = false;
                self.at += 2;
                Kind::Gap
            }
            _ if rest.starts_with("/*!") || rest.starts_with("/*M!") => {
                self.in_versioned_comment = true;
                self.at += rest.find('!').unwrap_or(2) + 1;
                self.take_while(|letter| letter.is_ascii_digit());
                Kind::Gap
            }
            _ if rest.starts_with("/*") => self.gap_to("*/"),
            '0'..='9' => self.number_or_word(),
            _ if is_word(first) => Kind::Word(self.take_while(is_word)),
            _ => {
                self.at += first.len_utf8();
                Kind::Mark(first)
            }
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let taken = &rest[..rest.find(|letter| !wanted(letter)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn gap_to(&mut self, end: &str) -> Kind<'a> {
        let rest = &self.text[self.at..];
        // A comment's end cannot lie within its own beginning: `/*/` is still open.
        let from = if end == "*/" { 2 } else { 0 };
        self.at += rest[from..].find(end).map_or(rest.len(), |found| from + found + end.len());
        Kind::Gap
    }

    fn name(&mut self, quote: char) -> Kind<'a> {
        let body = self.at + 1;
        let mut end = body;
        loop {
            match self.text[end..].find(quote) {
                None => {
                    self.at = self.text.len();
                    return Kind::Value;
                }
                Some(found) if self.text[end + found + 1..].starts_with(quote) => end += found + 2,
                Some(found) => {
                    end += found;
                    break;
                }
            }
        }
        self.at = end + 1;
        let value = &self.text[body..end];
        Kind::Name(if value.contains(quote) {
            Cow::Owned(value.replace(&format!("{quote}{quote}"), &quote.to_string()))
        } else {
            Cow::Borrowed(value)
        })
    }

    /// A doubled quote is read as the end of one string and the start of the next: no matter here.
    fn string(&mut self, quote: char) -> Kind<'a> {
        let mut escaped = false;
        let body = self.at + 1;
        for (offset, letter) in self.text[body..].char_indices() {
            if escaped {
                escaped = false;
            } else if letter == '\\' && !self.quotes.no_escapes {
                escaped = true;
            } else if letter == quote {
                self.at = body + offset + 1;
                return Kind::Value;
            }
        }
        self.at = self.text.len();
        Kind::Value
    }

    /// Names may begin with a digit, but not be digits alone; `1e5` is taken for a name, which does
    /// no harm as no point may follow.
    fn number_or_word(&mut self) -> Kind<'a> {
        let word = self.take_while(is_word);
        if !word.bytes().all(|letter| letter.is_ascii_digit()) {
            return Kind::Word(word);
        }
        if self.text[self.at..].starts_with('.') {
            self.at += 1;
            self.take_while(|letter| letter.is_ascii_digit());
        }
        Kind::Value
    }
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == '$' || letter >= '\u{80}'
}

/// `--` needs a space, a control character or the end behind it.
fn dashes_are_a_comment(rest: &str) -> bool {
    rest.strip_prefix("--").is_some_and(|behind| {
        behind.chars().next().is_none_or(|next| next.is_ascii_whitespace() || next.is_control())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &str, mode: &str) -> Vec<String> {
        let of = |token: Token<'_>| match token.kind {
            Kind::Name(name) => Some(format!("n:{name}")),
            Kind::Word(word) => Some(format!("w:{word}")),
            Kind::Mark(mark) => Some(mark.to_string()),
            Kind::Value => Some("v".to_owned()),
            Kind::Gap => None,
        };
        tokens(text, Quotes::of_mode(mode)).into_iter().filter_map(of).collect()
    }

    #[test]
    fn strings_and_comments_hide_what_is_in_them() {
        for text in ["'a`x`\\'`x`'", "\"`x`\"", "/* `x` */", "-- `x`", "# `x`", "/*/ `x` */"] {
            assert!(kinds(text, "").iter().all(|kind| kind == "v"), "{text}");
        }
        assert_eq!(kinds("'a\\'`x`", "NO_BACKSLASH_ESCAPES"), ["v", "n:x"]);
        assert_eq!(kinds("\"x\"\"y\"", "ansi_quotes,STRICT"), ["n:x\"y"]);
        assert_eq!(kinds("1--2", ""), ["v", "-", "-", "v"]);
    }

    #[test]
    fn versioned_comments_are_code() {
        assert_eq!(kinds("/*!50003 `a``b`.c*/ * /", ""), ["n:a`b", ".", "w:c", "*", "/"]);
        assert_eq!(kinds("/*M!100100 x */", ""), ["w:x"]);
    }

    #[test]
    fn numbers_are_no_names() {
        assert_eq!(kinds("1.5.x 3d é$", ""), ["v", ".", "w:x", "w:3d", "w:é$"]);
    }

    proptest! {
        #[test]
        fn tokens_cover_the_text(text in "[a1`'\"\\\\/*!# .;é\n-]{0,40}", ansi: bool) {
            let mode = if ansi { "ANSI_QUOTES" } else { "" };
            let mut end = 0;
            for token in tokens(&text, Quotes::of_mode(mode)) {
                prop_assert_eq!(token.at.start, end);
                prop_assert!(token.at.end > end);
                end = token.at.end;
            }
            prop_assert_eq!(end, text.len());
        }
    }
}
