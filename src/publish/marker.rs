//! The hidden first line by which evenly knows its own comment again: whose report it is, of which
//! run, and what it says in short.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// How the line begins.
const BEGIN: &str = "<!-- evenly-report ";
const END: &str = " -->";

/// What may stand in a name as it is. No `-`: two of them would end the comment of HTML.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'/');

/// What the line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marker {
    /// The configuration's name: each has a comment of its own.
    pub(super) name: String,
    /// The number of the run, where the CI's only grow.
    pub(super) run: Option<u64>,
    /// The attempt at that run.
    pub(super) attempt: u32,
    /// What failed, in short: the same digest, the same failures.
    pub(super) digest: String,
}

impl Marker {
    /// The line, without its end.
    #[must_use]
    pub(super) fn line(&self) -> String {
        let Self { name, run, attempt, digest } = self;
        let name = utf8_percent_encode(name, PLAIN);
        let run = run.map(|run| format!(" run={run}")).unwrap_or_default();
        let digest = utf8_percent_encode(digest, PLAIN);
        format!("{BEGIN}name={name}{run} attempt={attempt} digest={digest}{END}")
    }

    /// The marker that a comment begins with. One further down is somebody's quotation.
    #[must_use]
    pub(super) fn read(body: &str) -> Option<Self> {
        let line = body.trim_start_matches(['\u{feff}', '\r', '\n', ' ']).lines().next()?;
        let fields = line.trim_end().strip_prefix(BEGIN)?.strip_suffix(END)?;
        let mut marker = Self { name: String::new(), run: None, attempt: 1, digest: String::new() };
        for field in fields.split(' ') {
            let (key, value) = field.split_once('=')?;
            let text = || Some(percent_decode_str(value).decode_utf8().ok()?.into_owned());
            match key {
                "name" => marker.name = text()?,
                "run" => marker.run = Some(value.parse().ok()?),
                "attempt" => marker.attempt = value.parse().ok()?,
                "digest" => marker.digest = text()?,
                // A newer evenly's.
                _ => {}
            }
        }
        (!marker.name.is_empty()).then_some(marker)
    }

    /// Whether it is of a later run, or a later attempt at the same.
    #[must_use]
    pub(super) fn is_newer_than(&self, other: &Self) -> bool {
        match (self.run, other.run) {
            (Some(own), Some(others)) => (own, self.attempt) > (others, other.attempt),
            (None, _) | (_, None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marker(name: &str, run: Option<u64>, attempt: u32) -> Marker {
        Marker { name: name.to_owned(), run, attempt, digest: "0af3".to_owned() }
    }

    #[test]
    fn a_marker_is_a_comment_of_html_and_can_be_read() {
        let line = marker("a--b > c/evenly.toml", Some(7), 2).line();
        assert_eq!(
            line,
            "<!-- evenly-report name=a%2D%2Db%20%3E%20c/evenly.toml run=7 attempt=2 digest=0af3 -->"
        );
        assert_eq!(Marker::read(&format!("{line}\r\n## text")).unwrap().run, Some(7));
        assert_eq!(Marker::read(&format!("\u{feff}{line}")).unwrap().attempt, 2);
    }

    #[test]
    fn only_the_first_line_counts() {
        let line = marker("evenly.toml", None, 1).line();
        for body in [
            format!("> {line}"),
            format!("look:\n{line}"),
            line.replace(" -->", ""),
            line.replace("name=evenly.toml ", ""),
            line.replace("attempt=1", "attempt=x"),
            line.replace("name=evenly.toml", "name=%ff"),
            String::new(),
        ] {
            assert_eq!(Marker::read(&body), None, "{body}");
        }
        let newer = line.replace(" -->", " mood=good -->");
        assert_eq!(Marker::read(&newer), Some(marker("evenly.toml", None, 1)));
    }

    #[test]
    fn runs_are_told_apart_where_they_have_numbers() {
        let newer = |a: &Marker, b: &Marker| (a.is_newer_than(b), b.is_newer_than(a));
        assert_eq!(newer(&marker("a", Some(8), 1), &marker("a", Some(7), 3)), (true, false));
        assert_eq!(newer(&marker("a", Some(7), 2), &marker("a", Some(7), 1)), (true, false));
        assert_eq!(newer(&marker("a", Some(7), 1), &marker("a", Some(7), 1)), (false, false));
        assert_eq!(newer(&marker("a", None, 9), &marker("a", Some(7), 1)), (false, false));
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read(
            name in ".+", run in any::<Option<u64>>(), attempt in any::<u32>(), digest in ".*"
        ) {
            let marker = Marker { name, run, attempt, digest };
            let line = marker.line();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(line.matches("--").count(), 2);
            prop_assert_eq!(Marker::read(&format!("{line}\n\ntext")), Some(marker));
        }

        #[test]
        fn no_text_is_too_odd(body in "(<!-- evenly-report )?.*( -->)?\n?.*") {
            let _ = Marker::read(&body);
        }
    }
}
