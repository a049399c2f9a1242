//! What every block of one forward step shares: the shape, the rotation and who sees whom.

use burn::tensor::{Device, Tensor};
use tiller_kernels::attention::AttentionMask;
use tiller_kernels::rope::Angles;

use super::batch::Batch;
use super::packing::{Packing, places};
use super::rope::Frequencies;
use crate::lora::RowDropout;

/// The surroundings of one forward step.
#[derive(Debug)]
pub(super) struct ForwardContext {
    /// `[batch, seq]` of the tokens of this step.
    pub shape: [usize; 2],
    /// Columns that the cache holds already.
    pub past: usize,
    /// Of the rotation of every token.
    pub angles: Angles,
    /// Which tokens a token sees.
    pub mask: AttentionMask,
    /// Where the blocks work on the tokens alone, how these stand in the rows.
    pub packing: Option<Packing>,
    /// Of what the low-rank parts read; in training only.
    pub dropout: Option<RowDropout>,
}

impl ForwardContext {
    /// The surroundings of `batch`, padding and all.
    pub fn new(batch: &Batch, frequencies: &Frequencies, device: &Device) -> Self {
        let shape = batch.shape();
        let angles = frequencies.angles(&batch.positions, device);
        let mask = AttentionMask::new(&[], &batch.padding, shape[1]);
        Self { shape, past: 0, angles, mask, packing: None, dropout: None }
    }

    /// The surroundings of the tokens of `batch` without its padding, behind a `past`, which says of each row and column whether it holds
    /// a token; and these tokens.
    pub fn packed(batch: &Batch, past: &[Vec<bool>], frequencies: &Frequencies, device: &Device) -> (Self, Vec<u32>) {
        let shape @ [rows, seq] = batch.shape();
        let places = places(batch);
        let at = |all: &[u32]| -> Vec<u32> { places.iter().map(|&place| all[place]).collect() };
        let is_padded = places.len() < rows * seq;
        let context = Self {
            shape,
            past: past.first().map_or(0, Vec::len),
            angles: frequencies.angles(&at(&batch.positions), device),
            mask: AttentionMask::new(past, &batch.padding, seq),
            packing: is_padded.then(|| Packing::new(&places, rows * seq, device)),
            dropout: None,
        };
        (context, at(&batch.tokens))
    }

    /// What the blocks work on, as rows of one length: `[n, …]` to `[batch · seq, …]`.
    pub fn spread<const D: usize>(&self, tokens: Tensor<D>) -> Tensor<D> {
        match &self.packing {
            Some(packing) => packing.spread(tokens),
            None => tokens,
        }
    }

    /// The way back: `[batch · seq, …]` to `[n, …]`.
    pub fn gather<const D: usize>(&self, places: Tensor<D>) -> Tensor<D> {
        match &self.packing {
            Some(packing) => packing.gather(places),
            None => places,
        }
    }
}
