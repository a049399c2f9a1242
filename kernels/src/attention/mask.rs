//! The attention mask: the tokens that each token sees.

use std::sync::{Arc, OnceLock};

use burn::tensor::{Device, Tensor, TensorData};

/// Added to the scores of tokens that must not be looked at. Finite, so that a row of padding alone stays a
/// number.
const HIDDEN: f32 = -1e30;

/// The mask of a step: its tokens see every token of the past, and those of the step up to themselves;
/// padding never.
#[derive(Debug)]
pub struct AttentionMask {
    /// `[batch][columns]`: which keys from before the step are of tokens, and not of padding.
    past: Vec<Vec<bool>>,
    /// `[batch]`: tokens at the left of each row of the step that are padding.
    padding: Arc<[u32]>,
    seq: usize,
    mask: OnceLock<Option<Tensor<4>>>,
}

impl AttentionMask {
    /// The mask of a step of `seq` tokens, of which each row's first ones are `padding`, behind a `past` that
    /// says of each row and column whether it holds a token; no rows are no past.
    pub fn new(past: &[Vec<bool>], padding: &[usize], seq: usize) -> Self {
        let padding = padding.iter().map(|padding| *padding as u32).collect();
        AttentionMask { past: past.to_vec(), padding, seq, mask: OnceLock::new() }
    }

    /// `[batch, seq, keys]`
    pub(super) fn shape(&self) -> [usize; 3] {
        [self.padding.len(), self.seq, self.columns() + self.seq]
    }

    /// The padding of every row, where there is nothing else: no past.
    pub(super) fn padding_alone(&self) -> Option<Arc<[u32]>> {
        (self.columns() == 0).then(|| self.padding.clone())
    }

    fn columns(&self) -> usize {
        self.past.first().map_or(0, Vec::len)
    }

    /// `[batch or 1, 1, seq, keys]`: 0 or [`HIDDEN`], to be added to the scores; nothing where all is seen.
    /// All layers of a model share it.
    pub(super) fn mask(&self, device: &Device) -> Option<Tensor<4>> {
        self.mask.get_or_init(|| self.make_mask(&device.clone().without_autodiff())).clone()
    }

    fn make_mask(&self, device: &Device) -> Option<Tensor<4>> {
        let unpadded = self.padding.iter().all(|p| *p == 0) && self.past.iter().flatten().all(|seen| *seen);
        if unpadded && self.seq == 1 {
            return None;
        }
        let [batch, seq, keys] = self.shape();
        let rows = if unpadded { 1 } else { batch };
        let mut values = Vec::with_capacity(rows * seq * keys);
        for (row, padding) in self.padding.iter().enumerate().take(rows) {
            let before = self.past.get(row).map_or(&[][..], Vec::as_slice);
            for query in 0..seq {
                let now = (0..seq).map(|key| (*padding as usize..=query).contains(&key));
                values.extend(before.iter().copied().chain(now).map(|seen| if seen { 0.0 } else { HIDDEN }));
            }
        }
        Some(Tensor::from_data(TensorData::new(values, [rows, 1, seq, keys]), device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::download;

    /// The keys that a mask lets through; of the past, 1 is a token and 0 is padding.
    fn seen<const N: usize>(past: [&[u8]; N], padding: [usize; N], seq: usize) -> Option<Vec<u8>> {
        let past = past.map(|row| row.iter().map(|token| *token == 1).collect::<Vec<bool>>());
        let mask = AttentionMask::new(&past, &padding, seq).mask(&Device::flex())?;
        Some(download(mask).iter().map(|v| u8::from(*v == 0.0)).collect())
    }

    #[test]
    fn a_token_sees_itself_and_what_came_before() {
        assert_eq!(seen([&[], &[]], [0, 0], 3).unwrap(), [1, 0, 0, 1, 1, 0, 1, 1, 1]);
        assert_eq!(seen([&[1]], [0], 2).unwrap(), [1, 1, 0, 1, 1, 1]);
    }

    #[test]
    fn no_token_sees_padding_wherever_it_lies() {
        assert_eq!(seen([&[1, 1], &[0, 0]], [0, 0], 1).unwrap(), [1, 1, 1, 0, 0, 1]);
        assert_eq!(seen([&[]], [1], 2).unwrap(), [0, 0, 0, 1]);
        assert_eq!(seen([&[1, 0, 1]], [1], 2).unwrap(), [1, 0, 1, 0, 0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn a_single_token_without_padding_needs_no_mask() {
        assert_eq!(seen([&[1; 9], &[1; 9]], [0, 0], 1), None);
    }
}
