//! JUnit XML through evenly's own reader, which takes every dialect. Files of nextest have a class
//! for each binary and no `file`; CircleCI and `split_tests` want `file` and `time`, and
//! `split_tests` writes cases without a name, one a file.
//!
//! Only a case that passed at the first try is a duration.

use super::{Name, Timings};
use crate::junit::read as junit;
use crate::model::Outcome;

pub(super) fn read(bytes: &[u8]) -> Result<Timings, String> {
    let mut timings = Timings::default();
    let mut cases = 0_usize;
    let remarks = junit::read_each(bytes, &junit::Limits::default(), &mut |case| {
        cases += 1;
        if case.outcome != Outcome::Passed || !case.reruns.is_empty() {
            timings.not_passed += 1;
            return;
        }
        let junit::Case { class, name, file, duration_us, .. } = case;
        timings.take(Name::Case { class, name, file }, duration_us);
    });
    match remarks.broken {
        Some(why) if cases == 0 => Err(why),
        broken => {
            timings.broken = broken;
            Ok(timings)
        }
    }
}
