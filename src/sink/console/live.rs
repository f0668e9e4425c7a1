//! The live line.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the clock of the line moves.
const TICK: Duration = Duration::from_secs(1);

/// One line at the end of a terminal; nothing where standard error is none.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        let style = ProgressStyle::with_template("[{elapsed}] {wide_msg}");
        let style = style.expect("the template is well-formed: a test makes a bar");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style);
        Self(bar)
    }

    /// Does something with the line out of the way.
    pub(super) fn suspended<T>(&self, act: impl FnOnce() -> T) -> T {
        self.0.suspend(act)
    }

    /// Shows a status.
    pub(super) fn show(&self, status: String) {
        self.0.enable_steady_tick(TICK);
        self.0.set_message(status);
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
