//! Work between the polls of a runtime.

use tokio::runtime::Handle;

/// Runs work that takes longer than a poll should, without holding up other connections.
pub fn compute<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(_) => tokio::task::block_in_place(work),
        Err(_) => work(),
    }
}
