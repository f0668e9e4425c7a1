//! What evenly knows of test frameworks: how each is asked for its tests, told to run some of
//! them, and understood. Pure data and text; commands are run elsewhere.

pub mod go_test;
mod judge;
mod listing;
mod naming;
mod nesting;
mod preset;
pub mod protocol;
mod resolved;
mod template;
mod warm;

pub use judge::{
    AfterDeath, Case, Close, Judged, Reading, Report, Running, Said, Selection, judge,
    left_by_a_death, retry_selection,
};
pub use listing::{Broken, ListError, ListFormat, ListedGroup, parse, shown};
pub use naming::Naming;
pub use preset::{Preset, PresetError, Results, Selects, Shim};
pub use resolved::{Commands, Framework, How, Renewal, Source, Warm};
pub use template::{
    COMMAND_BYTES_MAX, Placeholder, Role, Template, TemplateError, Values, fits_an_argument,
    tests_file,
};
pub use warm::{GroupBy, WarmFramework};
