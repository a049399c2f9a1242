//! Attention of a step over the paged KV cache: y = softmax(q kᵀ / √width) v, over the keys up to each token's
//! position.

use std::cell::RefCell;

use super::isa::Isa;
use super::kv_pages::{KvBlock, KvNumber, KvPages, KvVisitor};
use super::lanes::{SimdKernel, exp, multiply_add};
use super::pool::Pool;
use crate::decode::PAGE;

/// Jobs are split into so many parts for each thread: later tokens see more keys.
const PARTS_PER_THREAD: usize = 16;

/// Tokens of one sequence that follow each other in a step.
#[derive(Debug, Clone, Copy)]
pub struct AttentionSpan<'a> {
    /// The number of tokens.
    pub count: usize,
    /// The position of the first.
    pub position: usize,
    /// The block table of the sequence.
    pub pages: &'a [u32],
}

/// Computes the attention of all tokens, on all threads. Their keys and values are in the cache already.
///
/// # Shapes
/// q and y `[tokens, query heads, width]`, the tokens in the order of `spans`.
///
/// # Panics
/// Shapes that do not fit, pages that there are not.
pub fn attend(cache: &KvPages, spans: &[AttentionSpan], q: &[f32], y: &mut [f32], pool: &Pool, isa: Isa) {
    let (queries, width) = (cache.heads().queries, cache.heads().width);
    let tokens: Vec<(usize, &[u32])> =
        spans.iter().flat_map(|span| (0..span.count).map(|i| (span.position + i + 1, span.pages))).collect();
    let vectors = tokens.len() * queries;
    assert_eq!([q.len(), y.len()], [vectors * width; 2], "{} tokens of {queries} x {width}", tokens.len());
    let part = vectors.div_ceil(pool.threads() * PARTS_PER_THREAD).max(1);
    pool.for_each(y.chunks_mut((part * width).max(1)), |number, y| {
        for (i, y) in y.chunks_mut(width).enumerate() {
            let vector = number * part + i;
            let (keys, pages) = tokens[vector / queries];
            let head = vector % queries / (queries / cache.heads().keys);
            let q = &q[vector * width..][..width];
            SCORES.with_borrow_mut(|scores| isa.run(Attend { cache, head, q, keys, pages, y, scores }));
        }
    });
}

/// The attention of one query vector over the first `keys` positions of a sequence.
struct Attend<'a> {
    cache: &'a KvPages,
    head: usize,
    q: &'a [f32],
    keys: usize,
    pages: &'a [u32],
    y: &'a mut [f32],
    /// Memory for the scores of all keys.
    scores: &'a mut Vec<[f32; PAGE]>,
}

thread_local! {
    static SCORES: RefCell<Vec<[f32; PAGE]>> = const { RefCell::new(Vec::new()) };
}

impl SimdKernel for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { cache, head, q, keys, pages, y, scores } = self;
        let pages = &pages[..keys.div_ceil(PAGE)];
        cache.visit(head, OverPages::<FMA> { q, keys, pages, y, scores });
    }
}

struct OverPages<'a, const FMA: bool> {
    q: &'a [f32],
    keys: usize,
    pages: &'a [u32],
    y: &'a mut [f32],
    scores: &'a mut Vec<[f32; PAGE]>,
}

impl<const FMA: bool> KvVisitor for OverPages<'_, FMA> {
    #[inline(always)]
    fn visit<'a, T: KvNumber + 'a>(self, block: impl Fn(u32) -> KvBlock<'a, T>) {
        let Self { q, keys, pages, y, scores } = self;
        let scale = 1.0 / (q.len() as f32).sqrt();
        scores.resize(pages.len(), [0.0; PAGE]);
        for (page, scores) in pages.iter().zip(scores.iter_mut()) {
            let KvBlock { keys, scales: [key_scales, _], .. } = block(*page);
            let sums = dot_products::<FMA, T>(q, keys);
            for j in 0..PAGE {
                scores[j] = sums[j] * (scale * key_scales[j]);
            }
        }
        let last = scores.last_mut().expect("a token sees itself");
        last[(keys - 1) % PAGE + 1..].fill(f32::NEG_INFINITY);
        let sum = softmax_weights::<FMA>(scores);

        y.fill(0.0);
        for (page, weights) in pages.iter().zip(scores.iter()) {
            let KvBlock { values, scales: [_, value_scales], .. } = block(*page);
            // Positions after the last may hold anything.
            let seen =
                weights.iter().zip(value_scales).zip(values.chunks_exact(q.len())).filter(|((w, _), _)| **w != 0.0);
            for ((weight, scale), value) in seen {
                let weight = weight * scale;
                for (y, v) in y.iter_mut().zip(value) {
                    *y = multiply_add::<FMA>(weight, v.to_f32(), *y);
                }
            }
        }
        y.iter_mut().for_each(|y| *y /= sum);
    }
}

/// The products of a query with the keys of a page.
#[inline(always)]
fn dot_products<const FMA: bool, T: KvNumber>(q: &[f32], keys: &[[T; PAGE]]) -> [f32; PAGE] {
    // Two sums for each key hide the latency of one.
    let mut sums = [[0.0; PAGE]; 2];
    for (q, keys) in q.as_chunks::<2>().0.iter().zip(keys.as_chunks::<2>().0) {
        for half in 0..2 {
            for j in 0..PAGE {
                sums[half][j] = multiply_add::<FMA>(q[half], keys[half][j].to_f32(), sums[half][j]);
            }
        }
    }
    let [mut sums, others] = sums;
    for j in 0..PAGE {
        sums[j] += others[j];
    }
    sums
}

/// Scores to exp(score - largest); returns their sum.
#[inline(always)]
fn softmax_weights<const FMA: bool>(scores: &mut [[f32; PAGE]]) -> f32 {
    let mut largest = [f32::NEG_INFINITY; PAGE];
    for page in scores.iter() {
        for j in 0..PAGE {
            largest[j] = largest[j].max(page[j]);
        }
    }
    let largest = largest.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0.0; PAGE];
    for page in scores {
        for j in 0..PAGE {
            page[j] = exp::<FMA>(page[j] - largest);
            sums[j] += page[j];
        }
    }
    sums.into_iter().sum()
}
