//! Cross-entropy from the factors of the logits: log-probabilities, entropies and log-sum-exps of tokens, for targets that are ids or
//! distributions over ids. The logits are never stored as a whole.
//!
//! Logits of 4,096 tokens over 49,152 ids are 768 MiB, and a graph of plain operations holds them several
//! times over. Here they exist one chunk at a time. Forward, a chunk gives three numbers per token. Backward,
//! it is recomputed, replaced by its gradient in place, and multiplied into the gradients of its factors.

mod check;
mod on_cpu;
mod rows;
mod soft_targets;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, ExtensionType, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Slice, Tensor};
use burn_cubecl::CubeBackend;

use crate::autodiff::{Differentiable, record};
use crate::gemm::MatmulPrecision;
use crate::matmul::{PackedWeight, Values, WeightLayout};
use rows::Rows;

pub(crate) use check::check;
pub(crate) use rows::{bench_cases, kernels};
pub use soft_targets::{SoftTargets, TargetShare};

/// The scores of each token, in nats: `[tokens]` each.
#[derive(Debug, Clone)]
pub struct CrossEntropy {
    /// Σ q log p over the shares q of the target; log p(target) of a single id.
    pub log_probs: Tensor<1>,
    /// -Σ p log p
    pub entropies: Tensor<1>,
    /// log Σ exp(logits)
    pub log_sum_exps: Tensor<1>,
}

/// An output projection W, `[vocab_size, d_model]`.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // one at a time, on the stack
pub enum Projection<'a> {
    /// With a gradient, where the tensor asks for one.
    Dense(Tensor<2>),
    /// Frozen.
    Packed(&'a PackedWeight),
}

/// Logits of one chunk: 64 MiB, unless a single token has more.
const LOGITS: usize = 1 << 24;

/// Scores `targets` by the logits hidden · Wᵀ, or with low-rank factors (u, b) hidden · Wᵀ + u · bᵀ.
/// Gradients flow to all but packed weights.
///
/// # Shapes
/// hidden `[tokens, d_model]`, u `[tokens, rank]`, b `[vocab_size, rank]`; all f32. On a CPU their products are of `precision`.
///
/// # Panics
/// Shapes that do not fit, targets beyond the vocabulary.
pub fn cross_entropy(
    hidden: Tensor<2>,
    projection: Projection,
    low_rank: Option<[Tensor<2>; 2]>,
    targets: &SoftTargets,
    precision: MatmulPrecision,
) -> CrossEntropy {
    in_chunks(hidden, projection, low_rank, targets, (LOGITS, precision))
}

/// The most tokens whose logits over `vocab_size` ids exist at once.
pub fn max_tokens(vocab_size: usize) -> usize {
    tokens_of(LOGITS, vocab_size)
}

/// The number of tokens whose logits fit into `logits` numbers, at least one.
fn tokens_of(logits: usize, vocab_size: usize) -> usize {
    (logits / vocab_size.max(1)).max(1)
}

/// [`cross_entropy`] with at most `logits` logits at once.
fn in_chunks(
    hidden: Tensor<2>,
    projection: Projection,
    low_rank: Option<[Tensor<2>; 2]>,
    targets: &SoftTargets,
    (logits, precision): (usize, MatmulPrecision),
) -> CrossEntropy {
    let (tokens, [vocab_size, d_model]) = (targets.len(), projection.shape());
    assert_eq!(hidden.dims(), [tokens, d_model], "cross_entropy: hidden has to fit the targets and the projection");
    if let Some([u, b]) = &low_rank {
        let found = [u.dims(), b.dims()];
        assert_eq!(found, [[tokens, u.dims()[1]], [vocab_size, u.dims()[1]]], "cross_entropy: u and b have to fit");
    }
    let within = targets.entries().iter().all(|target| (target.id as usize) < vocab_size);
    assert!(within, "cross_entropy: a target lies beyond the vocabulary of {vocab_size}");

    let head = Head {
        hidden: hidden.into_dispatch(),
        weight: projection.weight(),
        low_rank: low_rank.map_or(LowRank::Absent, |[u, b]| LowRank::Present(u.into_dispatch(), b.into_dispatch())),
    };
    let scores = Dispatch::cross_entropy(head, Arc::new(targets.clone()), tokens_of(logits, vocab_size), precision);
    let scores = Tensor::<2>::from_dispatch(scores);
    let [log_probs, entropies, log_sum_exps] =
        [0, 1, 2].map(|column| scores.clone().narrow(1, column, 1).reshape([tokens]));
    CrossEntropy { log_probs, entropies, log_sum_exps }
}

impl Projection<'_> {
    fn shape(&self) -> [usize; 2] {
        match self {
            Projection::Dense(weight) => weight.dims(),
            Projection::Packed(weight) => [weight.rows(), weight.cols()],
        }
    }

    fn weight(self) -> Weight<Dispatch> {
        match self {
            Projection::Dense(weight) => Weight::Dense(weight.into_dispatch()),
            Projection::Packed(PackedWeight { values: Values::Dense(weight), .. }) => {
                Weight::Dense(weight.clone().into_dispatch())
            }
            Projection::Packed(PackedWeight { values: Values::Packed { quants, scales }, layout }) => {
                Weight::Packed(quants.clone().into_dispatch(), scales.clone().into_dispatch(), *layout)
            }
        }
    }
}

/// The factors of the logits.
#[derive(ExtensionType)]
struct Head<B: Backend> {
    hidden: FloatTensor<B>,
    #[extension_type]
    weight: Weight<B>,
    #[extension_type]
    low_rank: LowRank<B>,
}

#[derive(ExtensionType)]
enum Weight<B: Backend> {
    Dense(FloatTensor<B>),
    /// Quants and scales.
    Packed(IntTensor<B>, IntTensor<B>, WeightLayout),
}

#[derive(ExtensionType)]
enum LowRank<B: Backend> {
    Absent,
    /// u and b.
    Present(FloatTensor<B>, FloatTensor<B>),
}

/// The operation for each of burn's backends: scores `[tokens, 3]`.
#[backend_extension(Cube, Flex, Autodiff)]
trait CrossEntropyBackend: Backend {
    fn cross_entropy(
        #[extension_type] head: Head<Self>,
        targets: Arc<SoftTargets>,
        at_once: usize,
        precision: MatmulPrecision,
    ) -> FloatTensor<Self>;
}

impl CrossEntropyBackend for CubeBackend {
    fn cross_entropy(
        head: Head<Self>,
        targets: Arc<SoftTargets>,
        at_once: usize,
        precision: MatmulPrecision,
    ) -> FloatTensor<Self> {
        plain(head, targets, at_once, precision)
    }
}

impl CrossEntropyBackend for Flex {
    fn cross_entropy(
        head: Head<Self>,
        targets: Arc<SoftTargets>,
        at_once: usize,
        precision: MatmulPrecision,
    ) -> FloatTensor<Self> {
        plain(head, targets, at_once, precision)
    }
}

/// The scores without a gradient.
fn plain<B: Rows>(
    head: Head<B>,
    targets: Arc<SoftTargets>,
    at_once: usize,
    precision: MatmulPrecision,
) -> FloatTensor<B> {
    let Head { hidden, weight, low_rank } = head;
    let scoring = |packed: Option<Packed<B>>| Scoring { packed, targets, at_once, precision, scores: None };
    match (weight, low_rank) {
        (Weight::Dense(w), LowRank::Absent) => scoring(None).forward([hidden, w]),
        (Weight::Dense(w), LowRank::Present(u, b)) => scoring(None).forward([hidden, w, u, b]),
        (Weight::Packed(quants, scales, layout), LowRank::Absent) => {
            scoring(Some(Packed { quants, scales, layout })).forward([hidden])
        }
        (Weight::Packed(quants, scales, layout), LowRank::Present(u, b)) => {
            scoring(Some(Packed { quants, scales, layout })).forward([hidden, u, b])
        }
    }
}

impl<B: Rows, C: CheckpointStrategy> CrossEntropyBackend for Autodiff<B, C> {
    fn cross_entropy(
        head: Head<Self>,
        targets: Arc<SoftTargets>,
        at_once: usize,
        precision: MatmulPrecision,
    ) -> FloatTensor<Self> {
        let Head { hidden, weight, low_rank } = head;
        let scoring = |packed: Option<Packed<B>>| Scoring { packed, targets, at_once, precision, scores: None };
        match (weight, low_rank) {
            (Weight::Dense(w), LowRank::Absent) => record::<B, C, _, 2>(scoring(None), [hidden, w]),
            (Weight::Dense(w), LowRank::Present(u, b)) => record::<B, C, _, 4>(scoring(None), [hidden, w, u, b]),
            (Weight::Packed(quants, scales, layout), LowRank::Absent) => {
                record::<B, C, _, 1>(scoring(Some(Packed { quants, scales, layout })), [hidden])
            }
            (Weight::Packed(quants, scales, layout), LowRank::Present(u, b)) => {
                record::<B, C, _, 3>(scoring(Some(Packed { quants, scales, layout })), [hidden, u, b])
            }
        }
    }
}

/// A frozen weight in few bits.
#[derive(Debug, Clone)]
struct Packed<B: Backend> {
    quants: IntTensor<B>,
    scales: IntTensor<B>,
    layout: WeightLayout,
}

/// The scores as an operation of the factors of the logits: hidden and W, of which a packed one is no factor,
/// then u and b.
#[derive(Debug, Clone)]
struct Scoring<B: Backend> {
    packed: Option<Packed<B>>,
    targets: Arc<SoftTargets>,
    /// Tokens whose logits exist at once.
    at_once: usize,
    precision: MatmulPrecision,
    /// Of the forward pass; the gradient needs them.
    scores: Option<FloatTensor<B>>,
}

/// One term of the logits, by the numbers of its factors: left · rightᵀ.
struct Term {
    left: usize,
    /// `None` for the packed weight.
    right: Option<usize>,
}

impl<B: Rows> Scoring<B> {
    fn chunks(&self) -> impl Iterator<Item = Range<usize>> {
        let tokens = self.targets.len();
        (0..tokens).step_by(self.at_once).map(move |first| first..(first + self.at_once).min(tokens))
    }

    fn terms(&self, factors: usize) -> impl Iterator<Item = Term> {
        let packed = self.packed.is_some();
        let of_packed = packed.then_some(Term { left: 0, right: None });
        let pairs = (usize::from(packed)..factors).step_by(2);
        of_packed.into_iter().chain(pairs.map(|left| Term { left, right: Some(left + 1) }))
    }

    /// The logits of some tokens, `[chunk, vocab_size]`.
    fn logits(&self, factors: &[FloatTensor<B>], chunk: &Range<usize>) -> FloatTensor<B> {
        let of_packed = self.packed.as_ref().map(|packed| B::product(packed, rows_of::<B>(&factors[0], chunk)));
        let dense = self.terms(factors.len()).filter_map(|Term { left, right }| {
            Some([rows_of::<B>(&factors[left], chunk), B::float_swap_dims(factors[right?].clone(), 0, 1)])
        });
        let dense = B::sum_of_products(dense.collect(), self.precision);
        of_packed.into_iter().chain(dense).reduce(B::float_add).expect("there is a weight")
    }

    fn product(&self, left: FloatTensor<B>, right: FloatTensor<B>) -> FloatTensor<B> {
        B::sum_of_products(vec![[left, right]], self.precision).expect("it has a term")
    }
}

impl<B: Rows, const N: usize> Differentiable<B, N> for Scoring<B> {
    const KEPT: bool = true;

    fn forward(&self, factors: [FloatTensor<B>; N]) -> FloatTensor<B> {
        let scores = self.chunks().map(|chunk| B::scores(self.logits(&factors, &chunk), &self.targets.rows(chunk)));
        joined::<B>(scores.collect())
    }

    fn run(self, factors: [FloatTensor<B>; N]) -> (Self, FloatTensor<B>) {
        let scores = self.forward(factors);
        (Scoring { scores: Some(scores.clone()), ..self }, scores)
    }

    fn backward(
        &self,
        factors: [FloatTensor<B>; N],
        d_scores: FloatTensor<B>,
        wanted: [bool; N],
    ) -> [Option<FloatTensor<B>>; N] {
        let scores = self.scores.as_ref().expect("the forward pass keeps its results for the gradient");
        let mut parts: [Vec<FloatTensor<B>>; N] = std::array::from_fn(|_| vec![]);
        for chunk in self.chunks() {
            let [scores, d_scores] = [scores, &d_scores].map(|all| rows_of::<B>(all, &chunk));
            let logits = self.logits(&factors, &chunk);
            let d_logits = B::gradient(logits, &self.targets.rows(chunk.clone()), scores, d_scores); // [chunk, vocab_size]
            for Term { left, right } in self.terms(N) {
                if wanted[left] {
                    parts[left].push(match right {
                        Some(right) => self.product(d_logits.clone(), factors[right].clone()), // [chunk, depth]
                        None => B::product_back(self.packed.as_ref().expect("as above"), d_logits.clone()),
                    });
                }
                if let Some(right) = right.filter(|right| wanted[*right]) {
                    let transposed = B::float_swap_dims(d_logits.clone(), 0, 1);
                    let part = self.product(transposed, rows_of::<B>(&factors[left], &chunk)); // [vocab_size, depth]
                    let sum = match parts[right].pop() {
                        Some(sum) => B::float_add(sum, part),
                        None => part,
                    };
                    parts[right].push(sum);
                }
            }
        }
        // Those of a left factor are its rows, chunk by chunk; those of a right one have been added up.
        parts.map(|parts| (!parts.is_empty()).then(|| joined::<B>(parts)))
    }
}

/// Some rows of a matrix.
fn rows_of<B: Backend>(matrix: &FloatTensor<B>, rows: &Range<usize>) -> FloatTensor<B> {
    if *rows == (0..matrix.shape()[0]) {
        return matrix.clone();
    }
    B::float_slice(matrix.clone(), &[Slice::new(rows.start as isize, Some(rows.end as isize), 1), Slice::full()])
}

/// Matrices below one another.
fn joined<B: Backend>(mut parts: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    if parts.len() == 1 { parts.remove(0) } else { B::float_cat(parts, 0) }
}
