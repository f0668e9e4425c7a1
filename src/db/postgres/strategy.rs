//! Which way of copying is faster: tried, not guessed.

use std::time::Duration;

/// How often each way is tried. Once would let one slow moment decide for the whole run.
const TRIALS_EACH: u32 = 2;

/// From which copy on the slower way is asked again, at every power of two.
const AGAIN_FROM: u32 = 8;

/// A way in which `CREATE DATABASE` copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    /// Files, with a checkpoint before and after (a reflink where server and file system can).
    FileCopy,
    /// Block by block through the log.
    WalLog,
}

impl Strategy {
    /// What a server can choose from, by its version number.
    fn choices(version: u32) -> &'static [Self] {
        if version < 15_00_00 { &[] } else { &[Self::FileCopy, Self::WalLog] }
    }

    pub(super) fn keyword(self) -> &'static str {
        match self {
            Self::FileCopy => "FILE_COPY",
            Self::WalLog => "WAL_LOG",
        }
    }
}

/// What the copies of one template taught.
#[derive(Debug)]
pub(super) struct Trials(Vec<Trial>);

#[derive(Debug)]
struct Trial {
    strategy: Strategy,
    started: u32,
    best: Option<Duration>,
}

impl Trials {
    pub(super) fn new(version: u32) -> Self {
        let choices = Strategy::choices(version).iter();
        Self(choices.map(|&strategy| Trial { strategy, started: 0, best: None }).collect())
    }

    /// The way to go now; `None` where the server has but one.
    pub(super) fn next(&mut self) -> Option<Strategy> {
        let started: u32 = self.0.iter().map(|trial| trial.started).sum();
        // The slower gets another chance at the 8th, 16th, 32nd … copy: a noisy machine may have
        // misjudged it, and the price of asking again falls.
        let again = started >= AGAIN_FROM && started.is_power_of_two();
        let next = self.0.iter_mut().min_by_key(|trial| {
            let untried = trial.started < TRIALS_EACH;
            let best = trial.best.unwrap_or(Duration::MAX);
            if untried || again { (0, trial.started, Duration::ZERO) } else { (1, 0, best) }
        })?;
        next.started += 1;
        Some(next.strategy)
    }

    /// A copy took this long.
    pub(super) fn took(&mut self, strategy: Strategy, time: Duration) {
        for trial in self.0.iter_mut().filter(|trial| trial.strategy == strategy) {
            trial.best = Some(trial.best.map_or(time, |best| best.min(time)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Strategy::{FileCopy, WalLog};
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_old_server_has_no_choice() {
        assert_eq!(Trials::new(14_99_99).next(), None);
    }

    #[test]
    fn the_faster_is_kept_though_it_was_slow_once() {
        let mut trials = Trials::new(15_00_00);
        for time in [900, 200, 100, 210] {
            let strategy = trials.next().unwrap();
            trials.took(strategy, MS * time);
        }
        for _ in 0..4 {
            assert_eq!(trials.next(), Some(FileCopy));
            trials.took(FileCopy, MS * 500);
        }
        assert_eq!(trials.next(), Some(WalLog), "it gets another chance");
        trials.took(WalLog, MS * 50);
        assert_eq!(trials.next(), Some(WalLog));
    }

    #[test]
    fn each_is_tried_in_turns_also_when_all_start_at_once() {
        let mut trials = Trials::new(18_00_00);
        let started: Vec<_> = (0..4).filter_map(|_| trials.next()).collect();
        assert_eq!(started, [FileCopy, WalLog, FileCopy, WalLog]);
        trials.took(WalLog, MS);
        assert_eq!(trials.next(), Some(WalLog));
    }
}
