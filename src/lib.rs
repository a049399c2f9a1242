//! tiller: recommendations you can steer, tuned and served on any GPU.
//!
//! The folders follow the way of the data: `data` → `teacher` → … → `recommend`; `cli` is the binary's front on top of them,
//! and `run` what its long commands share.

pub mod cli;
pub mod converse;
pub mod data;
pub mod decode;
pub mod evaluate;
pub mod experiment;
pub mod instruct;
pub mod plan;
pub mod ppo;
pub mod pull;
pub mod recommend;
pub mod report;
pub mod request;
pub mod reward;
pub mod run;
pub mod teacher;
pub mod train;

pub use tiller_models::error::{Error, Result};
