//! The KV cache: keys and values of the tokens so far, so that a new token costs a forward step of one token.

use burn::tensor::{Device, Int, Tensor, s};

use super::batch::Batch;
use crate::llama::config::LlamaConfig;

/// The keys and values of every block for a batch of sequences.
///
/// All rows have the same number of columns. Rows that bring fewer tokens into a step than others have padding in front of them in
/// that step, so padding may be anywhere in a row; the attention mask hides it.
#[derive(Debug)]
pub struct KvCache {
    pub(super) layers: Vec<LayerCache>,
    /// `[batch][columns]`: whether a column holds a token, and not padding.
    seen: Vec<Vec<bool>>,
    capacity: usize,
}

/// One block's share of a [`KvCache`]; both tensors are `[batch, n_kv_heads, capacity, head_dim]`.
#[derive(Debug)]
pub(super) struct LayerCache {
    k: Tensor<4>,
    v: Tensor<4>,
}

impl KvCache {
    /// An empty cache for a batch of `rows`, with memory for `capacity` columns; it grows beyond them.
    pub fn new(config: &LlamaConfig, rows: usize, capacity: usize, device: &Device) -> Self {
        let shape = [rows, config.n_kv_heads, capacity, config.head_dim];
        let layer = || LayerCache { k: Tensor::zeros(shape, device), v: Tensor::zeros(shape, device) };
        let layers = (0..config.n_layers).map(|_| layer()).collect();
        Self { layers, seen: vec![Vec::new(); rows], capacity }
    }

    /// Columns that every row has so far, padding included.
    pub fn columns(&self) -> usize {
        self.seen.first().map_or(0, Vec::len)
    }

    /// `[batch][columns]`: whether a column holds a token, and not padding.
    pub(crate) fn seen(&self) -> &[Vec<bool>] {
        &self.seen
    }

    /// The further tokens of every row, at the positions after the row's last. Rows may bring any number of them, also none.
    pub fn next<R: AsRef<[u32]>>(&self, runs: &[R]) -> Batch {
        let mut batch = Batch::left_padded(runs);
        let seq = batch.shape()[1].max(1);
        for (positions, seen) in batch.positions.chunks_exact_mut(seq).zip(&self.seen) {
            let taken = seen.iter().filter(|seen| **seen).count() as u32;
            positions.iter_mut().for_each(|position| *position += taken);
        }
        batch
    }

    /// Reserves memory for a step of `seq` columns.
    pub(crate) fn reserve(&mut self, seq: usize) {
        let columns = self.columns();
        if columns + seq <= self.capacity {
            return;
        }
        self.capacity = (columns + seq).max(2 * self.capacity);
        for LayerCache { k, v } in &mut self.layers {
            for all in [k, v] {
                let [rows, heads, _, width] = all.dims();
                let larger = Tensor::zeros([rows, heads, self.capacity, width], &all.device());
                let filled = all.clone().narrow(2, 0, columns);
                *all = larger.slice_assign(s![.., .., 0..columns, ..], filled);
            }
        }
    }

    /// A cache whose rows are copies of these rows, in this order.
    pub(crate) fn with_rows(&self, rows: &[usize]) -> Self {
        let seen = rows.iter().map(|&row| self.seen[row].clone()).collect();
        let places: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        let copy = |all: &Tensor<4>| {
            let places = Tensor::<1, Int>::from_data(places.as_slice(), &all.device());
            all.clone().select(0, places)
        };
        let layers = self.layers.iter().map(|LayerCache { k, v }| LayerCache { k: copy(k), v: copy(v) }).collect();
        Self { layers, seen, capacity: self.capacity }
    }

    /// Turns the last `count` columns of a row into padding: drafted tokens that were not sampled.
    pub(crate) fn rewind(&mut self, row: usize, count: usize) {
        let seen = &mut self.seen[row];
        let kept = seen.len() - count;
        seen[kept..].fill(false);
    }

    /// Gives back the last columns that hold padding in every row.
    pub(crate) fn trim(&mut self) {
        let used = |seen: &Vec<bool>| seen.iter().rposition(|seen| *seen).map_or(0, |last| last + 1);
        let columns = self.seen.iter().map(used).max().unwrap_or(0);
        self.seen.iter_mut().for_each(|seen| seen.truncate(columns));
    }

    /// Notes that every row has taken the columns of `batch`.
    pub(crate) fn advance(&mut self, batch: &Batch) {
        let seq = batch.shape()[1];
        for (seen, padding) in self.seen.iter_mut().zip(&batch.padding) {
            seen.extend((0..seq).map(|column| column >= *padding));
        }
    }
}

impl LayerCache {
    /// Writes the keys and values of `seq` tokens, `[batch, seq, n_kv_heads, head_dim]`, behind the `past` ones;
    /// returns all `past + seq`.
    pub fn append(&mut self, past: usize, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let end = past + k.dims()[1];
        let write = |all: &mut Tensor<4>, new: Tensor<4>| {
            all.inplace(|all| all.slice_assign(s![.., .., past..end, ..], new.swap_dims(1, 2)));
            all.clone().narrow(2, 0, end).swap_dims(1, 2)
        };
        (write(&mut self.k, k), write(&mut self.v, v))
    }
}
