//! The part of item tokens' rows that is trained: W · e beside a frozen row, in the embedding and in the output projection.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use tiller_kernels::embedding;

/// W, and the vector e of each token.
#[derive(Module, Debug)]
pub(super) struct ItemProjection {
    /// Wᵀ, `[width, d_model]`; zero at first, so that training starts from the frozen rows.
    pub(super) weight: Param<Tensor<2>>,
    /// `[vocab_size, width]`; frozen, and zero for tokens of no item.
    pub(super) vectors: Param<Tensor<2>>,
}

impl ItemProjection {
    /// The change of the embeddings of tokens, `[n, d_model]`.
    pub(super) fn embed(&self, tokens: &[u32]) -> Tensor<2> {
        embedding(self.vectors.val(), tokens).matmul(self.weight.val())
    }

    /// The change of the logits, `[n, d_model]` to `[n, vocab_size]`.
    pub(super) fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        let [narrow, vectors] = self.factors(hidden);
        narrow.matmul(vectors.transpose())
    }

    /// The projection for these tokens alone, in their order.
    pub(super) fn of(&self, tokens: &[u32]) -> Self {
        let places: Vec<i32> = tokens.iter().map(|token| *token as i32).collect();
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &self.vectors.device());
        Self { weight: self.weight.clone(), vectors: Param::from_tensor(self.vectors.val().select(0, places)) }
    }

    /// The low-rank factors of the change of the logits: hidden · W `[n, width]`, and the vectors `[vocab_size, width]`.
    pub(super) fn factors(&self, hidden: Tensor<2>) -> [Tensor<2>; 2] {
        [hidden.matmul(self.weight.val().transpose()), self.vectors.val()]
    }

    /// The change of the tables, `[vocab_size, d_model]`.
    pub(super) fn change(&self) -> Tensor<2> {
        self.vectors.val().matmul(self.weight.val())
    }
}
