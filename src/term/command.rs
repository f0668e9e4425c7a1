//! The commands that CIs find in a log, made into mere text.
//!
//! | CI | command | where it is looked for |
//! |---|---|---|
//! | GitHub Actions | `::name::` | at a line's start, blanks before it or not |
//! | GitHub Actions, Azure | `##[name]`, `##vso[name]` | anywhere |
//! | TeamCity | `##teamcity[name …]` | anywhere |
//! | GitLab | `section_start:`, `section_end:` | anywhere |
//! | Travis | `travis_fold:`, `travis_time:` | anywhere |
//! | Buildkite | `---`, `+++`, `~~~`, `^^^` | at a line's start |

use std::borrow::Cow;

use crate::ci::Folding;

/// Shown as nothing, and enough to make a command none.
const BREAK: char = '\u{200b}';
/// An escape of JSON, such as `\u005b`.
const ESCAPE_BYTES: usize = 6;
/// The words before a `:` that fold.
const FOLD_WORDS: [&str; 4] = ["section_start", "section_end", "travis_fold", "travis_time"];

/// The text with every command broken. Colours count as nothing between a command's characters.
pub(super) fn broken(text: Cow<'_, str>, folding: Folding) -> Cow<'_, str> {
    let places = places(&text, folding);
    if places.is_empty() {
        return text;
    }
    let mut out = String::with_capacity(text.len() + places.len() * BREAK.len_utf8());
    let mut from = 0;
    for at in places {
        out.push_str(&text[from..at]);
        out.push(BREAK);
        from = at;
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// JSON with the character that completes a command spelt as an escape. Such a character follows
/// `##…` or a fold's word directly, which in JSON is inside a string only.
pub(super) fn escaped_in_json(text: &str) -> Cow<'_, str> {
    let places = places(text, Folding::None);
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + places.len() * ESCAPE_BYTES);
    let mut places = places.into_iter().peekable();
    for (at, c) in text.char_indices() {
        if places.next_if_eq(&at).is_some() {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Where the text must be broken, in bytes, growing.
fn places(text: &str, folding: Folding) -> Vec<usize> {
    let mut places = Vec::new();
    let mut line = Line::default();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => line = Line::default(),
            '\x1b' => {
                chars.by_ref().find(|(_, c)| *c == 'm');
            }
            c => {
                let folds = c == ':' && FOLD_WORDS.iter().any(|word| text[..at].ends_with(word));
                if line.completes(c, folding) || folds {
                    places.push(at);
                }
            }
        }
    }
    places
}

/// What of a line has been seen.
#[derive(Default)]
struct Line {
    /// The first character that is not blank, and how often it stands there in a row.
    lead: Option<(char, usize)>,
    /// Whether another character followed.
    led: bool,
    /// How many `#` stand before `name`.
    hashes: usize,
    /// Whether letters followed the `#`.
    name: bool,
}

impl Line {
    /// Takes the next character; true when it makes what came before it a command.
    fn completes(&mut self, c: char, folding: Folding) -> bool {
        let leads = self.lead_is_command(c, folding);
        let named = c == '[' && self.hashes >= 2;
        match c {
            '#' if self.name => (self.hashes, self.name) = (1, false),
            '#' => self.hashes += 1,
            c if c.is_ascii_alphanumeric() => self.name = true,
            _ => (self.hashes, self.name) = (0, false),
        }
        if self.hashes == 0 {
            self.name = false;
        }
        leads || named
    }

    fn lead_is_command(&mut self, c: char, folding: Folding) -> bool {
        if self.led || (self.lead.is_none() && is_blank(c)) {
            return false;
        }
        let count = match self.lead {
            None => 1,
            Some((first, count)) if first == c => count + 1,
            Some(_) => {
                self.led = true;
                return false;
            }
        };
        self.lead = Some((c, count));
        match c {
            ':' => count == 2,
            '-' | '+' | '~' | '^' => count == 3 && folding == Folding::Buildkite,
            _ => false,
        }
    }
}

/// What a parser may skip at a line's start, or a person cannot see there.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}
