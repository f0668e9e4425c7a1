//! What a merge writes below its `--out`.

use std::io;
use std::sync::Mutex;
use std::{panic, thread};

use clap::ValueEnum;

use super::{Destination, THREADS_MAX};
use crate::report::{RunReport, html, json, junit, markdown};
use crate::store::{self, StoreError};

/// One of the reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Output {
    /// `junit.xml`
    Junit,
    /// `report.html`
    Html,
    /// `summary.md`
    Summary,
    /// `report.json`
    Json,
}

impl Output {
    pub(in crate::cli) const ALL: [Self; 4] = [Self::Junit, Self::Html, Self::Summary, Self::Json];

    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Junit => "junit.xml",
            Self::Html => "report.html",
            Self::Summary => "summary.md",
            Self::Json => "report.json",
        }
    }

    fn render(self, report: &RunReport, file: &mut dyn io::Write) -> io::Result<()> {
        match self {
            Self::Junit => junit::render(report, file),
            Self::Html => html::render(report, file),
            Self::Summary => markdown::render(report, file),
            Self::Json => json::render(report, file),
        }
    }
}

/// Writes them, as many at a time as there are cores.
pub(super) fn write(report: &RunReport, to: &Destination<'_>) -> Result<(), StoreError> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut outputs = to.outputs.to_vec();
    outputs.sort_by_key(|output| *output as usize);
    outputs.dedup();
    let threads = cores.min(THREADS_MAX).min(outputs.len());
    let left = Mutex::new(outputs.into_iter());
    let write = || -> Result<(), StoreError> {
        loop {
            let next = left.lock().map_or(None, |mut left| left.next());
            let Some(output) = next else { return Ok(()) };
            let path = to.out.join(output.file_name());
            store::replace_with(&path, |file| output.render(report, file))?;
        }
    };
    thread::scope(|scope| {
        let writers: Vec<_> = (0..threads).map(|_| scope.spawn(write)).collect();
        let mut joined = writers.into_iter().map(thread::ScopedJoinHandle::join);
        joined.try_for_each(|done| done.unwrap_or_else(|panic| panic::resume_unwind(panic)))
    })
}
