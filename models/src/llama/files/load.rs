//! Llamas from Hugging Face folders and GGUF files.

use std::path::Path;

use burn::tensor::Device;
use tiller_kernels::quant::QuantScheme;

use super::model_files::ModelFiles;
use crate::Result;
use crate::llama::Llama;
use crate::llama::graph::LlamaBuilder;

impl Llama {
    /// Loads the Llama in the Hugging Face folder or .gguf file at `path` onto `device`, widened to float32.
    ///
    /// # Errors
    /// What [`LlamaConfig`](super::LlamaConfig) refuses; a tensor that is missing, of another shape, or of no use to a Llama.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Self::load_quantized(path, None, device)
    }

    /// [`Llama::load`], with the weights of all projections packed by `scheme` where one is given: the base of QLoRA (Dettmers et
    /// al. 2023, arXiv 2305.14314). Embedding and norms stay in float32.
    ///
    /// # Errors
    /// As [`Llama::load`], and projections that the scheme does not fit.
    pub fn load_quantized(path: &Path, scheme: Option<QuantScheme>, device: &Device) -> Result<Self> {
        Self::from_files(&ModelFiles::open(path)?, scheme, device)
    }

    /// Loads the Llama of opened files.
    ///
    /// # Errors
    /// As [`Llama::load_quantized`].
    pub(crate) fn from_files(files: &ModelFiles, scheme: Option<QuantScheme>, device: &Device) -> Result<Self> {
        let reader = files.reader()?;
        LlamaBuilder { config: &files.config, scheme, device, read: &mut |module, shape| reader.read(module, shape) }
            .build()
    }
}

#[cfg(test)]
mod tests;
