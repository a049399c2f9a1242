//! What is learnt of a sample: its answer and, on request, which title of the history follows which, and which titles must not follow.

use std::collections::BTreeSet;

use rayon::prelude::*;
use tiller_models::language_model::Words;
use tiller_models::train::{Lesson, Sample, Unwanted};

use crate::Result;
use crate::data::{Catalogue, ItemId};

/// Of the titles that must not follow at a place one in so many is looked at, and stands for the others: each costs a row of logits.
const STRIDE: usize = 3;

/// Titles as they stand in prompts, in the tokens of a model that is taught its prompts' histories.
#[derive(Debug)]
pub struct Histories {
    /// By item, item 1 first.
    titles: Vec<Vec<u32>>,
    /// The titles that are one token.
    tokens: BTreeSet<u32>,
    weights: Weights,
}

/// What else than answers is learnt, and what it weighs beside one.
#[derive(Debug, Clone, Copy)]
pub struct Weights {
    /// The titles of a history, each from those before it.
    pub history: f64,
    /// That no title follows that was told before, in the history or in the answer.
    pub seen: f64,
}

impl Histories {
    /// The titles of `catalogue`; none of them where they weigh nothing.
    ///
    /// # Errors
    /// A title that the tokenizer has no tokens for.
    pub fn new(words: &Words, catalogue: &Catalogue, weights: Weights) -> Result<Self> {
        let matter = weights.history > 0.0 || weights.seen > 0.0;
        let ids: Vec<ItemId> = if matter { catalogue.ids().collect() } else { Vec::new() };
        let titles = ids.into_par_iter().map(|id| words.tokenizer.encode_plain(catalogue.title(id)));
        Ok(Self::of(titles.collect::<Result<_>>()?, weights))
    }

    fn of(titles: Vec<Vec<u32>>, weights: Weights) -> Self {
        let tokens = titles.iter().filter_map(|title| <[u32; 1]>::try_from(title.as_slice()).ok());
        Self { tokens: tokens.flatten().collect(), titles, weights }
    }

    /// The lesson of a sample whose prompt tells `history`: the mean over the answer's tokens; beside it, by its weight, the mean over the
    /// tokens of all titles but the first that are found in the prompt; and, by theirs, the titles that were told before each title of the
    /// answer. Titles of several tokens are left out of these: where they begin alike, the first token of one is no title yet.
    pub fn lesson(&self, sample: Sample, history: &[ItemId]) -> Lesson {
        let unwanted = self.unwanted(&sample, history);
        let prompt = &sample.tokens[..sample.scored.start];
        let told = if self.weights.history > 0.0 { self.told(prompt, history) } else { Vec::new() };
        let share = (self.weights.history / told.len().max(1) as f64) as f32;
        let mut lesson = Lesson { unwanted, ..Lesson::of(sample) };
        lesson.weights.splice(0..0, told.into_iter().map(|position| (position, share)));
        lesson
    }

    /// At each title of the answer, some of those that were told before it.
    fn unwanted(&self, Sample { tokens, scored }: &Sample, history: &[ItemId]) -> Vec<Unwanted> {
        if self.weights.seen == 0.0 {
            return Vec::new();
        }
        let weight = (self.weights.seen * STRIDE as f64 / scored.len() as f64) as f32;
        let of_history = history.iter().filter_map(|item| self.titles.get(item.index() - 1)?.first().copied());
        let mut seen: Vec<u32> = of_history.filter(|token| self.tokens.contains(token)).collect();
        let mut unwanted = Vec::new();
        for position in scored.clone().filter(|position| self.tokens.contains(&tokens[*position])) {
            let others =
                seen.iter().skip(position % STRIDE).step_by(STRIDE).filter(|token| **token != tokens[position]);
            unwanted.extend(others.map(|&token| Unwanted { position, token, weight }));
            seen.push(tokens[position]);
        }
        unwanted
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

    fn histories(history: f64) -> Histories {
        Histories::of(vec![vec![10], vec![11, 12], vec![13], vec![14], vec![15]], Weights { history, seen: 0.0 })
    }

    fn sample() -> Sample {
        // ' → ' is 1; 5 begins the candidates, of which the first is of the history's words.
        Sample { tokens: vec![0, 10, 1, 11, 12, 1, 13, 5, 11, 7, 7], scored: 9..11 }
    }

    #[test]
    fn titles_behind_the_first_weigh_together_what_a_history_does() {
        let history = [1, 2, 3].map(ItemId);
        let lesson = histories(0.75).lesson(sample(), &history);
        assert_eq!(lesson.weights, [(3, 0.25), (4, 0.25), (6, 0.25), (9, 0.5), (10, 0.5)]);
        assert_eq!(lesson.tokens, sample().tokens);
    }

    #[test]
    fn titles_that_were_told_must_not_follow() {
        let histories = Histories { weights: Weights { history: 0.0, seen: 0.5 }, ..histories(0.0) };
        // Told are 10, 11 12 and 13; the answer is the titles 14, 15 and 10 with 7 between them.
        let sample = Sample { tokens: vec![0, 10, 1, 11, 12, 1, 13, 5, 7, 14, 7, 15, 7, 10, 7], scored: 8..15 };
        let lesson = histories.lesson(sample, &[1, 2, 3].map(ItemId));
        let found: Vec<(usize, u32)> = lesson.unwanted.iter().map(|u| (u.position, u.token)).collect();
        // Seen by then are 10 13; 10 13 14; 10 13 14 15: each third of them, from another one on each time.
        assert_eq!(found, [(9, 10), (11, 14), (13, 13)]);
        let weight = 0.5 * STRIDE as f32 / 7.0;
        assert!(lesson.unwanted.iter().all(|u| (u.weight - weight).abs() < 1e-6));
        assert_eq!(lesson.weights.len(), 7);
    }

    #[test]
    fn what_is_not_in_the_prompt_or_weighs_nothing_is_not_learnt() {
        let answer = [(9, 0.5), (10, 0.5)];
        assert_eq!(histories(0.0).lesson(sample(), &[1, 2].map(ItemId)).weights, answer);
        assert_eq!(histories(1.0).lesson(sample(), &[]).weights, answer);
        assert_eq!(histories(1.0).lesson(sample(), &[ItemId(2)]).weights, answer);
        // Item 1 does not stand behind item 3.
        assert_eq!(histories(1.0).lesson(sample(), &[3, 1].map(ItemId)).weights, answer);
    }
}
