//! Names found by their end: what one tool calls `tests/a.py`, another calls
//! `/home/ci/project/tests/a.py` or `./a.py`.

use std::collections::HashMap;

/// What is before the common end of two names, and in which of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Relation {
    /// They are the same.
    Same,
    /// The foreign name has more.
    Longer(String),
    /// The foreign name has less.
    Shorter(String),
}

/// A name cut into parts: joined by `/`, without empty ones and `.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    joined: String,
    /// Whether nothing can be before it.
    absolute: bool,
}

impl Cut {
    /// A path; `\` separates as `/` does.
    pub(super) fn path(text: &str) -> Self {
        let text = text.replace('\\', "/");
        let drive = text.as_bytes().get(1) == Some(&b':');
        Self { absolute: text.starts_with('/') || drive, joined: joined(&text) }
    }

    /// A path, class or dotted name, of which only the words count: no ending of a file of
    /// source, no difference of case, and `.` and `::` separate too.
    pub(super) fn words(text: &str) -> Self {
        let Self { joined: path, absolute } = Self::path(text);
        let stem = match path.rsplit_once('.') {
            Some((stem, ending)) if ENDINGS.contains(&ending) => stem,
            Some(_) | None => &path,
        };
        let separated = stem.replace("::", "/").replace('.', "/");
        Self { joined: joined(&separated.to_lowercase()), absolute }
    }

    fn starts_below<'a>(&'a self, dir: &str) -> Option<&'a str> {
        self.joined.strip_prefix(dir)?.strip_prefix('/')
    }
}

/// The endings of files of tests; anything else after a dot is a part of the name.
const ENDINGS: [&str; 28] = [
    "bats", "cjs", "cs", "cts", "dart", "exs", "feature", "go", "groovy", "java", "js", "jsx",
    "kt", "kts", "mjs", "mts", "php", "pl", "py", "rb", "rs", "scala", "sh", "swift", "t", "ts",
    "tsx", "xml",
];

fn joined(text: &str) -> String {
    let parts = text.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

/// The parts from each but the first on.
fn tails(joined: &str) -> impl Iterator<Item = &str> {
    joined.match_indices('/').map(|(at, _)| &joined[at + 1..])
}

/// evenly's own names, to be found by foreign ones.
#[derive(Debug)]
pub(super) struct Lookup {
    names: Vec<String>,
    /// None where two are called so.
    whole: HashMap<String, Option<usize>>,
    tails: HashMap<String, Vec<usize>>,
    /// Where the names are relative to; empty where foreign ones are too.
    dir: String,
}

impl Lookup {
    /// Of names in their order, all below a directory.
    pub(super) fn new(names: impl Iterator<Item = Cut>, dir: &Cut) -> Self {
        let names: Vec<String> = names.map(|name| name.joined).collect();
        let mut whole = HashMap::with_capacity(names.len());
        let mut ends: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            whole.entry(name.clone()).and_modify(|known| *known = None).or_insert(Some(index));
            for tail in tails(name) {
                ends.entry(tail.to_owned()).or_default().push(index);
            }
        }
        Self { names, whole, tails: ends, dir: dir.joined.clone() }
    }

    /// What a foreign name could be.
    pub(super) fn find(&self, name: &Cut) -> Vec<(Relation, usize)> {
        let whole = |text: &str| self.whole.get(text).copied().flatten();
        if let Some(index) = name.starts_below(&self.dir).and_then(whole) {
            return vec![(Relation::Same, index)];
        }
        let Cut { joined, absolute } = name;
        let mut found = Vec::new();
        if let Some(index) = whole(joined) {
            found.push((Relation::Same, index));
        }
        for tail in tails(joined) {
            if let Some(index) = whole(tail) {
                let before = joined[..joined.len() - tail.len()].to_owned();
                found.push((Relation::Longer(before), index));
            }
        }
        if !absolute {
            for &index in self.tails.get(joined).into_iter().flatten() {
                let own = &self.names[index];
                let before = own[..own.len() - joined.len()].to_owned();
                found.push((Relation::Shorter(before), index));
            }
        }
        found
    }
}

/// For each entry what it is, where all are related in the same way: the one that fits most.
pub(super) fn agreed<T>(candidates: Vec<Vec<(Relation, T)>>) -> Vec<Option<T>> {
    let mut votes: HashMap<&Relation, usize> = HashMap::new();
    for (relation, _) in candidates.iter().flatten() {
        *votes.entry(relation).or_default() += 1;
    }
    let best = votes.into_iter().max_by(|(a, of_a), (b, of_b)| of_a.cmp(of_b).then(b.cmp(a)));
    let Some((best, _)) = best.map(|(relation, votes)| (relation.clone(), votes)) else {
        return candidates.into_iter().map(|_| None).collect();
    };
    let chosen = |found: Vec<(Relation, T)>| {
        found.into_iter().find(|(relation, _)| *relation == best).map(|(_, target)| target)
    };
    candidates.into_iter().map(chosen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str], dir: &str, foreign: &[&str]) -> Vec<Option<usize>> {
        let lookup = Lookup::new(names.iter().map(|name| Cut::path(name)), &Cut::path(dir));
        agreed(foreign.iter().map(|name| lookup.find(&Cut::path(name))).collect())
    }

    #[test]
    fn separators_and_points_make_no_difference() {
        let foreign = ["./tests//a.py", "tests\\b.py", "tests/./a.py"];
        let expected = [Some(0), Some(1), Some(0)];
        assert_eq!(found(&["tests/a.py", "tests/b.py"], "", &foreign), expected);
    }

    #[test]
    fn what_is_before_the_names_is_the_same_for_all_of_a_file() {
        let own = ["tests/a.py", "tests/b.py", "a.py"];
        let foreign =
            ["/ci/p/tests/a.py", "/ci/p/tests/b.py", "/ci/other/tests/a.py", "/ci/p/a.py"];
        assert_eq!(found(&own, "", &foreign), [Some(0), Some(1), None, Some(2)]);
        let windows = ["C:\\p\\tests\\a.py", "C:\\p\\tests\\b.py"];
        assert_eq!(found(&own, "", &windows), [Some(0), Some(1)]);
        let shorter = ["a.js", "b.js"];
        assert_eq!(found(&["web/a.js", "web/b.js", "old/a.js"], "", &shorter), [Some(0), Some(1)]);
        assert_eq!(found(&["web/a.js"], "", &["/a.js"]), [None]);
    }

    #[test]
    fn an_exact_name_is_preferred_and_an_ambiguous_one_is_none() {
        assert_eq!(found(&["a.py", "x/a.py"], "", &["a.py"]), [Some(0)]);
        assert_eq!(found(&["x/a.py", "y/a.py"], "", &["a.py", "y/a.py"]), [None, Some(1)]);
        assert_eq!(found(&["a.py", "a.py"], "", &["a.py"]), [None]);
    }

    #[test]
    fn a_suites_directory_may_stand_before_its_names() {
        let own = ["tests/a.py", "api/tests/a.py"];
        assert_eq!(found(&own, "api", &["api/tests/a.py", "tests/a.py"]), [Some(0), Some(0)]);
    }

    #[test]
    fn words_are_of_paths_classes_and_modules_alike() {
        for (a, b) in [
            ("Tests\\Feature\\PayTest", "tests/Feature/PayTest.php"),
            ("spec.models.user_spec", "./spec/models/user_spec.rb"),
            ("tests.test_a", "tests/test_a.py"),
            ("com.example.PayTest", "com/example/PayTest.java"),
            ("src/a.test.js", "src/a.test.js"),
            ("tests.test_a.C::test_b", "tests.test_a.C.test_b"),
        ] {
            assert_eq!(Cut::words(a).joined, Cut::words(b).joined, "{a} {b}");
        }
        assert_ne!(Cut::words("a.rs").joined, Cut::words("a.other").joined);
    }
}
