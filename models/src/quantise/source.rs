//! The model that is to be written: its sizes, its tensors and its tokenizer, from either kind of file.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::files::TensorSource;
use crate::files::blocks::Format;
use crate::files::gguf::Gguf;
use crate::files::safetensors::Safetensors;
use crate::llama::load::Reader;
use crate::llama::naming::Naming;
use crate::llama::{Llama, LlamaConfig};

/// An opened model.
pub(super) struct Source {
    pub(super) config: LlamaConfig,
    pub(super) place: PathBuf,
    pub(super) files: Files,
}

/// What it comes from.
pub(super) enum Files {
    Folder(Safetensors),
    Gguf(Gguf),
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let (config, files) = if Llama::is_gguf(path) {
            let gguf = Gguf::open(path)?;
            (LlamaConfig::from_gguf(&gguf)?, Files::Gguf(gguf))
        } else {
            (LlamaConfig::from_huggingface(path)?, Files::Folder(Safetensors::open(path)?))
        };
        Ok(Self { config, place: path.to_path_buf(), files })
    }

    /// What reads the weights of modules, in the order of Hugging Face's rows.
    ///
    /// # Errors
    /// Tensors that are no Llama's.
    pub(super) fn reader(&self) -> Result<Reader<'_>> {
        let naming = match self.files {
            Files::Folder(_) => Naming::HuggingFace,
            Files::Gguf(_) => Naming::Gguf,
        };
        Reader::new(self.tensors(), naming, &self.config)
    }

    /// The bytes of the weight of `module` as they lie in a GGUF file, if it is one and has them in this format.
    pub(super) fn raw(&self, module: &str, format: Format) -> Option<&[u8]> {
        let Files::Gguf(gguf) = &self.files else { return None };
        let (found, bytes) = gguf.raw(&Naming::Gguf.tensor(module)).ok()?;
        (found == format).then_some(bytes)
    }

    /// Bytes of all tensors.
    pub(super) fn bytes(&self) -> Result<u64> {
        let tensors = self.tensors();
        tensors.names().iter().map(|name| Ok(tensors.bytes(name)? as u64)).sum()
    }

    fn tensors(&self) -> &dyn TensorSource {
        match &self.files {
            Files::Folder(tensors) => tensors,
            Files::Gguf(gguf) => gguf,
        }
    }
}
