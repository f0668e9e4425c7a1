//! Command templates: text for `sh -c`, or for a file or a variable, in which `{tests}` and the
//! like are replaced.
//!
//! A placeholder always becomes whole quoted values of the language that it stands in, so a test
//! called `$(rm -rf ~)` stays a name. Only the exact tokens of [`Placeholder`] are replaced:
//! `${HOME}`, `{}` and awk's `{print}` stay as they are. A near miss, such as `{test}`, is an
//! error, since it would run the wrong tests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use shlex::bytes::Quoter;

/// The longest command that `sh -c` takes as one argument: Linux's `MAX_ARG_STRLEN`, 32 pages of
/// 4 KiB, less the NUL at its end. A longer one must be written to a file that `sh` reads.
pub const COMMAND_BYTES_MAX: usize = 128 * 1024 - 1;

/// What can be replaced in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Placeholder {
    /// The members to run, one word each.
    Tests,
    /// A file that names the members to run, one a line.
    TestsFile,
    /// Where the JUnit file is expected.
    Junit,
    /// A directory of this execution alone.
    Outdir,
    /// The user's own arguments, one word each.
    Args,
    /// Where the user's tests are looked for, one word each: for a listing.
    Paths,
    /// The Python interpreter.
    Python,
    /// Where the preset's shim is.
    Shim,
    /// The worker, from 0.
    Worker,
    /// The shard, from 1.
    Shard,
    /// How many shards there are.
    Shards,
    /// The run's name.
    Run,
    /// The worker's own directory for temporary files.
    Tmpdir,
    /// The first of the worker's own ports.
    Port,
}

impl Placeholder {
    const ALL: [Self; 14] = [
        Self::Tests,
        Self::TestsFile,
        Self::Junit,
        Self::Outdir,
        Self::Args,
        Self::Paths,
        Self::Python,
        Self::Shim,
        Self::Worker,
        Self::Shard,
        Self::Shards,
        Self::Run,
        Self::Tmpdir,
        Self::Port,
    ];

    /// Its name between the braces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tests => "tests",
            Self::TestsFile => "tests_file",
            Self::Junit => "junit",
            Self::Outdir => "outdir",
            Self::Args => "args",
            Self::Paths => "paths",
            Self::Python => "python",
            Self::Shim => "shim",
            Self::Worker => "worker",
            Self::Shard => "shard",
            Self::Shards => "shards",
            Self::Run => "run",
            Self::Tmpdir => "tmpdir",
            Self::Port => "port",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// What a template is for: which placeholders it may have, and how they are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The command that lists the tests.
    List,
    /// The command that runs some of them. It must say which.
    Run,
    /// An environment variable's value: nothing is quoted, several words are joined by spaces.
    Variable,
    /// A file's text: values are quoted as JSON strings, which TOML and JavaScript read too;
    /// several are separated by a comma and a space.
    File,
}

impl Role {
    /// The placeholders that have a value in this role.
    #[must_use]
    pub fn allows(self, placeholder: Placeholder) -> bool {
        match placeholder {
            Placeholder::Outdir
            | Placeholder::Args
            | Placeholder::Paths
            | Placeholder::Python
            | Placeholder::Shim => true,
            Placeholder::Tests
            | Placeholder::TestsFile
            | Placeholder::Junit
            | Placeholder::Worker
            | Placeholder::Shard
            | Placeholder::Shards
            | Placeholder::Run
            | Placeholder::Tmpdir
            | Placeholder::Port => self != Self::List,
        }
    }
}

/// Why a template was refused or could not be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Most likely a typing mistake.
    #[error("`{{{found}}}` means nothing here: did you mean `{{{known}}}`?")]
    NearMiss {
        /// The token, without braces.
        found: String,
        /// The placeholder that it resembles.
        known: &'static str,
    },
    /// A known placeholder in the wrong place.
    #[error("`{{{0}}}` has no value in a command that lists tests, only in one that runs them")]
    NoValueHere(&'static str),
    /// Quotes around a placeholder would undo its own.
    #[error("`{{{0}}}` stands inside {1}: evenly quotes its value itself, leave it bare")]
    Quoted(&'static str, &'static str),
    /// Every group would run the whole suite.
    #[error(
        "a `run` command must have `{{tests}}` or `{{tests_file}}`: without either, every \
             group would run the whole suite"
    )]
    RunsEverything,
    /// The caller gave no value.
    #[error("`{{{0}}}` has no value")]
    Missing(&'static str),
    /// No command line can hold it.
    #[error("`{0}` has a NUL byte, which no command line can hold")]
    Nul(String),
    /// It cannot be a line of `{tests_file}`.
    #[error("`{0}` has a line break, so it cannot be a line of `{{tests_file}}`: use `{{tests}}`")]
    LineBreak(String),
    /// It cannot be written into a text file.
    #[error("`{0}` is not UTF-8, so it cannot be written into a file of the preset")]
    NotUtf8(String),
}

/// What the placeholders stand for: a list of words each.
#[derive(Debug, Clone, Default)]
pub struct Values<'a>(BTreeMap<Placeholder, Vec<Cow<'a, [u8]>>>);

impl<'a> Values<'a> {
    /// Sets the words of a placeholder, in order.
    #[must_use]
    pub fn with<W: Into<Cow<'a, [u8]>>>(
        mut self,
        placeholder: Placeholder,
        words: impl IntoIterator<Item = W>,
    ) -> Self {
        self.0.insert(placeholder, words.into_iter().map(Into::into).collect());
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

/// A checked template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    role: Role,
    parts: Vec<Part>,
}

impl Template {
    /// Checks a template.
    ///
    /// # Errors
    /// When a token is nearly a placeholder, a placeholder has no value in this role or stands
    /// inside quotes, or a [`Role::Run`] does not say which tests to run.
    pub fn parse(role: Role, text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut quotes = Quotes::default();
        let (mut rest, mut plain) = (text, String::new());
        while let Some(open) = rest.find('{') {
            plain.push_str(&rest[..open]);
            quotes.read(&rest[..open]);
            let shell_variable = plain.ends_with('$');
            rest = &rest[open..];
            let token = rest[1..].split_once('}').map(|(token, _)| token).unwrap_or_default();
            let known = if shell_variable { None } else { placeholder(role, token)? };
            if let Some(known) = known {
                if let (Role::List | Role::Run, Some(what)) = (role, quotes.inside()) {
                    return Err(TemplateError::Quoted(known.name(), what));
                }
                parts.push(Part::Text(std::mem::take(&mut plain)));
                parts.push(Part::Value(known));
                quotes.read("x");
                rest = &rest[token.len() + 2..];
            } else {
                plain.push('{');
                quotes.read("{");
                rest = &rest[1..];
            }
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        let template = Self { role, parts };
        let selects = template.uses(Placeholder::Tests) || template.uses(Placeholder::TestsFile);
        if role == Role::Run && !selects {
            return Err(TemplateError::RunsEverything);
        }
        Ok(template)
    }

    /// Whether the placeholder occurs.
    #[must_use]
    pub fn uses(&self, placeholder: Placeholder) -> bool {
        self.parts.contains(&Part::Value(placeholder))
    }

    /// The text with every placeholder replaced.
    ///
    /// # Errors
    /// When a placeholder has no value, or one that the role cannot hold: NUL in a command or a
    /// variable, bytes that are not UTF-8 in a file.
    pub fn render(&self, values: &Values<'_>) -> Result<Vec<u8>, TemplateError> {
        let mut out = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Value(placeholder) => {
                    let words = values.0.get(placeholder);
                    let words = words.ok_or(TemplateError::Missing(placeholder.name()))?;
                    out.append(&mut join(self.role, words)?);
                }
            }
        }
        Ok(out)
    }
}

/// The content of `{tests_file}`: one member a line.
///
/// # Errors
/// When a member has a line break or a NUL byte.
pub fn tests_file<'a>(
    members: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, TemplateError> {
    let mut out = Vec::new();
    for member in members {
        if member.contains(&b'\n') || member.contains(&b'\r') {
            return Err(TemplateError::LineBreak(shown(member)));
        }
        if member.contains(&0) {
            return Err(TemplateError::Nul(shown(member)));
        }
        out.extend_from_slice(member);
        out.push(b'\n');
    }
    Ok(out)
}

/// Whether `sh -c` takes the command as an argument; see [`COMMAND_BYTES_MAX`].
#[must_use]
pub fn fits_an_argument(command: &[u8]) -> bool {
    command.len() <= COMMAND_BYTES_MAX
}

fn placeholder(role: Role, token: &str) -> Result<Option<Placeholder>, TemplateError> {
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') {
        return Ok(None);
    }
    if let Some(known) = Placeholder::named(token) {
        let here = role.allows(known);
        return if here { Ok(Some(known)) } else { Err(TemplateError::NoValueHere(known.name())) };
    }
    let near = Placeholder::ALL.into_iter().find(|known| {
        let (found, known) = (token.to_ascii_lowercase(), known.name());
        strsim::osa_distance(&found, known) <= 1
    });
    match near {
        Some(known) => {
            Err(TemplateError::NearMiss { found: token.to_owned(), known: known.name() })
        }
        None => Ok(None),
    }
}

fn join(role: Role, words: &[Cow<'_, [u8]>]) -> Result<Vec<u8>, TemplateError> {
    let separator: &[u8] = if role == Role::File { b", " } else { b" " };
    let quoted = words.iter().map(|word| quote(role, word)).collect::<Result<Vec<_>, _>>()?;
    Ok(quoted.join(separator))
}

fn quote(role: Role, word: &[u8]) -> Result<Cow<'_, [u8]>, TemplateError> {
    match role {
        Role::List | Role::Run => {
            Quoter::new().quote(word).map_err(|_| TemplateError::Nul(shown(word)))
        }
        Role::Variable if word.contains(&0) => Err(TemplateError::Nul(shown(word))),
        Role::Variable => Ok(Cow::Borrowed(word)),
        Role::File => {
            let text =
                std::str::from_utf8(word).map_err(|_| TemplateError::NotUtf8(shown(word)))?;
            let json = serde_json::Value::from(text).to_string();
            Ok(Cow::Owned(json.into_bytes()))
        }
    }
}

fn shown(word: &[u8]) -> String {
    word.escape_ascii().to_string()
}

/// Follows what in a shell's command would undo the quotes of a value, as far as a placeholder in
/// it can be told: better to refuse a good template than to run a test's name. Quotes inside
/// `"$(…)"` are not followed and count as inside; so does all that follows a here-document's first
/// line, since where it ends is not followed.
#[derive(Debug, Default)]
struct Quotes {
    state: Quote,
    before: Before,
    /// How many `<` stand in a row before here.
    less: usize,
    backquoted: bool,
    /// Whether a here-document follows this line.
    here_next: bool,
}

/// What stands before the next character.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// No part of a word: `#` begins a comment.
    #[default]
    Gap,
    Word,
    /// A backslash that takes the next character's meaning.
    Backslash,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Quote {
    #[default]
    Bare,
    Single,
    Double,
    Comment,
    Here,
}

impl Quotes {
    /// What a placeholder here would be inside of, for a message.
    fn inside(&self) -> Option<&'static str> {
        match self.state {
            Quote::Single | Quote::Double => Some("quotes"),
            Quote::Comment => Some("a comment"),
            Quote::Here => Some("a here-document, or after one"),
            Quote::Bare if self.backquoted => Some("backquotes"),
            Quote::Bare if self.before == Before::Backslash => Some("quotes: a backslash"),
            Quote::Bare => None,
        }
    }

    fn read(&mut self, text: &str) {
        for c in text.chars() {
            let less = if c == '<' { self.less + 1 } else { 0 };
            let less_before = std::mem::replace(&mut self.less, less);
            let word = !(c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')'));
            let now = if word { Before::Word } else { Before::Gap };
            let before = std::mem::replace(&mut self.before, now);
            if before == Before::Backslash {
                self.before = Before::Word;
                continue;
            }
            if self.state == Quote::Bare {
                self.here_next |= less_before == 2 && c != '<';
                self.backquoted ^= c == '`';
            }
            self.state = match (self.state, c) {
                (Quote::Bare | Quote::Double, '\\') => {
                    self.before = Before::Backslash;
                    self.state
                }
                (Quote::Bare | Quote::Comment, '\n') if self.here_next => Quote::Here,
                (Quote::Bare, '\'') => Quote::Single,
                (Quote::Bare, '"') => Quote::Double,
                (Quote::Bare, '#') if before == Before::Gap => Quote::Comment,
                (Quote::Single, '\'') | (Quote::Double, '"') | (Quote::Comment, '\n') => {
                    Quote::Bare
                }
                (state, _) => state,
            };
        }
    }
}

#[cfg(test)]
mod tests;
