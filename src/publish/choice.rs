//! Which comments are ours, and what becomes of them: decisions over values, no network.

use super::marker::Marker;

/// When the report becomes a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Every time.
    Always,
    /// When other things failed than the comment says; without one, when something failed.
    OnChange,
    /// When something failed; one that is there is brought up to date all the same.
    Failures,
    /// Not at all.
    Never,
}

/// Who wrote a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Author {
    /// The name, without what marks a bot.
    login: String,
    /// Whether it is an app and not a person of the same name.
    bot: bool,
}

impl Author {
    /// GitHub shows an app as `name[bot]`, and calls it a `Bot`; no person's name has brackets.
    #[must_use]
    pub(super) fn new(login: &str, bot: bool) -> Self {
        let plain = login.strip_suffix("[bot]");
        Self { login: plain.unwrap_or(login).to_lowercase(), bot: bot || plain.is_some() }
    }
}

/// A comment that begins with a marker of the right name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Post {
    /// Its number; a later one has a higher.
    pub(super) id: u64,
    /// Who wrote it, if they are still there.
    pub(super) author: Option<Author>,
    /// What its first line says.
    pub(super) marker: Marker,
    /// When it was made, in the server's words.
    pub(super) created: String,
    /// Where people see it.
    pub(super) url: Option<String>,
}

/// What is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The new comment's first line.
    pub(super) marker: Marker,
    /// Whether the run is whole and green.
    pub(super) good: bool,
}

/// What to do. `remove` are doubles of ours: two merges ran at once, and one died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Write a comment.
    Create,
    /// Put the new text into this one.
    Update {
        /// The one.
        id: u64,
        /// Its doubles.
        remove: Vec<u64>,
    },
    /// Change no text.
    Leave {
        /// For this reason.
        why: Why,
        /// Doubles.
        remove: Vec<u64>,
    },
}

/// Why nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Nothing failed, and no comment says otherwise.
    Good,
    /// The comment says the same already.
    Same,
    /// The comment is of a later run.
    Newer,
}

/// What to do with a pull request that has these comments of ours.
#[must_use]
pub(super) fn decide(mine: &[Post], wanted: &Wanted, when: When) -> Step {
    let Some(kept) = mine.iter().min_by_key(|post| post.id) else {
        return match when {
            When::Always => Step::Create,
            When::OnChange | When::Failures if !wanted.good => Step::Create,
            When::OnChange | When::Failures | When::Never => {
                Step::Leave { why: Why::Good, remove: Vec::new() }
            }
        };
    };
    let remove = others(mine.iter().map(|post| post.id), kept.id);
    let same = kept.marker.digest == wanted.marker.digest;
    if kept.marker.is_newer_than(&wanted.marker) {
        return Step::Leave { why: Why::Newer, remove };
    }
    match when {
        When::OnChange if same => Step::Leave { why: Why::Same, remove },
        When::Never => Step::Leave { why: Why::Same, remove },
        When::Always | When::OnChange | When::Failures => Step::Update { id: kept.id, remove },
    }
}

/// After a comment was made: which one of ours stays, and which go. The oldest stays, so that two
/// merges at once agree without asking each other.
#[must_use]
pub(super) fn settle(made: &Post, seen: &[Post]) -> (Post, Vec<u64>) {
    let mine = || seen.iter().filter(|post| post.author == made.author).chain([made]);
    let kept = mine().min_by_key(|post| post.id).unwrap_or(made);
    (kept.clone(), others(mine().map(|post| post.id), kept.id))
}

fn others(ids: impl Iterator<Item = u64>, kept: u64) -> Vec<u64> {
    let mut others: Vec<u64> = ids.filter(|id| *id != kept).collect();
    others.sort_unstable();
    others.dedup();
    others
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marker(run: u64, digest: &str) -> Marker {
        Marker { name: "a".to_owned(), run: Some(run), attempt: 1, digest: digest.to_owned() }
    }

    fn post(id: u64, run: u64, digest: &str) -> Post {
        let author = Some(Author::new("me", false));
        Post { id, author, marker: marker(run, digest), created: String::new(), url: None }
    }

    fn wanted(digest: &str, good: bool) -> Wanted {
        Wanted { marker: marker(5, digest), good }
    }

    #[test]
    fn a_comment_is_made_where_there_is_none() {
        let quiet = Step::Leave { why: Why::Good, remove: vec![] };
        for (when, good, step) in [
            (When::Always, true, Step::Create),
            (When::Always, false, Step::Create),
            (When::OnChange, true, quiet.clone()),
            (When::OnChange, false, Step::Create),
            (When::Failures, true, quiet.clone()),
            (When::Failures, false, Step::Create),
            (When::Never, false, quiet),
        ] {
            assert_eq!(decide(&[], &wanted("x", good), when), step, "{when:?} {good}");
        }
    }

    #[test]
    fn a_comment_that_is_there_is_kept_true() {
        let update = Step::Update { id: 3, remove: vec![] };
        let same = Step::Leave { why: Why::Same, remove: vec![] };
        for (when, digest, good, step) in [
            (When::Always, "x", true, &update),
            (When::OnChange, "x", false, &same),
            (When::OnChange, "y", false, &update),
            (When::OnChange, "y", true, &update),
            (When::Failures, "y", true, &update),
            (When::Failures, "x", false, &update),
            (When::Never, "y", false, &same),
        ] {
            let told = decide(&[post(3, 4, "x")], &wanted(digest, good), when);
            assert_eq!(&told, step, "{when:?} {digest} {good}");
        }
    }

    #[test]
    fn a_later_runs_comment_stands() {
        let step = decide(&[post(3, 6, "x")], &wanted("y", false), When::Always);
        assert_eq!(step, Step::Leave { why: Why::Newer, remove: vec![] });
    }

    #[test]
    fn doubles_go_and_the_oldest_stays() {
        let mine = [post(9, 4, "x"), post(3, 4, "x"), post(7, 4, "x")];
        let step = decide(&mine, &wanted("y", false), When::Always);
        assert_eq!(step, Step::Update { id: 3, remove: vec![7, 9] });
    }

    #[test]
    fn an_app_is_no_person_of_its_name() {
        assert_eq!(Author::new("github-actions[bot]", false), Author::new("GitHub-Actions", true));
        assert_ne!(Author::new("github-actions[bot]", true), Author::new("github-actions", false));
    }

    proptest! {
        /// However many merges run at once, and whatever each of them sees of the others as long
        /// as the last one sees all, one comment stays: the oldest.
        #[test]
        fn one_comment_survives(
            ids in proptest::collection::btree_set(1..1000u64, 1..6),
            strangers in proptest::collection::btree_set(1000..2000u64, 0..4),
        ) {
            let you = Some(Author::new("you", false));
            let stranger = |id: &u64| Post { author: you.clone(), ..post(*id, 1, "") };
            let all: Vec<Post> = ids.iter().map(|id| post(*id, 1, ""))
                .chain(strangers.iter().map(stranger)).collect();
            let mut left: Vec<u64> = all.iter().map(|post| post.id).collect();
            for made in &ids {
                let (kept, remove) = settle(&post(*made, 1, ""), &all);
                prop_assert_eq!(Some(&kept.id), ids.first());
                left.retain(|id| !remove.contains(id));
            }
            let expected: Vec<u64> = ids.first().into_iter().chain(&strangers).copied().collect();
            prop_assert_eq!(left, expected);
        }
    }
}
