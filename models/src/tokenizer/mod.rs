//! Text to token ids and back, for tokenizers that come as Hugging Face files or inside a GGUF.
//!
//! Two rules hold everywhere:
//! - **BOS is never doubled.** [`Tokenizer::encode`] puts it in front only where it is asked to, the tokenizer's own settings
//!   want it, and the text doesn't already begin with it (as a rendered chat template often does).
//! - **Users' text holds no control tokens.** "`<|im_end|>`" in a film's title is eleven characters, not the end of a turn:
//!   [`Tokenizer::encode_plain`] and [`crate::chat::ChatTemplate::encode`] read it so (`guard.rs` says how). Nor does it hold item tokens
//!   (`items.rs`).

mod files;
mod folder;
mod gguf;
mod growth;
mod guard;
mod items;
mod merges;
mod pre_tokenizer;
mod source;
mod splits;
mod steps;
mod stream;
#[cfg(test)]
mod tests;
mod to_gguf;

use std::collections::BTreeMap;
use std::path::Path;

use ::tokenizers::AddedToken;

pub use files::TokenizerFiles;
pub use stream::DecodeStream;

use self::guard::Guard;
use self::items::ItemTitles;
use self::source::{Inner, Source, Specials};
use crate::files::gguf::Gguf;
use crate::{Error, Result};

/// A tokenizer with the special tokens of its model.
#[derive(Debug)]
pub struct Tokenizer {
    inner: Inner,
    guard: Guard,
    items: ItemTitles,
    specials: Specials,
    vocabulary_size: usize,
    rows: usize,
}

impl Tokenizer {
    /// Reads the tokenizer of a model: a Hugging Face folder with tokenizer.json, a tokenizer.json, or a .gguf file.
    ///
    /// Beside tokenizer.json, the files tokenizer_config.json, special_tokens_map.json, added_tokens.json, generation_config.json and
    /// config.json are read for special tokens where they exist.
    ///
    /// # Errors
    /// Missing or malformed files; a tokenizer that isn't byte-pair encoding, as every Llama's is; ids that contradict each other.
    pub fn from_path(path: &Path) -> Result<Self> {
        if Gguf::is_path(path) { Self::from_gguf(&Gguf::open(path)?) } else { Self::new(folder::read(path)?, path) }
    }

    /// Builds the tokenizer from the vocabulary and merges of a GGUF file (`tokenizer.ggml.*`).
    ///
    /// # Errors
    /// Missing or contradictory keys; a vocabulary of an unknown kind or with unknown splitting rules.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self> {
        Self::new(gguf::read(gguf)?, crate::files::TensorSource::place(gguf))
    }

    fn new(source: Source, place: &Path) -> Result<Self> {
        let (inner, guard, specials, rows) = source.build().map_err(|found| {
            Error::bad_input(place.display())
                .expected("a tokenizer whose added tokens and ids of BOS and EOS are those of its vocabulary")
                .found(found)
                .next("fetch the model again; its files are of different versions")
        })?;
        let vocabulary_size = inner.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
        let items = ItemTitles::among(inner.get_added_vocabulary().get_added_tokens_decoder().iter());
        let tokenizer = Self { inner, guard, items, specials, vocabulary_size, rows };
        tokenizer.check_guard(place)?;
        Ok(tokenizer)
    }

    /// Checks that the spelling of each control token is text where it is guarded: a normaliser may take the guard's marks away.
    fn check_guard(&self, place: &Path) -> Result<()> {
        let control = |id: u32| self.guard.control(&[id]).next().is_some();
        for (_, token) in self.added().into_iter().filter(|(id, _)| control(*id)) {
            // A token that cannot be written as text has no ids.
            let Ok(ids) = self.encode_plain(&token.content) else { continue };
            if self.guard.control(&ids).next().is_some() {
                return Err(Error::bad_input(format!("{}: normalizer", place.display()))
                    .expected("one that keeps the noncharacter U+FDD0, which marks users' text")
                    .found(format!("{:?} in a user's text would become a control token", token.content))
                    .next("use a model of the Llama family")
                    .into());
            }
        }
        Ok(())
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

    /// The ids of `text` as plain characters: no control token and no item token comes out of it, whatever it spells. No BOS.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_plain(&self, text: &str) -> Result<Vec<u32>> {
        self.encode(&self.guard(text), false)
    }

    /// `text` such that [`Tokenizer::encode`] finds no control token and no item token in it, also as a part of a longer text.
    ///
    /// The result is for `encode` alone: where `text` spells such a token, it holds an invisible character.
    pub fn guard(&self, text: &str) -> String {
        self.guard_controls(&self.items.hide(text))
    }

    /// `text` such that [`Tokenizer::encode`] finds no control token in it.
    fn guard_controls(&self, text: &str) -> String {
        self.guard.apply(text, self.inner.get_normalizer())
    }

    /// `text` such that no control token holds one of its characters, even where a template changes it before it is encoded.
    ///
    /// The result is for `encode` alone; it holds invisible characters.
    pub(crate) fn isolate(&self, text: &str) -> String {
        self.guard.isolate(text)
    }

    /// The control tokens among `ids`, in order.
    pub(crate) fn control<'a>(&'a self, ids: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        self.guard.control(ids)
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

    /// The rows that an embedding needs: the highest id that a prompt or an answer can hold and one. A control token that nothing writes, such
    /// as one for padding, may lie beyond.
    pub fn rows(&self) -> usize {
        self.rows
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

    /// The spelling of `bos_token` in chat templates; empty where none is named.
    pub fn bos_token(&self) -> &str {
        &self.specials.spelled[0]
    }

    /// The spelling of `eos_token` in chat templates; empty where none is named.
    pub fn eos_token(&self) -> &str {
        &self.specials.spelled[1]
    }

    /// The id for padding, where one is declared.
    pub fn pad(&self) -> Option<u32> {
        self.specials.pad
    }

    /// Returns true if a token is looked for in a text before it is cut into words.
    fn is_added(&self, id: u32) -> bool {
        self.inner.get_added_vocabulary().get_added_tokens_decoder().contains_key(&id)
    }

    /// The text of tokenizer.json; `place` names the tokenizer in errors.
    fn to_json(&self, place: &Path) -> Result<String> {
        let mut whole = ::tokenizers::Tokenizer::new(self.inner.get_model().clone());
        whole.with_normalizer(self.inner.get_normalizer().cloned());
        whole.with_pre_tokenizer(self.inner.get_pre_tokenizer().and_then(|splitter| splitter.source.clone()));
        whole.with_decoder(self.inner.get_decoder().cloned());
        whole.add_tokens(&self.added().into_values().cloned().collect::<Vec<_>>());
        whole.to_string(true).map_err(|e| Error::Failed(format!("{}: tokenizer: {e}", place.display())))
    }

    /// The added tokens by id.
    fn added(&self) -> BTreeMap<u32, &AddedToken> {
        self.inner.get_added_vocabulary().get_added_tokens_decoder().iter().map(|(id, token)| (*id, token)).collect()
    }

    fn failed(&self, error: ::tokenizers::Error) -> Error {
        Error::Failed(format!("tokenizer: {error}"))
    }
}
