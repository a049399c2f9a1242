//! A model on disk: its sizes and its tensors, from either kind of file.

use std::path::{Path, PathBuf};

use super::naming::Naming;
use super::tensor_reader::TensorReader;
use crate::Result;
use crate::files::TensorSource;
use crate::files::gguf::Gguf;
use crate::files::safetensors::Safetensors;
use crate::llama::config::LlamaConfig;

/// An opened model. Its weights are still on disk.
pub(crate) struct ModelFiles {
    pub(crate) config: LlamaConfig,
    pub(crate) place: PathBuf,
    pub(crate) weights: WeightFiles,
}

/// The weights of a model on disk.
pub(crate) enum WeightFiles {
    Folder(Safetensors),
    Gguf(Gguf),
}

impl ModelFiles {
    /// Opens the Hugging Face folder or GGUF file at `path`.
    ///
    /// # Errors
    /// What [`LlamaConfig`] refuses, files that are not there or damaged.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (config, weights) = if Gguf::is_path(path) {
            let gguf = Gguf::open(path)?;
            (LlamaConfig::from_gguf(&gguf)?, WeightFiles::Gguf(gguf))
        } else {
            let config = LlamaConfig::from_huggingface(path)?;
            let weights = Safetensors::open(path)?;
            let tied_embeddings = config.tied_embeddings && !has_own_head(&weights)?;
            (LlamaConfig { tied_embeddings, ..config }, WeightFiles::Folder(weights))
        };
        Ok(Self { config, place: path.to_path_buf(), weights })
    }

    /// A reader of the weights of modules, in the order of Hugging Face's rows.
    ///
    /// # Errors
    /// Tensors that are no Llama's.
    pub(crate) fn reader(&self) -> Result<TensorReader<'_>> {
        TensorReader::new(self.tensors(), self.naming(), &self.config)
    }

    /// The naming of its tensors, which also decides the order of the rows of queries and keys.
    pub(crate) fn naming(&self) -> Naming {
        match self.weights {
            WeightFiles::Folder(_) => Naming::HuggingFace,
            WeightFiles::Gguf(_) => Naming::Gguf,
        }
    }

    /// The GGUF file, if the model is one.
    pub(crate) fn gguf(&self) -> Option<&Gguf> {
        match &self.weights {
            WeightFiles::Folder(_) => None,
            WeightFiles::Gguf(gguf) => Some(gguf),
        }
    }

    /// Bytes of all tensors.
    pub(crate) fn bytes(&self) -> Result<u64> {
        let tensors = self.tensors();
        tensors.names().iter().map(|name| Ok(tensors.bytes(name)? as u64)).sum()
    }

    /// Bits per number of the weight of `module`, on average.
    pub(crate) fn bits(&self, module: &str, numbers: usize) -> Result<usize> {
        Ok(8 * self.tensors().bytes(&self.naming().tensor(module))? / numbers.max(1))
    }

    fn tensors(&self) -> &dyn TensorSource {
        match &self.weights {
            WeightFiles::Folder(tensors) => tensors,
            WeightFiles::Gguf(gguf) => gguf,
        }
    }
}

/// Returns true if there is an output projection that differs from the embedding. It is then used, whatever the configuration says of
/// tied weights, as in transformers 5.
fn has_own_head(weights: &Safetensors) -> Result<bool> {
    let [embedding, head] = ["model.embed_tokens", "lm_head"].map(|module| Naming::HuggingFace.tensor(module));
    Ok(weights.shape(&head).is_some() && weights.shape(&embedding).is_some() && !weights.is_same(&embedding, &head)?)
}
