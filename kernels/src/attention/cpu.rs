//! Fused attention on a CPU: a block of queries at a time, whose scores stay in the cache of a core, and only over
//! keys that it sees. The backward pass computes the weights anew from the log-sum-exps (flash attention: Dao, 2023).

use std::ops::Range;

use rayon::prelude::*;

use super::launch::AttentionShape;
use crate::cpu::zeros;
use crate::decode_cpu::Isa;
use crate::decode_cpu::lanes::{LANES, SimdKernel, exp, largest_of, multiply_add, sum_of_pairs};
use crate::gemm::{GemmVariant, MatmulPrecision, MatrixView, add_product};

/// Queries of a block.
const BLOCK: usize = 64;

/// The log-sum-exp of a token that sees nothing.
const NOTHING: f32 = 1e30;

/// The operands of a step.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    pub(super) shape: AttentionShape,
    /// `[batch]`
    pub(super) padding: &'a [u32],
    /// `[batch, seq, heads, head_dim]`
    pub(super) q: &'a [f32],
    /// `[batch, seq, kv_heads, head_dim]`
    pub(super) k: &'a [f32],
    /// `[batch, seq, kv_heads, head_dim]`
    pub(super) v: &'a [f32],
}

/// o `[batch, seq, heads, head_dim]` and the log-sum-exps `[batch, heads, seq]`.
pub(super) fn forward(step: Operands) -> [Vec<f32>; 2] {
    let AttentionShape { seq, head_dim, .. } = step.shape;
    let heads: Vec<[Vec<f32>; 2]> = step.heads().into_par_iter().map(|head| head.forward()).collect();
    let lse = heads.iter().flat_map(|[_, lse]| lse).copied().collect();
    let o: Vec<&[f32]> = heads.iter().map(|[o, _]| &o[..]).collect();
    [step.shape.heads_last(&o, step.shape.heads, seq * head_dim), lse]
}

/// dq, dk and dv, as q, k and v.
pub(super) fn backward(step: Operands, o: &[f32], lse: &[f32], d_o: &[f32]) -> [Vec<f32>; 3] {
    let shape @ AttentionShape { seq, heads, kv_heads, head_dim, .. } = step.shape;
    let of_head = |(number, head): (usize, Head)| head.backward(o, &lse[number * seq..][..seq], d_o);
    let found: Vec<[Vec<f32>; 3]> = step.heads().into_par_iter().enumerate().map(of_head).collect();
    // Heads of queries that share keys and values add up their gradients.
    let of_group = |of: usize| {
        let groups = found.par_chunks(heads / kv_heads).map(|group| {
            let mut sum = group[0][of].clone();
            for other in &group[1..] {
                sum.iter_mut().zip(&other[of]).for_each(|(sum, x)| *sum += x);
            }
            sum
        });
        let groups: Vec<Vec<f32>> = groups.collect();
        shape.heads_last(&groups.iter().map(|group| &group[..]).collect::<Vec<_>>(), kv_heads, seq * head_dim)
    };
    let dq: Vec<&[f32]> = found.iter().map(|[dq, _, _]| &dq[..]).collect();
    [shape.heads_last(&dq, heads, seq * head_dim), of_group(1), of_group(2)]
}

impl AttentionShape {
    /// `[batch, heads][seq, head_dim]`, of which each has `length` floats, to `[batch, seq, heads, head_dim]`.
    fn heads_last(&self, parts: &[&[f32]], heads: usize, length: usize) -> Vec<f32> {
        let &AttentionShape { seq, head_dim, .. } = self;
        let mut joined = zeros(parts.len() * length);
        joined.par_chunks_mut(heads * head_dim).enumerate().for_each(|(token, joined)| {
            let parts = &parts[token / seq * heads..][..heads];
            for (joined, part) in joined.chunks_mut(head_dim).zip(parts) {
                joined.copy_from_slice(&part[token % seq * head_dim..][..head_dim]);
            }
        });
        joined
    }
}

impl<'a> Operands<'a> {
    /// Every head of queries of every row.
    fn heads(self) -> Vec<Head<'a>> {
        let AttentionShape { batch, heads, .. } = self.shape;
        (0..batch).flat_map(|row| (0..heads).map(move |head| Head { step: self, row, head })).collect()
    }
}

/// One head of queries of a row.
struct Head<'a> {
    step: Operands<'a>,
    row: usize,
    head: usize,
}

impl<'a> Head<'a> {
    /// The rows of this head in a tensor of queries, `[seq, head_dim]`.
    fn queries(&self, floats: &'a [f32]) -> MatrixView<'a> {
        let AttentionShape { heads, .. } = self.step.shape;
        self.tokens(floats, heads, self.head)
    }

    /// The rows of this head in a tensor of keys or values, `[seq, head_dim]`.
    fn keys(&self, floats: &'a [f32]) -> MatrixView<'a> {
        let AttentionShape { heads, kv_heads, .. } = self.step.shape;
        self.tokens(floats, kv_heads, self.head / (heads / kv_heads))
    }

    fn tokens(&self, floats: &'a [f32], heads: usize, head: usize) -> MatrixView<'a> {
        let AttentionShape { seq, head_dim, .. } = self.step.shape;
        let first = (self.row * seq * heads + head) * head_dim;
        MatrixView::strided(&floats[first..], [seq, head_dim], heads * head_dim)
    }

    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let seq = self.step.shape.seq;
        (0..seq).step_by(BLOCK).map(move |first| first..seq.min(first + BLOCK))
    }

    /// The keys that a query sees.
    fn seen(&self, query: usize) -> Range<usize> {
        (self.step.padding[self.row] as usize).min(query + 1)..query + 1
    }

    /// o, `[seq, head_dim]`, and the log-sum-exps, `[seq]`.
    fn forward(&self) -> [Vec<f32>; 2] {
        let Operands { shape: AttentionShape { seq, head_dim, scale, .. }, q, k, v, .. } = self.step;
        let ([q, k, v], isa) = ([self.queries(q), self.keys(k), self.keys(v)], Isa::best());
        let gemm = GemmVariant::best(MatmulPrecision::F32);
        let (mut o, mut lse) = (vec![0.0; seq * head_dim], vec![NOTHING; seq]);
        let mut scores = Vec::new();
        for block in self.blocks() {
            let keys = block.end;
            scores.clear();
            scores.resize(block.len() * keys, 0.0);
            add_product(q.slice(block.clone()), k.slice(0..keys).transposed(), &mut scores, keys, gemm);
            for (query, scores) in block.clone().zip(scores.chunks_exact_mut(keys)) {
                let seen = self.seen(query);
                lse[query] = isa.run(Softmax { scores, seen, scale });
            }
            let o = &mut o[block.start * head_dim..];
            add_product(MatrixView::new(&scores, [block.len(), keys]), v.slice(0..keys), o, head_dim, gemm);
        }
        [o, lse]
    }

    /// dq, dk and dv, `[seq, head_dim]` each, where dk and dv are of this head alone.
    fn backward(&self, o: &'a [f32], lse: &[f32], d_o: &'a [f32]) -> [Vec<f32>; 3] {
        let Operands { shape: AttentionShape { seq, head_dim, scale, .. }, q, k, v, .. } = self.step;
        let ([q, k, v], isa) = ([self.queries(q), self.keys(k), self.keys(v)], Isa::best());
        let gemm = GemmVariant::best(MatmulPrecision::F32);
        let [o, d_o] = [o, d_o].map(|floats| self.queries(floats));
        let [mut dq, mut dk, mut dv] = [(); 3].map(|()| vec![0.0; seq * head_dim]);
        let [mut weights, mut scores] = [Vec::new(), Vec::new()];
        for block in self.blocks() {
            let (keys, shape) = (block.end, [block.len(), block.end]);
            for buffer in [&mut weights, &mut scores] {
                buffer.clear();
                buffer.resize(block.len() * keys, 0.0);
            }
            let ([q, o, d_o], [k, v]) = ([q, o, d_o].map(|m| m.slice(block.clone())), [k, v].map(|m| m.slice(0..keys)));
            add_product(q, k.transposed(), &mut weights, keys, gemm);
            add_product(d_o, v.transposed(), &mut scores, keys, gemm);
            let rows = weights.chunks_exact_mut(keys).zip(scores.chunks_exact_mut(keys));
            for (i, (query, (weights, scores))) in block.clone().zip(rows).enumerate() {
                let (seen, lse) = (self.seen(query), lse[query]);
                isa.run(ScoreGradient { weights, scores, o: o.row(i), d_o: d_o.row(i), seen, scale, lse });
            }
            let [weights, scores] = [&weights, &scores].map(|floats| MatrixView::new(floats, shape));
            add_product(scores, k, &mut dq[block.start * head_dim..], head_dim, gemm);
            add_product(scores.transposed(), q, &mut dk, head_dim, gemm);
            add_product(weights.transposed(), d_o, &mut dv, head_dim, gemm);
        }
        [dq, dk, dv]
    }
}

/// Turns the products of a query with keys into weights, zero for keys that it does not see; returns the log-sum-exp of
/// the scores.
struct Softmax<'a> {
    scores: &'a mut [f32],
    seen: Range<usize>,
    scale: f32,
}

impl SimdKernel for Softmax<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f32 {
        let Self { scores, seen, scale } = self;
        scores[..seen.start].fill(0.0);
        scores[seen.end..].fill(0.0);
        let scores = &mut scores[seen];
        if scores.is_empty() {
            return NOTHING;
        }
        let largest = scale * largest_of(scores);
        let mut sums = [0.0; LANES];
        let (eights, rest) = scores.as_chunks_mut::<LANES>();
        for eight in eights {
            for (x, sum) in eight.iter_mut().zip(&mut sums) {
                *x = exp::<FMA>(multiply_add::<FMA>(*x, scale, -largest));
                *sum += *x;
            }
        }
        for (x, sum) in rest.iter_mut().zip(&mut sums) {
            *x = exp::<FMA>(multiply_add::<FMA>(*x, scale, -largest));
            *sum += *x;
        }
        let sum: f32 = sums.into_iter().sum();
        let inverse = 1.0 / sum;
        scores.iter_mut().for_each(|x| *x *= inverse);
        largest + sum.ln()
    }
}

/// Turns the products of a query with keys into weights, and those of its gradient with values into the gradient of
/// the scores, times the scale.
struct ScoreGradient<'a> {
    weights: &'a mut [f32],
    scores: &'a mut [f32],
    /// `[head_dim]`
    o: &'a [f32],
    /// `[head_dim]`
    d_o: &'a [f32],
    seen: Range<usize>,
    scale: f32,
    lse: f32,
}

impl SimdKernel for ScoreGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { weights, scores, o, d_o, seen, scale, lse } = self;
        let delta = sum_of_pairs(o, d_o, |o, d_o| o * d_o);
        for floats in [&mut *weights, &mut *scores] {
            floats[..seen.start].fill(0.0);
            floats[seen.end..].fill(0.0);
        }
        for (weight, score) in weights[seen.clone()].iter_mut().zip(&mut scores[seen]) {
            *weight = exp::<FMA>(multiply_add::<FMA>(*weight, scale, -lse));
            *score = *weight * (*score - delta) * scale;
        }
    }
}
