//! The norm on a CPU, in f32.

use rayon::prelude::*;

use crate::cpu::zeros;
use crate::decode_cpu::Isa;
use crate::decode_cpu::lanes::{SimdKernel, sum_of, sum_of_pairs};

/// Rows that a core takes at once.
const ROWS: usize = 16;

/// y `[rows, width]` of x `[rows, width]` and weight `[width]`.
pub(super) fn forward(x: &[f32], weight: &[f32], epsilon: f32) -> Vec<f32> {
    let mut y = zeros(x.len());
    let chunk = ROWS * weight.len().max(1);
    let chunks = y.par_chunks_mut(chunk).zip(x.par_chunks(chunk));
    chunks.for_each(|(y, x)| Isa::best().run(Forward { x, weight, epsilon, y }));
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

struct Forward<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    epsilon: f32,
    y: &'a mut [f32],
}

impl SimdKernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { x, weight, epsilon, y } = self;
        for (y, x) in y.chunks_exact_mut(weight.len()).zip(x.chunks_exact(weight.len())) {
            let r = inverse_rms(x, epsilon);
            y.iter_mut().zip(x).zip(weight).for_each(|((y, x), weight)| *y = x * r * weight);
        }
    }
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

#[inline(always)]
fn inverse_rms(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (sum_of(x, |x| x * x) / x.len() as f32 + epsilon).sqrt()
}
