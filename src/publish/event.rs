//! What GitHub wrote of the event that a workflow runs for, as far as publishing needs it.
//!
//! The file is GitHub's own, so what it says of pull requests and commits can be trusted; what
//! people typed into it (titles, branches) is never more than text to compare.

use serde_json::Value;

use super::site::{Commit, Pull};
use crate::model::RunKey;

/// The event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// The pull request that it is about.
    pub(super) pull: Option<Pull>,
    /// The commit that was tested, where it is not the one that the workflow runs on.
    pub(super) commit: Option<Commit>,
    /// The run that this one follows, of `workflow_run`.
    pub(super) run: Option<RunKey>,
    /// Whether the pull request comes from another repository.
    pub(super) from_a_fork: bool,
}

/// The file does not hold a whole event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Torn;

impl Event {
    /// Reads the file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Torn> {
        let event: Value = serde_json::from_slice(bytes).map_err(|_| Torn)?;
        if !event.is_object() {
            return Err(Torn);
        }
        if event.get("workflow_run").is_some_and(Value::is_object) {
            return Self::of_a_run(&event["workflow_run"]).ok_or(Torn);
        }
        let base = text(&event, "/repository/full_name");
        let pull = &event["pull_request"];
        if pull.is_object() {
            let head = text(pull, "/head/repo/full_name");
            return Ok(Self {
                pull: Some(Pull::Number(number(pull, "/number").ok_or(Torn)?)),
                commit: Commit::new(text(pull, "/head/sha").unwrap_or_default()),
                run: None,
                // A fork that is gone has no repository.
                from_a_fork: head != base || head.is_none(),
            });
        }
        // A comment on a pull request comes as one on an issue.
        let issue = &event["issue"];
        if issue["pull_request"].is_object() {
            let pull = number(issue, "/number").map(Pull::Number);
            return Ok(Self { pull, ..Self::default() });
        }
        Ok(Self::default())
    }

    fn of_a_run(run: &Value) -> Option<Self> {
        let commit = Commit::new(text(run, "/head_sha")?)?;
        let owner = text(run, "/head_repository/owner/login");
        let head = owner.zip(text(run, "/head_branch"));
        let id = number(run, "/id")?;
        let attempt = number(run, "/run_attempt").and_then(|attempt| attempt.try_into().ok());
        Some(Self {
            pull: Some(Pull::OfCommit {
                commit: commit.clone(),
                head: head.map(|(owner, branch)| format!("{owner}:{branch}")),
            }),
            commit: Some(commit),
            run: Some(RunKey {
                id: Some(id.to_string()),
                number: Some(id),
                attempt: attempt.unwrap_or(1),
            }),
            from_a_fork: text(run, "/head_repository/full_name")
                != text(run, "/repository/full_name"),
        })
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
}

fn number(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer)?.as_u64().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn read(event: &Value) -> Result<Event, Torn> {
        Event::read(event.to_string().as_bytes())
    }

    fn pull_request(head: &str) -> Value {
        json!({
            "repository": {"full_name": "o/r"},
            "pull_request": {"number": 12, "head": {"sha": SHA, "repo": {"full_name": head}}},
        })
    }

    #[test]
    fn a_pull_request_is_known_with_its_head() {
        let event = read(&pull_request("o/r")).unwrap();
        assert_eq!(event.pull, Some(Pull::Number(12)));
        assert_eq!(event.commit, Commit::new(SHA));
        assert!(!event.from_a_fork);
        assert!(read(&pull_request("you/r")).unwrap().from_a_fork);
        let mut gone = pull_request("you/r");
        gone["pull_request"]["head"]["repo"] = Value::Null;
        assert!(read(&gone).unwrap().from_a_fork);
    }

    #[test]
    fn a_run_that_is_followed_tells_its_commit_and_no_number_of_a_pull_request() {
        let event = read(&json!({
            "pull_request": {"number": 1},
            "workflow_run": {
                "id": 77, "run_attempt": 2, "head_sha": SHA, "head_branch": "patch",
                "pull_requests": [{"number": 99}],
                "head_repository": {"full_name": "you/r", "owner": {"login": "you"}},
                "repository": {"full_name": "o/r"},
            },
        }));
        let event = event.unwrap();
        let commit = Commit::new(SHA).unwrap();
        let head = Some("you:patch".to_owned());
        assert_eq!(event.pull, Some(Pull::OfCommit { commit, head }));
        let run = event.run.unwrap();
        assert_eq!((run.number, run.attempt), (Some(77), 2));
        assert!(event.from_a_fork);
    }

    #[test]
    fn a_comment_on_a_pull_request_names_it_and_one_on_an_issue_does_not() {
        let on =
            |pull: Value| read(&json!({"issue": {"number": 4, "pull_request": pull}})).unwrap();
        assert_eq!(on(json!({"url": "u"})).pull, Some(Pull::Number(4)));
        assert_eq!(on(Value::Null).pull, None);
    }

    #[test]
    fn half_an_event_is_torn() {
        let whole = pull_request("o/r").to_string();
        for bytes in [&whole.as_bytes()[..whole.len() / 2], b"", b"[]", b"null", b"\xff"] {
            assert_eq!(Event::read(bytes), Err(Torn));
        }
        for odd in [
            json!({"pull_request": {"number": "12"}}),
            json!({"pull_request": {"number": 0}}),
            json!({"workflow_run": {"id": 1, "head_sha": "main"}}),
            json!({"workflow_run": {"head_sha": SHA}}),
        ] {
            assert_eq!(read(&odd), Err(Torn), "{odd}");
        }
        assert_eq!(read(&json!({"ref": "refs/heads/main"})), Ok(Event::default()));
    }
}
