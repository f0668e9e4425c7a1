//! The comments of a pull request.

use http::Method;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::super::board::Board;
use super::super::choice::{Author, Post};
use super::super::client::Request;
use super::super::error::Why;
use super::super::marker::Marker;
use super::super::retry::Again;
use super::{GitHub, User};

/// GitHub gives no more at once.
const PAGE: &str = "100";
/// How many pages are looked through.
const PAGES_MAX: u64 = 100;
/// How long before ours a comment of another merge may have been made that had not seen ours.
const RACE_MINUTES: i64 = 10;

/// The comments of one pull request that carry this name.
pub(crate) struct Comments<'a> {
    pub(crate) github: &'a GitHub<'a>,
    pub(crate) pull: u64,
    pub(crate) name: &'a str,
}

#[derive(Debug, Deserialize)]
struct Comment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    html_url: Option<String>,
}

impl Comment {
    /// As one of evenly's, if it is one of this name.
    fn post(self, name: &str) -> Option<Post> {
        let Self { id, body, user, created_at, html_url } = self;
        let marker = Marker::read(body.as_deref()?).filter(|marker| marker.name == name)?;
        let author = user.map(|user| user.author());
        Some(Post { id, author, marker, created: created_at, url: html_url })
    }
}

impl Comments<'_> {
    fn request(&self, method: Method, path: &[&str], again: Again) -> Request {
        self.github.request(method, path, again)
    }

    fn one(&self, method: Method, id: u64, again: Again) -> Request {
        self.request(method, &["issues", "comments", &id.to_string()], again)
    }

    /// One page, and the number of the last.
    async fn page(&self, page: u64, since: Option<&str>) -> Result<(Vec<Comment>, u64), Why> {
        let number = self.pull.to_string();
        let request = self
            .request(Method::GET, &["issues", &number, "comments"], Again::Safe)
            .query(&[("per_page", PAGE), ("page", &page.to_string())]);
        let request = match since {
            Some(since) => request.query(&[("since", since)]),
            None => request,
        };
        let (comments, answer) = self.github.client.read(&request).await?;
        Ok((comments, answer.header("link").and_then(last_page).unwrap_or(page)))
    }

    /// All pages: the first tells how many there are, then from the newest on. A comment that is
    /// deleted meanwhile moves others to the page before, where they are still to be seen.
    async fn pages(&self, since: Option<&str>) -> Result<Vec<Post>, Why> {
        let (mut comments, last) = self.page(1, since).await?;
        for page in (2..=last.min(PAGES_MAX)).rev() {
            comments.extend(self.page(page, since).await?.0);
        }
        let mut posts: Vec<Post> =
            comments.into_iter().filter_map(|comment| comment.post(self.name)).collect();
        posts.sort_by_key(|post| post.id);
        posts.dedup_by_key(|post| post.id);
        Ok(posts)
    }
}

/// The page of `rel="last"` in a `Link` header.
fn last_page(link: &str) -> Option<u64> {
    let last = link.split(',').find(|part| part.contains("rel=\"last\""))?;
    let address = last.split_once('<')?.1.split_once('>')?.0;
    let url = Url::parse(address).ok()?;
    url.query_pairs().find(|(key, _)| key == "page")?.1.parse().ok()
}

/// A time so many minutes before, as the API writes it.
fn minutes_before(time: &str, minutes: i64) -> Option<String> {
    let time: jiff::Timestamp = time.parse().ok()?;
    let earlier = time.checked_sub(jiff::SignedDuration::from_mins(minutes)).ok()?;
    Some(earlier.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

impl Board for Comments<'_> {
    fn name(&self) -> String {
        format!("pull request {} of {}", self.pull, self.github.site.repository)
    }

    async fn list(&self) -> Result<Vec<Post>, Why> {
        self.pages(None).await
    }

    async fn list_around(&self, post: &Post) -> Result<Vec<Post>, Why> {
        self.pages(minutes_before(&post.created, RACE_MINUTES).as_deref()).await
    }

    async fn me(&self) -> Result<Option<Author>, Why> {
        self.github.who().await
    }

    async fn create(&self, body: &str) -> Result<Post, Why> {
        let number = self.pull.to_string();
        let request = self
            .request(Method::POST, &["issues", &number, "comments"], Again::Once)
            .body(json!({ "body": body }));
        let (comment, _) = self.github.client.read::<Comment>(&request).await?;
        let unread = || Why::Lost("the comment that was made is another".to_owned());
        comment.post(self.name).ok_or_else(unread)
    }

    async fn update(&self, id: u64, body: &str) -> Result<Option<String>, Why> {
        let request = self.one(Method::PATCH, id, Again::Safe).body(json!({ "body": body }));
        let (comment, _) = self.github.client.read::<Comment>(&request).await?;
        Ok(comment.html_url)
    }

    async fn remove(&self, id: u64) -> Result<(), Why> {
        self.github.client.call(&self.one(Method::DELETE, id, Again::Safe)).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_is_read_from_the_header() {
        let link = "<https://api.github.com/repositories/1/issues/2/comments?per_page=100&page=2>; \
                    rel=\"next\", <https://api.github.com/x?page=5&per_page=100>; rel=\"last\"";
        assert_eq!(last_page(link), Some(5));
        for odd in [
            "",
            "rel=\"last\"",
            "<x>; rel=\"last\"",
            "<http://h/?page=no>; rel=\"last\"",
            "<http://h/?page=2>; rel=\"next\"",
        ] {
            assert_eq!(last_page(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_time_before() {
        let before = minutes_before("2026-03-01T00:05:00Z", 10);
        assert_eq!(before.as_deref(), Some("2026-02-28T23:55:00Z"));
        assert_eq!(minutes_before("yesterday", 10), None);
    }

    #[test]
    fn a_comment_whose_author_is_gone_or_whose_body_is_empty_is_no_matter() {
        let read = |text: &str| serde_json::from_str::<Comment>(text).unwrap().post("a");
        assert_eq!(read(r#"{"id": 1, "user": null, "body": null}"#), None);
        let line = r#"{"id": 1, "user": null, "body": "<!-- evenly-report name=a attempt=1 -->"}"#;
        assert_eq!(read(line).unwrap().author, None);
    }
}
