//! What every block of one forward step shares: the shape, the rotation and the mask.

use burn::tensor::{Device, Tensor, TensorData};
use tiller_kernels::rope::Angles;

use super::batch::Batch;
use super::rope::Frequencies;
use crate::lora::Dropout;

/// Added to the scores of tokens that must not be looked at. Finite, so that a row of padding alone stays a number.
const HIDDEN: f32 = -1e30;

/// The surroundings of one forward step.
#[derive(Debug)]
pub(super) struct Frame {
    /// `[batch, seq]` of the tokens of this step.
    pub shape: [usize; 2],
    /// Columns that the cache holds already.
    pub past: usize,
    /// Of the rotation of every token.
    pub angles: Angles,
    /// `[batch or 1, 1, seq, past + seq]`: 0 or [`HIDDEN`]; `None` where nothing is hidden.
    mask: Option<Tensor<4>>,
    /// Of what the low-rank parts read; in training only.
    pub dropout: Option<Dropout>,
}

impl Frame {
    /// The surroundings of `batch` behind a `past`, which says of each row and column whether it holds a token.
    pub fn new(batch: &Batch, past: &[Vec<bool>], frequencies: &Frequencies, device: &Device) -> Self {
        let shape = batch.shape();
        let angles = frequencies.angles(&batch.positions, device);
        let columns = past.first().map_or(0, Vec::len);
        let mask = mask(past, &batch.padding, shape[1], device);
        Self { shape, past: columns, angles, mask, dropout: None }
    }

    /// `[batch, n_heads, seq, past + seq]` to the same.
    pub fn masked(&self, scores: Tensor<4>) -> Tensor<4> {
        match &self.mask {
            Some(mask) => scores + mask.clone(),
            None => scores,
        }
    }
}

/// Query i of this step sees every token of the past, and those of this step up to itself; padding it never sees.
fn mask(past: &[Vec<bool>], padding: &[usize], seq: usize, device: &Device) -> Option<Tensor<4>> {
    let unpadded = padding.iter().all(|p| *p == 0) && past.iter().flatten().all(|seen| *seen);
    if unpadded && seq == 1 {
        return None;
    }
    let rows = if unpadded { 1 } else { padding.len() };
    let mut values = Vec::new();
    for (row, padding) in padding.iter().enumerate().take(rows) {
        let before = past.get(row).map_or(&[][..], Vec::as_slice);
        for query in 0..seq {
            let now = (0..seq).map(|key| (*padding..=query).contains(&key));
            values.extend(before.iter().copied().chain(now).map(|seen| if seen { 0.0 } else { HIDDEN }));
        }
    }
    let keys = values.len() / (rows * seq);
    Some(Tensor::from_data(TensorData::new(values, [rows, 1, seq, keys]), device))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a mask lets through; of the past, 1 is a token and 0 is padding.
    fn seen<const N: usize>(past: [&[u8]; N], padding: [usize; N], seq: usize) -> Option<Vec<u8>> {
        let past = past.map(|row| row.iter().map(|token| *token == 1).collect::<Vec<bool>>());
        let values: Vec<f32> = mask(&past, &padding, seq, &Device::flex())?.try_into_vec_as().unwrap();
        Some(values.iter().map(|v| u8::from(*v == 0.0)).collect())
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
