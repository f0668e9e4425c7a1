//! Joins what the shards left behind into one report, and shows it.
//!
//! [`journal::parse`] reads a shard's journal; [`merge()`] folds all of them into a [`RunReport`]
//! whose [`Ledger`] proves that everything planned ran exactly once; the renderers ([`json`],
//! [`markdown`], [`table`]) and the [`observations`] for the history are folds over that.
//!
//! Pure: bytes and values come in, values and text go out. A run is green only when it is whole:
//! whatever cannot be told counts against it and is named.

mod balance;
pub mod escape;
mod excerpt;
mod figures;
mod flaw;
mod fold;
mod gather;
pub mod html;
pub mod journal;
pub mod json;
pub mod junit;
mod ledger;
pub mod markdown;
mod merge;
pub mod observations;
pub mod rerun;
mod run;
mod select;
pub mod table;
#[cfg(test)]
mod testing;
mod verdict;

pub use balance::{Advice, Balance, Slow, Stale, Unmeasured};
pub use flaw::{DiscoveryDiff, Flaw, Note, PlanCause};
pub use journal::{Journal, JournalError};
pub use ledger::{Doubled, Ledger, Lost, LostWhy};
pub use merge::{Input, merge};
pub use run::{
    Earlier, Execution, Fewer, FinalOutcome, GroupReport, RunReport, RunVerdict, ShardEnd,
    ShardReport, TestReport, Told, Totals,
};
pub use verdict::verdict_line;
