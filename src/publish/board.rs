//! One comment, whatever happens: the same trip for GitHub's comments and GitLab's notes.
//!
//! Promises: a comment is made only when none of ours is there; what may have been made without our
//! hearing of it is looked for before anything else is made; after one was made the others are
//! looked at once more, and all but the oldest go, so that two merges at once leave one.

use super::choice::{Author, Post, Step, Wanted, When, Why as Reason, decide, settle};
use super::error::{Failure, Why};

/// How often it is begun anew, after a comment vanished under our hands or was made unheard.
const ROUNDS_MAX: u32 = 3;

/// Where comments hang. Only those with a marker of the right name are shown.
pub(super) trait Board {
    /// How it is called in a sentence: `pull request 12`.
    fn name(&self) -> String;
    /// All comments.
    async fn list(&self) -> Result<Vec<Post>, Why>;
    /// Those that were made about when this one was, or later.
    async fn list_around(&self, post: &Post) -> Result<Vec<Post>, Why>;
    /// Who we are; none where the server does not tell.
    async fn me(&self) -> Result<Option<Author>, Why>;
    /// Makes a comment.
    async fn create(&self, body: &str) -> Result<Post, Why>;
    /// Replaces the text of one.
    async fn update(&self, id: u64, body: &str) -> Result<Option<String>, Why>;
    /// Removes one.
    async fn remove(&self, id: u64) -> Result<(), Why>;
}

/// What became of the comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Posted {
    /// It is new; where people see it.
    Made(Option<String>),
    /// Its text is new.
    Updated(Option<String>),
    /// Nothing was said.
    Left(Reason),
}

/// Says it, in one comment.
pub(super) async fn post(
    board: &impl Board,
    wanted: &Wanted,
    when: When,
    body: &str,
) -> Result<Posted, Failure> {
    let name = board.name();
    let failure = |act: &str, why| Failure::new(format!("{act} {name}"), why);
    let mut last = Why::Lost("it is not clear what became of the comment".to_owned());
    for _ in 0..ROUNDS_MAX {
        let found = board.list().await.map_err(|why| failure("list the comments of", why))?;
        let me = if found.is_empty() {
            None
        } else {
            board.me().await.map_err(|why| failure("find out who comments on", why))?
        };
        let mine: Vec<Post> =
            found.iter().filter(|post| me.is_some() && post.author == me).cloned().collect();
        let step = if me.is_none() && !found.is_empty() && when != When::Never {
            // Ours may be among them: the new one's author will tell.
            Step::Create
        } else {
            decide(&mine, wanted, when)
        };
        let remove = async |ids: &[u64]| {
            let removed = remove(board, ids).await;
            removed.map_err(|why| failure("remove a second comment from", why))
        };
        match step {
            Step::Leave { why, remove: doubles } => {
                remove(&doubles).await?;
                return Ok(Posted::Left(why));
            }
            Step::Update { id, remove: doubles } => match board.update(id, body).await {
                Ok(url) => {
                    remove(&doubles).await?;
                    return Ok(Posted::Updated(url));
                }
                Err(why @ Why::Absent) => last = why,
                Err(why) => return Err(failure("update the comment on", why)),
            },
            Step::Create => match board.create(body).await {
                Ok(made) => {
                    let agreed = agree(board, wanted, &made, found, body).await;
                    return agreed.map_err(|why| failure("keep one comment on", why));
                }
                Err(why) if why.may_be_done() => last = why,
                Err(why) => return Err(failure("comment on", why)),
            },
        }
    }
    Err(failure("comment on", last))
}

/// Looks once more after a comment was made, and keeps the oldest of ours.
async fn agree(
    board: &impl Board,
    wanted: &Wanted,
    made: &Post,
    mut seen: Vec<Post>,
    body: &str,
) -> Result<Posted, Why> {
    seen.extend(board.list_around(made).await?);
    let (kept, mut doubles) = settle(made, &seen);
    if kept.id == made.id {
        remove(board, &doubles).await?;
        return Ok(Posted::Made(made.url.clone()));
    }
    if kept.marker.is_newer_than(&wanted.marker) {
        remove(board, &doubles).await?;
        return Ok(Posted::Left(Reason::Newer));
    }
    match board.update(kept.id, body).await {
        Ok(url) => {
            remove(board, &doubles).await?;
            Ok(Posted::Updated(url))
        }
        // It went meanwhile: then ours is the one.
        Err(Why::Absent) => {
            doubles.retain(|id| *id != made.id);
            remove(board, &doubles).await?;
            Ok(Posted::Made(made.url.clone()))
        }
        Err(why) => Err(why),
    }
}

/// Removes them; one that is gone already is as good.
async fn remove(board: &impl Board, ids: &[u64]) -> Result<(), Why> {
    for id in ids {
        match board.remove(*id).await {
            Ok(()) | Err(Why::Absent) => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
