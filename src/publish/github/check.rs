//! The check run, with its annotations, and the commit's status, which says less.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::annotations::{Annotation, batches};
use super::super::error::Why;
use super::super::retry::Again;
use super::super::site::Commit;
use super::GitHub;

/// What a check says.
pub(crate) struct Check<'a> {
    /// The name that branch protection knows.
    pub(crate) name: String,
    /// The verdict.
    pub(crate) title: String,
    /// The report.
    pub(crate) summary: String,
    /// Whether the run is whole and green.
    pub(crate) good: bool,
    /// This run and attempt, to know it again.
    pub(crate) external_id: String,
    /// Where people see the run.
    pub(crate) url: Option<&'a str>,
}

/// How a check came out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// All of it is there.
    Whole(Option<String>),
    /// The check is there; so many annotations may not be.
    Short {
        /// How many.
        missing: usize,
        /// What came between.
        why: Why,
    },
    /// A token of a person can make no check run.
    OnlyApps,
}

#[derive(Debug, Deserialize)]
struct Run {
    id: u64,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Runs {
    check_runs: Vec<Run>,
}

impl Check<'_> {
    fn output(&self, annotations: &[Annotation]) -> Value {
        json!({ "title": self.title, "summary": self.summary, "annotations": annotations })
    }
}

impl GitHub<'_> {
    /// Makes a check run of the commit.
    pub(crate) async fn check(
        &self,
        commit: &Commit,
        check: &Check<'_>,
        annotations: &[Annotation],
    ) -> Result<Checked, Why> {
        let mut parts = batches(annotations);
        let first = parts.next().unwrap_or_default();
        let run = match self.make_check(commit, check, first).await {
            Ok(run) => run,
            Err(Why::Forbidden(message)) if message.contains("GitHub App") => {
                return Ok(Checked::OnlyApps);
            }
            Err(why) => return Err(why),
        };
        let mut written = first.len();
        for part in parts {
            // Each request adds to what is there, so that none may come twice.
            let request = self
                .request(Method::PATCH, &["check-runs", &run.id.to_string()], Again::Once)
                .body(json!({ "output": check.output(part) }));
            if let Err(why) = self.client.call(&request).await {
                return Ok(Checked::Short { missing: annotations.len() - written, why });
            }
            written += part.len();
        }
        Ok(Checked::Whole(run.html_url))
    }

    /// The run; one that was made without our hearing of it is found.
    async fn make_check(
        &self,
        commit: &Commit,
        check: &Check<'_>,
        first: &[Annotation],
    ) -> Result<Run, Why> {
        let mut body = json!({
            "name": check.name,
            "head_sha": commit.as_str(),
            "status": "completed",
            "conclusion": if check.good { "success" } else { "failure" },
            "external_id": check.external_id,
            "output": check.output(first),
        });
        if let Some(url) = check.url {
            body["details_url"] = json!(url);
        }
        let request = self.request(Method::POST, &["check-runs"], Again::Once).body(body);
        let why = match self.client.read::<Run>(&request).await {
            Ok((run, _)) => return Ok(run),
            Err(why) => why,
        };
        if !why.may_be_done() {
            return Err(why);
        }
        if let Some(run) = self.find_check(commit, check).await? {
            return Ok(run);
        }
        self.client.read::<Run>(&request).await.map(|(run, _)| run)
    }

    async fn find_check(&self, commit: &Commit, check: &Check<'_>) -> Result<Option<Run>, Why> {
        let request = self
            .request(Method::GET, &["commits", commit.as_str(), "check-runs"], Again::Safe)
            .query(&[("check_name", &check.name), ("filter", "all"), ("per_page", "100")]);
        let (runs, _) = self.client.read::<Runs>(&request).await?;
        let ours = |run: &Run| run.external_id.as_deref() == Some(&check.external_id);
        Ok(runs.check_runs.into_iter().find(ours))
    }

    /// Sets the commit's status: the last one of a name counts, so twice is as good as once.
    pub(crate) async fn status(&self, commit: &Commit, check: &Check<'_>) -> Result<(), Why> {
        let mut body = json!({
            "state": if check.good { "success" } else { "failure" },
            "context": check.name,
            "description": check.title.chars().take(STATUS_CHARS_MAX).collect::<String>(),
        });
        if let Some(url) = check.url {
            body["target_url"] = json!(url);
        }
        let request =
            self.request(Method::POST, &["statuses", commit.as_str()], Again::Safe).body(body);
        self.client.call(&request).await.map(|_| ())
    }
}

/// What GitHub takes as a status's description.
const STATUS_CHARS_MAX: usize = 140;
