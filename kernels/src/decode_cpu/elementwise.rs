//! The operations between the products of a step, for one token each.

use super::isa::Isa;
use super::lanes::{LANES, SimdKernel, exp, largest_of, sum_of};
use super::product::PanelOutput;

/// cos and sin of the rotary embedding, `[positions, head_dim / 2, 2]`.
#[derive(Debug, Clone)]
pub struct RopeTable {
    numbers: Vec<f32>,
    width: usize,
}

impl RopeTable {
    /// The table of heads of `width` numbers.
    pub fn new(numbers: Vec<f32>, width: usize) -> Self {
        Self { numbers, width }
    }

    /// Rotates a head whose partners are neighbours, see
    /// [`rope_interleaved_rows`](crate::decode::rope_interleaved_rows).
    ///
    /// # Panics
    /// A position beyond the table.
    pub fn rotate(&self, position: usize, head: &mut [f32]) {
        let turns = self.numbers[position * self.width..][..self.width].as_chunks::<2>().0;
        for ([a, b], [cos, sin]) in head.as_chunks_mut::<2>().0.iter_mut().zip(turns) {
            (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
        }
    }
}

/// y = x / √(mean(x²) + epsilon) · gain
pub fn rms_norm_row(x: &[f32], gain: &[f32], epsilon: f32, y: &mut [f32], isa: Isa) {
    isa.run(RmsNorm { x, gain, epsilon, y });
}

struct RmsNorm<'a> {
    x: &'a [f32],
    gain: &'a [f32],
    epsilon: f32,
    y: &'a mut [f32],
}

impl SimdKernel for RmsNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { x, gain, epsilon, y } = self;
        let factor = inverse_rms(x, epsilon);
        y.iter_mut().zip(x).zip(gain).for_each(|((y, x), gain)| *y = x * factor * gain);
    }
}

/// 1 / √(mean(x²) + epsilon)
#[inline(always)]
pub(crate) fn inverse_rms(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (sum_of(x, |x| x * x) / x.len() as f32 + epsilon).sqrt()
}

/// y = silu(gate) · up, from a column of outputs in which rows of gate and up take turns.
///
/// # Panics
/// Another number of outputs than twice those of `y`.
pub fn swiglu_row(outputs: &PanelOutput, column: usize, y: &mut [f32], isa: Isa) {
    assert_eq!(outputs.rows(), 2 * y.len(), "a gate for every number");
    isa.run(Swiglu { outputs, column, y });
}

struct Swiglu<'a> {
    outputs: &'a PanelOutput,
    column: usize,
    y: &'a mut [f32],
}

impl SimdKernel for Swiglu<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { outputs, column, y } = self;
        let mut panels = outputs.lanes(column);
        for y in y.chunks_mut(LANES) {
            let mut pairs = [0.0; 2 * LANES];
            for (pairs, panel) in pairs.as_chunks_mut::<LANES>().0.iter_mut().zip(&mut panels) {
                *pairs = *panel;
            }
            let mut gated = [0.0; LANES];
            for (i, gated) in gated.iter_mut().enumerate() {
                let [gate, up] = [pairs[2 * i], pairs[2 * i + 1]];
                *gated = gate / (1.0 + exp::<FMA>(-gate)) * up;
            }
            y.copy_from_slice(&gated[..y.len()]);
        }
    }
}

/// log Σ exp of `logits`; NaN where one is no number, as where there are none.
pub fn log_sum_exp(logits: &[f32], isa: Isa) -> f32 {
    isa.run(LogSumExp(logits))
}

struct LogSumExp<'a>(&'a [f32]);

impl SimdKernel for LogSumExp<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f32 {
        let largest = largest_of(self.0);
        largest + sum_of(self.0, |x| exp::<FMA>(x - largest)).ln()
    }
}
