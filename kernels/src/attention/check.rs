//! Every variant of attention against plain loops in f64, on shapes that no tile fits.

use super::launch::{AttentionShape, Pass, delta_kernel};
use crate::check::{KernelCheck, noise};
use crate::kernel::Kernel;

/// The tolerance of a number.
pub(super) const TOLERANCE: f32 = 2e-5;

/// A step to attend in, and the gradient that flows into it.
pub(super) struct AttentionCase {
    pub(super) shape: AttentionShape,
    pub(super) padding: Vec<u32>,
    pub(super) q: Vec<f32>,   // [batch, seq, heads, head_dim]
    pub(super) k: Vec<f32>,   // [batch, seq, kv_heads, head_dim]
    pub(super) v: Vec<f32>,   // [batch, seq, kv_heads, head_dim]
    pub(super) d_o: Vec<f32>, // [batch, seq, heads, head_dim], zero at padding
}

/// The reference results of a step.
#[derive(Default)]
pub(super) struct Expected {
    pub(super) o: Vec<f32>,
    lse: Vec<f32>, // [batch, heads, seq]
    stats: Vec<f32>,
    pub(super) dq: Vec<f32>,
    pub(super) dk: Vec<f32>,
    pub(super) dv: Vec<f32>,
}

const NOTHING: f32 = 1e30;

impl AttentionCase {
    pub(super) fn new(seq: usize, [heads, kv_heads]: [usize; 2], head_dim: usize, padding: &[u32]) -> Self {
        let batch = padding.len();
        let shape = AttentionShape { batch, seq, heads, kv_heads, head_dim, scale: (head_dim as f32).sqrt().recip() };
        let (queries, keys) = (batch * seq * heads * head_dim, batch * seq * kv_heads * head_dim);
        // Large enough for weights that differ, not so large that one takes all.
        let scaled = |seed, count| noise(seed, count).into_iter().map(|x| 2.0 * x).collect::<Vec<f32>>();
        let mut d_o = noise(4, queries);
        for (i, d_o) in d_o.chunks_mut(heads * head_dim).enumerate() {
            if i % seq < padding[i / seq] as usize {
                d_o.fill(0.0);
            }
        }
        let (q, k, v) = (scaled(1, queries), scaled(2, keys), scaled(3, keys));
        AttentionCase { shape, padding: padding.to_vec(), q, k, v, d_o }
    }

    /// Shapes that no tile fits: padding within a tile, across tiles and of a whole row; groups; narrow, wide
    /// and odd heads.
    pub(super) fn ragged() -> Vec<AttentionCase> {
        vec![
            AttentionCase::new(1, [1, 1], 16, &[0]),
            AttentionCase::new(5, [2, 1], 20, &[0, 3]),
            AttentionCase::new(70, [4, 2], 64, &[0, 33, 70]),
            AttentionCase::new(130, [3, 3], 36, &[67]),
            AttentionCase::new(67, [2, 1], 128, &[5]),
        ]
    }

    pub(super) fn name(&self) -> String {
        format!("{:?} padding {:?}", self.shape, self.padding)
    }

    /// The definitions, in f64.
    pub(super) fn reference(&self) -> Expected {
        let AttentionShape { batch, seq, heads, kv_heads, head_dim, scale } = self.shape;
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        let [mut o, mut dq] = [(); 2].map(|()| vec![0f64; self.q.len()]);
        let [mut dk, mut dv] = [(); 2].map(|()| vec![0f64; self.k.len()]);
        let (mut lse, mut stats) = (vec![NOTHING; batch * heads * seq], vec![0f32; 2 * batch * heads * seq]);
        for (b, h, i) in (0..batch).flat_map(|b| (0..heads).flat_map(move |h| (0..seq).map(move |i| (b, h, i)))) {
            let query = ((b * seq + i) * heads + h) * head_dim;
            let key = |j: usize| ((b * seq + j) * kv_heads + h / (heads / kv_heads)) * head_dim;
            let (q, d_o) = (&self.q[query..][..head_dim], &self.d_o[query..][..head_dim]);
            let seen = self.padding[b] as usize..i + 1;
            let scores: Vec<f64> =
                seen.clone().map(|j| f64::from(scale) * dot(q, &self.k[key(j)..][..head_dim])).collect();
            let of_all = scores.iter().map(|s| s.exp()).sum::<f64>().ln();
            let weights: Vec<f64> = scores.iter().map(|s| (s - of_all).exp()).collect();
            let weight_grads: Vec<f64> = seen.clone().map(|j| dot(d_o, &self.v[key(j)..][..head_dim])).collect();
            let delta = weights.iter().zip(&weight_grads).map(|(w, c)| w * c).sum::<f64>();
            let at = (b * heads + h) * seq + i;
            if !seen.is_empty() {
                lse[at] = of_all as f32;
            }
            (stats[2 * at], stats[2 * at + 1]) = (lse[at], delta as f32);
            for ((j, weight), weight_grad) in seen.zip(&weights).zip(&weight_grads) {
                let score_grad = weight * (weight_grad - delta) * f64::from(scale);
                for x in 0..head_dim {
                    o[query + x] += weight * f64::from(self.v[key(j) + x]);
                    dv[key(j) + x] += weight * f64::from(d_o[x]);
                    dq[query + x] += score_grad * f64::from(self.k[key(j) + x]);
                    dk[key(j) + x] += score_grad * f64::from(q[x]);
                }
            }
        }
        let [o, dq, dk, dv] = [o, dq, dk, dv].map(|values| values.into_iter().map(|x| x as f32).collect());
        Expected { o, lse, stats, dq, dk, dv }
    }
}

/// The parameters of a launch, with room for the padding of four rows.
pub(super) fn params(case: &AttentionCase, first: usize) -> [u32; 11] {
    let mut words = [0; 11];
    let bytes = case.shape.params(first, &case.padding);
    words[..bytes.len() / 4].copy_from_slice(bytemuck::cast_slice(&bytes));
    words
}

/// Every variant against the reference.
pub(crate) fn check(check: &mut KernelCheck) {
    let three_parts = AttentionCase::new(33, [2, 2], 84, &[0]);
    for case in AttentionCase::ragged().into_iter().chain([three_parts]) {
        let (shape, expected) = (case.shape, case.reference());
        let (queries, keys) = (case.q.len(), case.k.len());
        let workgroups = |pass: Pass| pass.launches(shape, &case.padding).map(|(_, count)| count).sum();
        let close = |check: &mut KernelCheck, found: &[f32], expected: &[f32], kernel: &Kernel, of: &str| {
            check.close(kernel, format!("{of}, {}", case.name()), found, expected, TOLERANCE);
        };

        let kernel = Pass::Forward.kernel(shape.head_dim);
        let lengths = [queries, expected.lse.len()];
        let inputs: [&[f32]; 3] = [&case.q, &case.k, &case.v];
        let [o, lse] = check.run(&kernel, &inputs, lengths, &params(&case, 0), workgroups(Pass::Forward));
        close(check, &o, &expected.o, &kernel, "o");
        close(check, &lse, &expected.lse, &kernel, "lse");

        let (kernel, (delta, count)) = (delta_kernel(), shape.delta());
        let inputs: [&[f32]; 3] = [&expected.o, &case.d_o, &expected.lse];
        let [stats] = check.run(&kernel, &inputs, [expected.stats.len()], &delta, count);
        close(check, &stats, &expected.stats, &kernel, "lse and delta");

        let inputs: [&[f32]; 5] = [&case.q, &case.k, &case.v, &case.d_o, &expected.stats];
        let kernel = Pass::GradQ.kernel(shape.head_dim);
        let [dq] = check.run(&kernel, &inputs, [queries], &params(&case, 0), workgroups(Pass::GradQ));
        close(check, &dq, &expected.dq, &kernel, "dq");
        let kernel = Pass::GradKv.kernel(shape.head_dim);
        let [dk, dv] = check.run(&kernel, &inputs, [keys; 2], &params(&case, 0), workgroups(Pass::GradKv));
        close(check, &dk, &expected.dk, &kernel, "dk");
        close(check, &dv, &expected.dv, &kernel, "dv");
    }
}
