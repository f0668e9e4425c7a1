//! The exit codes: one closed table, the same as in `docs/reference/exit-codes.md`.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Every test good, the run whole.
    Passed,
    /// Tests failed.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// The machine, a server or an API let us down.
    Infrastructure,
    /// Nothing to run although tests were expected.
    Nothing,
    /// A shard is missing, plans differ, a test was lost or ran twice.
    NotWhole,
    /// A signal ended the run; its number.
    Signal(u8),
}

impl Exit {
    /// Every code that does not depend on a signal, for the documentation's test.
    pub const ALL: [Self; 6] = [
        Self::Passed,
        Self::Failed,
        Self::Usage,
        Self::Infrastructure,
        Self::Nothing,
        Self::NotWhole,
    ];

    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Infrastructure => 3,
            Self::Nothing => 4,
            Self::NotWhole => 5,
            Self::Signal(number) => 128 + number,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
