//! Makes strangers' text (names, messages, output, paths) harmless where it is shown.
//!
//! Promises: in Markdown, such text stands only in code spans and fences, which neither notify
//! `@name`, nor link `#12`, nor hold HTML, and which it cannot close. On a terminal it moves no
//! cursor and is no command of a CI's log.

use std::fmt::Write as _;

/// Characters of a name that are shown; ids beyond this are told apart in `report.json`.
pub const NAME_CHARS_MAX: usize = 300;

/// The text on one line, with all that is invisible or moves the cursor spelt out, at most
/// `chars_max` characters of it.
#[must_use]
pub fn visible(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(chars_max));
    let mut chars = text.chars();
    for c in chars.by_ref().take(chars_max) {
        push_visible(&mut out, c);
    }
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

fn push_visible(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // GitHub's runner obeys `##[…]` anywhere in a line of the log.
        '[' if out.ends_with("##") => out.push_str("\u{2060}["),
        c if is_unseen(c) => {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
        c => out.push(c),
    }
}

/// Control characters, and those that change how the text around them is shown.
pub(super) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A name inside a sentence: between backticks, none inside. Good on a terminal and in Markdown.
#[must_use]
pub fn quoted(name: &str) -> String {
    if name.is_empty() {
        return "`(empty)`".to_owned();
    }
    format!("`{}`", visible(name, NAME_CHARS_MAX).replace('`', "'"))
}

/// A Markdown code span that shows the text as it is, backticks included.
#[must_use]
pub fn code_span(text: &str) -> String {
    if text.is_empty() {
        return "`(empty)`".to_owned();
    }
    let text = visible(text, NAME_CHARS_MAX);
    let fence = "`".repeat(longest_run(&text) + 1);
    let edge = |c: Option<char>| matches!(c, Some('`' | ' '));
    let pad = if edge(text.chars().next()) || edge(text.chars().last()) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A code span for a cell of a Markdown table, where even in code a bare pipe ends the cell.
#[must_use]
pub fn code_cell(text: &str) -> String {
    code_span(text).replace('|', "\\|")
}

/// A Markdown code block with a fence longer than any inside. Colours are taken out, other
/// control characters spelt out.
#[must_use]
pub fn fenced(lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let mut out = format!("{fence}text\n");
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
    out.push_str(&fence);
    out.push('\n');
    out
}

/// The lines of an output or a trace, ready for [`fenced`] or a terminal: without colours, tabs
/// as spaces, at most `chars_max` characters each.
pub fn plain_lines(text: &str, chars_max: usize) -> impl Iterator<Item = String> {
    let plain = anstream::adapter::strip_str(text).to_string();
    let lines: Vec<String> =
        plain.lines().map(|line| visible(&line.replace('\t', "    "), chars_max)).collect();
    lines.into_iter()
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Names that have broken other tools' reports.
    pub(in crate::report) const HOSTILE: &[&str] = &[
        "@everyone look",
        "fixes #12 and GH-12, org/repo#3",
        "a|b \\| c \\",
        "`tick` ``two`` ```three```",
        "`",
        "``````",
        " padded ",
        "",
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "</details></summary>-->",
        "line one\n# heading\n- list\r\n```\nout of the fence",
        "~~~\n\n~~~",
        "[link](javascript:alert(1)) ![i](https://evil.example/x.png)",
        "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}",
        "::error file=x::boo",
        "##[error]boo ##vso[task.setvariable variable=a]b",
        "\u{202e}gnp.exe \u{200b}\u{feff}",
        "nul \0 bell \u{7} del \u{7f} c1 \u{9b}31m",
        "/close\n/label ~bug",
        "&lt;b&gt; &#64;name",
        "a\tb",
        "\u{2028}line\u{2029}paragraph\u{85}next",
    ];

    #[test]
    fn what_is_shown_is_one_line_without_controls() {
        for name in HOSTILE {
            for shown in [visible(name, 99), quoted(name), code_span(name), code_cell(name)] {
                assert!(!shown.chars().any(|c| c.is_control() || c == '\u{202e}'), "{shown:?}");
                assert!(!shown.contains("##["), "{shown:?}");
            }
        }
    }

    #[test]
    fn nothing_closes_its_code_span() {
        for name in HOSTILE {
            let span = code_span(name);
            let fence = span.chars().take_while(|c| *c == '`').count();
            let inner = &span[fence..span.len() - fence];
            assert!(longest_run(inner) < fence, "{span}");
            assert!(!inner.starts_with('`') && !inner.ends_with('`'), "{span}");
            assert_eq!(quoted(name).matches('`').count(), 2);
        }
    }

    #[test]
    fn nothing_ends_its_table_cell() {
        for name in HOSTILE {
            let cell = code_cell(name);
            let bare = cell.char_indices().any(|(at, c)| c == '|' && !cell[..at].ends_with('\\'));
            assert!(!bare, "{cell}");
        }
    }

    #[test]
    fn nothing_closes_its_fence() {
        for name in HOSTILE {
            let lines: Vec<String> = plain_lines(name, 99).collect();
            let block = fenced(&lines);
            let (first, rest) = block.split_once('\n').unwrap();
            let fence = first.trim_end_matches("text");
            assert!(fence.len() >= 3);
            assert_eq!(rest.lines().filter(|line| line.contains(fence)).count(), 1, "{block}");
            assert!(rest.ends_with(&format!("{fence}\n")));
        }
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(visible("äöü", 2), "äö…");
        assert_eq!(visible("äö", 2), "äö");
        assert!(quoted(&"x".repeat(10_000_000)).len() < 400);
    }

    #[test]
    fn colours_are_taken_out_of_output() {
        let lines: Vec<String> = plain_lines("\u{1b}[1mE\u{1b}[0m\tx\r\n\u{8}y", 9).collect();
        assert_eq!(lines, ["E    x", "y"]);
    }
}
