//! One test a rule of the dialects.

use super::*;
use crate::model::Outcome::{Errored, Failed, Passed, Skipped};

fn document(xml: &str) -> Document {
    read(xml.as_bytes(), &Limits::default())
}

/// The cases of a whole document without oddities.
fn cases(xml: &str) -> Vec<Case> {
    let document = document(xml);
    assert_eq!((document.broken, document.notes), (None, vec![]), "{xml}");
    document.cases
}

/// The only case, with this inside.
fn case(inside: &str) -> Case {
    let xml = format!("<testsuite><testcase name='t'>{inside}</testcase></testsuite>");
    let mut cases = cases(&xml);
    assert_eq!(cases.len(), 1, "{xml}");
    cases.remove(0)
}

/// The only case, with these attributes.
fn case_with(attributes: &str) -> Case {
    let xml = format!("<testsuite file='s.py'><testcase name='t' {attributes}/></testsuite>");
    document(&xml).cases.remove(0)
}

#[test]
fn both_roots_and_any_nesting() {
    let names = |xml| cases(xml).into_iter().map(|c| (c.suite.to_string(), c.name)).collect();
    let expected = |suite: &str| vec![(suite.to_owned(), "t".to_owned())];
    let one: Vec<_> = names("<testsuite name='a'><testcase name='t'/></testsuite>");
    assert_eq!(one, expected("a"));
    let two: Vec<_> = names(
        "<testsuites name='r'><testsuite name='a'><testsuite><testsuite name='c'>\
         <testcase name='t'></testcase></testsuite></testsuite></testsuite></testsuites>",
    );
    assert_eq!(two, expected("c"));
    let unnamed: Vec<_> =
        names("<testsuites name='r'><testsuite><testcase name='t'/></testsuite></testsuites>");
    assert_eq!(unnamed, expected(""));
    let wrapped: Vec<_> = names(
        "<x:report xmlns:x='u'><x:testsuite name='a'><x:testcase name='t'/>\
         </x:testsuite></x:report>",
    );
    assert_eq!(wrapped, expected("a"));
}

#[test]
fn the_worst_status_counts() {
    let outcome = |inside| case(inside).outcome;
    assert_eq!(outcome(""), Passed);
    assert_eq!(outcome("<skipped/>"), Skipped);
    assert_eq!(outcome("<skipped/><failure/>"), Failed);
    assert_eq!(outcome("<failure/><skipped/>"), Failed);
    assert_eq!(outcome("<error/><failure/>"), Errored);
    assert_eq!(outcome("<failure/><error/>"), Errored);
}

#[test]
fn statuses_as_bad_keep_each_others_text() {
    let two = case("<failure message='a' type='A'>x</failure><failure message='b'>y</failure>");
    assert_eq!((two.message.as_deref(), two.kind.as_deref()), (Some("a"), Some("A")));
    assert_eq!(two.detail.as_deref(), Some("x\ny"));
    let second = case("<failure message='a'/><failure message='b'/>");
    assert_eq!(second.detail.as_deref(), Some("b"));
}

#[test]
fn a_status_attribute_speaks_where_no_element_does() {
    for (word, expected) in [
        ("run", Passed),
        ("passed", Passed),
        ("disabled", Skipped),
        ("notrun", Skipped),
        ("failed", Failed),
        ("Error", Errored),
    ] {
        assert_eq!(case_with(&format!("status='{word}'")).outcome, expected, "{word}");
    }
    assert_eq!(case_with("status='run' result='suppressed'").outcome, Skipped);
    let xml = "<testsuite><testcase name='t' status='notrun'><error/></testcase></testsuite>";
    assert_eq!(cases(xml)[0].outcome, Errored);
}

#[test]
fn flaky_is_passed_and_a_lone_rerun_is_failed() {
    let flaky = case("<flakyFailure message='m' type='T'>text</flakyFailure><flakyError/>");
    assert_eq!(flaky.outcome, Passed);
    let reruns: Vec<_> = flaky.reruns.iter().map(|r| (r.flavour, r.outcome)).collect();
    assert_eq!(reruns, [(Flavour::Flaky, Failed), (Flavour::Flaky, Errored)]);
    assert_eq!(flaky.reruns[0].detail.as_deref(), Some("text"));
    let lone = case("<rerunFailure message='m'/><rerunError message='e'/>");
    assert_eq!((lone.outcome, lone.message.as_deref()), (Errored, Some("e")));
    let both = case("<failure message='last'/><flakyFailure message='first'/>");
    assert_eq!((both.outcome, both.message.as_deref()), (Failed, Some("last")));
}

#[test]
fn a_rerun_keeps_its_own_output() {
    let case = case(
        "<rerunFailure time='0.5'>head<stackTrace>trace</stackTrace><system-out>o</system-out>\
         <system-err>e</system-err></rerunFailure><failure>last</failure>\
         <system-out>mine</system-out>",
    );
    let rerun = &case.reruns[0];
    assert_eq!(rerun.detail.as_deref(), Some("head\ntrace"));
    assert_eq!((rerun.output.as_deref(), rerun.error_output.as_deref()), (Some("o"), Some("e")));
    assert_eq!(rerun.duration_us, Some(500_000));
    assert_eq!((case.output.as_deref(), case.detail.as_deref()), (Some("mine"), Some("last")));
}

#[test]
fn names_of_attributes_vary() {
    assert_eq!(case_with("class='a\\b' classname='a.b'").class, "a.b");
    assert_eq!(case_with("class='a\\b'").class, "a\\b");
    assert_eq!(case_with("file='f.py' line='7'").file.as_deref(), Some("f.py"));
    assert_eq!(case_with("filepath='g.py'").file.as_deref(), Some("g.py"));
    assert_eq!(case_with("").file.as_deref(), Some("s.py"));
    assert_eq!(case_with("line='7'").line, Some(7));
    assert_eq!(case_with("line='-7'").line, None);
}

#[test]
fn sloppy_attributes_are_read() {
    assert_eq!(case_with("classname=plain").class, "plain");
    assert_eq!(case_with("hidden classname = \"q\"").class, "q");
    assert_eq!(case_with("classname='a' classname='b'").class, "a");
    assert_eq!(case_with("classname='a < b > c'").class, "a < b > c");
    assert_eq!(case_with("classname='a\r\nb'").class, "a\nb");
}

#[test]
fn cases_count_and_declared_numbers_do_not() {
    let empty = document("<testsuite name='s' tests='6'></testsuite>");
    assert_eq!((empty.cases.len(), empty.broken), (0, None));
    let note = "the declared number of tests is not the number of cases: \
                `6 declared, 0 present in s`";
    assert_eq!(empty.notes, [note]);
    let nested = "<testsuites tests='2'><testsuite tests='1'><testcase name='t'/><testsuite \
                  tests='1'><testcase name='t'/></testsuite></testsuite></testsuites>";
    assert_eq!(cases(nested).len(), 2);
}

#[test]
fn a_repeated_case_stays_repeated() {
    assert_eq!(cases("<testsuite><testcase name='t'/><testcase name='t'/></testsuite>").len(), 2);
}

#[test]
fn texts_of_all_kinds() {
    let detail = |inside| case(&format!("<failure>{inside}</failure>")).detail;
    assert_eq!(detail("a &lt;b&gt; &amp;&#10;&#x41;").as_deref(), Some("a <b> &\nA"));
    assert_eq!(detail("<![CDATA[a]]]]><![CDATA[>b &lt;]]>").as_deref(), Some("a]]>b &lt;"));
    assert_eq!(detail("\n\n    a\n      b\n  ").as_deref(), Some("    a\n      b"));
    assert_eq!(detail("a<b>c<i/>d</b><!-- no -->e").as_deref(), Some("acde"));
    assert_eq!(detail("a\r\nb&#13;\nc").as_deref(), Some("a\nb\r\nc"));
    assert_eq!(detail("\x1b[31mred\x1b[0m").as_deref(), Some("\x1b[31mred\x1b[0m"));
    assert_eq!(detail(" \n "), None);
    assert_eq!(case("<system-out>\n <![CDATA[]]>\n</system-out>").output, None);
    assert_eq!(case("<system-out> a\n</system-out>").output.as_deref(), Some(" a\n"));
}

#[test]
fn undefined_entities_stay_as_text() {
    let xml = "<!DOCTYPE x [<!ENTITY bomb 'boom'><!ENTITY f SYSTEM 'file:///etc/passwd'>]>\
               <testsuite><testcase name='&bomb;&nbsp;&amp;' classname='a & b &#0; &#xD800;'>\
               <failure>&bomb;&f;&lt; R&D; &</failure></testcase></testsuite>";
    let document = document(xml);
    assert_eq!(document.broken, None);
    let case = &document.cases[0];
    assert_eq!(case.name, "&bomb;&nbsp;&");
    assert_eq!(case.class, "a & b &#0; &#xD800;");
    assert_eq!(case.detail.as_deref(), Some("&bomb;&f;< R&D; &"));
    assert_eq!(document.notes.len(), 2, "{:?}", document.notes);
}

#[test]
fn encodings() {
    let xml = |encoding| {
        format!(
            "<?xml version='1.1' encoding='{encoding}'?>\
             <testsuite><testcase name='ä€'/></testsuite>"
        )
    };
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        mark.into_iter().chain(xml("utf-16").encode_utf16()).flat_map(bytes).collect()
    };
    let with_mark = [b"\xef\xbb\xbf".as_slice(), xml("utf-8").as_bytes()].concat();
    for bytes in [
        xml("UTF-8").into_bytes(),
        xml("utf-16").into_bytes(),
        with_mark,
        utf16(u16::to_le_bytes, true),
        utf16(u16::to_be_bytes, true),
        utf16(u16::to_le_bytes, false),
        utf16(u16::to_be_bytes, false),
        encoding_rs::WINDOWS_1252.encode(&xml("ISO-8859-1")).0.into_owned(),
        encoding_rs::WINDOWS_1252.encode(&xml("windows-1252")).0.into_owned(),
    ] {
        let document = read(&bytes, &Limits::default());
        assert_eq!((document.broken, document.notes), (None, vec![]));
        assert_eq!(document.cases[0].name, "ä€");
    }
}

#[test]
fn wrong_bytes_and_unknown_encodings_are_told() {
    let document = read(b"<testsuite><testcase name='a\xffb'/></testsuite>", &Limits::default());
    assert_eq!(document.cases[0].name, "a\u{fffd}b");
    assert_eq!(document.notes.len(), 1);
    let xml = b"<?xml version='1.0' encoding='klingon'?><testsuite/>";
    let document = read(xml, &Limits::default());
    assert_eq!(document.notes, ["unknown encoding, read as UTF-8: `klingon`"]);
}

#[test]
fn limits_hold() {
    let limits = Limits { text_bytes_max: 10, depth_max: 4, attributes_max: 3, properties_max: 1 };
    let long = "ä".repeat(20);
    let xml = format!(
        "<testsuite><testcase name='t'><failure message='{long}'>{long}</failure><properties>\
         <property name='a' value='1'/><property name='b' value='2'/></properties></testcase>\
         <testcase a='' b='' c='' name='u'/></testsuite>"
    );
    let document = read(xml.as_bytes(), &limits);
    let cut = "ää\n[… 32 bytes left out …]\nää";
    assert_eq!(document.cases[0].message.as_deref(), Some(cut));
    assert_eq!(document.cases[0].detail.as_deref(), Some(cut));
    assert_eq!(document.cases[0].properties.len(), 1);
    assert_eq!(document.cases[1].name, "");
    assert_eq!(document.notes.len(), 4, "{:?}", document.notes);
    let deep = format!("<testsuite>\n{}", "<testsuite>".repeat(1_000));
    let broken = read(deep.as_bytes(), &limits).broken;
    assert_eq!(broken.as_deref(), Some("line 2: elements nest deeper than 4"));
}

#[test]
fn a_torn_file_keeps_what_is_whole() {
    let xml = "<testsuite name='s'>\n<testcase name='a'/>\n<testcase name='b'>\n<failure";
    let document = document(xml);
    let names: Vec<_> = document.cases.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["a"]);
    let why = "line 4: syntax error: tag not closed: `>` not found before end of input";
    assert_eq!(document.broken.as_deref(), Some(why));
    let inside = read(&xml.as_bytes()[..62], &Limits::default()).broken;
    assert_eq!(inside.as_deref(), Some("line 4: the file ends inside a case, which is left out"));
}

#[test]
fn what_is_broken_says_so() {
    for (xml, why) in [
        ("", "no element at all"),
        ("  \n", "no element at all"),
        ("no xml", "no element at all"),
        ("<html><body/></html>", "the root element is `<html>`"),
        ("<testcase name='t'/>", "the root element is `<testcase>`"),
        ("<testsuite><testcase name='t'></testsuite>", "`</testcase>`"),
        ("<testsuite>", "the file ends inside a suite"),
        ("<testsuite/></testsuite>", "testsuite"),
        ("<report><testsuite/>", "the file ends inside its root element"),
        ("<testsuite><!-- ", "comment not closed"),
    ] {
        let document = document(xml);
        assert!(document.broken.as_ref().is_some_and(|b| b.contains(why)), "{xml}: {document:?}");
        assert_eq!(document.cases, [], "{xml}");
    }
}

#[test]
fn text_around_and_several_roots_are_told_and_read() {
    let xml = "make: warning\n<?xml version='1.0'?><testsuite><testcase name='a'/></testsuite>\n\
               <testsuite><testcase name='b'/></testsuite>";
    let document = document(xml);
    assert_eq!((document.cases.len(), document.broken), (2, None));
    assert_eq!(document.notes.len(), 2, "{:?}", document.notes);
}

#[test]
fn a_million_oddities_are_one_note() {
    let xml = format!("<testsuite>{}</testsuite>", "<testcase name='t' time='x'/>".repeat(10_000));
    let note = "a time that is not a sensible number of seconds, left out \
                (10000 times, first `x`)";
    assert_eq!(document(&xml).notes, [note]);
}
