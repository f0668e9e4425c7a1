//! What evenly knows of test frameworks: how each is asked for its tests, told to run some of
//! them, and understood. Pure data and text; commands are run elsewhere.

mod judge;
mod listing;
mod naming;
mod nesting;
mod preset;
pub mod protocol;
mod resolved;
mod template;

pub use judge::{Case, Judged, Reading, Report, Selection, judge, retry_selection};
pub use listing::{Broken, ListError, ListFormat, ListedGroup, parse, shown};
pub use naming::Naming;
pub use preset::{Preset, PresetError, Results, Selects, Shim};
pub use resolved::{Framework, Source};
pub use template::{
    COMMAND_BYTES_MAX, Placeholder, Role, Template, TemplateError, Values, fits_an_argument,
    tests_file,
};
