//! How long single tests will take.

use super::{DEFAULT_US, Estimator};
use crate::model::{Basis, Group};

impl Estimator<'_> {
    /// How long each of a group's listed tests takes beyond what the group costs by itself,
    /// microseconds, in the group's order; nothing for a group whose tests are not listed.
    #[must_use]
    pub fn tests_us(&self, group: &Group) -> Vec<u64> {
        let mut one = Group { tests: Some(Vec::new()), ..group.clone() };
        let overhead_us = self.estimate(&one).us;
        let alone = |test: &String| {
            one.tests = Some(vec![test.clone()]);
            let estimate = self.estimate(&one);
            match estimate.basis {
                Basis::Default => DEFAULT_US,
                Basis::Measured | Basis::Neighbours => estimate.us.saturating_sub(overhead_us),
            }
        };
        group.tests.iter().flatten().map(alone).collect()
    }
}
