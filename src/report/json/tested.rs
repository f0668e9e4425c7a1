//! The tests: what became of each, and what it said.

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::super::run::{Earlier, GroupReport, TestReport, Told};
use crate::model::{GroupId, Outcome, Property, TestId};

/// The tests, of which each is made while it is written.
pub(super) struct Tests<'a> {
    pub(super) groups: &'a [GroupReport],
    pub(super) tests: &'a [TestReport],
}

impl Serialize for Tests<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.tests.len()))?;
        for test in self.tests {
            seq.serialize_element(&test_view(test, self.groups))?;
        }
        seq.end()
    }
}

#[derive(Serialize)]
struct TestView<'a> {
    id: &'a TestId,
    outcome: &'static str,
    duration_us: u64,
    group: &'a GroupId,
    shard: u32,
    worker: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    class: &'a str,
    case: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    reported: bool,
    repeats: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<EarlierView<'a>>,
    #[serde(skip_serializing_if = "<[Property]>::is_empty")]
    properties: &'a [Property],
}

fn test_view<'a>(test: &'a TestReport, groups: &'a [GroupReport]) -> TestView<'a> {
    let TestReport {
        id,
        names: _,
        outcome,
        duration_us,
        group,
        shard,
        worker,
        told,
        file,
        line,
        listed: _,
        reported,
        repeats,
        earlier,
    } = test;
    let [message, kind, detail, output] = told_view(told.as_deref());
    TestView {
        id,
        outcome: outcome.word(),
        duration_us: *duration_us,
        group: &groups[*group].id,
        shard: *shard,
        worker: *worker,
        class: test.class(),
        case: test.case(),
        message,
        kind,
        detail,
        output,
        file: file.as_deref(),
        line: *line,
        reported: *reported,
        repeats: *repeats,
        earlier: earlier.iter().map(earlier_view).collect(),
        properties: told.as_ref().map_or(&[], |told| &told.properties),
    }
}

#[derive(Serialize)]
struct EarlierView<'a> {
    attempt: u32,
    outcome: Outcome,
    duration_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
}

fn earlier_view(earlier: &Earlier) -> EarlierView<'_> {
    let Earlier { attempt, outcome, duration_us, told } = earlier;
    let [message, kind, detail, output] = told_view(told.as_deref());
    let (attempt, outcome, duration_us) = (*attempt, *outcome, *duration_us);
    EarlierView { attempt, outcome, duration_us, message, kind, detail, output }
}

fn told_view(told: Option<&Told>) -> [Option<&str>; 4] {
    let Some(Told { message, kind, detail, output, properties: _ }) = told else {
        return [None; 4];
    };
    [message.as_deref(), kind.as_deref(), detail.as_deref(), output.as_deref()]
}
