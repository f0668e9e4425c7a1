//! All files together: one group for each suite's name, one test for each name in it.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::ops::Range;

use jiff::Timestamp;

use super::super::flaw::{Flaw, Note};
use super::super::run::{Earlier, FileReport, FinalOutcome, GroupReport, TestReport, Told};
use super::{
    File, FileFlaw, FileNote, Foreign, Found, Pile, Repeated, State, earliest, order, suite_name,
};
use crate::model::{GroupId, Outcome};

pub(super) fn join(piles: Vec<Pile>, repeated: Repeated) -> Foreign {
    let (mut tests, mut files) = one_pile(piles);
    let mut foreign = Foreign::default();
    let counting = say(&mut foreign, &files);
    leave_out_copies(&mut tests, &mut files, &counting, &mut foreign.notes);
    let mut order: Vec<&File> = files.iter().filter(|file| !file.tests.is_empty()).collect();
    order.sort_by_key(|file| file.index);
    foreign.files = report_files(&files, &counting);
    foreign.groups = groups(&mut tests, &order, &foreign.files, &counting);
    let ranks = ranks(&foreign.files, repeated);
    order::sort(&mut tests, &ranks);
    settle(&mut tests, &ranks, &mut foreign, repeated);
    for test in &tests {
        foreign.groups[test.group].tests += 1;
    }
    if !tests.is_empty() {
        let (files, tests) = (foreign.files.len(), tests.len());
        foreign.notes.insert(0, Note::Junit(FileNote::Unproven { files, tests }));
    }
    foreign.tests = tests;
    foreign
}

/// All tests in one list, the files by their index.
fn one_pile(piles: Vec<Pile>) -> (Vec<TestReport>, Vec<File>) {
    let mut piles = piles.into_iter();
    let Pile { mut tests, mut files } = piles.next().unwrap_or_default();
    for Pile { tests: mut more, files: others } in piles {
        let offset = tests.len();
        tests.append(&mut more);
        files.extend(others.into_iter().map(|file| {
            let Range { start, end } = file.tests;
            File { tests: start + offset..end + offset, ..file }
        }));
    }
    files.sort_by_key(|file| file.index);
    (tests, files)
}

/// Tells what is wrong or odd about the files; gives, by index, the place in the report of those
/// that count.
fn say(foreign: &mut Foreign, files: &[File]) -> HashMap<usize, u32> {
    let Foreign { flaws, notes, .. } = foreign;
    let mut note = |note| notes.push(Note::Junit(note));
    let mut counting = HashMap::new();
    for file in files {
        let File { index, source, state, tests, odd, cut, cut_properties, .. } = file;
        let source = || file_name(source);
        match state {
            State::Whole => {}
            State::Torn(why) => flaws.push(Flaw::Junit(FileFlaw::Torn {
                source: source(),
                why: why.clone(),
                cases: tests.len(),
            })),
            State::Unreadable(why) => {
                flaws
                    .push(Flaw::Junit(FileFlaw::Unreadable { source: source(), why: why.clone() }));
            }
            State::Other(root) => match file.source.found {
                Found::Searched => {
                    note(FileNote::Other { source: source(), root: root.clone() });
                }
                Found::Named => {
                    let why = format!(
                        "no `<testsuites>` or `<testsuite>`: the root element is `<{root}>`"
                    );
                    flaws.push(Flaw::Junit(FileFlaw::Unreadable { source: source(), why }));
                }
            },
            State::Own => note(FileNote::Own { source: source() }),
        }
        if matches!(state, State::Whole | State::Torn(_)) {
            let place = u32::try_from(counting.len()).unwrap_or(u32::MAX);
            counting.insert(*index, place);
            if !odd.is_empty() {
                note(FileNote::Odd { source: source(), what: odd.clone() });
            }
            if *cut > 0 {
                note(FileNote::Cut { source: source(), tests: *cut });
            }
            if *cut_properties > 0 {
                note(FileNote::CutProperties { source: source(), tests: *cut_properties });
            }
        }
    }
    counting
}

fn file_name(source: &super::Source) -> String {
    source.name.clone()
}

/// A file that says just what another one says is that file once more.
fn leave_out_copies(
    tests: &mut Vec<TestReport>,
    files: &mut [File],
    counting: &HashMap<usize, u32>,
    notes: &mut Vec<Note>,
) {
    let mut by_bytes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut left_out: Vec<(usize, usize)> = Vec::new();
    for (at, file) in files.iter().enumerate() {
        if !counting.contains_key(&file.index) || file.tests.is_empty() {
            continue;
        }
        let alike = by_bytes.entry(file.bytes).or_default();
        let says = |file: &File| &tests[file.tests.clone()];
        let copy = |&&known: &&usize| {
            let (ours, theirs) = (says(file), says(&files[known]));
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| say_the_same(a, b))
        };
        match alike.iter().find(copy) {
            Some(&of) => left_out.push((at, of)),
            None => alike.push(at),
        }
    }
    if left_out.is_empty() {
        return;
    }
    for &(at, of) in &left_out {
        let (source, of) = (file_name(&files[at].source), file_name(&files[of].source));
        notes.push(Note::Junit(FileNote::Copy { source, of }));
        for test in &mut tests[files[at].tests.clone()] {
            test.repeats = 0;
        }
        files[at].tests = 0..0;
    }
    // The places of the others move up.
    let mut kept = 0;
    let mut moved: Vec<&mut File> = files.iter_mut().filter(|f| !f.tests.is_empty()).collect();
    moved.sort_by_key(|file| file.tests.start);
    for file in moved {
        let count = file.tests.len();
        file.tests = kept..kept + count;
        kept += count;
    }
    tests.retain(|test| test.repeats > 0);
}

fn say_the_same(a: &TestReport, b: &TestReport) -> bool {
    a.id.name == b.id.name
        && (a.group, a.outcome, a.duration_us) == (b.group, b.outcome, b.duration_us)
        && (&a.told, &a.file, a.line) == (&b.told, &b.file, b.line)
        && a.earlier == b.earlier
}

fn report_files(files: &[File], counting: &HashMap<usize, u32>) -> Vec<FileReport> {
    let counts = files.iter().filter(|file| counting.contains_key(&file.index));
    counts
        .map(|file| FileReport {
            source: file_name(&file.source),
            cases: file.tests.len(),
            started: file.began(),
        })
        .collect()
}

/// The suites of all files by name; the tests get their places in them, and those of their files.
fn groups(
    tests: &mut [TestReport],
    files: &[&File],
    reports: &[FileReport],
    counting: &HashMap<usize, u32>,
) -> Vec<GroupReport> {
    let place = |file: &File| counting.get(&file.index).copied().unwrap_or_default();
    let name = |file: &File, suite: &super::Suite| -> Box<str> {
        // A suite without a name is its file's.
        if suite.name.is_empty() {
            reports.get(place(file) as usize).map_or("-", |report| &report.source).into()
        } else {
            (*suite.name).into()
        }
    };
    let mut began: BTreeMap<Box<str>, Option<Timestamp>> = BTreeMap::new();
    for (file, suite) in files.iter().flat_map(|file| file.suites.iter().map(move |s| (file, s))) {
        let known = began.entry(name(file, suite)).or_default();
        *known = earliest(*known, suite.began);
    }
    let indices: HashMap<&str, usize> =
        began.keys().enumerate().map(|(index, name)| (&**name, index)).collect();
    for file in files {
        let own: Vec<usize> =
            file.suites.iter().map(|suite| indices[&*name(file, suite)]).collect();
        for test in &mut tests[file.tests.clone()] {
            test.group = own[test.group];
            test.worker = place(file);
        }
    }
    let suite = suite_name();
    let group = |(name, began): (Box<str>, Option<Timestamp>)| GroupReport {
        id: GroupId::new(&suite, &name),
        planned: None,
        tests: 0,
        executions: Vec::new(),
        began,
    };
    began.into_iter().map(group).collect()
}

/// In which order the files come where they tell of one test: as they are named, and for retries by
/// their times where all have one.
fn ranks(files: &[FileReport], repeated: Repeated) -> Vec<usize> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    if repeated == Repeated::Retry && files.iter().all(|file| file.started.is_some()) {
        order.sort_by_key(|&at| files[at].started);
    }
    let mut ranks = vec![0; files.len()];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at] = rank;
    }
    ranks
}

/// Leaves each test once, with an id of its own.
fn settle(tests: &mut Vec<TestReport>, ranks: &[usize], foreign: &mut Foreign, repeated: Repeated) {
    if tests.windows(2).all(|two| two[0].id.name != two[1].id.name) {
        return;
    }
    let several = tests.chunk_by(order::are_one).filter(|same| same.len() > 1).count();
    if several > 0 {
        let note = FileNote::Repeated { tests: several, rule: repeated };
        foreign.notes.push(Note::Junit(note));
    }
    match repeated {
        Repeated::Worst => fold(tests, |known, next| {
            let repeats = known.repeats.saturating_add(next.repeats);
            if next.outcome > known.outcome {
                mem::swap(known, next);
            }
            known.repeats = repeats;
        }),
        Repeated::Retry => fold(tests, retried),
        Repeated::Apart => {
            let files = &foreign.files;
            for same in tests.chunk_by_mut(order::are_one).filter(|same| same.len() > 1) {
                for test in same {
                    let source = files.get(test.worker as usize).map_or("", |file| &file.source);
                    test.rename(&format!("{} [{source}]", test.id.name));
                }
            }
            order::sort(tests, ranks);
        }
    }
    tell_apart(tests, &foreign.groups);
    order::sort(tests, ranks);
    // Names made of names can meet.
    while number(tests) {
        order::sort(tests, ranks);
    }
}

/// Numbers the tests whose names are taken; whether there were any.
fn number(tests: &mut [TestReport]) -> bool {
    let mut renamed = false;
    for same in tests.chunk_by_mut(|a, b| a.id.name == b.id.name) {
        for (test, number) in same.iter_mut().zip(1_usize..).skip(1) {
            test.rename(&format!("{} #{number}", test.id.name));
            renamed = true;
        }
    }
    renamed
}

/// Folds what several files tell of one test into the first of them.
fn fold(tests: &mut Vec<TestReport>, into: impl Fn(&mut TestReport, &mut TestReport)) {
    tests.dedup_by(|next, known| {
        let one = order::are_one(known, next);
        if one {
            into(known, next);
        }
        one
    });
}

/// A later try: it decides, but one that broke before is flaky at best.
fn retried(known: &mut TestReport, next: &mut TestReport) {
    mem::swap(known, next);
    let first = next;
    let broke = first.outcome == FinalOutcome::Flaky || !first.outcome.is_good();
    let mut earlier = mem::take(&mut first.earlier);
    let attempt = u32::try_from(earlier.len()).map_or(u32::MAX, |before| before + 1);
    earlier.push(Earlier {
        attempt,
        outcome: match first.outcome {
            FinalOutcome::Skipped => Outcome::Skipped,
            FinalOutcome::Passed | FinalOutcome::Flaky => Outcome::Passed,
            FinalOutcome::Failed => Outcome::Failed,
            FinalOutcome::Errored => Outcome::Errored,
        },
        duration_us: first.duration_us,
        told: Told::before_the_last(first.told.take()),
    });
    earlier.append(&mut known.earlier);
    for (attempt, tried) in (1..).zip(&mut earlier) {
        tried.attempt = attempt;
    }
    known.earlier = earlier;
    if broke && known.outcome == FinalOutcome::Passed {
        known.outcome = FinalOutcome::Flaky;
    }
}

/// Tests of one name in several suites, or files of source, are different tests: each gets its
/// suite's name too, and where that is not enough its file's.
fn tell_apart(tests: &mut [TestReport], groups: &[GroupReport]) {
    for same in tests.chunk_by_mut(|a, b| a.id.name == b.id.name).filter(|same| same.len() > 1) {
        let in_one = same.iter().all(|test| test.group == same[0].group);
        let groups_tell = !in_one && {
            let mut all: Vec<usize> = same.iter().map(|test| test.group).collect();
            all.dedup();
            all.len() == same.len()
        };
        for test in same {
            let group = &groups[test.group].id.name;
            let file = test.file.as_deref().filter(|_| !groups_tell).map(str::to_owned);
            let name = &test.id.name;
            let name = match (in_one, file) {
                (true, Some(file)) => format!("{name} [{file}]"),
                (false, Some(file)) => format!("{name} [{group}] [{file}]"),
                (false, None) => format!("{name} [{group}]"),
                // One of them says no file: it keeps the plain name.
                (true, None) => continue,
            };
            test.rename(&name);
        }
    }
}
