//! What is written is well formed, has the schema's structure, and reads back the same.

use proptest::prelude::*;

use super::*;
use crate::junit::read::{self, Flavour, Limits};

/// What is read of a text that was written.
fn clean(text: &str) -> String {
    let mut written = Vec::new();
    push(&mut written, text, Place::Text);
    let written = String::from_utf8(written).unwrap();
    written.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn failed<'a>(name: &'a str, message: &'a str) -> Case<'a> {
    Case {
        class: "shop.Cart",
        name,
        outcome: Outcome::Failed,
        duration_us: Some(1_500_000),
        message: Some(message),
        kind: Some("AssertionError"),
        detail: Some("trace"),
        output: Some("out"),
        properties: &[],
        earlier: Vec::new(),
    }
}

fn property(name: &str, value: &str) -> Property {
    Property { name: name.into(), value: value.into() }
}

fn report(cases: Vec<Case<'_>>) -> Report<'_> {
    let suite = Suite {
        name: "web",
        file: None,
        timestamp: "2026-01-02T03:04:05.678901Z".parse().ok(),
        duration_us: Some(2_000_499),
        hostname: Some("box"),
        cases,
    };
    Report { name: "evenly", duration_us: Some(2_500_000), suites: vec![suite] }
}

#[test]
fn the_document_as_it_is_written() {
    let attempt = Attempt {
        outcome: Outcome::Failed,
        message: Some("once"),
        kind: None,
        detail: Some("trace"),
        output: Some("said"),
    };
    let flaky = Case { outcome: Outcome::Passed, earlier: vec![attempt], ..failed("f", "unused") };
    let skipped = Case {
        outcome: Outcome::Skipped,
        kind: None,
        detail: None,
        output: None,
        duration_us: None,
        ..failed("s", "no network")
    };
    let errored = Case { outcome: Outcome::Errored, ..failed("e", "gone") };
    let cases = vec![failed("a", "1 < 2"), flaky, skipped, errored];
    assert_eq!(write(&report(cases)), include_str!("expected.xml"));
}

#[test]
fn properties_are_the_first_in_a_case_that_has_any() {
    let properties = [property("a<b", "1\n\"2\""), property("a<b", "")];
    let passed = Case { outcome: Outcome::Passed, output: None, ..failed("p", "unused") };
    let cases = vec![
        Case { properties: &properties, ..passed.clone() },
        Case { properties: &properties[1..], ..failed("f", "m") },
        passed,
    ];
    let written = write(&report(cases));
    let expected = "\
        <testcase name=\"p\" classname=\"shop.Cart\" time=\"1.500\">
            <properties>
                <property name=\"a&lt;b\" value=\"1&#10;&quot;2&quot;\"/>
                <property name=\"a&lt;b\" value=\"\"/>
            </properties>
        </testcase>
        <testcase name=\"f\" classname=\"shop.Cart\" time=\"1.500\">
            <properties>
                <property name=\"a&lt;b\" value=\"\"/>
            </properties>
            <failure message=\"m\" type=\"AssertionError\">trace</failure>
            <system-out>out</system-out>
        </testcase>
        <testcase name=\"p\" classname=\"shop.Cart\" time=\"1.500\"/>\n";
    assert!(written.contains(expected), "{written}");
}

#[test]
fn the_root_has_no_skipped_attribute_whatever_it_is_called() {
    let written = write(&Report { name: r#"a skipped="7" b"#, duration_us: None, suites: vec![] });
    let root = r#"<testsuites name="a skipped=&quot;7&quot; b" tests="0" failures="0" errors="0">"#;
    assert!(written.contains(root), "{written}");
    let suite = Suite { name: " skipped=", ..Suite::default() };
    let written = write(&Report { suites: vec![suite], ..Report::default() });
    assert_eq!(written.matches(" skipped=\"0\"").count(), 1, "{written}");
}

#[test]
fn hostile_texts_are_made_harmless() {
    let cases = [
        ("]]>", "]]>"),
        ("a\u{0}b", "a\u{fffd}b"),
        ("\u{fffe}\u{ffff}\u{85}\u{7f}", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x07", "link"),
        ("\x1b]0;unfinished\nrest", "\u{fffd}]0;unfinished\nrest"),
        ("\x1b", "\u{fffd}"),
        ("\x1b[", "\u{fffd}["),
        ("\x1b[3ä", "\u{fffd}[3ä"),
        ("a\tb\r\nc\rd", "a    b\nc\nd"),
        ("<failure>&amp;\"'", "<failure>&amp;\"'"),
    ];
    for (text, expected) in cases {
        assert_eq!(clean(text), expected, "{text:?}");
        let properties = [property(text, text)];
        let case = Case { properties: &properties, ..failed(text, text) };
        let written = write(&report(vec![case]));
        let document = read::read(written.as_bytes(), &Limits::default());
        assert_eq!(document.broken, None);
        assert_eq!(document.notes, [""; 0]);
        assert_eq!(document.cases[0].name, expected, "{text:?}");
        assert_eq!(document.cases[0].message.as_deref(), Some(expected), "{text:?}");
        let pair = (expected.to_owned(), expected.to_owned());
        assert_eq!(document.cases[0].properties, [pair], "{text:?}");
    }
}

#[test]
fn megabytes_of_escapes_stay_well_formed() {
    let text = "\x1b]8;;\u{0}]]>".repeat(200_000);
    let written = write(&report(vec![failed("a", &text)]));
    assert_eq!(read::read(written.as_bytes(), &Limits::default()).broken, None);
}

#[derive(Debug, Clone)]
struct Plain {
    class: String,
    name: String,
    outcome: Outcome,
    millis: Option<u64>,
    texts: [Option<String>; 3],
    earlier: Vec<(bool, String)>,
    properties: Vec<Property>,
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z<>&\"' \\]\\[\\n\\t]{0,20}",
        "(\\x1b\\[[0-9;]{0,4}m?|\\x1b\\]|\\x07|[a-z]|\\r|\\n|\u{0}|\u{fffe}|\u{9b}){0,12}",
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    use Outcome::{Errored, Failed, Passed, Skipped};
    let outcome = prop::sample::select(vec![Skipped, Passed, Failed, Errored]);
    let texts = prop::array::uniform3(prop::option::of(text()));
    let millis = prop::option::of(0..86_400_000_u64);
    let earlier = prop::collection::vec((any::<bool>(), text()), 0..3);
    let properties = (text(), text()).prop_map(|(name, value)| property(&name, &value));
    let properties = prop::collection::vec(properties, 0..3);
    (text(), text(), outcome, millis, texts, earlier, properties).prop_map(
        |(class, name, outcome, millis, texts, earlier, properties)| {
            let earlier = if outcome == Skipped { Vec::new() } else { earlier };
            Plain { class, name, outcome, millis, texts, earlier, properties }
        },
    )
}

fn as_case(plain: &Plain) -> Case<'_> {
    let Plain { class, name, outcome, millis, texts, earlier, properties } = plain;
    let [message, kind, output] = texts;
    Case {
        class,
        name,
        outcome: *outcome,
        duration_us: millis.map(|millis| millis * 1_000),
        message: message.as_deref(),
        kind: kind.as_deref(),
        detail: message.as_deref(),
        output: output.as_deref(),
        properties,
        earlier: earlier
            .iter()
            .map(|(errored, message)| Attempt {
                outcome: if *errored { Outcome::Errored } else { Outcome::Failed },
                message: Some(message),
                kind: Some(message),
                detail: None,
                output: None,
            })
            .collect(),
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(plains in prop::collection::vec(plain(), 0..5)) {
        let written = write(&report(plains.iter().map(as_case).collect()));
        let document = read::read(written.as_bytes(), &Limits::default());
        prop_assert_eq!(&document.broken, &None, "{}", written);
        prop_assert_eq!(document.cases.len(), plains.len());
        for (case, plain) in document.cases.iter().zip(&plains) {
            let Plain { class, name, outcome, millis, texts, earlier, properties } = plain;
            let pairs: Vec<_> =
                properties.iter().map(|one| (clean(&one.name), clean(&one.value))).collect();
            prop_assert_eq!(&case.properties, &pairs);
            prop_assert_eq!(&case.class, &clean(class));
            prop_assert_eq!(&case.name, &clean(name));
            prop_assert_eq!(case.outcome, *outcome);
            prop_assert_eq!(case.duration_us, millis.map(|millis| millis * 1_000));
            let [message, kind, output] = texts.each_ref().map(|t| t.as_deref().map(clean));
            let said = |text| if *outcome == Outcome::Passed { None } else { text };
            prop_assert_eq!(&case.message, &said(message));
            prop_assert_eq!(&case.kind, &said(kind));
            prop_assert_eq!(&case.output, &output.filter(|text| !text.trim().is_empty()));
            let rerun = |r: &read::Rerun| (r.outcome == Outcome::Errored, r.message.clone());
            let reruns: Vec<_> = case.reruns.iter().map(rerun).collect();
            let attempts: Vec<_> = earlier.iter().map(|(e, m)| (*e, Some(clean(m)))).collect();
            prop_assert_eq!(reruns, attempts);
            let flaky = case.reruns.iter().all(|rerun| rerun.flavour == Flavour::Flaky);
            prop_assert!(earlier.is_empty() || flaky == (*outcome == Outcome::Passed));
        }
    }

    #[test]
    fn every_prefix_is_broken_and_holds_a_prefix_of_the_cases(
        plains in prop::collection::vec(plain(), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let written = write(&report(plains.iter().map(as_case).collect()));
        let whole = read::read(written.as_bytes(), &Limits::default());
        // Only the line break may follow the root's end.
        let length = cut.index(written.trim_end().len());
        let torn = read::read(&written.as_bytes()[..length], &Limits::default());
        prop_assert!(torn.broken.is_some(), "{}", &written[..written.floor_char_boundary(length)]);
        prop_assert!(whole.cases.starts_with(&torn.cases));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read::read(&bytes, &Limits::default());
    }

    #[test]
    fn no_markup_makes_the_reader_panic(
        markup in "(<testsuite>|<testcase name='|'|\"|/>|</testcase>|<failure|>|&|;|#|x|é|\n| \
                   |<!\\[CDATA\\[|\\]\\]>|<!DOCTYPE|\\[|<!--|-->|<\\?xml|\\?>| time='1,){0,40}",
    ) {
        let limits =
            Limits { text_bytes_max: 7, depth_max: 9, attributes_max: 2, properties_max: 1 };
        let _ = read::read(markup.as_bytes(), &limits);
    }
}
