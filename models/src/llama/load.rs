//! Llamas from Hugging Face folders and GGUF files.

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use tiller_kernels::quant::Scheme;

use super::build::Builder;
use super::config::LlamaConfig;
use super::model::Llama;
use super::naming::{Naming, halves_from_pairs, is_rotated};
use super::stored::Stored;
use crate::files::TensorSource;
use crate::{Error, Result};

impl Llama {
    /// Loads the Llama in the Hugging Face folder or .gguf file at `path` onto `device`, widened to float32.
    ///
    /// # Errors
    /// What [`LlamaConfig`] refuses; a tensor that is missing, of another shape, or of no use to a Llama.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Self::load_as(path, None, device)
    }

    /// [`Llama::load`], with the weights of all projections packed by `scheme` where one is given: the base of QLoRA (Dettmers et
    /// al. 2023, arXiv 2305.14314). Embedding and norms stay in float32.
    ///
    /// # Errors
    /// As [`Llama::load`], and projections that the scheme does not fit.
    pub fn load_as(path: &Path, scheme: Option<Scheme>, device: &Device) -> Result<Self> {
        Self::of_stored(&Stored::open(path)?, scheme, device)
    }

    /// Whether `path` names a GGUF file rather than a Hugging Face folder.
    pub fn is_gguf(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension == "gguf")
    }

    /// Loads the Llama of opened files.
    ///
    /// # Errors
    /// As [`Llama::load_as`].
    pub(crate) fn of_stored(stored: &Stored, scheme: Option<Scheme>, device: &Device) -> Result<Self> {
        let reader = stored.reader()?;
        Builder { config: &stored.config, scheme, device, read: &mut |module, shape| reader.read(module, shape) }
            .build()
    }
}

/// Reads tensors of expected shapes.
pub(crate) struct Reader<'a> {
    source: &'a dyn TensorSource,
    naming: Naming,
    config: &'a LlamaConfig,
}

impl<'a> Reader<'a> {
    /// Reads the tensors of `source`, which must be those of a Llama of these sizes: one that nobody asks for (a bias, an expert)
    /// belongs to another architecture, and leaving it out would change the model.
    pub(crate) fn new(source: &'a dyn TensorSource, naming: Naming, config: &'a LlamaConfig) -> Result<Self> {
        let reader = Self { source, naming, config };
        let known: BTreeSet<String> = config.modules().iter().map(|(module, _)| naming.tensor(module)).collect();
        let leftover = |name: &String| !known.contains(name) && !naming.is_redundant(name, config);
        match source.names().into_iter().find(leftover) {
            None => Ok(reader),
            Some(name) => Err(reader
                .at(&name)
                .expected("only tensors of a Llama")
                .found("one that it has not")
                .next("use a model of the Llama architecture, without biases")
                .into()),
        }
    }

    /// The values of the weight of `module`, in the order of Hugging Face's rows.
    pub(crate) fn read(&self, module: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.check(module, shape)?;
        let values = self.source.read_f32(&self.naming.tensor(module))?;
        let reordered = self.naming == Naming::Gguf && is_rotated(module);
        Ok(if reordered { halves_from_pairs(&values, self.config.head_dim, shape[1]) } else { values })
    }

    /// Checks the shape of the weight of `module`. Missing tensors are the source's error: it names the file.
    pub(crate) fn check(&self, module: &str, shape: &[usize]) -> Result<()> {
        let name = self.naming.tensor(module);
        match self.source.shape(&name) {
            Some(found) if found != shape => Err(self
                .at(&name)
                .expected(format!("shape {shape:?}, by the model's configuration"))
                .found(format!("{found:?}"))
                .into()),
            _ => Ok(()),
        }
    }

    fn at(&self, tensor: &str) -> crate::error::BadInput {
        Error::bad_input(format!("{}: tensor {tensor}", self.source.place().display()))
    }
}

#[cfg(test)]
mod tests;
