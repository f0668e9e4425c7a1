use super::*;
use crate::model::Outcome::{Failed, Passed};
use crate::model::{Property, TestResult};
use crate::report::testing::{Log, result};

fn log() -> Log {
    Log::new(2, 4)
        .finds("web", &[("a", Some(&["a1", "ä2"])), ("b", None)])
        .plans(&["web:a", "web:b"])
        .starts("web:a")
        .runs("web:a", &[("a1", Passed), ("ä2", Failed)])
        .starts("web:b")
}

#[test]
fn a_journal_is_read_back() {
    let journal = log().runs("web:b", &[("b1", Passed)]).ends().journal();
    assert_eq!(journal.started.shard, Shard { index: 2, total: 4 });
    assert_eq!(journal.discovered.len(), 1);
    assert_eq!(journal.discovered[0].groups.len(), 2);
    assert_eq!(journal.planned.as_ref().unwrap().assigned.len(), 2);
    assert_eq!(journal.executions.len(), 2);
    assert_eq!(&*journal.executions[0].tests[1].name, "ä2");
    assert!(journal.running.is_empty());
    assert!(journal.finished.is_some());
    assert!(!journal.torn && journal.damaged.lines == 0 && journal.unknown == 0);
}

#[test]
fn properties_are_in_a_journal_where_there_are_some() {
    let properties = Property::kept([("owner", "é\u{0}\n\"<&>"), ("owner", "")]);
    let recorded = TestResult { properties, ..result("b1", Passed) };
    let log = log().runs_results("web:b", vec![recorded.clone(), result("b2", Failed)]).ends();
    let text = String::from_utf8(log.bytes()).unwrap();
    assert_eq!(text.matches("properties").count(), 1, "{text}");
    let mut journal = log.journal();
    let again = journal.executions.remove(1).told_again(true);
    assert_eq!(again.tests, [recorded, result("b2", Failed)]);
}

#[test]
fn a_group_without_an_end_was_running() {
    let journal = log().journal();
    assert_eq!(journal.running, ["web:b".parse().unwrap()]);
    assert_eq!(journal.finished, None);
}

#[test]
fn an_execution_that_ends_twice_is_damage() {
    let twice = log().tries("web:b", &[result("b1", Failed)]).bytes();
    let text = String::from_utf8(twice.clone()).unwrap();
    let last = text.lines().last().unwrap().to_owned() + "\n";
    assert_eq!(parse(&twice).unwrap().damaged.lines, 0);
    let journal = parse(&[twice, last.into_bytes()].concat()).unwrap();
    assert_eq!(journal.damaged.lines, 1);
    assert!(journal.damaged.first[0].1.contains("a second end"), "{:?}", journal.damaged);
}

#[test]
fn cut_at_every_byte_of_the_last_line_all_before_is_kept() {
    let kept = log();
    let before = kept.bytes().len();
    for whole in [kept.clone().runs("web:b", &[("ü", Failed)]), kept.clone().ends()] {
        let bytes = whole.bytes();
        for cut in before..bytes.len() {
            let journal = parse(&bytes[..cut]).unwrap();
            let complete = cut == bytes.len() - 1;
            assert_eq!(journal.torn, cut > before && !complete, "cut at {cut}");
            assert_eq!(journal.damaged.lines, 0);
            if complete {
                assert_eq!(journal, whole.journal(), "only the newline is missing");
            } else {
                assert_eq!(Journal { torn: false, ..journal }, kept.journal(), "cut at {cut}");
            }
        }
    }
}

#[test]
fn cut_inside_its_first_line_it_is_empty() {
    let bytes = Log::new(1, 1).bytes();
    for cut in 0..bytes.len() - 1 {
        assert_eq!(parse(&bytes[..cut]), Err(JournalError::Empty), "cut at {cut}");
    }
    assert!(parse(&bytes[..bytes.len() - 1]).is_ok());
}

#[test]
fn a_broken_line_in_the_middle_costs_only_itself() {
    let bytes = log().runs("web:b", &[("b1", Passed)]).ends().bytes();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for broken in 1..lines.len() {
        for with in [&b"{\"event\":\n"[..], b"\0\0\0\0\n", b"\xff\xfe{}\n", b"[]\n"] {
            let mut file = lines.clone();
            file[broken] = with;
            let journal = parse(&file.concat()).unwrap();
            assert_eq!(journal.damaged.lines, 1);
            assert_eq!(journal.damaged.first[0].0, broken + 1);
            assert!(!journal.torn);
            let lost = usize::from(lines[broken].starts_with(b"{\"event\":\"group-finished\""));
            assert_eq!(journal.executions.len(), 2 - lost);
        }
    }
}

#[test]
fn what_a_later_version_added_is_passed_over() {
    let text = String::from_utf8(log().bytes()).unwrap();
    let more = text
        .replace("\"attempt\":1,", "\"attempt\":1,\"mood\":{\"a\":[1]},")
        .replace("\"evenly\"", "\"new\":null,\"evenly\"")
        + "{\"event\":\"sang-a-song\",\"verses\":3}\n";
    let journal = parse(more.as_bytes()).unwrap();
    assert_eq!(journal.unknown, 1);
    assert_eq!(Journal { unknown: 0, ..journal }, log().journal());
}

#[test]
fn a_newer_format_says_which_version_reads_it() {
    let line = b"{\"event\":\"run-started\",\"format\":2,\"evenly\":\"3.1.0\",\"who\":7}\n";
    let error = parse(line).unwrap_err();
    assert_eq!(error, JournalError::Newer { format: 2, evenly: Some("3.1.0".to_owned()) });
    assert!(error.to_string().contains("merge with evenly `3.1.0` or later"), "{error}");
}

#[test]
fn other_files_are_refused() {
    for (bytes, words) in [
        (&b""[..], "is empty"),
        (b"\n\n  \n", "is empty"),
        (b"<testsuites/>\n", "is not a journal"),
        (b"{\"event\":\"stopping\",\"format\":1}\n", "is not a journal"),
        (b"{\"event\":\"run-started\",\"format\":1}\n", "is not a journal"),
    ] {
        let error = parse(bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn impossible_shards_are_refused() {
    for (index, total) in [(0, 1), (2, 1), (1, 0), (1, u32::MAX)] {
        let mut log = Log::new(1, 1);
        log.started.shard = Shard { index, total };
        assert!(matches!(parse(&log.bytes()), Err(JournalError::Shard(_))), "{index}/{total}");
    }
}

#[test]
fn two_journals_in_one_file_are_damage() {
    let bytes = [log().bytes(), log().bytes()].concat();
    let journal = parse(&bytes).unwrap();
    assert_eq!(journal.damaged.lines, 1);
    assert_eq!(journal.executions.len(), 2);
}
