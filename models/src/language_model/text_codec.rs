//! Text and chats to token ids, and back.

use std::path::Path;

use crate::chat::{ChatTemplate, Message};
use crate::generate::request::check_tokens;
use crate::llama::files::{ModelFiles, WeightFiles};
use crate::tokenizer::Tokenizer;
use crate::{Error, Result};

/// The tokenizer and the chat template that belong to a model.
#[derive(Debug)]
pub struct TextCodec {
    /// Text to token ids and back.
    pub tokenizer: Tokenizer,
    /// Turns of a conversation to text.
    pub template: ChatTemplate,
    /// Rows of the model's embedding.
    rows: usize,
}

impl TextCodec {
    /// Reads the tokenizer and the template that lie beside the weights of a model.
    pub(crate) fn from_files(files: &ModelFiles) -> Result<Self> {
        let tokenizer = tokenizer(files)?;
        let template = match (files.item_tokenizer(), &files.weights) {
            (Some(folder), _) => ChatTemplate::from_path(folder, &tokenizer)?,
            (None, WeightFiles::Gguf(gguf)) => ChatTemplate::from_gguf(gguf, &tokenizer)?,
            (None, WeightFiles::Folder(_)) => ChatTemplate::from_path(&files.place, &tokenizer)?,
        };
        Ok(Self { tokenizer, template, rows: files.config.vocab_size })
    }

    /// The tokenizer of the model at `path`, for texts that need no template.
    ///
    /// # Errors
    /// A model that cannot be read; a tokenizer with more ids than the model has embeddings.
    pub fn read_tokenizer(path: &Path) -> Result<Tokenizer> {
        tokenizer(&ModelFiles::open(path)?)
    }

    /// The prompt that asks for the assistant's next turn: the one way from a conversation to ids, in training and in use.
    ///
    /// # Errors
    /// As [`ChatTemplate::encode`]; a template that writes a token beyond the model's embedding.
    pub fn encode_chat(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let ids = self.template.encode(&self.tokenizer, messages, true)?;
        check_tokens(|| Error::bad_input("the chat template"), &ids, self.rows)?;
        Ok(ids)
    }
}

/// The tokenizer beside the weights of a model or with its item tokens, whose ids all have a row in the embedding.
fn tokenizer(files: &ModelFiles) -> Result<Tokenizer> {
    let tokenizer = match (files.item_tokenizer(), &files.weights) {
        (Some(folder), _) => Tokenizer::from_path(folder)?,
        (None, WeightFiles::Gguf(gguf)) => Tokenizer::from_gguf(gguf)?,
        (None, WeightFiles::Folder(_)) => Tokenizer::from_path(&files.place)?,
    };
    let (ids, rows) = (tokenizer.rows(), files.config.vocab_size);
    if ids > rows {
        return Err(Error::bad_input(files.place.display())
            .expected(format!("a tokenizer of at most {rows} ids, which is what the model has"))
            .found(format!("{ids} ids"))
            .next("put the model's own tokenizer beside it")
            .into());
    }
    Ok(tokenizer)
}
