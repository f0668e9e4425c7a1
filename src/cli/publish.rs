//! Publishing: after `evenly merge`, or by `evenly publish` in a job of its own.
//!
//! The one place that reads tokens. What cannot be published is told and changes no verdict.

mod args;
mod folder;

use std::path::{Path, PathBuf};

use super::error::Error;
use super::merge;
use super::print::{note, warn};
use super::quarantine::Excuses;
use super::runtime::block_on;
use crate::exit::Exit;
use crate::publish::{self, EventFile, Order, Site, Token, Told, When};
use crate::report::ladder::{Limit, render_within};
use crate::report::{self, RunReport, markdown};
use crate::store;

use args::PublishingArgs;
pub(super) use args::{MergePublishArgs, PublishArgs};
use folder::Folder;

/// Variables that hold evenly's tokens. No process that evenly starts gets them.
pub(super) const TOKENS: [&str; 4] =
    ["EVENLY_GITHUB_TOKEN", "GITHUB_TOKEN", "EVENLY_GITLAB_TOKEN", "GITLAB_TOKEN"];

/// How much of the event file is read; GitHub's are far smaller.
const EVENT_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// With less room than this in a job's summary nothing is added to it.
const SUMMARY_BYTES_MIN: usize = 2_000;

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    Well,
    Wrong,
}

/// `evenly publish`: whatever the journals say is a stranger's word, so nothing but the report is
/// taken from them; the pull request, the commit and the run come from the CI.
pub(super) fn run(args: &PublishArgs) -> Result<Exit, Error> {
    let PublishArgs { paths, quarantine, comment, publishing } = args;
    let excuses = Excuses::read(quarantine.as_deref())?;
    let mut journals = merge::journals_of(paths)?;
    journals.retain(|path| is_no_link(path));
    let mut report = report::merge(merge::read(&journals)?, |_| None);
    excuses.excuse(&mut report);
    let went = publish(&report, (*comment).into(), publishing)?;
    Ok(exit(Exit::Passed, went, publishing))
}

/// A link in a stranger's archive may lead anywhere on this machine.
fn is_no_link(path: &Path) -> bool {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|file| file.is_symlink());
    if is_link {
        warn(&format!("`{}` is a link, so it is not read", path.display()));
    }
    !is_link
}

/// Publishes what was merged; gives the exit code after it.
pub(super) fn after_merge(report: &RunReport, args: &MergePublishArgs) -> Result<Exit, Error> {
    let MergePublishArgs { comment, publishing } = args;
    let went = publish(report, (*comment).into(), publishing)?;
    Ok(exit(report.exit, went, publishing))
}

/// Only where it was asked for, and only a success, is spoilt by what was not published.
fn exit(verdict: Exit, went: Went, args: &PublishingArgs) -> Exit {
    match (verdict, went) {
        (Exit::Passed, Went::Wrong) if args.require_publish => Exit::Infrastructure,
        (verdict, Went::Well | Went::Wrong) => verdict,
    }
}

fn publish(report: &RunReport, comment: When, args: &PublishingArgs) -> Result<Went, Error> {
    let mut went = summarise(report);
    if comment == When::Never && !args.check {
        return Ok(went);
    }
    let Some((site, token)) = site_and_token() else { return Ok(Went::Wrong) };
    let here = std::env::current_dir().unwrap_or_default();
    let root = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].into_iter().find_map(path);
    let folder = Folder::new(root.as_deref(), &here);
    let order = Order {
        report,
        name: &folder.name_of(&args.config),
        comment,
        check: args.check,
        root: &folder.root,
        folder: &folder.folder,
        limit: args.publish_timeout,
    };
    for told in block_on(publish::publish(&site, &token, &order))? {
        match told {
            Told::Done(text) => note(&token.hide(&text)),
            Told::Failed(failure) => {
                let hint = failure.hint(&site);
                warn(&token.hide(&format!("{failure}\nhint: {hint}")));
                went = Went::Wrong;
            }
        }
    }
    Ok(went)
}

/// Adds the report to the job's summary, where GitHub has one.
fn summarise(report: &RunReport) -> Went {
    let Some(path) = path("GITHUB_STEP_SUMMARY") else { return Went::Well };
    let there = std::fs::metadata(&path).map_or(0, |file| file.len());
    let there = usize::try_from(there).unwrap_or(usize::MAX);
    let room = markdown::SUMMARY_BYTES_MAX.saturating_sub(there);
    if room < SUMMARY_BYTES_MIN {
        warn("the job's summary is full, so the report is not in it");
        return Went::Wrong;
    }
    match store::append(&path, &render_within(report, Limit::Bytes(room))) {
        Ok(()) => Went::Well,
        Err(error) => {
            warn(&format!("{error}; the report is not in the job's summary"));
            Went::Wrong
        }
    }
}

fn site_and_token() -> Option<(Site, Token)> {
    let event = path("GITHUB_EVENT_PATH").map(|path| store::read_at_most(&path, EVENT_BYTES_MAX));
    let event = match &event {
        None => EventFile::Unnamed,
        Some(Err(_)) => EventFile::Unreadable,
        Some(Ok(bytes)) => EventFile::Bytes(bytes),
    };
    let site = match publish::find(&variable, event) {
        Ok(site) => site,
        Err(error) => {
            warn(&format!(
                "cannot publish: {error}\n\
                 hint: docs/reference/publishing.md tells what is needed where"
            ));
            return None;
        }
    };
    let (names, common) = match &site {
        Site::GitHub(site) => (&TOKENS[..2], &site.common),
        Site::GitLab(site) => (&TOKENS[2..], &site.common),
    };
    for remark in &common.remarks {
        warn(remark);
    }
    token(names, &site).map(|token| (site, token))
}

/// The first of these variables that holds a token.
fn token(names: &[&str], site: &Site) -> Option<Token> {
    for name in names {
        match variable(name).map(|value| Token::new(&value)) {
            Some(Ok(Some(token))) => return Some(token),
            Some(Ok(None)) | None => {}
            Some(Err(error)) => {
                warn(&format!("cannot publish: `{name}` is no token: {error}"));
                return None;
            }
        }
    }
    warn(&match site {
        Site::GitHub(site) if site.from_a_fork => format!(
            "cannot publish: neither `{}` nor `{}` is set\n\
             hint: a pull request from a fork has no secrets, and a token that can only read: the \
             report is in the job's summary, and docs/guide/forks.md tells how to comment",
            names[0], names[1]
        ),
        Site::GitHub(_) => format!(
            "cannot publish: neither `{}` nor `{}` is set\n\
             hint: give the step `env: {{ GITHUB_TOKEN: ${{{{ github.token }}}} }}`",
            names[0], names[1]
        ),
        Site::GitLab(site) => format!(
            "cannot publish: neither `{}` nor `{}` is set{}\n\
             hint: put a project access token of scope `api` and role Developer into the masked \
             variable `{0}`",
            names[0],
            names[1],
            if site.job_token { ", and `CI_JOB_TOKEN` may not write notes" } else { "" },
        ),
    });
    None
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(|value| Path::new(&value).into())
}
