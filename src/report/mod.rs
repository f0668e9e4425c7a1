//! Joins what the shards left behind into one report, and shows it.
//!
//! [`journal::parse`] reads a shard's journal; [`merge()`] folds all of them into a [`RunReport`]
//! whose [`Ledger`] proves that everything planned ran exactly once; the renderers ([`json`],
//! [`markdown`], [`table`]) and the [`observations`] for the history are folds over that.
//!
//! Pure: bytes and values come in, values and text go out. A run is green only when it is whole:
//! whatever cannot be told counts against it and is named.

mod balance;
pub mod compare;
mod ended;
pub mod escape;
mod excerpt;
mod figures;
mod flaw;
mod fold;
pub mod foreign;
mod gather;
pub mod html;
mod ideal;
pub mod journal;
pub mod json;
pub mod junit;
pub mod ladder;
mod ledger;
mod listed;
pub mod markdown;
mod merge;
pub mod observations;
mod part;
pub mod quarantine;
pub mod rerun;
mod run;
mod select;
pub mod table;
#[cfg(test)]
mod testing;
mod verdict;

pub use balance::{Advice, Balance, Slow, Stale, Unmeasured};
pub use compare::{Comparison, compare};
pub use ended::{Ended, Seen};
pub use flaw::{DiscoveryDiff, Flaw, Note, PlanCause};
pub use journal::{Journal, JournalError};
pub use ledger::{Doubled, Ledger, Lost, LostWhy};
pub use listed::{FoundGroup, Listed};
pub use merge::{Input, merge, merge_with};
pub use run::{
    DatabaseSetUp, Earlier, Execution, Fewer, FileReport, FinalOutcome, GroupReport, Place,
    RunReport, RunVerdict, ShardEnd, ShardReport, TestReport, Told, Totals,
};
pub use verdict::verdict_line;
