//! One file's cases become tests.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::super::junit::ROOT;
use super::super::part::{Names, Pool};
use super::super::run::{Earlier, FinalOutcome, TestReport, Told};
use super::{File, Pile, Reading, Source, State, Suite, earliest, suite_name};
use crate::junit::read::{self, Case, Flavour, Remarks, Rerun, Root};
use crate::model::{Outcome, Property, SuiteName, TestId};

/// What a test is called of which a file says neither class nor name.
const NAMELESS: &str = "(no name)";

/// What is kept of a message once a file's room is used up, bytes.
const SHORT_BYTES_MAX: usize = 200;

type Texts<'t> = Case<Cow<'t, str>>;

impl Pile {
    /// Reads a file, the `index`th of all. Never fails: what is wrong with it is kept too.
    pub fn read(&mut self, index: usize, source: Source, bytes: &[u8], reading: &Reading) {
        let first = self.tests.len();
        let mut taker = Taker {
            suite_name: suite_name(),
            file: u32::try_from(index).unwrap_or(u32::MAX),
            room: reading.told_bytes_max,
            room_for_properties: reading.properties_bytes_max,
            tests: &mut self.tests,
            suites: Vec::new(),
            known: HashMap::new(),
            pool: Pool::default(),
            cut: 0,
            cut_properties: 0,
        };
        let remarks = read::read_borrowed(bytes, &reading.limits, &mut |case| taker.take(case));
        let Taker { suites, cut, cut_properties, .. } = taker;
        let state = state(&remarks, &source);
        if state == State::Own {
            self.tests.truncate(first);
        }
        let odd = remarks.notes;
        sort_and_number(&mut self.tests[first..]);
        let tests = first..self.tests.len();
        let bytes = bytes.len();
        self.files.push(File {
            index,
            source,
            bytes,
            state,
            tests,
            suites,
            odd,
            cut,
            cut_properties,
        });
    }

    /// Notes that a file could not be read at all, and why.
    pub fn note_unreadable(&mut self, index: usize, source: Source, why: String) {
        let tests = self.tests.len()..self.tests.len();
        let (state, suites, odd) = (State::Unreadable(why), Vec::new(), Vec::new());
        self.files.push(File {
            index,
            source,
            bytes: 0,
            state,
            tests,
            suites,
            odd,
            cut: 0,
            cut_properties: 0,
        });
    }
}

fn state(remarks: &Remarks, source: &Source) -> State {
    let Remarks { broken, notes: _, root, other_root } = remarks;
    match (broken, root, other_root) {
        (_, Some(Root { name }), _) if source.beside_journal && name == ROOT => State::Own,
        (None, ..) => State::Whole,
        (Some(why), Some(_), _) => State::Torn(why.clone()),
        (Some(_), None, Some(other)) => State::Other(other.clone()),
        (Some(why), None, None) => State::Unreadable(why.clone()),
    }
}

struct Taker<'p> {
    suite_name: SuiteName,
    file: u32,
    /// How much more text is kept, bytes.
    room: usize,
    /// How much more of properties is kept, bytes.
    room_for_properties: usize,
    tests: &'p mut Vec<TestReport>,
    suites: Vec<Suite>,
    known: HashMap<Arc<str>, usize>,
    pool: Pool,
    cut: usize,
    cut_properties: usize,
}

impl Taker<'_> {
    fn take(&mut self, case: Texts<'_>) {
        let Case {
            suite,
            class,
            name: case_name,
            outcome,
            duration_us,
            message,
            kind,
            detail,
            file,
            line,
            timestamp,
            output,
            error_output,
            properties,
            reruns,
        } = case;
        let group = self.suite(suite);
        let began = &mut self.suites[group].began;
        *began = earliest(*began, timestamp);
        let name = name_of(&class, &case_name);
        let flaky = outcome == Outcome::Passed && !reruns.is_empty();
        let told = if outcome == Outcome::Passed {
            Told::default()
        } else {
            let output = printed(output, error_output).filter(|_| outcome != Outcome::Skipped);
            self.told([message, kind, detail, output])
        };
        let told = Told { properties: self.properties(&properties), ..told };
        let earlier = self.earlier(reruns);
        self.tests.push(TestReport {
            names: Names::new(&name, &class, &case_name, &mut self.pool),
            id: TestId { suite: self.suite_name.clone(), name },
            outcome: if flaky { FinalOutcome::Flaky } else { outcome.into() },
            duration_us: duration_us.unwrap_or(0),
            group,
            shard: 0,
            worker: self.file,
            told: told.unless_empty(),
            file: file.map(|file| self.pool.file(&file)),
            line,
            listed: false,
            reported: true,
            repeats: 1,
            earlier,
        });
    }

    fn suite(&mut self, name: Arc<str>) -> usize {
        let last = self.tests.last().map(|test| test.group);
        if let Some(last) = last.filter(|&last| {
            self.suites.get(last).is_some_and(|suite| Arc::ptr_eq(&suite.name, &name))
        }) {
            return last;
        }
        *self.known.entry(name).or_insert_with_key(|name| {
            self.suites.push(Suite { name: Arc::clone(name), began: None });
            self.suites.len() - 1
        })
    }

    /// A case that passed was tried before, one that failed was tried again.
    fn earlier(&mut self, reruns: Vec<Rerun<Cow<'_, str>>>) -> Vec<Earlier> {
        let mut attempt = 0;
        let mut one = |rerun: Rerun<Cow<'_, str>>| {
            let Rerun {
                flavour,
                outcome,
                message,
                kind,
                detail,
                duration_us,
                timestamp: _,
                output,
                error_output,
            } = rerun;
            attempt += 1;
            let first = match flavour {
                Flavour::Flaky => 0,
                Flavour::Rerun => 1,
            };
            Earlier {
                attempt: first + attempt,
                outcome,
                duration_us: duration_us.unwrap_or(0),
                told: self
                    .told([message, kind, detail, printed(output, error_output)])
                    .unless_empty(),
            }
        };
        reruns.into_iter().map(&mut one).collect()
    }

    /// What is kept of what a result says.
    fn told(&mut self, [message, kind, detail, output]: [Option<Cow<'_, str>>; 4]) -> Told {
        let bytes = |text: &Option<Cow<'_, str>>| text.as_ref().map_or(0, |text| text.len());
        let all = bytes(&message) + bytes(&kind) + bytes(&detail) + bytes(&output);
        if let Some(room) = self.room.checked_sub(all) {
            self.room = room;
            let own = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
            Told {
                message: own(message),
                kind: own(kind),
                detail: own(detail),
                output: own(output),
                ..Told::default()
            }
        } else {
            self.cut += 1;
            let short =
                |text: Cow<'_, str>| text[..text.floor_char_boundary(SHORT_BYTES_MAX)].to_owned();
            let said = message.or(detail).map(short);
            Told { message: said, kind: kind.map(short), ..Told::default() }
        }
    }

    /// What is kept of what a test recorded.
    fn properties(&mut self, told: &[(Cow<'_, str>, Cow<'_, str>)]) -> Box<[Property]> {
        let mut kept = Property::kept(told.iter().map(|(name, value)| (name, value)));
        let bytes: usize = kept.iter().map(Property::bytes).sum();
        let all: usize = told.iter().map(|(name, value)| name.len() + value.len()).sum();
        let room = self.room_for_properties.checked_sub(bytes + size_of_val(&*kept));
        match room {
            Some(room) => self.room_for_properties = room,
            None => kept = Box::default(),
        }
        self.cut_properties += usize::from(room.is_none() || bytes < all);
        kept
    }
}

fn name_of(class: &str, name: &str) -> Box<str> {
    match (class, name) {
        ("", "") => NAMELESS.into(),
        ("", only) | (only, "") => only.into(),
        (class, name) => {
            let mut whole = String::with_capacity(class.len() + 2 + name.len());
            whole.push_str(class);
            whole.push_str("::");
            whole.push_str(name);
            whole.into_boxed_str()
        }
    }
}

/// Both streams, one after the other: which line came when, no file tells.
fn printed<'t>(out: Option<Cow<'t, str>>, err: Option<Cow<'t, str>>) -> Option<Cow<'t, str>> {
    match (out, err) {
        (Some(out), Some(err)) => Some(Cow::Owned(format!("{out}\n[standard error]\n{err}"))),
        (out, err) => out.or(err),
    }
}

/// What tells tests of one file apart.
fn by_place(a: &TestReport, b: &TestReport) -> Ordering {
    a.id.name.cmp(&b.id.name).then(a.group.cmp(&b.group)).then_with(|| a.file.cmp(&b.file))
}

/// Sorts the tests of one file by name. Cases of one name are a test each: `name`, `name #2`.
fn sort_and_number(tests: &mut [TestReport]) {
    tests.sort_by(by_place);
    let mut renamed = false;
    for same in tests.chunk_by_mut(|a, b| by_place(a, b) == Ordering::Equal) {
        for (test, number) in same.iter_mut().zip(1_usize..).skip(1) {
            test.rename(&format!("{} #{number}", test.id.name));
            renamed = true;
        }
    }
    if renamed {
        tests.sort_by(by_place);
    }
}
