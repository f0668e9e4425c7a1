//! The few lines of a failure that matter.

use crate::model::Output;

use super::escape::plain_lines;
use super::run::{RunReport, TestReport, Told};

/// Characters of a line that are shown.
const LINE_CHARS_MAX: usize = 240;

/// Bytes of a trace or an output that are looked at, from either end.
const LOOKED_AT_BYTES_MAX: usize = 16 * 1024;

/// At most `lines_max` lines that say best why the test did not hold: its message, and of its
/// trace the end where the message stands. Of a test that the framework never reported, the end
/// of what its group printed.
pub(super) fn excerpt(report: &RunReport, test: &TestReport, lines_max: usize) -> Vec<String> {
    let nothing = Told::default();
    let told = test.telling().unwrap_or(&nothing);
    let message = message_lines(told);
    let mut trace = match &told.detail {
        Some(detail) => trace(detail, message.first(), lines_max),
        None if !test.reported => printed(report, test, lines_max),
        None => Vec::new(),
    };
    let repeated = |line: &String| trace.iter().any(|told| told.contains(line.trim()));
    let mut lines = if message.first().is_some_and(repeated) { Vec::new() } else { message };
    lines.truncate(lines_max);
    let room = lines_max - lines.len();
    if trace.len() > room {
        trace.drain(..trace.len() - room);
    }
    lines.append(&mut trace);
    lines
}

/// The first line of what an execution said.
pub(super) fn said(told: Option<&Told>) -> Option<String> {
    message_lines(told?).into_iter().next()
}

fn message_lines(told: &Told) -> Vec<String> {
    let text = match (&told.kind, &told.message) {
        (Some(kind), Some(message)) if !message.starts_with(kind.as_str()) => {
            format!("{kind}: {}", start(message))
        }
        (_, Some(message)) => start(message).to_owned(),
        (Some(kind), None) => kind.clone(),
        (None, None) => return Vec::new(),
    };
    plain_lines(&text, LINE_CHARS_MAX).filter(|line| !line.trim().is_empty()).collect()
}

/// Python tells what happened last, most others first: take the end where the message stands.
fn trace(detail: &str, message: Option<&String>, lines_max: usize) -> Vec<String> {
    let clean = |part: &str| -> Vec<String> {
        let lines: Vec<_> = plain_lines(part, LINE_CHARS_MAX).collect();
        let blank = |line: &String| line.trim().is_empty();
        let first = lines.iter().position(|line| !blank(line)).unwrap_or(lines.len());
        let after = lines.iter().rposition(|line| !blank(line)).map_or(first, |last| last + 1);
        lines[first..after].to_vec()
    };
    let mut lines = clean(start(detail));
    let holds = |line: &String| message.is_some_and(|message| line.contains(message.trim()));
    let near_start = lines.iter().take(lines_max).any(holds);
    if near_start || message.is_none() && !detail.starts_with("Traceback") {
        lines.truncate(lines_max);
        return lines;
    }
    let mut lines = clean(end(detail));
    lines.drain(..lines.len().saturating_sub(lines_max));
    lines
}

fn printed(report: &RunReport, test: &TestReport, lines_max: usize) -> Vec<String> {
    let executions = &report.groups[test.group].executions;
    let Some(output) = executions.iter().rev().find_map(|run| run.output.as_ref()) else {
        return Vec::new();
    };
    let Output { head, tail } = output;
    let printed = tail.as_ref().map_or(head.as_str(), |kept| kept.text.as_str());
    let mut lines: Vec<String> = plain_lines(end(printed), LINE_CHARS_MAX).collect();
    lines.drain(..lines.len().saturating_sub(lines_max));
    lines
}

fn start(text: &str) -> &str {
    &text[..text.floor_char_boundary(LOOKED_AT_BYTES_MAX)]
}

fn end(text: &str) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(LOOKED_AT_BYTES_MAX))..]
}
