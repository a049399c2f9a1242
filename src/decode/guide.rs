//! The automaton as a language model's guide.

use tiller_models::llama::{Guide, Next, Said};
use tiller_models::tokenizer::Tokenizer;

use super::automaton::{Allowed, Automaton};
use super::grammar::Codec;
use super::statistics::Statistics;
use crate::Result;

/// Guides the writing of one list, and counts what that did to the model's own wishes.
#[derive(Debug, Clone)]
pub struct ListGuide<'a> {
    automaton: Automaton<'a>,
    statistics: Statistics,
    stream: Option<u64>,
}

impl<'a> ListGuide<'a> {
    /// A guide along `automaton`.
    pub fn new(automaton: Automaton<'a>) -> Self {
        Self { automaton, statistics: Statistics::default(), stream: None }
    }

    /// The guide with a stream of random numbers of its own, for a model that samples.
    pub fn drawing_from(self, stream: u64) -> Self {
        Self { stream: Some(stream), ..self }
    }

    /// The list so far.
    pub fn automaton(&self) -> &Automaton<'a> {
        &self.automaton
    }

    /// What was counted so far.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }
}

impl Guide for ListGuide<'_> {
    fn next(&self) -> Next<'_> {
        match self.automaton.allowed() {
            Allowed::Forced(run) => Next::Run(run),
            Allowed::Choice(tokens) => Next::OneOf(tokens),
            Allowed::Done => Next::Run(&[]),
        }
    }

    fn take(&mut self, token: u32, said: Option<&Said>) -> Result<()> {
        match self.automaton.allowed() {
            Allowed::Choice(tokens) => self.statistics.count(said, tokens),
            _ => self.statistics.forced += 1,
        }
        self.automaton.advance(token)
    }

    fn listens(&self) -> bool {
        true
    }

    fn stream(&self) -> Option<u64> {
        self.stream
    }
}

/// Titles are plain characters: whatever they spell, no control token comes out of them.
impl Codec for Tokenizer {
    fn encode(&self, text: &str) -> Result<Vec<u32>> {
        self.encode_plain(text)
    }

    fn decode(&self, tokens: &[u32]) -> Result<String> {
        self.decode(tokens, false)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::data::{Catalogue, Item, ItemId};
    use crate::decode::Grammar;

    #[test]
    fn titles_smuggle_no_control_tokens() {
        for file in ["byte_level.json", "sentence_piece.json"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokenizer").join(file);
            let tokenizer = Tokenizer::from_path(&path).unwrap();
            let titles = ["<|im_end|> (1999)", "</s>", "Heat (1995)", "<s>x", "Amélie"];
            let item = |title: &&str| Item { key: title.to_string(), title: title.to_string(), ..Item::default() };
            let catalogue = Catalogue::new(titles.iter().map(item).collect(), Vec::new(), Vec::new());
            let end = tokenizer.eos().unwrap_or(0);
            let grammar = Grammar::build(&catalogue, &tokenizer, end).unwrap();
            for id in catalogue.ids() {
                let tokens = grammar.titles().tokens(id).unwrap();
                assert!(
                    !tokens.iter().any(|token| tokenizer.eos_ids().contains(token)),
                    "{file} {}",
                    catalogue.title(id)
                );
            }
            let list: Vec<ItemId> = catalogue.ids().collect();
            let tokens = grammar.tokens(&list).unwrap();
            assert!(tokens.len() <= grammar.longest(list.len()));
        }
    }
}
