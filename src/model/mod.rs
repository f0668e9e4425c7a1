//! The words: plain values that every other module speaks in.
//!
//! Nothing here does I/O, asks the clock or decides anything; see `docs/architecture.md` for the
//! layers.

pub mod columns;
mod engine;
mod event;
mod granularity;
mod group;
mod id;
mod outcome;
mod owner;
mod property;
mod shard;
mod text;

pub use engine::Engine;
pub use event::{
    AssignedGroup, DiscoveredGroup, Event, FORMAT, GroupFinished, Kept, NotRun, Output, RunStarted,
    Stop, TemplateOrigin,
};
pub use granularity::{Granularity, Nesting};
pub use group::{Aliases, Basis, Estimate, Group, Limits, Member};
pub use id::{GroupId, IdError, SuiteName, TestId};
pub use outcome::{Outcome, Problem, ProcessEnd, TestResult, Try, Verdict};
pub use owner::Owner;
pub use property::{PROPERTIES_BYTES_MAX, PROPERTIES_MAX, PROPERTY_BYTES_MAX, Property};
pub use shard::{RunKey, SHARDS_MAX, Shard, ShardError, WORKERS_MAX};
pub use text::{counted, hex, human_time, one_line, thousands};
