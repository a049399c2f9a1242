//! Text from ids that come one by one.

use super::Tokenizer;
use crate::Result;

/// After this many ids without a whole character, bytes are shown as U+FFFD: no character needs more.
const LONGEST_WAIT: usize = 8;

/// Decodes ids as they come, leaving out control tokens, and gives text only in whole characters.
///
/// A single id can't be decoded alone: it may hold a part of a character, or a space that only the first word of a text loses.
/// So the ids of the last text given are decoded again in front of the new ones.
#[derive(Debug)]
pub struct DecodeStream<'a> {
    tokenizer: &'a Tokenizer,
    /// The ids of the last text that was given, then those that wait for the rest of their character.
    ids: Vec<u32>,
    /// The number of `ids` that were given.
    given: usize,
}

impl<'a> DecodeStream<'a> {
    pub(super) fn new(tokenizer: &'a Tokenizer) -> Self {
        Self { tokenizer, ids: Vec::new(), given: 0 }
    }

    /// Takes the next id; returns the text that it completes, which may be empty.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn push(&mut self, id: u32) -> Result<String> {
        self.ids.push(id);
        let text = self.waiting()?;
        let incomplete = text.ends_with(char::REPLACEMENT_CHARACTER) && self.ids.len() - self.given < LONGEST_WAIT;
        if text.is_empty() || incomplete {
            return Ok(String::new());
        }
        self.ids.drain(..self.given);
        self.given = self.ids.len();
        Ok(text)
    }

    /// The rest: bytes that never became a whole character, as U+FFFD.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn finish(self) -> Result<String> {
        self.waiting()
    }

    /// The text of the ids that were not given yet.
    fn waiting(&self) -> Result<String> {
        let before = self.tokenizer.decode(&self.ids[..self.given], true)?;
        let all = self.tokenizer.decode(&self.ids, true)?;
        match all.strip_prefix(&before) {
            Some(new) => Ok(new.to_owned()),
            // Bytes can spoil the characters before them (a run that is no UTF-8 decodes to U+FFFD throughout).
            None => self.tokenizer.decode(&self.ids[self.given..], true),
        }
    }
}
