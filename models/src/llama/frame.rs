//! What every block of one forward step shares: the shape, the rotation and the mask.

use burn::tensor::{Device, Tensor, TensorData};

use super::batch::Batch;
use super::rope::{Frequencies, Rotation};

/// Added to the scores of tokens that must not be looked at. Finite, so that a row of padding alone stays a number.
const HIDDEN: f32 = -1e30;

/// The surroundings of one forward step.
#[derive(Debug)]
pub(super) struct Frame {
    /// `[batch, seq]` of the tokens of this step.
    pub shape: [usize; 2],
    /// Columns that the cache holds already.
    pub past: usize,
    pub rotation: Rotation,
    /// `[batch or 1, 1, seq, past + seq]`: 0 or [`HIDDEN`]; `None` where nothing is hidden.
    mask: Option<Tensor<4>>,
}

impl Frame {
    pub fn new(batch: &Batch, past: usize, frequencies: &Frequencies, device: &Device) -> Self {
        let shape = batch.shape();
        let rotation = frequencies.rotation(&batch.positions, shape, device);
        Self { shape, past, rotation, mask: mask(&batch.padding, shape[1], past, device) }
    }

    /// `[batch, n_heads, seq, past + seq]` to the same.
    pub fn masked(&self, scores: Tensor<4>) -> Tensor<4> {
        match &self.mask {
            Some(mask) => scores + mask.clone(),
            None => scores,
        }
    }
}

/// Query i of this step stands in column `past + i` and sees the columns up to its own, except the row's padding.
fn mask(padding: &[usize], seq: usize, past: usize, device: &Device) -> Option<Tensor<4>> {
    let unpadded = padding.iter().all(|p| *p == 0);
    if unpadded && seq == 1 {
        return None;
    }
    let rows = if unpadded { &[0] } else { padding };
    let keys = past + seq;
    let mut values = vec![HIDDEN; rows.len() * seq * keys];
    for (line, seen) in values.chunks_exact_mut(keys).enumerate() {
        let (first, last) = (rows[line / seq], past + line % seq);
        if first <= last {
            seen[first..=last].fill(0.0);
        }
    }
    Some(Tensor::from_data(TensorData::new(values, [rows.len(), 1, seq, keys]), device))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(padding: &[usize], seq: usize, past: usize) -> Option<Vec<u8>> {
        let values: Vec<f32> = mask(padding, seq, past, &Device::flex())?.try_into_vec_as().unwrap();
        Some(values.iter().map(|v| u8::from(*v == 0.0)).collect())
    }

    #[test]
    fn a_token_sees_itself_and_what_came_before() {
        assert_eq!(seen(&[0, 0], 3, 0).unwrap(), [1, 0, 0, 1, 1, 0, 1, 1, 1]);
        assert_eq!(seen(&[0], 2, 1).unwrap(), [1, 1, 0, 1, 1, 1]);
    }

    #[test]
    fn no_token_sees_padding() {
        assert_eq!(seen(&[0, 2], 1, 2).unwrap(), [1, 1, 1, 0, 0, 1]);
        assert_eq!(seen(&[1], 2, 0).unwrap(), [0, 0, 0, 1]);
    }

    #[test]
    fn a_single_token_without_padding_needs_no_mask() {
        assert_eq!(seen(&[0, 0], 1, 9), None);
    }
}
