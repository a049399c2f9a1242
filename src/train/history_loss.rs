//! The loss of a sample: of its answer and, on request, of the titles of its history.

use std::ops::Range;

use rayon::prelude::*;
use tiller_models::language_model::TextCodec;
use tiller_models::train::{Sample, WeightedExample};

use crate::Result;
use crate::data::{Catalogue, ItemId};

/// Titles as they stand in prompts, in the tokens of a model that is taught its prompts' histories.
#[derive(Debug)]
pub struct HistoryLoss {
    /// By item, item 1 first.
    titles: Vec<Vec<u32>>,
    /// The weight of a history beside an answer.
    weight: f64,
}

/// A title of a history in a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldTitle {
    /// The number of items of the history before it.
    pub before: usize,
    /// Its tokens in the prompt.
    pub tokens: Range<usize>,
}

impl HistoryLoss {
    /// The titles of `catalogue`; none of them where histories weigh nothing.
    ///
    /// # Errors
    /// A title that the tokenizer has no tokens for.
    pub fn new(codec: &TextCodec, catalogue: &Catalogue, weight: f64) -> Result<Self> {
        let ids: Vec<ItemId> = if weight > 0.0 { catalogue.ids().collect() } else { Vec::new() };
        let titles = ids.into_par_iter().map(|id| codec.tokenizer.encode_title(catalogue.title(id)));
        Ok(Self { titles: titles.collect::<Result<_>>()?, weight })
    }

    /// The weighted example of a sample whose prompt tells `history`: the mean over the answer's tokens, and beside it, by its weight, the mean over
    /// the tokens of all titles but the first that are found in the prompt. Beside it, the places of these titles.
    pub fn example(&self, sample: Sample, history: &[ItemId]) -> (WeightedExample, Vec<ToldTitle>) {
        let mut told = self.told(&sample.tokens[..sample.scored.start], history);
        // The first has no title before it to follow from.
        told.drain(..told.len().min(1));
        let tokens = told.iter().map(|title| title.tokens.len()).sum::<usize>();
        let share = (self.weight / tokens.max(1) as f64) as f32;
        let mut example = WeightedExample::of(sample);
        let weights = told.iter().flat_map(|title| title.tokens.clone()).map(|position| (position, share));
        example.weights.splice(0..0, weights);
        (example, told)
    }

    /// The titles of `history` that are found in `prompt`, one behind the other.
    fn told(&self, prompt: &[u32], history: &[ItemId]) -> Vec<ToldTitle> {
        let mut end = 0;
        let found = history.iter().enumerate().filter_map(|(before, item)| {
            let title = self.titles.get(item.index() - 1).filter(|title| !title.is_empty())?;
            let start = end + prompt[end..].windows(title.len()).position(|tokens| tokens == title)?;
            end = start + title.len();
            Some(ToldTitle { before, tokens: start..end })
        });
        found.collect()
    }

    /// The tokens of each item's title in a prompt, item 1 first; none where histories weigh nothing.
    pub fn titles(&self) -> &[Vec<u32>] {
        &self.titles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history_loss(weight: f64) -> HistoryLoss {
        HistoryLoss { titles: if weight > 0.0 { vec![vec![10], vec![11, 12], vec![13]] } else { Vec::new() }, weight }
    }

    fn sample() -> Sample {
        // ' → ' is 1; 5 begins the candidates, of which the first is of the history's words.
        Sample { tokens: vec![0, 10, 1, 11, 12, 1, 13, 5, 11, 7, 7], scored: 9..11 }
    }

    #[test]
    fn titles_behind_the_first_weigh_together_what_a_history_does() {
        let history = [1, 2, 3].map(ItemId);
        let example = history_loss(0.75).example(sample(), &history).0;
        assert_eq!(example.weights, [(3, 0.25), (4, 0.25), (6, 0.25), (9, 0.5), (10, 0.5)]);
        assert_eq!(example.tokens, sample().tokens);
    }

    #[test]
    fn what_is_not_in_the_prompt_or_weighs_nothing_is_not_learnt() {
        let answer = [(9, 0.5), (10, 0.5)];
        assert_eq!(history_loss(0.0).example(sample(), &[1, 2].map(ItemId)).0.weights, answer);
        assert_eq!(history_loss(1.0).example(sample(), &[]).0.weights, answer);
        assert_eq!(history_loss(1.0).example(sample(), &[ItemId(2)]).0.weights, answer);
        // Item 1 does not stand behind item 3.
        assert_eq!(history_loss(1.0).example(sample(), &[3, 1].map(ItemId)).0.weights, answer);
    }
}
