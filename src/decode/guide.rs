//! The automaton as a language model's guide.

use tiller_models::llama::{Guess, Guide, Next, Said};
use tiller_models::tokenizer::Tokenizer;

use super::automaton::{Allowed, Automaton};
use super::draft::Drafter;
use super::grammar::Codec;
use super::statistics::Statistics;
use crate::Result;

/// Guides the writing of one list, and counts what that did to the model's own wishes.
#[derive(Debug, Clone)]
pub struct ListGuide<'a> {
    automaton: Automaton<'a>,
    statistics: Statistics,
    stream: Option<u64>,
    drafter: Option<Drafter>,
    /// Questions of the current step that have not been answered.
    open: usize,
    listens: bool,
}

impl<'a> ListGuide<'a> {
    /// A guide along `automaton`.
    pub fn new(automaton: Automaton<'a>) -> Self {
        let statistics = Statistics::default();
        Self { automaton, statistics, stream: None, drafter: None, open: 0, listens: true }
    }

    /// The guide with a stream of random numbers of its own, for a model that samples.
    pub fn drawing_from(self, stream: u64) -> Self {
        Self { stream: Some(stream), ..self }
    }

    /// The guide with drafts of what is likely to follow.
    pub fn drafting(self, drafter: Drafter) -> Self {
        Self { drafter: Some(drafter), ..self }
    }

    /// The guide without an ear for what the model would have liked to write: then only the tokens that may follow are scored.
    pub fn deaf(self) -> Self {
        Self { listens: false, ..self }
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
            Allowed::Choice(tokens) => {
                self.statistics.count(said, tokens);
                self.statistics.steps += usize::from(self.open == 0);
                self.open = self.open.saturating_sub(1);
                let came_true = self.drafter.as_mut().is_some_and(|drafter| drafter.hear(token));
                self.statistics.confirmed += usize::from(came_true);
                if !came_true {
                    self.open = 0;
                }
            }
            _ => self.statistics.forced += 1,
        }
        self.automaton.advance(token)
    }

    fn listens(&self) -> bool {
        self.listens
    }

    fn draft(&mut self) -> Vec<Guess> {
        let Some(drafter) = &mut self.drafter else { return Vec::new() };
        let draft = drafter.draft(&self.automaton);
        self.statistics.steps += usize::from(!draft.is_empty());
        self.statistics.drafted += draft.iter().filter(|guess| !guess.run.is_empty()).count();
        self.open = draft.len();
        draft
    }

    fn stream(&self) -> Option<u64> {
        self.stream
    }
}

/// Plain masked decoding, which everything faster is measured against: the model is asked before every token, also where only one may
/// follow.
#[derive(Debug, Clone)]
pub struct Masked<'a>(pub ListGuide<'a>);

impl Guide for Masked<'_> {
    fn next(&self) -> Next<'_> {
        match self.0.next() {
            Next::Run(run) => run.get(..1).map_or(Next::Run(run), Next::OneOf),
            next => next,
        }
    }

    fn take(&mut self, token: u32, said: Option<&Said>) -> Result<()> {
        let before = self.0.statistics.choices;
        self.0.take(token, said)?;
        self.0.statistics.steps += usize::from(self.0.statistics.choices == before);
        Ok(())
    }

    fn listens(&self) -> bool {
        self.0.listens
    }

    fn stream(&self) -> Option<u64> {
        self.0.stream
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
