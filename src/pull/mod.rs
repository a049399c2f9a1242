//! Downloads of models and data sets by name: from several sources, verified, unpacked, and resolved later.
//!
//! A download is verified by its SHA-256 before use, and an entry's folder is created by one atomic rename.

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
