//! The units whose probability ratio is clipped (importance sampling level): runs of tokens, each a single token or a whole item of a list.
//!
//! The ratio of a unit is the geometric mean of its tokens' ratios, exp(mean(log π − log π_old)), and its advantage is that of its first
//! token, from which on it has all that the item earns (Rank-GRPO, arXiv 2510.20150; method §7.7).

use std::ops::Range;

use burn::tensor::{Int, Tensor};

use super::hyperparameters::ImportanceSamplingLevel;

/// Runs of tokens, answer behind answer, that together are all tokens.
#[derive(Debug, Clone, Default)]
pub struct ClippingUnits(Vec<Range<usize>>);

impl ClippingUnits {
    /// Adds the units of an answer of `length` tokens, whose items begin at `item_starts`.
    pub fn push(&mut self, level: ImportanceSamplingLevel, item_starts: &[usize], length: usize) {
        let offset = self.0.last().map_or(0, |unit| unit.end);
        let mut starts: Vec<usize> = match level {
            ImportanceSamplingLevel::Token => (0..length).collect(),
            ImportanceSamplingLevel::Item => item_starts.to_vec(),
        };
        starts.push(length);
        self.0.extend(starts.windows(2).map(|pair| offset + pair[0]..offset + pair[1]));
    }

    /// Each unit's mean over its tokens: `[units]` of `[tokens]`.
    pub fn means(&self, of_tokens: Tensor<1>) -> Tensor<1> {
        let longest = self.0.iter().map(Range::len).max().unwrap_or(1);
        // [units, longest]; shorter units are padded with their first token, which then counts for nothing.
        let place =
            |unit: &Range<usize>, at: usize| (if at < unit.len() { unit.start + at } else { unit.start }) as i32;
        let share = |unit: &Range<usize>, at: usize| if at < unit.len() { 1.0 / unit.len() as f32 } else { 0.0 };
        let pairs = || self.0.iter().flat_map(|unit| (0..longest).map(move |at| (unit, at)));
        let places: Vec<i32> = pairs().map(|(unit, at)| place(unit, at)).collect();
        let shares: Vec<f32> = pairs().map(|(unit, at)| share(unit, at)).collect();
        let device = of_tokens.device();
        let gathered = of_tokens.select(0, Tensor::<1, Int>::from_data(places.as_slice(), &device));
        let weighted = gathered * Tensor::<1>::from_data(shares.as_slice(), &device);
        weighted.reshape([self.0.len(), longest]).sum_dim(1).reshape([self.0.len()])
    }

    /// Each unit's value of its first token.
    pub fn firsts(&self, of_tokens: &[f32]) -> Vec<f32> {
        self.0.iter().map(|unit| of_tokens[unit.start]).collect()
    }

    /// The tokens of each unit.
    pub fn lengths(&self) -> Vec<f32> {
        self.0.iter().map(|unit| unit.len() as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_unit_is_a_token_or_an_item() {
        let device = Device::flex().autodiff();
        let values = [1.0f32, 3.0, 5.0, 7.0, 9.0];
        let host = |tensor: Tensor<1>| -> Vec<f32> { tensor.try_into_vec_as().unwrap() };
        for (level, means, firsts, lengths, gradient) in [
            (ImportanceSamplingLevel::Token, values.to_vec(), values.to_vec(), vec![1.0; 5], vec![1.0; 5]),
            (
                ImportanceSamplingLevel::Item,
                vec![2.0, 5.0, 8.0],
                vec![1.0, 5.0, 7.0],
                vec![2.0, 1.0, 2.0],
                vec![0.5, 0.5, 1.0, 0.5, 0.5],
            ),
        ] {
            // An answer of two items, and one of a single item.
            let mut units = ClippingUnits::default();
            units.push(level, &[0, 2], 3);
            units.push(level, &[0], 2);
            let leaf = Tensor::<1>::from_data(values, &device).require_grad();
            let found = units.means(leaf.clone());
            assert_eq!(host(found.clone()), means);
            assert_eq!((units.firsts(&values), units.lengths()), (firsts, lengths));
            let gradients = found.sum().backward();
            assert_eq!(host(Tensor::from_inner(leaf.grad(&gradients).unwrap())), gradient);
        }
    }
}
