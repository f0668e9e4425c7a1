//! How something is run again, alone, by who reads of it: under its worker's number, its
//! configuration, and whatever its name holds.

use super::escape::{NAME_CHARS_MAX, code_span, is_unseen};
use super::run::{RunReport, TestReport};

/// Characters of a command that are worth showing: nobody copies more.
const COMMAND_CHARS_MAX: usize = 4_000;

/// What a command needs beside what it is to run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Again<'a> {
    /// The number that its worker had.
    pub worker: u32,
    /// Its configuration, where that is not the usual one.
    pub config: Option<&'a str>,
}

impl Again<'_> {
    /// The command line for a shell that runs these groups and tests alone. None where no shell
    /// can be given one of the ids, or it is of no use to a reader.
    #[must_use]
    pub fn command(self, ids: &[&str]) -> Option<String> {
        let Self { worker, config } = self;
        let mut command = "evenly run".to_owned();
        if let Some(config) = config {
            command = format!("{command} --config {}", word(config)?);
        }
        for id in ids {
            command = format!("{command} --only {}", word(id)?);
        }
        // Of several workers the first one gets what alone is run.
        if worker > 0 {
            command = format!("{command} --worker {worker}");
        }
        (command.len() <= COMMAND_CHARS_MAX).then_some(command)
    }
}

/// The command that runs a test alone, or its group where its framework does not list it. None for
/// a test that no shard ran: another tool's JUnit file told of it.
#[must_use]
pub(super) fn command(report: &RunReport, test: &TestReport) -> Option<String> {
    let shard = report.shards.iter().find(|shard| shard.index == test.shard)?;
    let config = shard.config.as_deref();
    let id =
        if test.listed { test.id.to_string() } else { report.groups[test.group].id.to_string() };
    Again { worker: test.worker, config }.command(&[&id])
}

/// The same as a line of Markdown; nothing where it would be cut.
#[must_use]
pub(super) fn markdown(report: &RunReport, test: &TestReport) -> String {
    let command = command(report, test).filter(|text| text.chars().count() <= NAME_CHARS_MAX);
    command.map(|command| format!("\nagain: {}\n", code_span(&command))).unwrap_or_default()
}

/// A word for a shell, all on one line and without a character that cannot be seen. None where it
/// has a NUL, which no command line can hold.
fn word(text: &str) -> Option<String> {
    if text.contains('\0') {
        return None;
    }
    if !text.chars().any(is_unseen) && !text.contains("##[") {
        return shlex::try_quote(text).ok().map(Into::into);
    }
    let mut word = "$'".to_owned();
    for c in text.chars() {
        match c {
            '\'' | '\\' => word.extend(['\\', c]),
            // A runner of GitHub's obeys `##[…]` anywhere in a line.
            c if is_unseen(c) || c == '[' && word.ends_with("##") => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    word.push_str(&format!("\\x{byte:02x}"));
                }
            }
            c => word.push(c),
        }
    }
    word.push('\'');
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(id: &str) -> Option<String> {
        Again::default().command(&[id])
    }

    #[test]
    fn a_command_has_what_the_run_had() {
        assert_eq!(command("u:a.B.c").unwrap(), "evenly run --only u:a.B.c");
        let again = Again { worker: 3, config: Some("my app/evenly.toml") };
        assert_eq!(
            again.command(&["u:t[1 2]", "u:b"]).unwrap(),
            "evenly run --config 'my app/evenly.toml' --only 'u:t[1 2]' --only u:b --worker 3"
        );
    }

    #[test]
    fn no_name_breaks_out_of_its_word_or_its_line() {
        assert_eq!(command("u:a'; rm -rf /").unwrap(), r#"evenly run --only "u:a'; rm -rf /""#);
        assert_eq!(command("u:a\nb'\u{1b}[2J").unwrap(), r"evenly run --only $'u:a\x0ab\'\x1b[2J'");
        assert_eq!(command("u:\u{202e}x").unwrap(), r"evenly run --only $'u:\xe2\x80\xaex'");
        assert_eq!(command("u:##[error]x").unwrap(), r"evenly run --only $'u:##\x5berror]x'");
        assert_eq!(command("u:a\0b"), None);
        assert_eq!(command(&format!("u:{}", "x".repeat(9_000))), None);
    }
}
