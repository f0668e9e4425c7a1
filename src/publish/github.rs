//! GitHub: the pull request, and who we are to it. The comment and the check have files of their
//! own.

pub(super) mod check;
pub(super) mod comments;

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::choice::Author;
use super::client::{Client, Request};
use super::error::{Failure, Why};
use super::retry::Again;
use super::site::{Commit, GitHubSite, Pull};

/// A repository on GitHub.
pub(super) struct GitHub<'a> {
    pub(super) client: Client,
    pub(super) site: &'a GitHubSite,
    /// Whether the token is an app's.
    pub(super) of_an_app: bool,
}

/// What a pull request's description is read for.
#[derive(Debug, Deserialize)]
pub(super) struct PullRequest {
    number: u64,
    #[serde(default)]
    state: String,
    head: Head,
}

#[derive(Debug, Deserialize)]
struct Head {
    sha: String,
}

#[derive(Debug, Deserialize)]
struct User {
    login: String,
    #[serde(default, rename = "type")]
    kind: String,
}

impl User {
    fn author(&self) -> Author {
        Author::new(&self.login, self.kind == "Bot")
    }
}

#[derive(Deserialize)]
struct Viewed {
    data: Option<Viewer>,
}

#[derive(Deserialize)]
struct Viewer {
    viewer: Login,
}

#[derive(Deserialize)]
struct Login {
    login: String,
}

impl GitHub<'_> {
    /// A request to the repository.
    fn request(&self, method: Method, path: &[&str], again: Again) -> Request {
        let repository = &self.site.repository;
        let begin = ["repos", repository.owner.as_str(), repository.name.as_str()];
        self.client.request(method, &[&begin, path].concat(), again)
    }

    /// The number of the pull request: none where the commit is the head of no open one.
    pub(super) async fn pull(&self) -> Result<Option<u64>, Failure> {
        match &self.site.pull {
            None => Ok(None),
            Some(Pull::Number(number)) => Ok(Some(*number)),
            Some(Pull::OfCommit { commit, head }) => {
                let found = self.pull_of(commit, head.as_deref()).await;
                let act = format!("find the pull request of commit {}", commit.short());
                found.map_err(|why| Failure::new(act, why))
            }
        }
    }

    /// The open pull request whose head is this very commit. Its branch only helps to find it: a
    /// commit of a fork is not among the repository's own.
    async fn pull_of(&self, commit: &Commit, head: Option<&str>) -> Result<Option<u64>, Why> {
        if let Some(head) = head {
            let request = self.request(Method::GET, &["pulls"], Again::Safe).query(&[
                ("state", "open"),
                ("head", head),
                ("per_page", "100"),
            ]);
            let (pulls, _) = self.client.read::<Vec<PullRequest>>(&request).await?;
            if let Some(number) = with_head(&pulls, commit) {
                return Ok(Some(number));
            }
        }
        let request = self
            .request(Method::GET, &["commits", commit.as_str(), "pulls"], Again::Safe)
            .query(&[("per_page", "100")]);
        match self.client.read::<Vec<PullRequest>>(&request).await {
            Ok((pulls, _)) => Ok(with_head(&pulls, commit)),
            // A commit that the repository does not have.
            Err(Why::Absent | Why::Refused { status: 422, .. }) if head.is_some() => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// The commit to mark: of a pull request its head.
    pub(super) async fn commit(&self, pull: Option<u64>) -> Result<Option<Commit>, Failure> {
        if let Some(commit) = &self.site.common.commit {
            return Ok(Some(commit.clone()));
        }
        let Some(number) = pull else { return Ok(None) };
        let request = self.request(Method::GET, &["pulls", &number.to_string()], Again::Safe);
        match self.client.read::<PullRequest>(&request).await {
            Ok((pull, _)) => Ok(Commit::new(&pull.head.sha)),
            Err(why) => Err(Failure::new(format!("read pull request {number}"), why)),
        }
    }

    /// Who we are. An app can't ask for its user, so GraphQL is asked; a server without it leaves
    /// the question open.
    async fn who(&self) -> Result<Option<Author>, Why> {
        if !self.of_an_app {
            let request = self.client.request(Method::GET, &["user"], Again::Safe);
            match self.client.read::<User>(&request).await {
                Ok((user, _)) => return Ok(Some(user.author())),
                Err(Why::Forbidden(_) | Why::Absent) => {}
                Err(why) => return Err(why),
            }
        }
        let request = Request::at(Method::POST, self.site.graphql.clone(), Again::Safe)
            .body(json!({"query": "query { viewer { login } }"}));
        match self.client.read::<Viewed>(&request).await {
            Ok((Viewed { data: Some(data) }, _)) => {
                Ok(Some(Author::new(&data.viewer.login, self.of_an_app)))
            }
            Ok((Viewed { data: None }, _))
            | Err(Why::Forbidden(_) | Why::Absent | Why::Refused { .. } | Why::Lost(_)) => Ok(None),
            Err(why) => Err(why),
        }
    }
}

/// The first open one of them that has this head.
fn with_head(pulls: &[PullRequest], commit: &Commit) -> Option<u64> {
    let ours = |pull: &&PullRequest| {
        pull.state == "open" && Commit::new(&pull.head.sha).as_ref() == Some(commit)
    };
    pulls.iter().filter(ours).map(|pull| pull.number).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn pull(number: u64, state: &str, sha: &str) -> PullRequest {
        PullRequest { number, state: state.to_owned(), head: Head { sha: sha.to_owned() } }
    }

    #[test]
    fn only_an_open_pull_request_with_the_very_head_is_meant() {
        let commit = Commit::new(SHA).unwrap();
        let other = SHA.replace('0', "f");
        let pulls = [
            pull(1, "closed", SHA),
            pull(2, "open", &other),
            pull(9, "open", SHA),
            pull(5, "open", &SHA.to_uppercase()),
        ];
        assert_eq!(with_head(&pulls, &commit), Some(5));
        assert_eq!(with_head(&pulls[..2], &commit), None);
    }
}
