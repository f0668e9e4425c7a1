//! How a test is run again, alone, by who reads of it.

use crate::model::TestId;

/// The command line for a shell.
#[must_use]
pub(super) fn command(test: &TestId) -> String {
    let id = test.to_string();
    match shlex::try_quote(&id) {
        Ok(quoted) => format!("evenly run --only {quoted}"),
        // No shell can be given a NUL.
        Err(_) => "evenly run".to_owned(),
    }
}
