//! Models on disk: Hugging Face folders and GGUF files.

mod download;
mod load;
mod model_files;
pub(crate) mod naming;
pub(crate) mod tensor_reader;
pub(crate) mod write;

pub(crate) use model_files::{ModelFiles, WeightFiles};
