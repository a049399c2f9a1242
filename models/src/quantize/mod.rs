//! Writing a Llama with its weights in fewer bits: as a GGUF file that llama.cpp reads too, or as a Hugging Face folder.
//!
//! Tensors pass one by one, so that a model need not fit in memory. Matrices get the requested blocks, or where their rows
//! are no whole number of these the next wider ones that fit; vectors (the norms' weights) stay in 32 bits in a GGUF file. Tensors that have the
//! requested format in a GGUF file already are copied to the other bit for bit.
//!
//! - `target`: the writers. `metadata`: the metadata of a GGUF file.

mod metadata;
mod summary;
mod target;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use summary::{PartSummary, QuantizeSummary};
pub use tiller_kernels::quant::Blocks;

use crate::files::gguf::Gguf;
use crate::llama::files::ModelFiles;
use crate::{Error, Result};

/// A callback for each tensor: its name, the number of tensors written before it, and the number of all.
pub type OnTensor<'a> = &'a mut dyn FnMut(&str, usize, usize);

/// Writes the model at `from`, a Hugging Face folder or a .gguf file, to `to` with matrices of `blocks`: a GGUF file where `to` ends in
/// .gguf, else a Hugging Face folder.
///
/// # Errors
/// A model that cannot be read; weights that are not finite or beyond the format; a tokenizer that GGUF cannot describe; blocks that no
/// folder can hold; I/O errors. What was at `to` before is still there then.
pub fn quantize(from: &Path, blocks: Blocks, to: &Path, on_tensor: OnTensor) -> Result<QuantizeSummary> {
    let source = ModelFiles::open(from)?;
    if Gguf::is_named(to) {
        return target::gguf(&source, blocks, to, on_tensor);
    }
    if !matches!(blocks, Blocks::F32 | Blocks::F16) {
        return Err(Error::bad_input(format!("--out {}", to.display()))
            .expected(format!("a file ending in .gguf, which {blocks} can be written to"))
            .found("the name of a folder")
            .next("end the name in .gguf, or choose --to f16 or f32 for a Hugging Face folder")
            .into());
    }
    target::folder(&source, blocks, to, on_tensor)
}
