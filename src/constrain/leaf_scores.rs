//! A recommender's scores on the leaves of the trie, and its probability mass below the children of a node.
//!
//! At a choice of the [`Automaton`] each token leads to a child of the trie, and below the child lie the titles that may still
//! follow. The mass of a child is the recommender's softmax probability of those titles. It is masked before it is summed: titles
//! that are taken, excluded, or that the counters of the request no longer permit have no part in it (method §14.1).
//!
//! With a temperature T the mass of a child is T · log Σ exp(score / T) over its titles. T = 1 gives the probabilities themselves. In the
//! limit T = 0 it is the best score below the child, so that a greedy descent arrives at the best title; the largest sum of
//! probabilities would lead to where many titles are, such as below "The".
//!
//! The masses of all lines of a list cost as much as reading the open titles a few times: the leaves of a node are a range. No sums are kept
//! between choices. Differences of prefix sums would lose the children of little mass to rounding.

use std::sync::Arc;

use super::automaton::Automaton;
use super::grammar::Grammar;
use crate::data::ItemId;
use crate::{Error, Result};

/// The scores of a recommender after one history, for each leaf of the trie.
#[derive(Debug, Clone)]
pub struct LeafScores(Arc<[f32]>);

impl LeafScores {
    /// The scores of a recommender for all items, item 1 first, on the titles of `grammar`.
    ///
    /// # Errors
    /// A title without a score, a score that is not a finite number.
    pub fn new(scores: &[f32], grammar: &Grammar) -> Result<Self> {
        let titles = grammar.titles();
        let score = |leaf: usize| {
            let ItemId(item) = titles.item(leaf);
            scores.get(item as usize - 1).copied().filter(|score| score.is_finite()).ok_or(item)
        };
        let of_leaves = (0..titles.leaves()).map(score).collect::<std::result::Result<_, u32>>();
        of_leaves.map(Self).map_err(|item| {
            Error::Failed(format!(
                "the teacher's scores: expected a finite number for item {item}, found {:?}\n  next: train the teacher again, its weights may be damaged",
                scores.get(item as usize - 1)
            ))
        })
    }

    /// The score of a leaf.
    ///
    /// # Panics
    /// A leaf of another trie.
    pub fn of(&self, leaf: usize) -> f32 {
        self.0[leaf]
    }

    /// At a choice, the log-probability of each token of the choice, in its order; empty elsewhere. Normalised over the choice: at
    /// temperature 1 the probabilities sum to 1, at temperature 0 the best is 0.
    pub fn child_log_masses(&self, automaton: &Automaton, temperature: f64) -> Vec<f64> {
        let mass = |leaves: &mut dyn Iterator<Item = usize>| {
            let scores: Vec<f64> = leaves.map(|leaf| f64::from(self.of(leaf))).collect();
            soft_maximum(&scores, temperature)
        };
        let mut masses: Vec<f64> = automaton.branches().map(|(_, mut leaves)| mass(&mut leaves)).collect();
        let total = soft_maximum(&masses, temperature);
        masses.iter_mut().for_each(|mass| *mass -= total);
        masses
    }
}

/// T · log Σ exp(x / T), and its limit for T = 0, the maximum.
pub(crate) fn soft_maximum(values: &[f64], temperature: f64) -> f64 {
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if temperature == 0.0 {
        return highest;
    }
    highest + temperature * values.iter().map(|value| ((value - highest) / temperature).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;
    use crate::constrain::NextTokens;
    use crate::constrain::tests::samples::{CUTS, Shop, kinds, random_request, titles};

    proptest! {
        #[test]
        fn a_child_has_the_mass_of_the_titles_that_the_request_still_allows(
            titles in titles(2..8),
            kinds in kinds(),
            cut in select(CUTS.to_vec()),
            drawn in random_request(4),
            scores in vec(-5f32..5.0, 8),
            choices in vec(any::<Index>(), 20),
        ) {
            let shop = Shop::new(&titles, &kinds, cut);
            let Ok(constraints) = shop.constraints(&drawn.over(&shop.catalogue)) else { return Ok(()) };
            let Ok(feasible) = constraints.prove() else { return Ok(()) };
            let mut automaton = Automaton::new(&shop.grammar, &feasible).unwrap();
            let leaf_scores = LeafScores::new(&scores, &shop.grammar).unwrap();
            for choice in choices {
                while let NextTokens::Forced(&[token, ..]) = automaton.allowed() {
                    automaton.advance(token).unwrap();
                }
                let NextTokens::Choice(tokens) = automaton.allowed() else { break };
                let tokens = tokens.to_vec();
                // A title may follow a token exactly if the list can be completed after both.
                let follows = |token: u32| -> Vec<f64> {
                    let items = shop.catalogue.ids().filter(|&item| leads_to(&automaton, token, item));
                    items.map(|item| f64::from(scores[item.index() - 1])).collect()
                };
                let below: Vec<Vec<f64>> = tokens.iter().map(|&token| follows(token)).collect();
                for temperature in [1.0, 0.4] {
                    let mass = |scores: &Vec<f64>| scores.iter().map(|score| (score / temperature).exp()).sum::<f64>();
                    let total: f64 = below.iter().map(mass).sum();
                    for (found, scores) in leaf_scores.child_log_masses(&automaton, temperature).iter().zip(&below) {
                        prop_assert!((found - temperature * (mass(scores) / total).ln()).abs() < 1e-9);
                    }
                }
                let best = |scores: &Vec<f64>| scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let highest = below.iter().map(best).fold(f64::NEG_INFINITY, f64::max);
                let expected: Vec<f64> = below.iter().map(|scores| best(scores) - highest).collect();
                prop_assert_eq!(leaf_scores.child_log_masses(&automaton, 0.0), expected);
                let token = tokens[choice.index(tokens.len())];
                automaton.advance(token).unwrap();
            }
        }
    }

    /// Returns true if `item` may still become the item of this line once `token` is taken.
    fn leads_to(automaton: &Automaton, token: u32, item: ItemId) -> bool {
        let mut ahead = automaton.clone();
        let line = ahead.items().len();
        if ahead.advance(token).is_err() {
            return false;
        }
        let mut frontier = vec![ahead];
        while let Some(ahead) = frontier.pop() {
            if let Some(&found) = ahead.items().get(line) {
                if found == item {
                    return true;
                }
                continue;
            }
            let before = after_forced(&ahead);
            let NextTokens::Choice(tokens) = before.allowed() else { continue };
            frontier.extend(tokens.iter().map(|&token| {
                let mut further = before.clone();
                further.advance(token).unwrap();
                further
            }));
        }
        false
    }

    fn after_forced<'a>(automaton: &Automaton<'a>) -> Automaton<'a> {
        let mut ahead = automaton.clone();
        while let NextTokens::Forced(&[token, ..]) = ahead.allowed() {
            ahead.advance(token).unwrap();
        }
        ahead
    }

    #[test]
    fn scores_that_are_missing_or_no_numbers_are_refused_by_item() {
        let titles = BTreeSet::from(["Heat".to_owned(), "Ran".to_owned()]);
        let shop = Shop::new(&titles, &[(1, 0)], CUTS[0]);
        for scores in [&[1.0][..], &[1.0, f32::NAN], &[1.0, f32::INFINITY]] {
            let error = LeafScores::new(scores, &shop.grammar).unwrap_err();
            assert!(error.to_string().contains("item 2"), "{error}");
        }
    }
}
