//! What to do next about what could not be published.

use super::error::{Failure, Why};
use super::site::Site;

impl Failure {
    /// What to do about it, on this site.
    #[must_use]
    pub fn hint(&self, site: &Site) -> String {
        match site {
            Site::GitHub(site) if site.from_a_fork && self.is_for_rights() => {
                "a pull request from a fork has a token that can only read: the report is in the \
                 job's summary, and docs/guide/forks.md tells how to comment all the same"
                    .to_owned()
            }
            Site::GitHub(site) => match &self.why {
                Why::Token(_) => "give the step a valid token: \
                     `env: { GITHUB_TOKEN: ${{ github.token }} }`"
                    .to_owned(),
                Why::Forbidden(_) => "give the job `permissions: { contents: read, \
                     pull-requests: write, checks: write }`; docs/reference/publishing.md tells \
                     what each is for"
                    .to_owned(),
                Why::Absent => format!(
                    "the token must be one for {}, and be allowed to read its pull requests",
                    site.repository
                ),
                _ => self.hint_anywhere(),
            },
            Site::GitLab(site) => match &self.why {
                Why::Token(_) | Why::Forbidden(_) | Why::Absent => format!(
                    "put a project access token of project {}, of scope `api` and role Developer, \
                     into the masked variable `EVENLY_GITLAB_TOKEN`",
                    site.project
                ),
                _ => self.hint_anywhere(),
            },
        }
    }

    fn is_for_rights(&self) -> bool {
        matches!(self.why, Why::Token(_) | Why::Forbidden(_) | Why::Absent)
    }

    fn hint_anywhere(&self) -> String {
        let hint = match &self.why {
            Why::Locked => "unlock the conversation, or leave it: the report is in the job's log",
            Why::Limited(_) => {
                "run the job again when the time is over, or give \
                 `--publish-timeout` more; nothing is said twice"
            }
            Why::Server(_) | Why::Unreachable(_) | Why::Lost(_) => {
                "run the job again: it updates the same comment"
            }
            Why::TooLong(_) | Why::Refused { .. } => {
                "this should not happen: tell evenly's maintainers what stands here"
            }
            Why::Unmade(_) => "look at the API's address (`GITHUB_API_URL`, `CI_API_V4_URL`)",
            Why::Token(_) | Why::Forbidden(_) | Why::Absent => "look at the token's rights",
        };
        hint.to_owned()
    }
}
