//! Which runs were not of everything: of some groups alone, or not whole. What such a run did not
//! see is not gone.

use super::{History, RUNS_MAX};

impl History {
    /// Says whether run number `run` was of everything there is. It replaces what was said before.
    pub fn record_partial(&mut self, run: u64, is_partial: bool) {
        if is_partial {
            self.partial.insert(run);
        } else {
            self.partial.remove(&run);
        }
        self.trim_partial();
    }

    /// Takes in what another history knows: a run that either calls partial is.
    pub(super) fn merge_partial(&mut self, other: impl IntoIterator<Item = u64>) {
        self.partial.extend(other);
        self.trim_partial();
    }

    /// Whether a run was of some groups alone, or not whole.
    pub(super) fn is_partial(&self, run: u64) -> bool {
        self.partial.contains(&run)
    }

    fn trim_partial(&mut self) {
        while self.partial.len() > RUNS_MAX {
            self.partial.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(runs: &[u64]) -> History {
        let mut history = History::default();
        history.merge_partial(runs.iter().copied());
        history
    }

    #[test]
    fn it_is_kept_replaced_and_bounded() {
        let mut history = of(&[1, 2]);
        history.record_partial(2, false);
        history.record_partial(3, true);
        assert_eq!(history, of(&[1, 3]));
        let (read, warnings) = History::read(&history.to_bytes()).unwrap();
        assert_eq!((read, warnings), (history, vec![]));
        assert_eq!(of(&(0..100).collect::<Vec<_>>()).partial.len(), RUNS_MAX);
    }

    #[test]
    fn two_histories_become_the_same_one_whichever_comes_first() {
        let (a, b) = (of(&[1, 2]), of(&[2, 3]));
        assert_eq!(a.clone().merge(b.clone()), of(&[1, 2, 3]));
        assert_eq!(b.merge(a), of(&[1, 2, 3]));
    }
}
