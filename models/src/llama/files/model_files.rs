//! A model on disk: its sizes and its tensors, from either kind of file.

use std::path::{Path, PathBuf};

use super::naming::Naming;
use super::tensor_reader::TensorReader;
use crate::files::TensorSource;
use crate::files::gguf::Gguf;
use crate::files::safetensors::Safetensors;
use crate::item_tokens::ItemRows;
use crate::llama::config::LlamaConfig;
use crate::{Error, Result};

/// An opened model. Its weights are still on disk.
pub(crate) struct ModelFiles {
    /// The sizes, with the rows of item tokens.
    pub(crate) config: LlamaConfig,
    pub(crate) place: PathBuf,
    pub(crate) weights: WeightFiles,
    items: Option<AddedItems>,
}

/// Item tokens beside a model.
struct AddedItems {
    rows: ItemRows,
    /// The folder of the tokenizer.
    tokenizer: PathBuf,
    /// The rows of the tables on disk.
    rows_on_disk: usize,
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
        Ok(Self { config, place: path.to_path_buf(), weights, items: None })
    }

    /// The model with item tokens, whose tokenizer is in the folder `tokenizer`.
    ///
    /// # Errors
    /// Rows of another model.
    pub(crate) fn with_items(mut self, rows: ItemRows, tokenizer: &Path) -> Result<Self> {
        let LlamaConfig { vocab_size, d_model, tied_embeddings, .. } = self.config;
        if rows.d_model != d_model || rows.first > vocab_size || rows.lm_head.is_none() != tied_embeddings {
            let tables = |is_tied: bool| if is_tied { "one table" } else { "two tables" };
            return Err(Error::bad_input("item tokens")
                .expected(format!(
                    "rows of {d_model} numbers behind {vocab_size} at most, in {}",
                    tables(tied_embeddings)
                ))
                .found(format!("{} behind {}, in {}", rows.d_model, rows.first, tables(rows.lm_head.is_none())))
                .next("use the adapter with the model that it was trained on")
                .into());
        }
        self.config.vocab_size = vocab_size.max(rows.ids().end);
        self.items = Some(AddedItems { rows, tokenizer: tokenizer.to_path_buf(), rows_on_disk: vocab_size });
        Ok(self)
    }

    /// The item tokens.
    pub(crate) fn item_rows(&self) -> Option<&ItemRows> {
        self.items.as_ref().map(|items| &items.rows)
    }

    /// The folder of the tokenizer of the item tokens.
    pub(crate) fn item_tokenizer(&self) -> Option<&Path> {
        self.items.as_ref().map(|items| items.tokenizer.as_path())
    }

    /// A reader of the weights of modules, in the order of Hugging Face's rows.
    ///
    /// # Errors
    /// Tensors that are no Llama's.
    pub(crate) fn reader(&self) -> Result<TensorReader<'_>> {
        let items = self.items.as_ref().map(|items| (&items.rows, items.rows_on_disk));
        TensorReader::new(self.tensors(), self.naming(), &self.config, items)
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
    pub(crate) fn bits(&self, module: &str) -> Result<usize> {
        let tensor = self.naming().tensor(module);
        let numbers: usize = self.tensors().shape(&tensor).unwrap_or_default().iter().product();
        Ok(8 * self.tensors().bytes(&tensor)? / numbers.max(1))
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
