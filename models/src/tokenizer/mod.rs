//! Text to token ids and back, for tokenizers that come as Hugging Face files or inside a GGUF.
//!
//! Two rules hold everywhere:
//! - **BOS is never doubled.** [`Tokenizer::encode`] puts it in front only where it is asked to, the tokenizer's own settings
//!   want it, and the text doesn't already begin with it (as a rendered chat template often does).
//! - **Users' text holds no control tokens.** "`<|im_end|>`" in a film's title is eleven characters, not the end of a turn:
//!   [`Tokenizer::encode_plain`] and [`crate::chat::ChatTemplate::encode`] read it so (`guard.rs` says how).

mod files;
mod folder;
mod gguf;
mod guard;
mod splits;
mod stream;
#[cfg(test)]
mod tests;
mod to_gguf;

use std::path::Path;

use ::tokenizers::ModelWrapper;

pub use files::TokenizerFiles;
pub use stream::DecodeStream;

use self::guard::Guard;
use crate::files::gguf::Gguf;
use crate::{Error, Result};

/// Spellings of the tokens that end a turn or a text. Where one is a control token of the vocabulary, an answer stops at it.
const STOPS: [&str; 9] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|end_of_turn|>",
    "<end_of_turn>",
    "<|end|>",
    "</s>",
];

/// A tokenizer with the special tokens of its model.
#[derive(Debug)]
pub struct Tokenizer {
    inner: ::tokenizers::Tokenizer,
    guard: Guard,
    specials: Specials,
    vocabulary_size: usize,
}

/// The special tokens of a source (folder or GGUF).
#[derive(Debug, Default)]
struct Specials {
    bos: Option<u32>,
    pad: Option<u32>,
    /// The declared EOS first, then further stop tokens.
    eos: Vec<u32>,
    /// True if the tokenizer by itself begins every text with BOS.
    adds_bos: bool,
}

impl Specials {
    /// Adds the stop tokens that the vocabulary has beside the declared ones; the error is an id that the vocabulary lacks.
    fn complete(&mut self, tokenizer: &::tokenizers::Tokenizer) -> std::result::Result<(), String> {
        let added = tokenizer.get_added_tokens_decoder();
        let known_stops = STOPS.iter().filter_map(|spelling| tokenizer.token_to_id(spelling));
        let mut eos = Vec::new();
        for id in self.eos.iter().copied().chain(known_stops.filter(|id| added.contains_key(id))) {
            if !eos.contains(&id) {
                eos.push(id);
            }
        }
        self.eos = eos;
        match self.eos.iter().chain(&self.bos).chain(&self.pad).find(|id| tokenizer.id_to_token(**id).is_none()) {
            Some(id) => Err(format!("the id {id}, which it doesn't have")),
            None => Ok(()),
        }
    }
}

impl Tokenizer {
    /// Reads the tokenizer of a model: a Hugging Face folder with tokenizer.json, a tokenizer.json, or a .gguf file.
    ///
    /// Beside tokenizer.json, the files tokenizer_config.json, generation_config.json and config.json are read for special tokens
    /// where they exist.
    ///
    /// # Errors
    /// Missing or malformed files; a tokenizer that isn't byte-pair encoding, as every Llama's is; ids that contradict each other.
    pub fn from_path(path: &Path) -> Result<Self> {
        if Gguf::is_path(path) {
            Self::from_gguf(&Gguf::open(path)?)
        } else {
            let (inner, specials) = folder::read(path)?;
            Self::new(inner, specials, path)
        }
    }

    /// Builds the tokenizer from the vocabulary and merges of a GGUF file (`tokenizer.ggml.*`).
    ///
    /// # Errors
    /// Missing or contradictory keys; a vocabulary of an unknown kind or with unknown splitting rules.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self> {
        let (inner, specials) = gguf::build(gguf)?;
        Self::new(inner, specials, crate::files::TensorSource::place(gguf))
    }

    fn new(mut inner: ::tokenizers::Tokenizer, mut specials: Specials, place: &Path) -> Result<Self> {
        if !matches!(inner.get_model(), ModelWrapper::BPE(_)) {
            return Err(Error::bad_input(place.display())
                .expected("a byte-pair encoding (BPE), as every Llama has")
                .found("a tokenizer of another kind")
                .next("use a model of the Llama family")
                .into());
        }
        // Truncation and padding are settings of whoever saved the file; here they would silently cut texts.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| Error::Failed(format!("{}: {e}", place.display())))?;

        specials.complete(&inner).map_err(|found| {
            Error::bad_input(place.display())
                .expected("ids of BOS, EOS and padding within the vocabulary")
                .found(found)
                .next("fetch the model again; its files are of different versions")
        })?;
        let guard = Guard::install(&mut inner, &specials).map_err(|found| {
            Error::bad_input(place.display()).expected("every added token at its own id").found(found)
        })?;
        let vocabulary_size = inner.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
        Ok(Self { inner, guard, specials, vocabulary_size })
    }

    /// The ids of `text`, in which control tokens may be spelled out ("`<|im_end|>`" is one id): for templates, not for users' text.
    ///
    /// With `with_bos`, BOS comes first where the tokenizer's settings want it and the text doesn't begin with it already.
    /// EOS is never added: a prompt doesn't end, and training puts [`Tokenizer::eos`] where an answer ends.
    ///
    /// # Errors
    /// A text that the tokenizer has no ids for (a vocabulary without fallback for unknown bytes).
    pub fn encode(&self, text: &str, with_bos: bool) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, false).map_err(|e| self.failed(e))?;
        let mut ids = encoding.get_ids().to_vec();
        if let Some(bos) =
            self.specials.bos.filter(|bos| with_bos && self.specials.adds_bos && ids.first() != Some(bos))
        {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    /// The ids of `text` as plain characters: no control token comes out of it, whatever it spells. No BOS.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_plain(&self, text: &str) -> Result<Vec<u32>> {
        self.encode(&self.guard(text), false)
    }

    /// `text` such that [`Tokenizer::encode`] finds no control token in it, also as a part of a longer text.
    ///
    /// The result is for `encode` alone: where `text` spells a control token, it holds an invisible character.
    pub fn guard(&self, text: &str) -> String {
        self.guard.apply(text)
    }

    /// The text of `ids`; bytes that are no UTF-8 become U+FFFD. `skip_special` leaves control tokens out.
    ///
    /// # Errors
    /// A decoder of tokenizer.json that fails.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        self.inner.decode(ids, skip_special).map_err(|e| self.failed(e))
    }

    /// A decoder for ids that come one by one, without control tokens.
    pub fn stream(&self) -> DecodeStream<'_> {
        DecodeStream::new(self)
    }

    /// `text` as the model can write it: encoded, cut to `max_tokens`, decoded, trimmed (method §1, titles).
    ///
    /// A character that the cut leaves without its last bytes is dropped whole.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn round_trip(&self, text: &str, max_tokens: usize) -> Result<String> {
        let ids = self.encode_plain(text)?;
        let mut kept = &ids[..ids.len().min(max_tokens)];
        let mut cut = self.decode(kept, true)?;
        while kept.len() < ids.len() && cut.ends_with(char::REPLACEMENT_CHARACTER) {
            kept = &kept[..kept.len() - 1];
            cut = self.decode(kept, true)?;
        }
        Ok(cut.trim().to_owned())
    }

    /// The number of ids: the highest one and one. A model's embedding may have more rows.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// The id of the token that is spelled `token` in the vocabulary.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The vocabulary's spelling of `id`.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The id that begins a text.
    pub fn bos(&self) -> Option<u32> {
        self.specials.bos
    }

    /// True if every text begins with [`Tokenizer::bos`] by default.
    pub fn adds_bos(&self) -> bool {
        self.specials.adds_bos
    }

    /// The id that ends an answer in training: the first of [`Tokenizer::eos_ids`].
    pub fn eos(&self) -> Option<u32> {
        self.specials.eos.first().copied()
    }

    /// All ids at which an answer stops: the declared EOS first, then the ends of turns and texts that the vocabulary has.
    pub fn eos_ids(&self) -> &[u32] {
        &self.specials.eos
    }

    /// `answer` without the stop id at its end: that is no text, even where the vocabulary has it as an ordinary token.
    pub fn without_stop<'a>(&self, answer: &'a [u32]) -> &'a [u32] {
        match answer {
            [text @ .., last] if self.eos_ids().contains(last) => text,
            _ => answer,
        }
    }

    /// The id for padding, where one is declared.
    pub fn pad(&self) -> Option<u32> {
        self.specials.pad
    }

    fn failed(&self, error: ::tokenizers::Error) -> Error {
        Error::Failed(format!("tokenizer: {error}"))
    }
}
