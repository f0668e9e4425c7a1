//! What is published: the body of a comment, the summary of a job and of a check.

use sha2::{Digest, Sha256};

use super::marker::Marker;
use super::site::Common;
use crate::exit::Exit;
use crate::model::hex;
use crate::report::RunReport;
use crate::report::ladder::{Limit, render_within};

/// GitHub takes as many characters in a comment.
const COMMENT_CHARACTERS_MAX: usize = 65_536;
/// GitHub takes as many bytes in a check's summary.
const CHECK_BYTES_MAX: usize = 65_535;
/// Bytes of the digest that are kept.
const DIGEST_BYTES: usize = 8;

/// The comment: the hidden marker, the report, and where it comes from.
pub(super) fn comment(report: &RunReport, marker: &Marker, site: &Common) -> String {
    let (head, foot) = (format!("{}\n", marker.line()), footer(site));
    let taken = [&head, &foot].map(|text| Limit::Characters(0).measure(text));
    let room = COMMENT_CHARACTERS_MAX.saturating_sub(taken.iter().sum());
    format!("{head}{}{foot}", render_within(report, Limit::Characters(room)))
}

/// The check's text.
pub(super) fn check(report: &RunReport, site: &Common) -> String {
    let foot = footer(site);
    let room = CHECK_BYTES_MAX.saturating_sub(foot.len());
    format!("{}{foot}", render_within(report, Limit::Bytes(room)))
}

/// The commit and the run, as the CI names them.
fn footer(site: &Common) -> String {
    let commit = site.commit.as_ref().map(|commit| format!("commit {}", commit.short()));
    let number = site.run.id.as_deref().filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric()));
    let name = number.map_or_else(|| "run".to_owned(), |id| format!("run {id}"));
    let attempt = match site.run.attempt {
        0 | 1 => String::new(),
        attempt => format!(", attempt {attempt}"),
    };
    let url = site.run_url.as_deref().filter(|url| is_plain(url));
    let run = url.map(|url| format!("[{name}]({url}){attempt}"));
    let parts: Vec<String> = commit.into_iter().chain(run).collect();
    if parts.is_empty() { String::new() } else { format!("\n{}\n", parts.join(" · ")) }
}

/// Whether an address can end nothing in Markdown.
fn is_plain(url: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#@!$&*+,;=%".contains(&b);
    (url.starts_with("https://") || url.starts_with("http://")) && url.bytes().all(fine)
}

/// The same for two runs in which the same went wrong.
pub(super) fn digest(report: &RunReport) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    add(&report.exit.code().to_string());
    for test in report.tests.iter().filter(|test| !test.outcome.is_good()) {
        add(&test.id.to_string());
    }
    let ledger = &report.ledger;
    add(&format!("{:?}", ledger.missing_shards));
    for id in ledger.lost_ids().iter().chain(&ledger.doubled_ids()) {
        add(id);
    }
    for flaw in &ledger.flaws {
        add(flaw.brief());
    }
    hex(&hash.finalize()[..DIGEST_BYTES])
}

/// Whether a comment need not worry anybody.
pub(super) fn is_good(report: &RunReport) -> bool {
    report.exit == Exit::Passed
}

#[cfg(test)]
mod tests;
