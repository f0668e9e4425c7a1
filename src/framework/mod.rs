//! What evenly knows of test frameworks: how each is asked for its tests, told to run some of
//! them, and understood. Pure data and text; commands are run elsewhere.

mod listing;
mod naming;
mod preset;
mod template;

pub use listing::{Broken, ListError, ListFormat, ListedGroup, parse};
pub use naming::Naming;
pub use preset::{Preset, PresetError, Results, Selects, Shim};
pub use template::{
    COMMAND_BYTES_MAX, Placeholder, Role, Template, TemplateError, Values, fits_an_argument,
    tests_file,
};
