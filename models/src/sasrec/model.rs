//! SASRec as mathematics: from a history to a user vector, from a user vector to a score for every item.

use burn::module::{Module, Param};
use burn::nn::LayerNorm;
use burn::tensor::module::embedding;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::block::{Block, layer_norm};
use super::config::{INITIAL_DEVIATION, SasRecConfig};
use crate::Result;
use crate::random::{Noise, Normal};

/// What is added to the score of a key that a position may not see: exp() of it is 0 in f32.
const HIDDEN: f32 = -10_000.0;

/// The recommender. Items are numbered from 1; 0 is padding, which has no weights: it reads as the zero vector and
/// has no score, so it takes no part in the softmax and is never recommended (method §13 B25).
#[derive(Module, Debug)]
pub struct SasRec {
    /// One vector per item, item 1 first; read as input and as output: [n_items, d_model].
    items: Param<Tensor<2>>,
    /// One vector per place in the history, the newest last: [length, d_model].
    positions: Param<Tensor<2>>,
    norm: LayerNorm,
    blocks: Vec<Block>,
}

impl SasRec {
    /// A model with fresh weights; the same seed gives the same weights on every device.
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
            norm: layer_norm(config.d_model, device),
            blocks: (0..config.layers).map(|_| Block::new(config, &mut normal, device)).collect(),
        })
    }

    /// The number of items that the model scores.
    pub fn n_items(&self) -> usize {
        self.items.dims()[0]
    }

    /// Where the weights lie.
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
        self.encode(pad_left(&recent, &self.device()), noise)
    }

    /// Scores of all items for each user, [users, n_items]; the score of item i stands in column i - 1.
    pub fn scores(&self, users: Tensor<2>) -> Tensor<2> {
        users.matmul(self.items.val().transpose())
    }

    /// Each user's loss, logsumexp(scores) - score(target) over all items (method §2.2): [users, 1].
    pub fn losses(&self, users: Tensor<2>, targets: &[u32]) -> Tensor<2> {
        let columns: Vec<i32> = targets.iter().map(|&item| item as i32 - 1).collect();
        let columns = Tensor::<1, Int>::from_data(columns.as_slice(), &self.device());
        let of_target = (users.clone() * self.items.val().select(0, columns)).sum_dim(1);
        let scores = self.scores(users);
        let highest = scores.clone().detach().max_dim(1);
        (scores - highest.clone()).exp().sum_dim(1).log() + highest - of_target
    }

    /// Left-padded histories, [batch, seq], to [batch, d_model].
    fn encode(&self, histories: Tensor<2, Int>, noise: &mut Noise) -> Tensor<2> {
        let [batch, seq] = histories.dims();
        let mut hidden = hidden_keys(&histories); // [batch, 1, seq, seq]
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
    fn embed(&self, histories: Tensor<2, Int>) -> Tensor<3> {
        let [_, seq] = histories.dims();
        let [length, d_model] = self.positions.dims();
        let padding = Tensor::zeros([1, d_model], &self.device());
        let table = Tensor::cat(vec![padding, self.items.val()], 0); // [1 + n_items, d_model]
        let positions = self.positions.val().narrow(0, length - seq, seq); // the newest is always the last
        embedding(table, histories) + positions.unsqueeze()
    }
}

/// [`HIDDEN`] where a place may not look: later places, and padding other than itself. [batch, 1, seq, seq]
///
/// That a place always sees itself keeps the softmax defined on padding, and makes an empty history a constant.
fn hidden_keys(histories: &Tensor<2, Int>) -> Tensor<4> {
    let [_, seq] = histories.dims();
    let device = histories.device();
    let is_padding = histories.clone().equal_elem(0).float(); // [batch, seq]
    let square = |hides: fn(usize, usize) -> bool| {
        let values: Vec<f32> = (0..seq * seq).map(|at| if hides(at / seq, at % seq) { HIDDEN } else { 0.0 }).collect();
        Tensor::<4>::from_data(TensorData::new(values, [1, 1, seq, seq]), &device)
    };
    let [later, other] = [square(|place, key| key > place), square(|place, key| key != place)];
    is_padding.unsqueeze_dims(&[1, 1]) * other + later
}

/// Item numbers with 0 before the oldest, all as long as the longest (one place at least): [histories, seq].
fn pad_left(histories: &[&[u32]], device: &Device) -> Tensor<2, Int> {
    let seq = histories.iter().map(|history| history.len()).max().unwrap_or(0).max(1);
    let mut padded = vec![0i32; histories.len() * seq];
    for (row, history) in padded.chunks_exact_mut(seq).zip(histories) {
        for (place, &item) in row[seq - history.len()..].iter_mut().zip(*history) {
            *place = item as i32;
        }
    }
    Tensor::from_data(TensorData::new(padded, [histories.len(), seq]), device)
}
