//! Soft targets of a history: the teacher's probabilities in place of the title that came next (knowledge distillation; G. Hinton et al.
//! 2015, arXiv 1503.02531).
//!
//! A history shows one of the many items that could have come next. The teacher has learnt from all users how likely each of them was, so
//! every position of a history teaches a whole distribution, from a prompt that is read anyway. The target of a title's first token is
//!
//! ```text
//! (1 − α) · the title's own token  +  α · the teacher's probability of the titles that begin with a token
//! ```
//!
//! where the teacher is SASRec after the items before, over those that are new there.

use std::collections::BTreeMap;

use tiller_models::train::{TargetShare, WeightedExample};

use super::history_loss::ToldTitle;
use super::target_shares::target_shares;
use crate::Result;
use crate::data::ItemId;
use crate::teacher::Scorer;

/// The teacher beside the histories of prompts.
pub struct HistoryTargets<'a, S> {
    /// The teacher.
    pub teacher: &'a S,
    /// The tokens of each title in a prompt, item 1 first.
    pub titles: &'a [Vec<u32>],
    /// The teacher's part of a target, α.
    pub part: f64,
}

impl<S: Scorer> HistoryTargets<'_, S> {
    /// Softens the targets of the titles `told` in the history of each example.
    ///
    /// # Errors
    /// The teacher's device fails.
    pub fn soften(&self, examples: &mut [WeightedExample], told: &[(&[ItemId], Vec<ToldTitle>)]) -> Result<()> {
        let mut queries: Vec<(usize, usize, &[ItemId])> = Vec::new();
        for (at, (history, titles)) in told.iter().enumerate() {
            queries.extend(titles.iter().map(|title| (at, title.tokens.start, &history[..title.before])));
        }
        let histories: Vec<&[ItemId]> = queries.iter().map(|(_, _, history)| *history).collect();
        let shares = self.teacher.answer(&histories, |query, scores| self.shares(scores, queries[query].2))?;
        for ((at, position, _), shares) in queries.into_iter().zip(shares) {
            let WeightedExample { tokens, soft, .. } = &mut examples[at];
            soft.insert(position, mixture(tokens[position], shares, self.part));
        }
        Ok(())
    }

    /// The probabilities of the titles' first tokens, by `scores` of all items, over the items that are not in `history`.
    fn shares(&self, scores: &[f32], history: &[ItemId]) -> Vec<TargetShare> {
        let new = || (0..scores.len()).filter(|item| !history.iter().any(|seen| seen.index() == item + 1));
        let highest = new().map(|item| scores[item]).fold(f32::NEG_INFINITY, f32::max);
        let mut masses = BTreeMap::<u32, f64>::new();
        for item in new() {
            *masses.entry(self.titles[item][0]).or_default() += f64::from(scores[item] - highest).exp();
        }
        target_shares(masses.into_iter().collect())
    }
}

/// The title's own token beside the teacher's `shares`, which have the part `part`; the token alone where the teacher has none, since no
/// item is new.
fn mixture(own: u32, mut shares: Vec<TargetShare>, part: f64) -> Vec<TargetShare> {
    let part = if shares.is_empty() { 0.0 } else { part };
    shares.iter_mut().for_each(|target| target.share *= part as f32);
    let rest = (1.0 - part) as f32;
    if rest > 0.0 {
        match shares.iter_mut().find(|target| target.id == own) {
            Some(target) => target.share += rest,
            None => shares.push(TargetShare { id: own, share: rest }),
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores that are logarithms of 1, 2, 3 and 4, so that probabilities are tenths.
    struct Tenths;

    impl Scorer for Tenths {
        fn n_items(&self) -> usize {
            4
        }

        fn answer<T: Send>(
            &self,
            histories: &[&[ItemId]],
            answer: impl Fn(usize, &[f32]) -> T + Sync,
        ) -> Result<Vec<T>> {
            let scores: Vec<f32> = [1.0_f32, 2.0, 3.0, 4.0].map(f32::ln).into();
            Ok((0..histories.len()).map(|at| answer(at, &scores)).collect())
        }
    }

    /// The soft targets of a prompt that tells items 1, 2 and 3 in the tokens 10, 11 12 and 13; item 4 begins as item 2 does.
    fn soft(part: f64) -> BTreeMap<usize, Vec<TargetShare>> {
        let titles = [vec![10], vec![11, 12], vec![13], vec![11, 14]];
        let weights = vec![(1, 0.25), (2, 0.25), (3, 0.25), (5, 1.0)];
        let mut examples = [WeightedExample { tokens: vec![10, 11, 12, 13, 5, 7], weights, soft: BTreeMap::new() }];
        let history = [1, 2, 3].map(ItemId);
        let told = vec![ToldTitle { before: 1, tokens: 1..3 }, ToldTitle { before: 2, tokens: 3..4 }];
        HistoryTargets { teacher: &Tenths, titles: &titles, part }.soften(&mut examples, &[(&history, told)]).unwrap();
        examples.into_iter().next().unwrap().soft
    }

    fn assert_shares(found: &[TargetShare], expected: &[(u32, f32)]) {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (target, (id, share)) in found.iter().zip(expected) {
            assert!(target.id == *id && (target.share - share).abs() < 1e-6, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn a_title_is_the_teachers_distribution_over_first_tokens_of_new_items() {
        let soft = soft(1.0);
        assert_eq!(soft.keys().copied().collect::<Vec<_>>(), [1, 3], "first tokens of titles alone");
        assert_shares(&soft[&1], &[(11, 6.0 / 9.0), (13, 3.0 / 9.0)]);
        assert_shares(&soft[&3], &[(11, 4.0 / 7.0), (13, 3.0 / 7.0)]);
    }

    #[test]
    fn a_part_leaves_the_rest_to_the_title_itself() {
        let soft = soft(0.25);
        assert_shares(&soft[&1], &[(11, 0.75 + 0.25 * 6.0 / 9.0), (13, 0.25 * 3.0 / 9.0)]);
        assert_shares(&soft[&3], &[(11, 0.25 * 4.0 / 7.0), (13, 0.75 + 0.25 * 3.0 / 7.0)]);
        assert_shares(&mixture(12, vec![TargetShare { id: 11, share: 1.0 }], 0.5), &[(11, 0.5), (12, 0.5)]);
        assert_shares(&mixture(12, Vec::new(), 1.0), &[(12, 1.0)]);
    }
}
