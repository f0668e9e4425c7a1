use proptest::prelude::*;

use super::*;

fn on_terminal(text: &str) -> String {
    clean(text, Place::Terminal, Colour::Keep).into_owned()
}

#[test]
fn plain_text_is_not_copied() {
    let text = "grüße\n\tsrc/a.rs:12: std::vec ## [x] --- a\n";
    for place in [Place::Terminal, Place::Log(Folding::None), Place::Log(Folding::GitHub)] {
        assert!(matches!(clean(text, place, Colour::Keep), Cow::Borrowed(_)), "{place:?}");
    }
}

#[test]
fn colours_alone_stay() {
    let cases = [
        ("\x1b[1;31mred\x1b[0m\n", "\x1b[1;31mred\x1b[0m\n"),
        ("\x1b[38:2::1:2:3mx\x1b[m", "\x1b[38:2::1:2:3mx\x1b[m"),
        ("\x1b[31mleft on\n", "\x1b[31mleft on\x1b[0m\n"),
        ("a\x1b[2Jb\x1b[1;1Hc\x1b[?25ld", "abcd"),
        ("a\x1b[>4;2mb", "ab"),
        ("a\x1b]0;title\x07b\x1b]8;;http://x\x1b\\c\u{9d}x\u{9c}d", "abcd"),
        ("a\x1bPq#0\x1b\\b\x1b_x\x1b\\c\u{9b}31md", "abcd"),
        ("a\x1b(0b\x1b7c\x1bMd\u{85}e", "abcde"),
        ("a\x1b]0;never ended\nb", "a\nb"),
        ("a\x1b[12\nb\x1b[", "a\nb"),
        ("a\x1b", "a␛"),
        ("a\x1bü\x1b\n", "a␛ü␛\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(on_terminal(text), expected, "{text:?}");
    }
    assert_eq!(clean("\x1b[31mred\n", Place::Terminal, Colour::Drop), "red\n");
}

#[test]
fn other_controls_are_seen_and_do_nothing() {
    assert_eq!(on_terminal("10%\r20%\r\nend\r"), "10%\n20%\nend\n");
    assert_eq!(on_terminal("\0\x07\x08\x0b\x0c\x7f\t"), "␀␇␈␋␌␡\t");
    assert_eq!(on_terminal("a\u{2028}b"), "a\\u{2028}b");
}

#[test]
fn commands_are_broken_for_all_cis_at_once() {
    let cases = [
        ("::error::x", ":|:error::x"),
        (" \t\u{a0}\u{feff}::error::x", " \t\u{a0}\u{feff}:|:error::x"),
        ("\u{202e}\u{2066}\u{e0020}::error::x", "\u{202e}\u{2066}\u{e0020}:|:error::x"),
        ("x\n::error::x", "x\n:|:error::x"),
        ("x\r::error::x", "x\n:|:error::x"),
        (":::x", ":|::x"),
        ("a::b", "a::b"),
        ("a ##[error]b", "a ##|[error]b"),
        ("###[error]b", "###|[error]b"),
        ("#\x1b[31m#\x1b[0m[error]b", "#\x1b[31m#\x1b[0m|[error]b"),
        ("x##vso[task.setvariable]", "x##vso|[task.setvariable]"),
        ("##TeamCity[x]##teamcity[x]", "##TeamCity|[x]##teamcity|[x]"),
        ("## [x] #a[b] ##a b[c]", "## [x] #a[b] ##a b[c]"),
        ("section_start:1:a", "section_start|:1:a"),
        ("x section_end:1:a", "x section_end|:1:a"),
        ("travis_fold:end:a", "travis_fold|:end:a"),
        ("##\x1b[2K[error]", "##|[error]"),
        ("##\x1b]0;x\x07[error]", "##|[error]"),
    ];
    for (text, expected) in cases {
        for folding in [Folding::None, Folding::GitHub, Folding::Buildkite] {
            let cleaned = clean(text, Place::Log(folding), Colour::Keep);
            assert_eq!(cleaned.replace('\u{200b}', "|"), expected, "{text:?}");
        }
        assert!(!on_terminal(text).contains('\u{200b}'), "{text:?}");
    }
}

#[test]
fn headings_are_broken_in_buildkite_alone() {
    let diff = "--- a\n+++ b\n  ~~~ c\n\x1b[1m^^^ +++\n-- d --- e\n";
    let buildkite = clean(diff, Place::Log(Folding::Buildkite), Colour::Drop);
    let expected = "--|- a\n++|+ b\n  ~~|~ c\n^^|^ +++\n-- d --- e\n";
    assert_eq!(buildkite.replace('\u{200b}', "|"), expected);
    let github = clean(diff, Place::Log(Folding::GitHub), Colour::Keep);
    assert!(!github.contains('\u{200b}'));
}

#[test]
fn a_label_stays_in_its_line() {
    let name = label("a\n::error::b\r##[group]", Place::Log(Folding::GitHub));
    assert_eq!(name.replace('\u{200b}', "|"), "a\\n::error::b\\r##|[group]");
}

proptest! {
    #[test]
    fn nothing_but_colours_and_line_breaks_is_left_to_act(text in "(\\PC|[\\x00-\\x9f]|\
        \\x1b\\[|\\x1b\\]|::|##\\[|##vso\\[|\\r|31m){0,40}") {
        let place = Place::Log(Folding::Buildkite);
        let cleaned = clean(&text, place, Colour::Drop).into_owned();
        prop_assert!(cleaned.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        prop_assert!(!cleaned.contains("##[") && !cleaned.contains("##vso["));
        prop_assert!(cleaned.lines().all(|line| !line.trim_start().starts_with("::")));
        let breaks = |text: &str| text.matches('\n').count();
        prop_assert!(breaks(&text) <= breaks(&cleaned));
        prop_assert_eq!(&*clean(&cleaned, place, Colour::Drop), &*cleaned, "cleaning twice");
        let painted = clean(&text, place, Colour::Keep).into_owned();
        prop_assert_eq!(&*clean(&painted, place, Colour::Drop), &*cleaned, "colours, then none");
    }
}

#[test]
fn json_says_the_same_without_a_command() {
    let ids = ["a ##[error]b", "##vso[x]", "section_start:1", "travis_fold:x", "a::b", "#[x]"];
    let text = serde_json::to_string(&serde_json::json!({ "ids": ids, "##": ["[", ":"] })).unwrap();
    let safe = json(&text);
    assert!(
        !safe.contains("##[") && !safe.contains("##vso[") && !safe.contains("_start:"),
        "{safe}"
    );
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(value(&safe), value(&text));
    assert!(matches!(json("{\"a\":[\"b::c\"]}"), Cow::Borrowed(_)));
}
