//! Keys and values of the tokens so far, so that each new token costs one forward step of itself alone.

use burn::tensor::{Device, Tensor, s};

use super::batch::Batch;
use super::config::LlamaConfig;

/// The keys and values of every block for a batch of sequences, allocated once for `capacity` tokens per row.
#[derive(Debug)]
pub struct KvCache {
    pub(super) layers: Vec<LayerCache>,
    /// Columns that every row has so far, padding included.
    pub(super) len: usize,
    capacity: usize,
    /// Columns of padding at the left of each row, `[batch]`.
    padding: Vec<usize>,
}

/// One block's share of a [`KvCache`]; both tensors are `[batch, n_kv_heads, capacity, head_dim]`.
#[derive(Debug)]
pub(super) struct LayerCache {
    k: Tensor<4>,
    v: Tensor<4>,
}

impl KvCache {
    /// An empty cache for a batch of `padding.len()` rows, of which row r begins with `padding[r]` columns of padding.
    pub fn new(config: &LlamaConfig, padding: &[usize], capacity: usize, device: &Device) -> Self {
        let shape = [padding.len(), config.n_kv_heads, capacity, config.head_dim];
        let layer = || LayerCache { k: Tensor::zeros(shape, device), v: Tensor::zeros(shape, device) };
        let layers = (0..config.n_layers).map(|_| layer()).collect();
        Self { layers, len: 0, capacity, padding: padding.to_vec() }
    }

    /// Columns for which there is room.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// One further token for every row, `[batch]`, at the position after the row's last.
    pub fn next(&self, tokens: &[u32]) -> Batch {
        Batch {
            tokens: tokens.to_vec(),
            positions: self.padding.iter().map(|padding| (self.len - padding) as u32).collect(),
            padding: self.padding.clone(),
        }
    }
}

impl LayerCache {
    /// Writes the keys and values of `seq` tokens, `[batch, n_kv_heads, seq, head_dim]`, behind the `past` ones;
    /// returns all `past + seq`.
    pub fn append(&mut self, past: usize, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let end = past + k.dims()[2];
        self.k.inplace(|all| all.slice_assign(s![.., .., past..end, ..], k));
        self.v.inplace(|all| all.slice_assign(s![.., .., past..end, ..], v));
        (self.k.clone().narrow(2, 0, end), self.v.clone().narrow(2, 0, end))
    }
}
