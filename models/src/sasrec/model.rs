//! SASRec as mathematics: from a history to a user vector, from a user vector to a score for every item.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use tiller_kernels::embedding;

use super::block::SasRecBlock;
use super::config::{INITIAL_DEVIATION, SasRecConfig};
use super::norm::LayerNorm;
use crate::Result;
use crate::random::{Noise, Normal};

/// The mask value for keys that a position may not see: exp() of it is 0 in f32.
const HIDDEN: f32 = -10_000.0;

/// The recommender. Items are numbered from 1; 0 is padding, which has no weights: it reads as the zero vector and
/// has no score, so it takes no part in the softmax and is never recommended (method B25).
#[derive(Module, Debug)]
pub struct SasRec {
    /// One vector per item, item 1 first; read as input and as output: [n_items, d_model].
    items: Param<Tensor<2>>,
    /// One vector per place in the history, the newest last: [length, d_model].
    positions: Param<Tensor<2>>,
    norm: LayerNorm,
    blocks: Vec<SasRecBlock>,
}

impl SasRec {
    /// A model with random weights; the same seed gives the same weights on every device.
    ///
    /// # Errors
    /// Sizes that [`SasRecConfig::validate`] refuses.
    pub fn new(config: &SasRecConfig, n_items: usize, seed: u64, device: &Device) -> Result<Self> {
        config.validate()?;
        let mut normal = Normal::new(seed);
        let table = |rows: usize, normal: &mut Normal| {
            let values = normal.draw(rows * config.d_model, INITIAL_DEVIATION);
            Param::from_data(TensorData::new(values, [rows, config.d_model]), device)
        };
        Ok(Self {
            items: table(n_items, &mut normal),
            positions: table(config.length, &mut normal),
            norm: LayerNorm::new(config.d_model, device),
            blocks: (0..config.n_layers).map(|_| SasRecBlock::new(config, &mut normal, device)).collect(),
        })
    }

    /// The number of items that the model scores.
    pub fn n_items(&self) -> usize {
        self.items.dims()[0]
    }

    /// The vector of each item, item 1 first: `[n_items, d_model]`.
    pub fn item_vectors(&self) -> Tensor<2> {
        self.items.val()
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.items.device()
    }

    /// The vector of each user, [histories, d_model]: the output at the newest place.
    ///
    /// A history lists item numbers from 1 to [`SasRec::n_items`], oldest first; its newest `length` items count.
    /// Padding makes all as long as the longest of them, and changes nothing else.
    pub fn users(&self, histories: &[&[u32]], noise: &mut Noise) -> Tensor<2> {
        let [length, _] = self.positions.dims();
        let recent: Vec<&[u32]> = histories.iter().map(|h| &h[h.len().saturating_sub(length)..]).collect();
        self.encode(&Padded::left(&recent), noise)
    }

    /// Scores of all items for each user, [users, n_items]; the score of item i stands in column i - 1.
    pub fn scores(&self, users: Tensor<2>) -> Tensor<2> {
        users.matmul(self.items.val().transpose())
    }

    /// Each user's loss, logsumexp(scores) - score(target) over all items (method §2.2): [users, 1].
    pub fn losses(&self, users: Tensor<2>, targets: &[u32]) -> Tensor<2> {
        let of_target = (users.clone() * embedding(self.items.val(), &rows_of(targets))).sum_dim(1);
        let scores = self.scores(users);
        let highest = scores.clone().detach().max_dim(1);
        (scores - highest.clone()).exp().sum_dim(1).log() + highest - of_target
    }

    /// Left-padded histories, [batch, seq], to [batch, d_model].
    fn encode(&self, histories: &Padded, noise: &mut Noise) -> Tensor<2> {
        let [batch, seq] = histories.shape;
        let mut hidden = histories.hidden_keys(&self.device()); // [batch, 1, seq, seq]
        let mut x = noise.drop(self.norm.forward(self.embed(histories))); // [batch, seq, d_model]
        for (index, block) in self.blocks.iter().enumerate() {
            let mut rows = x.clone();
            if index + 1 == self.blocks.len() {
                // Only the newest place is read, so the last layer computes no other.
                rows = rows.narrow(1, seq - 1, 1);
                hidden = hidden.narrow(2, seq - 1, 1);
            }
            x = block.forward(x, rows, hidden.clone(), noise);
        }
        x.reshape([batch as i64, -1])
    }

    /// Item plus position vectors: [batch, seq] to [batch, seq, d_model].
    fn embed(&self, histories: &Padded) -> Tensor<3> {
        let [batch, seq] = histories.shape;
        let [length, d_model] = self.positions.dims();
        let items = embedding(self.items.val(), &rows_of(&histories.items)).reshape([batch, seq, d_model]);
        let positions = self.positions.val().narrow(0, length - seq, seq); // the newest is always the last
        items + positions.unsqueeze()
    }
}

/// The rows of the item table; that of padding lies beyond every table, where zeros are read.
fn rows_of(items: &[u32]) -> Vec<u32> {
    items.iter().map(|item| item.wrapping_sub(1)).collect()
}

/// Histories, all as long as the longest (one place at least), with 0 before the oldest item.
struct Padded {
    /// Item numbers, history after history.
    items: Vec<u32>,
    /// [histories, seq]
    shape: [usize; 2],
}

impl Padded {
    fn left(histories: &[&[u32]]) -> Self {
        let seq = histories.iter().map(|history| history.len()).max().unwrap_or(0).max(1);
        let mut items = vec![0; histories.len() * seq];
        for (row, history) in items.chunks_exact_mut(seq).zip(histories) {
            row[seq - history.len()..].copy_from_slice(history);
        }
        Self { items, shape: [histories.len(), seq] }
    }

    /// [`HIDDEN`] where a place may not look: later places, and padding other than itself. [batch, 1, seq, seq]
    ///
    /// That a place always sees itself keeps the softmax defined on padding, and makes an empty history a constant.
    fn hidden_keys(&self, device: &Device) -> Tensor<4> {
        let [batch, seq] = self.shape;
        let is_padding: Vec<f32> = self.items.iter().map(|&item| f32::from(item == 0)).collect();
        let is_padding = Tensor::<4>::from_data(TensorData::new(is_padding, [batch, 1, 1, seq]), device);
        let square = |hides: fn(usize, usize) -> bool| {
            let hidden = |at: usize| if hides(at / seq, at % seq) { HIDDEN } else { 0.0 };
            let values: Vec<f32> = (0..seq * seq).map(hidden).collect();
            Tensor::<4>::from_data(TensorData::new(values, [1, 1, seq, seq]), device)
        };
        let [later, other] = [square(|place, key| key > place), square(|place, key| key != place)];
        is_padding * other + later
    }
}
