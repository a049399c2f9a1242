//! Text and chats to token ids, and back.

use crate::chat::{ChatTemplate, Message};
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
}

impl TextCodec {
    /// Reads the tokenizer and the template that lie beside the weights of a model.
    pub(crate) fn from_files(files: &ModelFiles) -> Result<Self> {
        let (tokenizer, template) = match &files.weights {
            WeightFiles::Gguf(gguf) => {
                let tokenizer = Tokenizer::from_gguf(gguf)?;
                let template = ChatTemplate::from_gguf(gguf, &tokenizer)?;
                (tokenizer, template)
            }
            WeightFiles::Folder(_) => {
                let tokenizer = Tokenizer::from_path(&files.place)?;
                let template = ChatTemplate::from_path(&files.place, &tokenizer)?;
                (tokenizer, template)
            }
        };
        let (ids, rows) = (tokenizer.vocabulary_size(), files.config.vocab_size);
        if ids > rows {
            return Err(Error::bad_input(files.place.display())
                .expected(format!("a tokenizer of at most {rows} ids, which is what the model has"))
                .found(format!("{ids} ids"))
                .next("put the model's own tokenizer beside it")
                .into());
        }
        Ok(Self { tokenizer, template })
    }

    /// The prompt that asks for the assistant's next turn: the one way from a conversation to ids, in training and in use.
    ///
    /// # Errors
    /// As [`ChatTemplate::encode`].
    pub fn encode_chat(&self, messages: &[Message]) -> Result<Vec<u32>> {
        self.template.encode(&self.tokenizer, messages, true)
    }
}
