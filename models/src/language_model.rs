//! A language model as its users see it: a Llama with the tokenizer and the chat template that belong to it.

use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use tiller_kernels::quant::Scheme;

use crate::chat::{ChatTemplate, Message};
use crate::files::gguf::Gguf;
use crate::llama::{GenerateOptions, Guide, Llama, Unguided};
use crate::lora::Adapter;
use crate::tokenizer::Tokenizer;
use crate::{Error, Result};

mod writer;

pub use writer::{Hand, Writer};

/// A Llama, how it reads and writes text, and how it takes turns.
#[derive(Debug)]
pub struct LanguageModel {
    /// The model, with the adapter that it was loaded with.
    pub llama: Llama,
    /// Text to token ids and back.
    pub tokenizer: Tokenizer,
    /// Turns of a conversation to text.
    pub template: ChatTemplate,
}

impl LanguageModel {
    /// Loads the Hugging Face folder or .gguf file at `path`, and the PEFT folder `adapter` for it, onto `device`.
    ///
    /// # Errors
    /// What the parts refuse; a tokenizer with more ids than the model has embeddings.
    pub fn load(path: &Path, adapter: Option<&Path>, device: &Device) -> Result<Self> {
        Self::load_as(path, adapter, None, device)
    }

    /// [`LanguageModel::load`], with the weights of all projections packed by `scheme` where one is given.
    ///
    /// # Errors
    /// As [`LanguageModel::load`], and projections that the scheme does not fit.
    pub fn load_as(path: &Path, adapter: Option<&Path>, scheme: Option<Scheme>, device: &Device) -> Result<Self> {
        let (tokenizer, template, llama) = if Llama::is_gguf(path) {
            let gguf = Gguf::open(path)?;
            let tokenizer = Tokenizer::from_gguf(&gguf)?;
            let template = ChatTemplate::from_gguf(&gguf, &tokenizer)?;
            (tokenizer, template, Llama::from_gguf(&gguf, scheme, device)?)
        } else {
            let tokenizer = Tokenizer::from_path(path)?;
            let template = ChatTemplate::from_path(path, &tokenizer)?;
            (tokenizer, template, Llama::load_as(path, scheme, device)?)
        };
        let (ids, rows) = (tokenizer.vocabulary_size(), llama.config().vocab_size);
        if ids > rows {
            return Err(Error::bad_input(path.display())
                .expected(format!("a tokenizer of at most {rows} ids, which is what the model has"))
                .found(format!("{ids} ids"))
                .next("put the model's own tokenizer beside it")
                .into());
        }
        let llama = match adapter {
            Some(folder) => llama.with_adapter(&Adapter::read(folder, llama.linears(), device)?)?,
            None => llama,
        };
        Ok(Self { llama, tokenizer, template })
    }

    /// The prompt that asks for the assistant's next turn: the one way from a conversation to ids, in training and in use.
    ///
    /// # Errors
    /// As [`ChatTemplate::encode`].
    pub fn encode_chat(&self, messages: &[Message]) -> Result<Vec<u32>> {
        self.template.encode(&self.tokenizer, messages, true)
    }

    /// Continues every prompt until the model ends its answer; see [`llama::generate`](crate::llama::generate()).
    ///
    /// # Errors
    /// As [`Writer::generate_guided`].
    pub fn generate(
        &self,
        prompts: &[Vec<u32>],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u32>>> {
        self.generate_guided(prompts, &mut vec![Unguided::default(); prompts.len()], options, on_token)
    }

    /// [`LanguageModel::generate`] along a guide for each prompt, by a [`Writer`] for this once: who writes again and again keeps one.
    ///
    /// # Errors
    /// As [`Writer::generate_guided`].
    pub fn generate_guided<G: Guide>(
        &self,
        prompts: &[Vec<u32>],
        guides: &mut [G],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u32>>> {
        self.writer().generate_guided(prompts, guides, options, on_token)
    }
}

#[cfg(test)]
mod tests;
