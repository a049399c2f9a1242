//! Shared parts of long commands: layered configuration, run folders, metrics, progress, interruption.

pub mod checkpoint;
pub mod config;
pub mod figures;
pub mod folder;
pub mod interrupt;
pub mod json_lines;
pub mod machine;
pub mod metadata;
pub mod progress;
