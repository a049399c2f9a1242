//! From the tokens of an answer to its text and its checked items.

use tiller_models::tokenizer::{DecodeStream, Tokenizer};

use super::{Generated, List};
use crate::Result;
use crate::data::Catalogue;
use crate::recommend::PreparedRequest;
use crate::recommend::answer::{OutputFormat, parse};
use crate::recommend::check::{CheckedItem, check};
use crate::request::CompiledRequest;

/// Reads the answers of one model about one catalogue.
#[derive(Clone, Copy)]
pub(super) struct AnswerReader<'a> {
    pub(super) tokenizer: &'a Tokenizer,
    pub(super) catalogue: &'a Catalogue,
    pub(super) format: OutputFormat,
}

impl AnswerReader<'_> {
    /// The checked items of an answer, or of its beginning.
    pub(super) fn items(&self, request: &CompiledRequest, text: &str) -> Vec<CheckedItem> {
        check(parse(text, self.format, self.catalogue), request, self.catalogue)
    }

    /// The list of an answer.
    pub(super) fn list(&self, prepared: &PreparedRequest, answer: Generated, seconds: f64) -> Result<List> {
        let Generated { tokens, guidance, log_probs } = answer;
        let text = self.tokenizer.decode(self.tokenizer.without_stop(&tokens), true)?;
        let items = self.items(prepared.compiled(), &text);
        Ok(List { items, text, tokens: tokens.len(), guidance, log_probs, seconds })
    }
}

/// The text of an answer as its tokens come, without the stop at its end.
pub(super) struct AnswerText<'a> {
    tokenizer: &'a Tokenizer,
    decoder: DecodeStream<'a>,
    /// A token that may be the stop at the end, until another one follows.
    held: Option<u32>,
}

impl<'a> AnswerText<'a> {
    /// An empty text.
    pub(super) fn new(tokenizer: &'a Tokenizer) -> Self {
        Self { tokenizer, decoder: tokenizer.stream(), held: None }
    }

    /// Takes the next token; returns the text that it completes, which may be empty.
    pub(super) fn push(&mut self, token: u32) -> Result<String> {
        let ready = if self.tokenizer.eos_ids().contains(&token) {
            [self.held.replace(token), None]
        } else {
            [self.held.take(), Some(token)]
        };
        ready.into_iter().flatten().map(|token| self.decoder.push(token)).collect()
    }
}
