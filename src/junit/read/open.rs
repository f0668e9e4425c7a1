//! What is open while a file is read, and what each element collects.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use super::text::Text;
use super::{Case, Rerun};
use crate::model::Outcome;

pub(super) struct Open<'t> {
    pub(super) element: Element<'t>,
    /// The text inside, for the elements whose text counts.
    pub(super) text: Option<Text<'t>>,
}

pub(super) enum Element<'t> {
    Suite(Box<Suite<'t>>),
    Case(Box<PartialCase<'t>>),
    Status { outcome: Outcome, message: Maybe<'t>, kind: Maybe<'t> },
    Rerun(Box<Rerun<Cow<'t, str>>>),
    StackTrace,
    Output(Stream),
    Property { name: Cow<'t, str>, value: Maybe<'t> },
    Other,
}

pub(super) type Maybe<'t> = Option<Cow<'t, str>>;

#[derive(Clone, Copy)]
pub(super) enum Stream {
    Out,
    Err,
}

/// What statuses and outputs can belong to.
pub(super) enum Owner<'a, 't> {
    Suite(&'a mut Suite<'t>),
    Case(&'a mut PartialCase<'t>),
    Rerun(&'a mut Rerun<Cow<'t, str>>),
}

pub(super) struct Suite<'t> {
    pub(super) name: Arc<str>,
    pub(super) file: Maybe<'t>,
    pub(super) timestamp: Option<Timestamp>,
    /// Its `tests`.
    pub(super) declared: Option<u64>,
    /// How many cases the file had before it.
    pub(super) cases_before: u64,
    /// How many reruns the file had before it.
    pub(super) reruns_before: u64,
    /// How many cases stand in it directly.
    pub(super) cases: u64,
    pub(super) found: Option<Found<'t>>,
    pub(super) output: Maybe<'t>,
    pub(super) error_output: Maybe<'t>,
}

pub(super) struct PartialCase<'t> {
    pub(super) case: Case<Cow<'t, str>>,
    pub(super) found: Option<Found<'t>>,
    /// What its `status` or `result` says.
    pub(super) word: Option<Outcome>,
}

/// The worst status so far.
pub(super) struct Found<'t> {
    pub(super) outcome: Outcome,
    pub(super) message: Maybe<'t>,
    pub(super) kind: Maybe<'t>,
    pub(super) detail: Maybe<'t>,
}

impl Found<'_> {
    /// The worse of two; of two as bad the first, with the other's text below its own.
    pub(super) fn worse(first: Option<Self>, second: Self) -> Self {
        match first {
            Some(first) if first.outcome > second.outcome => first,
            Some(first) if first.outcome == second.outcome => {
                let detail = joined(first.detail, second.detail.or(second.message));
                Self { detail, ..first }
            }
            Some(_) | None => second,
        }
    }
}

pub(super) fn joined<'t>(first: Maybe<'t>, second: Maybe<'t>) -> Maybe<'t> {
    match (first, second) {
        (Some(first), Some(second)) => Some(Cow::Owned(first.into_owned() + "\n" + &second)),
        (first, second) => first.or(second),
    }
}

/// A status' or property's text without the blank lines and indentation of the file around it.
pub(super) fn detail(text: Cow<'_, str>) -> Maybe<'_> {
    match text {
        Cow::Borrowed(text) => inner(text).map(Cow::Borrowed),
        Cow::Owned(text) => inner(&text).map(|text| Cow::Owned(text.to_owned())),
    }
}

fn inner(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let start = text.len() - text.trim_start().len();
    let start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    (!text.is_empty()).then(|| &text[start..])
}
