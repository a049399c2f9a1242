//! Tokens without the padding between them.
//!
//! The sequences of a batch bring different numbers of tokens into a step. Attention needs rows of one length, with padding; everything
//! else works on one token at a time, and so on the tokens alone.

use burn::tensor::{Device, Int, Tensor};

use super::batch::Batch;

/// The map between the tokens of a batch without padding and its padded rows, `[batch · seq]`.
#[derive(Debug)]
pub(super) struct PaddingMap {
    /// `[batch · seq]` The token of every place; any token at padding, which the mask hides.
    token_at: Tensor<1, Int>,
    /// `[tokens]` The place of every token.
    place_of: Tensor<1, Int>,
}

/// The columns of each row's tokens, as places of the whole batch.
pub(super) fn places(batch: &Batch) -> Vec<usize> {
    let [_, seq] = batch.shape();
    (0..).zip(&batch.padding).flat_map(|(row, padding)| row * seq + padding..(row + 1) * seq).collect()
}

impl PaddingMap {
    /// The map of tokens at `places` of `count`.
    pub fn new(places: &[usize], count: usize, device: &Device) -> Self {
        let mut token_at = vec![0; count];
        for (token, &place) in (0..).zip(places) {
            token_at[place] = token;
        }
        let place_of: Vec<i32> = places.iter().map(|&place| place as i32).collect();
        let upload = |numbers: &[i32]| Tensor::from_data(numbers, device);
        Self { token_at: upload(&token_at), place_of: upload(&place_of) }
    }

    /// `[tokens, …]` to `[batch · seq, …]`.
    pub fn spread<const D: usize>(&self, tokens: Tensor<D>) -> Tensor<D> {
        tokens.select(0, self.token_at.clone())
    }

    /// `[batch · seq, …]` to `[tokens, …]`.
    pub fn gather<const D: usize>(&self, places: Tensor<D>) -> Tensor<D> {
        places.select(0, self.place_of.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spread_and_gathered_again_is_the_same() {
        let batch = Batch::left_padded(&[vec![5, 6, 7], vec![], vec![8]]);
        let places = places(&batch);
        assert_eq!(places, [0, 1, 2, 8]);
        let map = PaddingMap::new(&places, 9, &Device::flex());
        let tokens = Tensor::<2>::from_data([[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], &Device::flex());
        let spread = map.spread(tokens.clone());
        assert_eq!(spread.dims(), [9, 2]);
        assert_eq!(map.gather(spread).into_data(), tokens.into_data());
    }
}
