//! Models and data sets by name: downloaded from one of several sources, verified, unpacked, and found again.
//!
//! A download is verified by its SHA-256 before anything else happens with it, and an entry's folder appears at once and whole.

pub mod entry;
pub mod error;
pub mod fetch;
pub mod hash;
pub mod home;
pub mod http;
pub mod install;
pub mod pip;
pub mod receipt;
pub mod resolve;
pub mod unpack;

pub use entry::{PullEntry, PullKind};
pub use install::{Pulled, install_from, pull};
pub use resolve::resolve_model;
