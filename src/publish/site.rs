//! Where a report is published: the repository, the pull request, the commit and the run, by what
//! the CI set. Pure: variables and the event's bytes come in as values.

use url::Url;

use super::event::Event;
use crate::ci::{self, Ci};
use crate::model::RunKey;

/// A commit's full hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit(String);

impl Commit {
    /// Only a whole hash will do: 40 digits, or 64 of SHA-256.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let whole = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
        whole.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The hash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its beginning, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

/// How the pull request is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pull {
    /// By its number.
    Number(u64),
    /// As the open one whose head is this commit.
    OfCommit {
        /// The commit.
        commit: Commit,
        /// Its branch, `owner:branch`, where that is told: it is found sooner by it.
        head: Option<String>,
    },
}

/// A repository of GitHub's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Whose it is.
    pub owner: String,
    /// Its name.
    pub name: String,
}

impl Repository {
    /// `owner/name`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let name = name.strip_suffix(".git").unwrap_or(name);
        let plain = |part: &str| {
            let letters = part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            letters && !part.is_empty() && part != "." && part != ".."
        };
        let whole = plain(owner) && plain(name);
        whole.then(|| Self { owner: owner.to_owned(), name: name.to_owned() })
    }
}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// What both have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// The API's address.
    pub api: Url,
    /// The commit that was tested; of a pull request its head. None where only the pull request
    /// tells.
    pub commit: Option<Commit>,
    /// The run, by the CI's own word and not by a journal's.
    pub run: RunKey,
    /// Where people see the run.
    pub run_url: Option<String>,
    /// What was odd about the surroundings.
    pub remarks: Vec<String>,
}

/// GitHub, of this job or, by a token, of another CI's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitHubSite {
    /// What GitLab has too.
    pub common: Common,
    /// The address of GraphQL.
    pub graphql: Url,
    /// The repository.
    pub repository: Repository,
    /// The pull request; none where the run belongs to none.
    pub pull: Option<Pull>,
    /// Whether the job is GitHub's own: elsewhere there are no check runs.
    pub actions: bool,
    /// Whether the pull request comes from another repository.
    pub from_a_fork: bool,
}

/// GitLab, of this job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitLabSite {
    /// What GitHub has too.
    pub common: Common,
    /// The project's number.
    pub project: String,
    /// The project that the commit is in: a fork's, or the same.
    pub source_project: String,
    /// The merge request's number within the project.
    pub merge_request: Option<u64>,
    /// Whether the job has a token of its own, which may not write notes.
    pub job_token: bool,
}

/// Where to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// GitHub.
    GitHub(GitHubSite),
    /// GitLab.
    GitLab(GitLabSite),
}

/// Why there is nowhere to publish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSite {
    /// No CI, and nothing names a repository.
    #[error("this is no job of GitHub's or GitLab's, and nothing names a repository")]
    Nowhere,
    /// A variable is missing.
    #[error("`{0}` is not set")]
    Unset(&'static str),
    /// A variable makes no sense.
    #[error("`{name}` is `{value}`: expected {expected}")]
    Odd {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The event of `workflow_run` is needed and cannot be read.
    #[error("the event file cannot be read, and nothing else tells which commit was tested")]
    NoEvent,
}

/// What the CI left of the event file.
#[derive(Debug, Clone, Copy)]
pub enum EventFile<'a> {
    /// No variable names one.
    Unnamed,
    /// It is not there, or cannot be read.
    Unreadable,
    /// Its bytes.
    Bytes(&'a [u8]),
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Finds the site; `env` gives a variable's value.
///
/// # Errors
/// When there is none, or what describes it is not whole.
pub fn find(env: Env<'_>, event: EventFile<'_>) -> Result<Site, NoSite> {
    let env: Env<'_> = &|name| env(name).filter(|value| !value.is_empty());
    let ci = ci::detect(env);
    match ci.as_ref().map(Ci::name) {
        Some("GitHub Actions") => actions(env, event, ci.as_ref()).map(Site::GitHub),
        Some("GitLab CI") => gitlab(env, ci.as_ref()).map(Site::GitLab),
        _ => elsewhere(env, ci.as_ref()).map(Site::GitHub),
    }
}

/// The address in a variable. What is not one is not shown: it may hold a password.
fn address(env: Env<'_>, name: &'static str, default: Option<&str>) -> Result<Url, NoSite> {
    let value = env(name).or(default.map(str::to_owned)).ok_or(NoSite::Unset(name))?;
    let url = Url::parse(value.trim_end_matches('/')).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or(NoSite::Odd { name, value: "…".to_owned(), expected: "an address, `https://…`" })
}

const GITHUB_API: &str = "https://api.github.com";

/// Where GraphQL is: beside `v3` on a server of one's own.
fn graphql(env: Env<'_>, api: &Url) -> Result<Url, NoSite> {
    let beside = api.as_str().trim_end_matches('/');
    let beside = beside.strip_suffix("/v3").unwrap_or(beside);
    address(env, "GITHUB_GRAPHQL_URL", Some(&format!("{beside}/graphql")))
}

fn repository(name: &'static str, value: String) -> Result<Repository, NoSite> {
    Repository::new(&value).ok_or(NoSite::Odd { name, value, expected: "`owner/name`" })
}

fn run_of(ci: Option<&Ci>) -> RunKey {
    ci.map_or(RunKey { id: None, number: None, attempt: 1 }, Ci::run)
}

fn actions(env: Env<'_>, file: EventFile<'_>, ci: Option<&Ci>) -> Result<GitHubSite, NoSite> {
    const REPOSITORY: &str = "GITHUB_REPOSITORY";
    let api = address(env, "GITHUB_API_URL", Some(GITHUB_API))?;
    let graphql = graphql(env, &api)?;
    let repository = repository(REPOSITORY, env(REPOSITORY).ok_or(NoSite::Unset(REPOSITORY))?)?;
    let kind = env("GITHUB_EVENT_NAME").unwrap_or_default();
    let mut remarks = Vec::new();
    let event = match file {
        EventFile::Bytes(bytes) => Event::read(bytes).ok(),
        EventFile::Unnamed | EventFile::Unreadable => None,
    };
    if event.is_none() {
        if kind == "workflow_run" {
            return Err(NoSite::NoEvent);
        }
        remarks.push("the event file (`GITHUB_EVENT_PATH`) cannot be read".to_owned());
    }
    let event = event.unwrap_or_default();
    let own = env("GITHUB_SHA").and_then(|sha| Commit::new(&sha));
    let by_ref = ci.and_then(Ci::pr).map(Pull::Number);
    let pull = event
        .pull
        .or(by_ref)
        .or_else(|| own.clone().map(|commit| Pull::OfCommit { commit, head: None }));
    // On a pull request `GITHUB_SHA` is a merge that nobody sees: its head has to be asked for.
    let commit = match (event.commit, &pull) {
        (Some(commit), _) => Some(commit),
        (None, Some(Pull::Number(_))) => None,
        (None, Some(Pull::OfCommit { .. }) | None) => own,
    };
    let run = event.run.unwrap_or_else(|| run_of(ci));
    let server = env("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let server = server.trim_end_matches('/').to_owned();
    let run_url = run.id.as_ref().map(|id| format!("{server}/{repository}/actions/runs/{id}"));
    let common = Common { api, commit, run, run_url, remarks };
    let from_a_fork = event.from_a_fork;
    Ok(GitHubSite { common, graphql, repository, pull, actions: true, from_a_fork })
}

/// Variables of other CIs that hold `owner/name` of a repository on GitHub.
const REPOSITORIES: [&str; 10] = [
    "EVENLY_GITHUB_REPOSITORY",
    "GITHUB_REPOSITORY",
    "TRAVIS_REPO_SLUG",
    "APPVEYOR_REPO_NAME",
    "DRONE_REPO",
    "CI_REPO",
    "CIRRUS_REPO_FULL_NAME",
    "SEMAPHORE_GIT_REPO_SLUG",
    "BUILD_REPOSITORY_NAME",
    "BITRISE_GIT_REPOSITORY",
];

/// Variables that hold the address to clone from.
const CLONES: [&str; 4] =
    ["BUILDKITE_REPO", "CIRCLE_REPOSITORY_URL", "GIT_URL", "GIT_REPOSITORY_URL"];

fn elsewhere(env: Env<'_>, ci: Option<&Ci>) -> Result<GitHubSite, NoSite> {
    let named = REPOSITORIES.into_iter().find_map(|name| Some((name, env(name)?)));
    let repository = match named {
        Some((name, value)) => repository(name, value)?,
        None => circle(env)
            .or_else(|| CLONES.into_iter().find_map(|name| cloned(&env(name)?)))
            .ok_or(NoSite::Nowhere)?,
    };
    let api = address(env, "GITHUB_API_URL", Some(GITHUB_API))?;
    let graphql = graphql(env, &api)?;
    let commit = ci.and_then(Ci::commit).and_then(Commit::new);
    let by_commit = || commit.clone().map(|commit| Pull::OfCommit { commit, head: None });
    let pull = ci.and_then(Ci::pr).map(Pull::Number).or_else(by_commit);
    let urls = ["CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL", "BUILD_URL", "TRAVIS_BUILD_WEB_URL"];
    let run_url = urls.into_iter().find_map(env);
    let common = Common { api, commit, run: run_of(ci), run_url, remarks: Vec::new() };
    Ok(GitHubSite { common, graphql, repository, pull, actions: false, from_a_fork: false })
}

fn circle(env: Env<'_>) -> Option<Repository> {
    let (owner, name) = (env("CIRCLE_PROJECT_USERNAME")?, env("CIRCLE_PROJECT_REPONAME")?);
    Repository::new(&format!("{owner}/{name}"))
}

/// The last two parts of `git@github.com:o/r.git`, `https://github.com/o/r`.
fn cloned(address: &str) -> Option<Repository> {
    let path = address.trim_end_matches('/').rsplit([':', '/']).take(2).collect::<Vec<_>>();
    let [name, owner] = path[..] else { return None };
    Repository::new(&format!("{owner}/{name}"))
}

fn gitlab(env: Env<'_>, ci: Option<&Ci>) -> Result<GitLabSite, NoSite> {
    let api = address(env, "CI_API_V4_URL", None)?;
    let project = env("CI_PROJECT_ID").ok_or(NoSite::Unset("CI_PROJECT_ID"))?;
    // The pipeline of a merged result runs on a commit that nobody sees.
    let seen = env("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").and_then(|sha| Commit::new(&sha));
    let commit = seen.or_else(|| Commit::new(ci?.commit()?));
    let run_url = env("CI_PIPELINE_URL");
    let common = Common { api, commit, run: run_of(ci), run_url, remarks: Vec::new() };
    Ok(GitLabSite {
        common,
        source_project: env("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
            .unwrap_or_else(|| project.clone()),
        project,
        merge_request: ci.and_then(Ci::pr),
        job_token: env("CI_JOB_TOKEN").is_some(),
    })
}

#[cfg(test)]
mod tests;
