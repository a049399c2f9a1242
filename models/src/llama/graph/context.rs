//! The context that all blocks of one forward step share: shape, rotation, attention mask.

use burn::tensor::{Device, Tensor};
use tiller_kernels::attention::AttentionMask;
use tiller_kernels::rope::Angles;

use super::batch::Batch;
use super::padding::{PaddingMap, places};
use super::rope::Frequencies;
use crate::lora::RowDropout;

/// The context of one forward step.
#[derive(Debug)]
pub(super) struct ForwardContext {
    /// `[batch, seq]` of the tokens of this step.
    pub shape: [usize; 2],
    /// Columns that the cache holds already.
    pub past: usize,
    /// The rotation of every token.
    pub angles: Angles,
    /// The attention mask.
    pub mask: AttentionMask,
    /// The map between tokens and padded rows, if there is padding.
    pub padding_map: Option<PaddingMap>,
    /// The dropout before the low-rank matrices; in training only.
    pub dropout: Option<RowDropout>,
}

impl ForwardContext {
    /// The context of `batch`, including its padding.
    pub fn new(batch: &Batch, frequencies: &Frequencies, device: &Device) -> Self {
        let shape = batch.shape();
        let angles = frequencies.angles(&batch.positions, device);
        let mask = AttentionMask::new(&[], &batch.padding, shape[1]);
        Self { shape, past: 0, angles, mask, padding_map: None, dropout: None }
    }

    /// The context of the tokens of `batch` without its padding, and these tokens. `past` is true for each row and column of the cache
    /// that holds a token.
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
            padding_map: is_padded.then(|| PaddingMap::new(&places, rows * seq, device)),
            dropout: None,
        };
        (context, at(&batch.tokens))
    }

    /// Adds the padding: `[n, …]` to `[batch · seq, …]`.
    pub fn spread<const D: usize>(&self, tokens: Tensor<D>) -> Tensor<D> {
        match &self.padding_map {
            Some(map) => map.spread(tokens),
            None => tokens,
        }
    }

    /// Removes the padding: `[batch · seq, …]` to `[n, …]`.
    pub fn gather<const D: usize>(&self, places: Tensor<D>) -> Tensor<D> {
        match &self.padding_map {
            Some(map) => map.gather(places),
            None => places,
        }
    }
}
