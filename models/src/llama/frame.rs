//! What every block of one forward step shares: the shape, the rotation and who sees whom.

use burn::tensor::Device;
use tiller_kernels::attention::Sight;
use tiller_kernels::rope::Angles;

use super::batch::Batch;
use super::rope::Frequencies;
use crate::lora::Dropout;

/// The surroundings of one forward step.
#[derive(Debug)]
pub(super) struct Frame {
    /// `[batch, seq]` of the tokens of this step.
    pub shape: [usize; 2],
    /// Columns that the cache holds already.
    pub past: usize,
    /// Of the rotation of every token.
    pub angles: Angles,
    /// Which tokens a token sees.
    pub sight: Sight,
    /// Of what the low-rank parts read; in training only.
    pub dropout: Option<Dropout>,
}

impl Frame {
    /// The surroundings of `batch` behind a `past`, which says of each row and column whether it holds a token.
    pub fn new(batch: &Batch, past: &[Vec<bool>], frequencies: &Frequencies, device: &Device) -> Self {
        let shape = batch.shape();
        let angles = frequencies.angles(&batch.positions, device);
        let sight = Sight::new(past, &batch.padding, shape[1]);
        Self { shape, past: past.first().map_or(0, Vec::len), angles, sight, dropout: None }
    }
}
