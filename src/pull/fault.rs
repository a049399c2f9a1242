//! What may go wrong at a place.

use crate::Error;

/// Why a place did not deliver.
#[derive(Debug)]
pub enum Fault {
    /// The place's own trouble; another place may do better.
    Source(String),
    /// The connection ended early; what came is kept, and asking again goes on from there.
    BrokeOff(String),
    /// Trouble on this machine, which every place would meet.
    Here(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Here(error)
    }
}
