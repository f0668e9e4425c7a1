//! What a shard costs beside its groups: listing, planning, set-up of databases, its end.

use std::collections::BTreeMap;

use super::estimate::median;
use super::{DURATION_US_MAX, History, RECENT, RUNS_MAX};

impl History {
    /// Takes in what a shard of run number `run` cost beside its groups, microseconds: the run's
    /// median. It replaces what the run said before; beyond [`DURATION_US_MAX`] it is not believed.
    pub fn record_fixed(&mut self, run: u64, us: u64) {
        self.fixed.remove(&run);
        if us <= DURATION_US_MAX {
            self.fixed.insert(run, us);
        }
        self.trim_fixed();
    }

    /// Takes in what another history knows; of two that tell a run differently the longer counts.
    pub(super) fn merge_fixed(&mut self, other: BTreeMap<u64, u64>) {
        for (run, us) in other {
            let known = self.fixed.entry(run).or_insert(us);
            *known = us.max(*known);
        }
        self.trim_fixed();
    }

    fn trim_fixed(&mut self) {
        while self.fixed.len() > RUNS_MAX {
            self.fixed.pop_first();
        }
    }

    /// What a shard costs beside its groups, microseconds: the median of the last runs before
    /// `as_of`, of all without a number. None where no run told.
    #[must_use]
    pub fn fixed_us(&self, as_of: Option<u64>) -> Option<u64> {
        let visible = |&(&run, _): &(&u64, &u64)| as_of.is_none_or(|as_of| run < as_of);
        let recent = self.fixed.iter().rev().filter(visible).take(RECENT);
        median(&mut recent.map(|(_, &us)| us).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_as_of_a_run_and_bounded() {
        let mut history = History::default();
        assert_eq!(history.fixed_us(None), None);
        for (run, us) in [(3, 30), (1, 10), (2, 20), (4, 90)] {
            history.record_fixed(run, us);
        }
        history.record_fixed(5, u64::MAX);
        assert_eq!(history.fixed_us(Some(1)), None);
        assert_eq!(history.fixed_us(Some(4)), Some(20));
        assert_eq!(history.fixed_us(None), Some(30));
        let (read, warnings) = History::read(&history.to_bytes()).unwrap();
        assert_eq!((read, warnings), (history.clone(), vec![]));
        for run in 10..100 {
            history.record_fixed(run, run);
        }
        assert_eq!(history.fixed.len(), RUNS_MAX);
        assert_eq!(history.fixed_us(None), Some(98));
    }

    #[test]
    fn two_histories_become_the_same_one_whichever_comes_first() {
        let of = |runs: &[(u64, u64)]| {
            let mut history = History::default();
            for &(run, us) in runs {
                history.record_fixed(run, us);
            }
            history
        };
        let (a, b) = (of(&[(1, 10), (2, 20)]), of(&[(2, 25), (3, 5)]));
        let both = of(&[(1, 10), (2, 25), (3, 5)]);
        assert_eq!(a.clone().merge(b.clone()), both);
        assert_eq!(b.merge(a.clone()), both);
        assert_eq!(both.clone().merge(a), both);
    }

    #[test]
    fn what_cannot_be_is_not_taken_from_a_file() {
        let (read, _) = History::read(br#"{"format":1,"fixed":[[1,99999999999999999]]}"#).unwrap();
        assert_eq!(read, History::default());
    }
}
