//! The one thread that waits for everything.

use std::time::Duration;

use tokio::task::LocalSet;

use super::error::Error;

/// How long an idle thread for reading results is kept: longer than any run.
const READER_KEEP: Duration = Duration::from_hours(24 * 365);

/// Does work that waits: for processes, servers, files.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().thread_keep_alive(READER_KEEP).build();
    let runtime = runtime.map_err(|source| Error::System { act: "start the runtime", source })?;
    Ok(LocalSet::new().block_on(&runtime, work))
}
