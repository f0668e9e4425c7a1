//! The summary within a limit: one detail after the other is dropped until it fits, and the page
//! says which.
//!
//! A rung is how much of everything is shown. The page is written with the first rung that fits;
//! it is made of whole blocks, so no fence, table or list is ever cut. Nothing on it needs HTML.

use super::markdown;
use super::run::RunReport;

/// How long a page may be, in what its platform counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Characters, as for a comment. Those beyond U+FFFF count twice: no platform counts more.
    Characters(usize),
    /// Bytes of UTF-8, as for a job's summary.
    Bytes(usize),
}

impl Limit {
    fn most(self) -> usize {
        match self {
            Self::Characters(most) | Self::Bytes(most) => most,
        }
    }

    /// How long a text is.
    #[must_use]
    pub fn measure(self, text: &str) -> usize {
        match self {
            Self::Characters(_) => text.chars().map(char::len_utf16).sum(),
            Self::Bytes(_) => text.len(),
        }
    }
}

/// How much of everything is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rung {
    /// Of each failure.
    pub(super) failures: Shown,
    /// Entries of each other list.
    pub(super) entries: usize,
    /// Whether every try of a test is told.
    pub(super) tries: bool,
    /// Whether there are lists of what is slowest, and notes.
    pub(super) extras: bool,
}

/// What is shown of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// All, with so many lines of each.
    Lines(usize),
    /// All their names.
    Names,
    /// As many names as there is room for.
    Some,
    /// None.
    Count,
}

const fn rung(failures: Shown, entries: usize) -> Rung {
    Rung { failures, entries, tries: true, extras: true }
}

/// From everything down to the counts alone.
const RUNGS: [Rung; 9] = [
    rung(Shown::Lines(20), 500),
    rung(Shown::Lines(8), 100),
    rung(Shown::Lines(3), 50),
    Rung { extras: false, ..rung(Shown::Lines(3), 20) },
    Rung { extras: false, tries: false, ..rung(Shown::Lines(1), 20) },
    Rung { extras: false, tries: false, ..rung(Shown::Names, 20) },
    Rung { extras: false, tries: false, ..rung(Shown::Some, 10) },
    Rung { extras: false, tries: false, ..rung(Shown::Some, 2) },
    Rung { extras: false, tries: false, ..rung(Shown::Count, 0) },
];

impl Rung {
    /// What it leaves out, for people; none where it leaves out nothing.
    pub(super) fn remark(self) -> Option<String> {
        let Self { failures, entries, tries, extras } = self;
        if self == RUNGS[0] {
            return None;
        }
        let mut parts = vec![match failures {
            Shown::Lines(1) => "at most 1 line of each failure".to_owned(),
            Shown::Lines(lines) => format!("at most {lines} lines of each failure"),
            Shown::Names => "failures by name alone".to_owned(),
            Shown::Some => "only the first failures, by name alone".to_owned(),
            Shown::Count => "failures as a count alone".to_owned(),
        }];
        parts.push(match entries {
            0 => "no lists".to_owned(),
            most => format!("at most {most} entries of each list"),
        });
        let mut out = format!("Shortened to fit: {}", parts.join(", "));
        if !tries {
            out.push_str(", no single tries");
        }
        if !extras {
            out.push_str(", neither slowest tests nor notes");
        }
        out.push_str(". All of it is in `report.json` and `report.html`.");
        Some(out)
    }
}

/// What was to be written is longer than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// A text with a limit, to which only whole blocks are added.
pub(super) struct Page {
    text: String,
    used: usize,
    limit: Limit,
}

impl Page {
    pub(super) fn new(limit: Limit) -> Self {
        Self { text: String::new(), used: 0, limit }
    }

    pub(super) fn push(&mut self, block: &str) -> Result<(), Full> {
        let more = self.limit.measure(block);
        if self.used + more > self.limit.most() {
            return Err(Full);
        }
        self.text.push_str(block);
        self.used += more;
        Ok(())
    }

    /// An empty page that has the room that is left here, less `reserved`.
    pub(super) fn rest(&self, reserved: usize) -> Self {
        let left = self.limit.most().saturating_sub(self.used + reserved);
        Self::new(match self.limit {
            Limit::Characters(_) => Limit::Characters(left),
            Limit::Bytes(_) => Limit::Bytes(left),
        })
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    pub(super) fn text(self) -> String {
        self.text
    }
}

/// The summary of a run, in Markdown, within a limit. A limit too small even for the verdict leaves
/// an empty text.
#[must_use]
pub fn render_within(report: &RunReport, limit: Limit) -> String {
    let on = |rung: &Rung| markdown::page(report, limit, *rung).ok();
    RUNGS.iter().find_map(on).unwrap_or_else(|| markdown::least(report, limit))
}

#[cfg(test)]
mod tests;
