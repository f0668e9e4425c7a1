//! GitLab: the notes of a merge request, and the commit's status.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::board::Board;
use super::choice::{Author, Post};
use super::client::{Client, Request};
use super::error::Why;
use super::marker::Marker;
use super::retry::Again;
use super::site::{Commit, GitLabSite};

/// GitLab gives no more at once.
const PAGE: &str = "100";
/// How many pages are looked through.
const PAGES_MAX: u32 = 100;

/// A project on GitLab.
pub(super) struct GitLab<'a> {
    pub(super) client: Client,
    pub(super) site: &'a GitLabSite,
}

/// The notes of one merge request that carry this name.
pub(super) struct Notes<'a> {
    pub(super) gitlab: &'a GitLab<'a>,
    pub(super) merge_request: u64,
    pub(super) name: &'a str,
}

#[derive(Debug, Deserialize)]
struct Note {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    author: Option<User>,
    #[serde(default)]
    system: bool,
    #[serde(default)]
    created_at: String,
}

#[derive(Debug, Deserialize)]
struct User {
    username: String,
}

impl User {
    /// A username is one account's alone, and a project token's is a user like others.
    fn author(&self) -> Author {
        Author::new(&self.username, false)
    }
}

impl Note {
    fn post(self, name: &str) -> Option<Post> {
        let Self { id, body, author, system, created_at } = self;
        if system {
            return None;
        }
        let marker = Marker::read(body.as_deref()?).filter(|marker| marker.name == name)?;
        let author = author.map(|user| user.author());
        Some(Post { id, author, marker, created: created_at, url: None })
    }
}

impl GitLab<'_> {
    /// Sets the status of the commit, where it is: in a fork, for a fork's.
    pub(super) async fn status(
        &self,
        commit: &Commit,
        name: &str,
        good: bool,
        title: &str,
    ) -> Result<(), Why> {
        let project = self.site.source_project.as_str();
        let mut body = json!({
            "state": if good { "success" } else { "failed" },
            "name": name,
            "description": title.chars().take(STATUS_CHARS_MAX).collect::<String>(),
        });
        if let Some(url) = &self.site.common.run_url {
            body["target_url"] = json!(url);
        }
        let path = ["projects", project, "statuses", commit.as_str()];
        let request = self.client.request(Method::POST, &path, Again::Safe).body(body);
        match self.client.call(&request).await {
            // It is so already.
            Err(Why::Refused { status: 400, message }) if message.contains("Cannot transition") => {
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }
}

/// What GitLab takes as a status's description.
const STATUS_CHARS_MAX: usize = 255;

impl Notes<'_> {
    fn request(&self, method: Method, id: Option<u64>, again: Again) -> Request {
        let merge_request = self.merge_request.to_string();
        let id = id.map(|id| id.to_string());
        let project = self.gitlab.site.project.as_str();
        let mut path = vec!["projects", project, "merge_requests", &merge_request, "notes"];
        path.extend(id.as_deref());
        self.gitlab.client.request(method, &path, again)
    }

    /// One page, the newest first, and whether there is another.
    async fn page(&self, page: u32) -> Result<(Vec<Note>, bool), Why> {
        let request = self.request(Method::GET, None, Again::Safe).query(&[
            ("per_page", PAGE),
            ("page", &page.to_string()),
            ("order_by", "created_at"),
            ("sort", "desc"),
        ]);
        let (notes, answer) = self.gitlab.client.read::<Vec<Note>>(&request).await?;
        let numbered = answer.header("x-next-page").is_some_and(|next| !next.trim().is_empty());
        let linked = answer.header("link").is_some_and(|link| link.contains("rel=\"next\""));
        Ok((notes, numbered || linked))
    }

    async fn pages(&self, pages_max: u32) -> Result<Vec<Post>, Why> {
        let mut posts = Vec::new();
        for page in 1..=pages_max {
            let (notes, more) = self.page(page).await?;
            posts.extend(notes.into_iter().filter_map(|note| note.post(self.name)));
            if !more {
                break;
            }
        }
        posts.sort_by_key(|post| post.id);
        posts.dedup_by_key(|post| post.id);
        Ok(posts)
    }
}

impl Board for Notes<'_> {
    fn name(&self) -> String {
        format!("merge request {} of project {}", self.merge_request, self.gitlab.site.project)
    }

    async fn list(&self) -> Result<Vec<Post>, Why> {
        self.pages(PAGES_MAX).await
    }

    /// The newest two pages: a note that was made at the same moment is on the first.
    async fn list_around(&self, _: &Post) -> Result<Vec<Post>, Why> {
        self.pages(2).await
    }

    async fn me(&self) -> Result<Option<Author>, Why> {
        let request = self.gitlab.client.request(Method::GET, &["user"], Again::Safe);
        match self.gitlab.client.read::<User>(&request).await {
            Ok((user, _)) => Ok(Some(user.author())),
            // A token that may write notes and nothing else.
            Err(Why::Forbidden(_) | Why::Absent) => Ok(None),
            Err(why) => Err(why),
        }
    }

    async fn create(&self, body: &str) -> Result<Post, Why> {
        let request = self.request(Method::POST, None, Again::Once).body(json!({ "body": body }));
        let (note, _) = self.gitlab.client.read::<Note>(&request).await?;
        let unread = || Why::Lost("the note that was made is another".to_owned());
        note.post(self.name).ok_or_else(unread)
    }

    async fn update(&self, id: u64, body: &str) -> Result<Option<String>, Why> {
        let request = self.request(Method::PUT, Some(id), Again::Safe);
        let request = request.body(json!({ "body": body }));
        self.gitlab.client.read::<Note>(&request).await.map(|_| None)
    }

    async fn remove(&self, id: u64) -> Result<(), Why> {
        let request = self.request(Method::DELETE, Some(id), Again::Safe);
        self.gitlab.client.call(&request).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gitlab_writes_itself_is_no_note_of_ours() {
        let read = |text: &str| serde_json::from_str::<Note>(text).unwrap().post("a");
        let body = "<!-- evenly-report name=a attempt=1 -->";
        let note = |system: bool, name: &str| {
            let body = body.replace("name=a", &format!("name={name}"));
            json!({"id": 1, "system": system, "body": body, "author": {"username": "Bot_1"}})
        };
        assert_eq!(read(&note(true, "a").to_string()), None);
        assert_eq!(read(&note(false, "b").to_string()), None);
        let post = read(&note(false, "a").to_string()).unwrap();
        assert_eq!(post.author, Some(Author::new("bot_1", false)));
    }
}
