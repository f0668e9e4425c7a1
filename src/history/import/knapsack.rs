//! A report of knapsack (`knapsack_rspec_report.json` and its like for minitest, cucumber and
//! spinach): an object, file to seconds, as `Knapsack::Report#save` of knapsack 1.21 writes it.
//! GitLab's merged `knapsack/report-master.json` has the same form, `{}` when it is new.

use super::json::{Entries, Number, parse};
use super::{Name, Timings};

pub(super) fn read(bytes: &[u8]) -> Result<Timings, String> {
    let mut timings = Timings::default();
    for (file, seconds) in parse::<Entries<Number>>(bytes)?.0 {
        timings.take(Name::File(file), seconds.seconds());
    }
    Ok(timings)
}
