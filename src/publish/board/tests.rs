use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::marker::Marker;
use super::*;

/// A pull request in memory, on which merges can be stopped between any two calls.
#[derive(Default)]
struct Wall {
    posts: RefCell<BTreeMap<u64, Post>>,
    next: Cell<u64>,
    calls: Cell<usize>,
    /// The server does not tell who we are.
    nameless: Cell<bool>,
    /// The next creations happen, but their answers are lost.
    swallowed: Cell<u32>,
    /// The next updates find nothing.
    vanishing: Cell<u32>,
}

/// One merge's view of it: every call lets the others go first.
struct Visitor<'a> {
    wall: &'a Wall,
    login: &'static str,
    marker: Marker,
}

fn marker(run: u64) -> Marker {
    Marker { name: "a".to_owned(), run: Some(run), attempt: 1, digest: run.to_string() }
}

fn wanted(run: u64, good: bool) -> Wanted {
    Wanted { marker: marker(run), good }
}

impl Wall {
    fn with(posts: &[(&'static str, u64)]) -> Self {
        let wall = Self::default();
        for (login, run) in posts {
            wall.put(login, marker(*run));
        }
        wall
    }

    fn put(&self, login: &str, marker: Marker) -> Post {
        self.next.set(self.next.get() + 1);
        let id = self.next.get();
        let author = Some(Author::new(login, false));
        let post = Post { id, author, marker, created: String::new(), url: None };
        self.posts.borrow_mut().insert(id, post.clone());
        post
    }

    fn ours(&self) -> Vec<(u64, u64)> {
        let me = Some(Author::new("me", false));
        let posts = self.posts.borrow();
        let ours = posts.values().filter(|post| post.author == me);
        ours.map(|post| (post.id, post.marker.run.unwrap_or(0))).collect()
    }

    async fn called(&self) {
        self.calls.set(self.calls.get() + 1);
        tokio::task::yield_now().await;
    }
}

impl Board for Visitor<'_> {
    fn name(&self) -> String {
        "pull request 1".to_owned()
    }

    async fn list(&self) -> Result<Vec<Post>, Why> {
        self.wall.called().await;
        Ok(self.wall.posts.borrow().values().cloned().collect())
    }

    async fn list_around(&self, _: &Post) -> Result<Vec<Post>, Why> {
        self.list().await
    }

    async fn me(&self) -> Result<Option<Author>, Why> {
        self.wall.called().await;
        Ok((!self.wall.nameless.get()).then(|| Author::new(self.login, false)))
    }

    async fn create(&self, _: &str) -> Result<Post, Why> {
        self.wall.called().await;
        let post = self.wall.put(self.login, self.marker.clone());
        match self.wall.swallowed.get() {
            0 => Ok(post),
            left => {
                self.wall.swallowed.set(left - 1);
                Err(Why::Server(502))
            }
        }
    }

    async fn update(&self, id: u64, _: &str) -> Result<Option<String>, Why> {
        self.wall.called().await;
        if self.wall.vanishing.get() > 0 {
            self.wall.vanishing.set(self.wall.vanishing.get() - 1);
            self.wall.posts.borrow_mut().remove(&id);
        }
        let mut posts = self.wall.posts.borrow_mut();
        let post = posts.get_mut(&id).ok_or(Why::Absent)?;
        post.marker = self.marker.clone();
        Ok(None)
    }

    async fn remove(&self, id: u64) -> Result<(), Why> {
        self.wall.called().await;
        self.wall.posts.borrow_mut().remove(&id).map(|_| ()).ok_or(Why::Absent)
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

async fn say(wall: &Wall, run: u64) -> Result<Posted, Failure> {
    let visitor = Visitor { wall, login: "me", marker: marker(run) };
    post(&visitor, &wanted(run, false), When::Always, "text").await
}

#[test]
fn the_first_run_makes_it_and_later_ones_update_it() {
    let wall = Wall::with(&[("you", 0)]);
    assert_eq!(run(say(&wall, 1)), Ok(Posted::Made(None)));
    for number in 2..10 {
        assert_eq!(run(say(&wall, number)), Ok(Posted::Updated(None)));
    }
    assert_eq!(wall.ours(), [(2, 9)]);
    assert_eq!(wall.posts.borrow().len(), 2, "the stranger's stays");
}

#[test]
fn a_comment_that_was_made_unheard_is_found() {
    let wall = Wall::default();
    wall.swallowed.set(1);
    assert_eq!(run(say(&wall, 1)), Ok(Posted::Updated(None)));
    assert_eq!(wall.ours(), [(1, 1)]);
}

#[test]
fn a_comment_that_vanishes_is_made_anew() {
    let wall = Wall::with(&[("me", 1)]);
    wall.vanishing.set(1);
    assert_eq!(run(say(&wall, 2)), Ok(Posted::Made(None)));
    assert_eq!(wall.ours(), [(2, 2)]);
    wall.vanishing.set(u32::MAX);
    assert!(run(say(&wall, 3)).is_ok(), "it ends");
}

#[test]
fn who_is_not_told_their_name_learns_it_from_their_own_comment() {
    let wall = Wall::with(&[("you", 0), ("me", 1)]);
    wall.nameless.set(true);
    assert_eq!(run(say(&wall, 2)), Ok(Posted::Updated(None)));
    assert_eq!(wall.ours(), [(2, 2)]);
}

#[test]
fn two_that_a_dead_merge_left_become_one() {
    let wall = Wall::with(&[("me", 1), ("me", 1)]);
    assert_eq!(run(say(&wall, 2)), Ok(Posted::Updated(None)));
    assert_eq!(wall.ours(), [(1, 2)]);
}

#[test]
fn what_cannot_be_made_is_told() {
    let wall = Wall::default();
    wall.swallowed.set(u32::MAX);
    let visitor = Visitor { wall: &wall, login: "me", marker: marker(1) };
    let blind = Blind(visitor);
    let told = run(post(&blind, &wanted(1, false), When::Always, "text"));
    let text = told.unwrap_err().to_string();
    assert_eq!(text, "cannot comment on pull request 1: the server failed with status 502");
}

/// Sees nothing of what it makes.
struct Blind<'a>(Visitor<'a>);

impl Board for Blind<'_> {
    fn name(&self) -> String {
        self.0.name()
    }
    async fn list(&self) -> Result<Vec<Post>, Why> {
        Ok(Vec::new())
    }
    async fn list_around(&self, _: &Post) -> Result<Vec<Post>, Why> {
        Ok(Vec::new())
    }
    async fn me(&self) -> Result<Option<Author>, Why> {
        self.0.me().await
    }
    async fn create(&self, body: &str) -> Result<Post, Why> {
        self.0.create(body).await
    }
    async fn update(&self, id: u64, body: &str) -> Result<Option<String>, Why> {
        self.0.update(id, body).await
    }
    async fn remove(&self, id: u64) -> Result<(), Why> {
        self.0.remove(id).await
    }
}

proptest! {
    /// Merges that run in any interleaving leave one comment, of the newest run that was last.
    #[test]
    fn one_comment_is_left_however_merges_race(
        pauses in proptest::collection::vec(0..8u32, 2..5),
        there in 0..3usize,
    ) {
        let wall = Wall::with(&vec![("me", 1); there]);
        let merges = pauses.iter().zip(2..).map(|(pause, number)| {
            let wall = &wall;
            async move {
                for _ in 0..*pause {
                    tokio::task::yield_now().await;
                }
                say(wall, number).await
            }
        });
        let done = run(futures_util::future::join_all(merges));
        for told in done {
            prop_assert!(told.is_ok(), "{:?}", told);
        }
        prop_assert_eq!(wall.ours().len(), 1, "{:?}", wall.ours());
    }
}
