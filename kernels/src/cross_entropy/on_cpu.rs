//! Rows of logits to scores, and the gradient back, on a CPU: in f32, with sums over a row in f64.

use rayon::prelude::*;

use super::SoftTargets;
use crate::decode_cpu::Isa;
use crate::decode_cpu::lanes::{LANES, SimdKernel, exp, largest_of};

/// Numbers of a sum in f32: few enough that its error stays that of a number.
const CHUNK: usize = 512;

/// Scores `[rows, 3]` of logits `[rows, columns]`.
pub(super) fn scores(logits: &[f32], targets: &SoftTargets, columns: usize) -> Vec<f32> {
    let of_row = |(row, z): (usize, &[f32])| {
        let RowSums { largest, sum, moment } = Isa::best().run(Sums(z));
        let log_sum = sum.ln();
        let log_p = |id: u32| f64::from(z[id as usize] - largest) - log_sum;
        let log_prob: f64 = targets.of(row).iter().map(|target| f64::from(target.share) * log_p(target.id)).sum();
        [log_prob, log_sum - moment / sum, f64::from(largest) + log_sum].map(|score| score as f32)
    };
    let rows: Vec<[f32; 3]> = logits.par_chunks_exact(columns.max(1)).enumerate().map(of_row).collect();
    rows.into_flattened()
}

/// Replaces logits `[rows, columns]` by their gradient, by that of the scores `[rows, 3]`.
pub(super) fn gradient_in_place(logits: &mut [f32], targets: &SoftTargets, scores: &[f32], d_scores: &[f32]) {
    let columns = logits.len() / targets.len().max(1);
    let scores = scores.par_chunks_exact(3).zip(d_scores.par_chunks_exact(3));
    let rows = logits.par_chunks_exact_mut(columns.max(1)).zip(scores);
    rows.enumerate().for_each(|(row, (logits, (scores, d_scores)))| {
        Isa::best().run(Gradient { logits, scores, d_scores });
        targets.of(row).iter().for_each(|target| logits[target.id as usize] += target.share * d_scores[0]);
    });
}

/// Of exp(z - largest): Σ, and Σ times z - largest.
struct RowSums {
    largest: f32,
    sum: f64,
    moment: f64,
}

struct Sums<'a>(&'a [f32]);

impl SimdKernel for Sums<'_> {
    type Output = RowSums;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> RowSums {
        let largest = largest_of(self.0);
        let mut row = RowSums { largest, sum: 0.0, moment: 0.0 };
        for chunk in self.0.chunks(CHUNK) {
            let [mut sums, mut moments] = [[0.0f32; LANES]; 2];
            let mut add = |i: usize, z: f32| {
                let distance = z - largest;
                let share = exp::<FMA>(distance);
                sums[i] += share;
                moments[i] += share * distance;
            };
            let (eights, rest) = chunk.as_chunks::<LANES>();
            for eight in eights {
                eight.iter().enumerate().for_each(|(i, z)| add(i, *z));
            }
            rest.iter().enumerate().for_each(|(i, z)| add(i, *z));
            row.sum += f64::from(sums.into_iter().sum::<f32>());
            row.moment += f64::from(moments.into_iter().sum::<f32>());
        }
        row
    }
}

struct Gradient<'a> {
    logits: &'a mut [f32],
    /// log_prob, entropy and lse, and their gradients.
    scores: &'a [f32],
    d_scores: &'a [f32],
}

impl SimdKernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (entropy, lse) = (self.scores[1], self.scores[2]);
        let [d_log_prob, d_entropy, d_lse] = [self.d_scores[0], self.d_scores[1], self.d_scores[2]];
        for z in self.logits {
            let log_p = *z - lse;
            *z = exp::<FMA>(log_p) * (d_lse - d_log_prob - d_entropy * (log_p + entropy));
        }
    }
}
