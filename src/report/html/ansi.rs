//! A terminal's colours as classes.

use anstyle_parse::{DefaultCharAccumulator, Params, Parser, Perform};
use maud::{Markup, html};

/// The text with its colours as `span`s; every other escape is left out, and so are control
/// characters but tab and line end.
pub(super) fn markup(text: &str) -> Markup {
    let mut reader = Reader::default();
    let mut parser = Parser::<DefaultCharAccumulator>::new();
    for byte in text.bytes() {
        parser.advance(&mut reader, byte);
    }
    reader.flush();
    html! {
        @for (style, text) in &reader.runs {
            @if *style == Style::default() {
                (text)
            } @else {
                span class=(style.classes()) { (text) }
            }
        }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Style {
    /// 0 to 15, as terminals number them.
    colour: Option<u8>,
    ground: Option<u8>,
    /// Which of [`MARKS`] are on.
    marks: [bool; MARKS.len()],
}

/// Beside colours: the number that turns it on, the one that turns it off, and its class.
const MARKS: [(u16, u16, &str); 4] = [(1, 22, "bo"), (2, 22, "di"), (3, 23, "it"), (4, 24, "un")];

impl Style {
    fn classes(self) -> String {
        let mut classes = Vec::new();
        classes.extend(self.colour.map(|colour| format!("f{colour}")));
        classes.extend(self.ground.map(|ground| format!("b{ground}")));
        let on = MARKS.iter().zip(self.marks).filter(|(_, on)| *on);
        classes.extend(on.map(|((.., class), _)| (*class).to_owned()));
        classes.join(" ")
    }

    fn mark(&mut self, code: u16) {
        for ((on, off, _), mark) in MARKS.iter().zip(&mut self.marks) {
            *mark = (*mark || code == *on) && code != *off;
        }
    }

    /// Takes one Select Graphic Rendition, ECMA-48 section 8.3.117.
    fn take(&mut self, codes: &[u16]) {
        let mut codes = codes.iter().copied();
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Self::default(),
                1..=4 | 22..=24 => self.mark(code),
                30..=37 => self.colour = u8::try_from(code - 30).ok(),
                90..=97 => self.colour = u8::try_from(code - 90 + 8).ok(),
                39 => self.colour = None,
                40..=47 => self.ground = u8::try_from(code - 40).ok(),
                100..=107 => self.ground = u8::try_from(code - 100 + 8).ok(),
                49 => self.ground = None,
                38 => self.colour = extended(&mut codes),
                48 => self.ground = extended(&mut codes),
                _ => {}
            }
        }
    }
}

/// The colour behind 38 or 48: of the 256 only the first sixteen have classes, the others and true
/// colours are left as the text's own.
fn extended(codes: &mut impl Iterator<Item = u16>) -> Option<u8> {
    match codes.next() {
        Some(5) => codes.next().and_then(|n| u8::try_from(n).ok()).filter(|n| *n < 16),
        Some(2) => codes.by_ref().take(3).last().and(None),
        _ => None,
    }
}

#[derive(Default)]
struct Reader {
    runs: Vec<(Style, String)>,
    style: Style,
    text: String,
}

impl Reader {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.runs.push((self.style, std::mem::take(&mut self.text)));
        }
    }
}

impl Perform for Reader {
    fn print(&mut self, c: char) {
        self.text.push(c);
    }

    fn execute(&mut self, byte: u8) {
        if matches!(byte, b'\n' | b'\t') {
            self.text.push(char::from(byte));
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        if action != b'm' || ignore || !intermediates.is_empty() {
            return;
        }
        self.flush();
        let codes: Vec<u16> = params.iter().flatten().copied().collect();
        self.style.take(if codes.is_empty() { &[0] } else { &codes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        markup(text).into_string()
    }

    #[test]
    fn colours_become_classes_and_end() {
        assert_eq!(of("a \u{1b}[1;31mred\u{1b}[0m b"), "a <span class=\"f1 bo\">red</span> b");
        assert_eq!(
            of("\u{1b}[92;40mx\u{1b}[39my"),
            concat!("<span class=\"f10 b0\">x</span>", "<span class=\"b0\">y</span>")
        );
        assert_eq!(of("\u{1b}[38;5;9mx\u{1b}[m"), "<span class=\"f9\">x</span>");
        assert_eq!(of("\u{1b}[38;2;1;2;3;4mx"), "<span class=\"un\">x</span>");
    }

    #[test]
    fn other_escapes_and_controls_are_left_out_and_text_is_escaped() {
        assert_eq!(of("a\u{1b}[2Jb\u{7}\r\nc\u{1b}]0;title\u{7}"), "ab\nc");
        assert_eq!(of("<b>&\u{1b}[31m</b>"), "&lt;b&gt;&amp;<span class=\"f1\">&lt;/b&gt;</span>");
    }
}
