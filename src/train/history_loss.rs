//! The loss of a sample: of its answer and, on request, of the titles of its history.

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
    /// the tokens of all titles but the first that are found in the prompt.
    pub fn example(&self, sample: Sample, history: &[ItemId]) -> WeightedExample {
        let told = self.told(&sample.tokens[..sample.scored.start], history);
        let share = (self.weight / told.len().max(1) as f64) as f32;
        let mut example = WeightedExample::of(sample);
        example.weights.splice(0..0, told.into_iter().map(|position| (position, share)));
        example
    }

    /// The positions of the titles of `history` in `prompt`, one behind the other, without the first title's.
    fn told(&self, prompt: &[u32], history: &[ItemId]) -> Vec<usize> {
        let mut end = 0;
        let found = history.iter().filter_map(|item| {
            let title = self.titles.get(item.index() - 1).filter(|title| !title.is_empty())?;
            let start = end + prompt[end..].windows(title.len()).position(|tokens| tokens == title)?;
            end = start + title.len();
            Some(start..end)
        });
        found.skip(1).flatten().filter(|position| *position > 0).collect()
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
        let example = history_loss(0.75).example(sample(), &history);
        assert_eq!(example.weights, [(3, 0.25), (4, 0.25), (6, 0.25), (9, 0.5), (10, 0.5)]);
        assert_eq!(example.tokens, sample().tokens);
    }

    #[test]
    fn what_is_not_in_the_prompt_or_weighs_nothing_is_not_learnt() {
        let answer = [(9, 0.5), (10, 0.5)];
        assert_eq!(history_loss(0.0).example(sample(), &[1, 2].map(ItemId)).weights, answer);
        assert_eq!(history_loss(1.0).example(sample(), &[]).weights, answer);
        assert_eq!(history_loss(1.0).example(sample(), &[ItemId(2)]).weights, answer);
        // Item 1 does not stand behind item 3.
        assert_eq!(history_loss(1.0).example(sample(), &[3, 1].map(ItemId)).weights, answer);
    }
}
