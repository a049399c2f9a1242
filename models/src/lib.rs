//! The models of tiller and the files that they come in.
//!
//! Dependencies run one way: a model reads as mathematics and leaves buffers and shaders to `tiller-kernels`.

pub mod archive;
pub mod atomic;
pub mod chat;
pub mod engine;
pub mod error;
pub mod files;
pub mod language_model;
pub mod llama;
pub mod lora;
pub mod optim;
pub mod quantise;
pub mod random;
pub mod sasrec;
pub mod tokenizer;
pub mod train;
pub mod value_head;
pub mod weights;

pub use error::{Error, Result};
