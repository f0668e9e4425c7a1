//! The report, told where people are: a comment of the pull or merge request, a check or status of
//! the commit.
//!
//! Promises: one comment a pull request and configuration, updated in place (`board`); nothing is
//! done twice that must not be (`retry`); all of it ends in the time that it was given; a token
//! is never shown and goes to no other host (`token`). What fails is told and changes no verdict.
//!
//! Decisions are functions over values (`choice`, `marker`, `retry`, `site`, `annotations`); the
//! rest carries them out.

mod annotations;
mod board;
mod choice;
mod client;
mod compose;
mod error;
mod event;
mod github;
mod gitlab;
mod hint;
mod marker;
mod retry;
mod site;
mod token;
mod wire;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::report::{RunReport, verdict_line};
use board::{Board, Posted, post};
use choice::{Wanted, Why as Reason};
use client::Client;
use github::GitHub;
use github::check::{Check, Checked};
use github::comments::Comments;
use gitlab::{GitLab, Notes};
use marker::Marker;

pub use choice::When;
pub use error::{Failure, Why};
pub use site::{
    Commit, Common, EventFile, GitHubSite, GitLabSite, NoSite, Pull, Repository, Site, find,
};
pub use token::{NoToken, Token};

/// GitHub takes so many characters as a check's title.
const TITLE_CHARS_MAX: usize = 250;

/// What is to be published.
#[derive(Debug)]
pub struct Order<'a> {
    /// The report.
    pub report: &'a RunReport,
    /// The configuration's name: each has a comment and a check of its own.
    pub name: &'a str,
    /// When there is a comment.
    pub comment: When,
    /// Whether the commit is marked.
    pub check: bool,
    /// Where the repository begins on this machine; empty if that is not known.
    pub root: &'a Path,
    /// The folder in it that the report's files are named from.
    pub folder: &'a Path,
    /// How long it may take in all.
    pub limit: Duration,
}

/// What became of one part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was done, or need not be.
    Done(String),
    /// It was not.
    Failed(Failure),
}

/// Publishes it. What is to be done for one part is done also when another failed.
pub async fn publish(site: &Site, token: &Token, order: &Order<'_>) -> Vec<Told> {
    let deadline = Instant::now() + order.limit;
    match site {
        Site::GitHub(site) => {
            let of_an_app = token.is_of_an_app();
            match Client::github(&site.common.api, token, deadline) {
                Ok(client) => to_github(&GitHub { client, site, of_an_app }, order).await,
                Err(why) => vec![Told::Failed(Failure::new("use GitHub", why))],
            }
        }
        Site::GitLab(site) => match Client::gitlab(&site.common.api, token, deadline) {
            Ok(client) => to_gitlab(&GitLab { client, site }, order).await,
            Err(why) => vec![Told::Failed(Failure::new("use GitLab", why))],
        },
    }
}

async fn to_github(github: &GitHub<'_>, order: &Order<'_>) -> Vec<Told> {
    let mut told = Vec::new();
    let common = &github.site.common;
    let pull = match github.pull().await {
        Ok(pull) => pull,
        Err(failure) => {
            told.push(Told::Failed(failure));
            None
        }
    };
    if order.comment != When::Never {
        match pull {
            Some(pull) => {
                let comments = Comments { github, pull, name: order.name };
                told.push(comment(&comments, common, order).await);
            }
            None if told.is_empty() => told.push(Told::Done(
                "no comment: the commit is the head of no open pull request".to_owned(),
            )),
            None => {}
        }
    }
    if order.check {
        told.push(check_on_github(github, pull, order).await);
    }
    told
}

/// The comment of one place.
async fn comment(board: &impl Board, site: &Common, order: &Order<'_>) -> Told {
    let Order { report, name, .. } = order;
    let marker = Marker {
        name: (*name).to_owned(),
        run: site.run.number,
        attempt: site.run.attempt,
        digest: compose::digest(report),
    };
    let body = compose::comment(report, &marker, site);
    let wanted = Wanted { marker, good: compose::is_good(report) };
    let at = |url: Option<String>| url.map(|url| format!(" ({url})")).unwrap_or_default();
    let place = board.name();
    match post(board, &wanted, order.comment, &body).await {
        Ok(Posted::Made(url)) => Told::Done(format!("commented on {place}{}", at(url))),
        Ok(Posted::Updated(url)) => {
            Told::Done(format!("updated the comment on {place}{}", at(url)))
        }
        Ok(Posted::Left(why)) => Told::Done(format!("{place}: {}", left(why))),
        Err(failure) => Told::Failed(failure),
    }
}

fn left(why: Reason) -> &'static str {
    match why {
        Reason::Good => "no comment, since nothing failed",
        Reason::Same => "the comment stays as it is, since nothing changed",
        Reason::Newer => "the comment stays as it is, since it is of a later run",
    }
}

fn check<'a>(order: &Order<'_>, site: &'a Common) -> Check<'a> {
    let Order { report, name, .. } = order;
    let id = site.run.id.as_deref().unwrap_or("local");
    Check {
        name: check_name(name),
        title: verdict_line(report).chars().take(TITLE_CHARS_MAX).collect(),
        summary: compose::check(report, site),
        good: compose::is_good(report),
        external_id: format!("evenly {id}.{} {name}", site.run.attempt),
        url: site.run_url.as_deref(),
    }
}

/// What a commit's check is called.
fn check_name(name: &str) -> String {
    if name == DEFAULT_NAME { "evenly".to_owned() } else { format!("evenly: {name}") }
}

/// The name of a configuration that is where it is expected.
const DEFAULT_NAME: &str = "evenly.toml";

async fn check_on_github(github: &GitHub<'_>, pull: Option<u64>, order: &Order<'_>) -> Told {
    let commit = match github.commit(pull).await {
        Ok(Some(commit)) => commit,
        Ok(None) => return Told::Done("no check: no commit is known".to_owned()),
        Err(failure) => return Told::Failed(failure),
    };
    let check = check(order, &github.site.common);
    let name = format!("commit {}", commit.short());
    let failure = |act: &str, why| Told::Failed(Failure::new(format!("{act} {name}"), why));
    if github.site.actions {
        let lines = annotations::annotations(order.report, order.root, order.folder);
        match github.check(&commit, &check, &lines).await {
            Ok(Checked::Whole(url)) => {
                let at = url.map(|url| format!(" ({url})")).unwrap_or_default();
                return Told::Done(format!("checked {name}{at}"));
            }
            Ok(Checked::Short { missing, why }) => {
                return failure(&format!("write {missing} annotations of the check of"), why);
            }
            Ok(Checked::OnlyApps) => {}
            Err(why) => return failure("make a check of", why),
        }
    }
    match github.status(&commit, &check).await {
        Ok(()) => Told::Done(format!("set the status of {name}")),
        Err(why) => failure("set the status of", why),
    }
}

async fn to_gitlab(gitlab: &GitLab<'_>, order: &Order<'_>) -> Vec<Told> {
    let mut told = Vec::new();
    let common = &gitlab.site.common;
    if order.comment != When::Never {
        told.push(match gitlab.site.merge_request {
            Some(merge_request) => {
                comment(&Notes { gitlab, merge_request, name: order.name }, common, order).await
            }
            None => Told::Done("no note: this pipeline is of no merge request".to_owned()),
        });
    }
    if order.check {
        told.push(match &common.commit {
            Some(commit) => {
                let name = check_name(order.name);
                let good = compose::is_good(order.report);
                let title = verdict_line(order.report);
                match gitlab.status(commit, &name, good, &title).await {
                    Ok(()) => Told::Done(format!("set the status of commit {}", commit.short())),
                    Err(why) => {
                        let act = format!("set the status of commit {}", commit.short());
                        Told::Failed(Failure::new(act, why))
                    }
                }
            }
            None => Told::Done("no status: no commit is known".to_owned()),
        });
    }
    told
}
