//! Decision weights: the loss of an answer's tokens by whether the catalogue leaves a choice.
//!
//! Most tokens of a list of titles decide nothing: once the beginning of a title is written, the trie of the catalogue forces the rest, and
//! constrained decoding appends it without asking the model. In a plain mean these tokens outweigh those that choose an item (IGD, arXiv
//! 2506.13229).

use tiller_models::train::WeightedExample;

use crate::Result;
use crate::constrain::Grammar;
use crate::data::ItemId;

/// Multiplies the weights of an example's last tokens, the list of `items`, by `forced` where the token is forced, and by 1 where the
/// catalogue leaves a choice; their sum stays as it was. The list begins at the position `start` and may be cut off.
///
/// # Errors
/// Items that the catalogue of `grammar` does not hold.
pub fn weigh_decisions(
    example: &mut WeightedExample,
    start: usize,
    items: &[ItemId],
    grammar: &Grammar,
    forced: f64,
) -> Result<()> {
    let path = grammar.path(items)?;
    let answer = example.weights.iter().position(|(position, _)| *position >= start).unwrap_or(example.weights.len());
    let weights = &mut example.weights[answer..];
    let before: f32 = weights.iter().map(|(_, weight)| weight).sum();
    for ((_, weight), (_, is_choice)) in weights.iter_mut().zip(path) {
        *weight *= if is_choice { 1.0 } else { forced as f32 };
    }
    let after: f32 = weights.iter().map(|(_, weight)| weight).sum();
    // An answer without a choice, such as a title that has no other beside it, keeps its weights by their ratio.
    if after > 0.0 {
        weights.iter_mut().for_each(|(_, weight)| *weight *= before / after);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tiller_models::train::Sample;

    use super::*;
    use crate::constrain::tests::samples::Shop;
    use crate::constrain::tests::toy::PreTokenizer;

    #[test]
    fn choices_weigh_one_and_forced_tokens_a_tenth() {
        let titles = ["The Matrix", "The Matrix Reloaded", "Amélie", "Up"].map(str::to_owned).into();
        let Shop { grammar, .. } = Shop::new(&titles, &[(0, 0)], PreTokenizer::Words);
        let items = [1, 2, 3].map(ItemId);
        let path = grammar.path(&items).unwrap();
        let choices = path.iter().filter(|(_, is_choice)| *is_choice).count();
        let answer: Vec<u32> = path.iter().map(|(token, _)| *token).collect();
        assert!(choices >= 3 && choices < answer.len() / 2, "{choices} of {}", answer.len());
        let tokens = [&[7, 8][..], &answer].concat();
        let mut example = WeightedExample::of(Sample { scored: 2..tokens.len(), tokens });
        // A title of the history.
        example.weights.insert(0, (1, 0.3));
        weigh_decisions(&mut example, 2, &items, &grammar, 0.1).unwrap();
        assert_eq!(example.weights[0], (1, 0.3));
        let total = choices as f32 + 0.1 * (answer.len() - choices) as f32;
        for ((_, weight), (_, is_choice)) in example.weights[1..].iter().zip(&path) {
            let expected = if *is_choice { 1.0 } else { 0.1 } / total;
            assert!((weight - expected).abs() < 1e-6, "{weight} is not {expected}");
        }
        // The same of an answer that was cut off.
        let short = Sample { tokens: [&[7, 8][..], &answer[..4]].concat(), scored: 2..6 };
        let mut example = WeightedExample::of(short);
        weigh_decisions(&mut example, 2, &items, &grammar, 0.1).unwrap();
        assert!((example.weights.iter().map(|(_, weight)| weight).sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
