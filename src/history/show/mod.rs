//! A history for people, and for programs as JSON: one test's trend, or what stands out of all.
//!
//! Names came from strangers: each stays on its line, escaped and cut to the terminal's width.

mod chart;
mod json;
mod nearest;
mod overview;
#[cfg(test)]
mod tests;

pub use chart::render as chart;
pub use json::{overview as overview_json, test as test_json};
pub use nearest::nearest;
pub use overview::{Overview, render as overview};

use super::TestRecord;

/// The least growth that is told, percent.
const GROWTH_PERCENT_MIN: u64 = 20;
/// The least growth that is told, microseconds: below it is noise of the machine.
const GROWTH_US_MIN: u64 = 10_000;

/// What a test took before its newest durations and takes now, microseconds, where that is more
/// than noise.
#[must_use]
pub fn growth(test: &TestRecord<'_>) -> Option<(u64, u64)> {
    let (before, now) = (test.before_us()?, test.typical_us()?);
    let by = now.checked_sub(before)?;
    let much = u128::from(by) * 100 >= u128::from(before) * u128::from(GROWTH_PERCENT_MIN);
    (by >= GROWTH_US_MIN && much).then_some((before, now))
}
