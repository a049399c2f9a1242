//! The norm on a CPU, in f32.

use rayon::prelude::*;

use crate::cpu::zeros;
use crate::decode_cpu::lanes::{SimdKernel, sum_of_pairs};
use crate::decode_cpu::{Isa, inverse_rms, rms_norm_row};

/// Rows that a core takes at once.
const ROWS: usize = 16;

/// y `[rows, width]` of x `[rows, width]` and weight `[width]`.
pub(super) fn forward(x: &[f32], weight: &[f32], epsilon: f32) -> Vec<f32> {
    let mut y = zeros(x.len());
    let width = weight.len().max(1);
    let rows = y.par_chunks_exact_mut(width).zip(x.par_chunks_exact(width)).with_min_len(ROWS);
    rows.for_each(|(y, x)| rms_norm_row(x, weight, epsilon, y, Isa::best()));
    y
}

/// dx `[rows, width]`.
pub(super) fn backward(x: &[f32], weight: &[f32], dy: &[f32], epsilon: f32) -> Vec<f32> {
    let mut dx = zeros(x.len());
    let chunk = ROWS * weight.len().max(1);
    let chunks = dx.par_chunks_mut(chunk).zip(x.par_chunks(chunk).zip(dy.par_chunks(chunk)));
    chunks.for_each(|(dx, (x, dy))| Isa::best().run(Backward { x, weight, dy, epsilon, dx }));
    dx
}

struct Backward<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    dy: &'a [f32],
    epsilon: f32,
    dx: &'a mut [f32],
}

impl SimdKernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { x, weight, dy, epsilon, dx } = self;
        let width = weight.len();
        for (dx, (x, dy)) in dx.chunks_exact_mut(width).zip(x.chunks_exact(width).zip(dy.chunks_exact(width))) {
            let r = inverse_rms(x, epsilon);
            dx.iter_mut().zip(weight).zip(dy).for_each(|((dx, weight), dy)| *dx = weight * dy);
            let along_x = r * r * sum_of_pairs(dx, x, |scaled, x| scaled * x) / width as f32;
            dx.iter_mut().zip(x).for_each(|(dx, x)| *dx = r * (*dx - x * along_x));
        }
    }
}
