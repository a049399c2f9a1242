//! A product to be tested, with everything that it may need, and its f64 reference.

use super::super::low_rank::LowRankShape;
use super::super::matmul::{Constants, NormKind, ROWS, with_own};
use super::{StepInputs, numbers, words};
use crate::kernel::{Kernel, VariantTier};
use crate::matmul::launch::TILE;
use crate::quant::{PACK, PackedMatrix, QuantScheme};
use crate::test_gpu;
use crate::testing::{noise, run_in_place};

pub(super) const EPSILON: f32 = 1e-3;
pub(super) const RANK: usize = 3;
pub(super) const ADAPTERS: usize = 2;

/// The tolerance relative to the larger of 1 and the expected number. f16 loses a 2048th of every factor.
pub(super) fn tolerance(kernel: &Kernel) -> f32 {
    if matches!(kernel.tier(), VariantTier::CooperativeMatrix(_)) { 2e-2 } else { 1e-4 }
}

/// A product with everything that it may need.
pub(super) struct Case {
    pub(super) packed: PackedMatrix,
    /// The adapter of each, 0 for none.
    pub(super) tokens: Vec<usize>,
    segments: usize,
    segment_of: fn(usize) -> usize,
    pub(super) x: Vec<f32>,    // [tokens, cols]
    pub(super) gain: Vec<f32>, // [cols]
    a: Vec<f32>,               // [ADAPTERS, segments, RANK, cols]
    b: Vec<f32>,               // [ADAPTERS, rows, RANK]
}

impl Case {
    pub(super) fn new(scheme: QuantScheme, rows: usize, cols: usize, tokens: usize) -> Self {
        Case {
            packed: PackedMatrix::from_f32(scheme, rows, cols, &noise(1, rows * cols)).unwrap(),
            tokens: vec![0; tokens],
            segments: 1,
            segment_of: |_| 0,
            x: noise(2, tokens * cols),
            gain: noise(3, cols),
            a: noise(4, ADAPTERS * 3 * RANK * cols),
            b: noise(5, ADAPTERS * rows * RANK),
        }
    }

    /// The tokens through these adapters.
    pub(super) fn through(self, adapters: Vec<usize>) -> Self {
        assert_eq!(adapters.len(), self.tokens.len());
        Case { tokens: adapters, ..self }
    }

    pub(super) fn segmented(self, segments: usize, segment_of: fn(usize) -> usize) -> Self {
        Case { segments, segment_of, ..self }
    }

    fn cols(&self) -> usize {
        self.packed.cols()
    }

    /// Columns filled up with zeros to whole runs.
    fn padded(&self, columns: &[f32]) -> Vec<f32> {
        let filled = |x: &[f32]| [x, &vec![0.0; self.cols().next_multiple_of(PACK) - self.cols()]].concat();
        columns.chunks(self.cols()).flat_map(filled).collect()
    }

    /// A g x of every token, adapter and segment, `[tokens, ADAPTERS, segments, RANK]`.
    fn u(&self, norm: NormKind) -> Vec<f32> {
        let (cols, width) = (self.cols(), ADAPTERS * self.segments * RANK);
        let of = |t: usize, k: usize| -> f64 {
            (0..cols).map(|i| self.gained(norm, t, i) * f64::from(self.a[k * cols + i])).sum()
        };
        (0..self.tokens.len()).flat_map(|t| (0..width).map(move |k| of(t, k) as f32)).collect()
    }

    fn gained(&self, norm: NormKind, t: usize, i: usize) -> f64 {
        let gain = if norm == NormKind::None { 1.0 } else { f64::from(self.gain[i]) };
        f64::from(self.x[t * self.cols() + i]) * gain
    }

    /// 1 / rms of a token, where there is such a norm.
    fn scale(&self, norm: NormKind, t: usize) -> f64 {
        let squares: f64 = self.x[t * self.cols()..][..self.cols()].iter().map(|x| f64::from(*x).powi(2)).sum();
        let rms = (squares / self.cols() as f64 + f64::from(EPSILON)).sqrt();
        if matches!(norm, NormKind::Rms { .. }) { 1.0 / rms } else { 1.0 }
    }

    /// (W + B A) norm(x): `[tokens][rows]`.
    pub(super) fn expected(&self, norm: NormKind, lora: bool) -> Vec<Vec<f64>> {
        let (w, cols, u) = (self.packed.to_f32(), self.cols(), self.u(norm));
        let row = |t: usize| {
            let scale = self.scale(norm, t);
            let u = &u;
            let w = &w;
            let of = move |r: usize| {
                let plain: f64 = (0..cols).map(|i| f64::from(w[r * cols + i]) * self.gained(norm, t, i)).sum();
                if !lora || self.tokens[t] == 0 {
                    return scale * plain;
                }
                let adapter = self.tokens[t] - 1;
                let b = &self.b[(adapter * self.packed.rows() + r) * RANK..][..RANK];
                let at = ((t * ADAPTERS + adapter) * self.segments + (self.segment_of)(r)) * RANK;
                let low: f64 = (0..RANK).map(|k| f64::from(b[k]) * f64::from(u[at + k])).sum();
                scale * (plain + low)
            };
            (0..self.packed.rows()).map(of).collect()
        };
        (0..self.tokens.len()).map(row).collect()
    }

    /// The most that a product may be off where x comes in quants: every number by half the step of its
    /// block.
    pub(super) fn lost_by_int8(&self, norm: NormKind) -> Vec<Vec<f64>> {
        let (w, cols) = (self.packed.to_f32(), self.cols());
        let row = |t: usize| {
            let numbers: Vec<f64> = (0..cols).map(|i| self.gained(norm, t, i)).collect();
            let f16s: Vec<f64> =
                numbers.chunks(32).map(|block| block.iter().fold(0.0f64, |m, x| m.max(x.abs())) / 254.0).collect();
            let scale = self.scale(norm, t);
            let of = |r: usize| (0..cols).map(|i| f16s[i / 32] * f64::from(w[r * cols + i]).abs()).sum::<f64>() * scale;
            (0..self.packed.rows()).map(of).collect()
        };
        (0..self.tokens.len()).map(row).collect()
    }

    /// The variants that the device can run.
    pub(super) fn kernels(
        &self,
        shader: &'static str,
        columns: usize,
        norm: NormKind,
        lora: bool,
        own: &[(&'static str, usize)],
    ) -> Vec<Kernel> {
        let outputs = self.packed.rows();
        let shape = LowRankShape { adapters: ADAPTERS, outputs, segments: self.segments, rank: RANK };
        let constants = Constants {
            scheme: self.packed.scheme(),
            columns,
            rows: outputs,
            starts_at: 0,
            cols: self.cols(),
            norm,
            adapters: lora.then_some(shape),
            adapter_rows: 0,
            int8: false,
        };
        let variants = match shader {
            "decode_score" => constants.gemv_variants(shader),
            _ => constants.variants(shader),
        };
        let offered = test_gpu().gpu.unwrap().features;
        with_own(variants, own).into_iter().filter(|kernel| offered.contains(kernel.needs())).collect()
    }

    /// Workgroups for `count` columns in groups of `columns`.
    pub(super) fn workgroups(&self, count: usize, columns: usize) -> usize {
        let rows = if columns == TILE { TILE } else { ROWS };
        self.packed.rows().div_ceil(rows) * count.div_ceil(columns)
    }

    /// x, W, gain and adapter, as far as there are any.
    fn buffers(&self, norm: NormKind, lora: bool) -> Vec<Vec<u32>> {
        let mut buffers = vec![words(&self.padded(&self.x)), self.packed.quants().to_vec()];
        if !self.packed.scales().is_empty() {
            buffers.push(self.packed.scales().to_vec());
        }
        if norm != NormKind::None {
            buffers.push(words(&self.padded(&self.gain)));
        }
        if lora {
            buffers.push(words(&[self.b.clone(), self.u(norm)].concat()));
        }
        buffers
    }

    /// The content of the buffer before the step inputs after a run.
    pub(super) fn run(
        &self,
        kernel: &Kernel,
        norm: NormKind,
        lora: bool,
        further: &[Vec<u32>],
        step_inputs: &StepInputs,
        workgroups: usize,
    ) -> Vec<f32> {
        let mut buffers = self.buffers(norm, lora);
        buffers.extend(further.iter().cloned());
        buffers.push(step_inputs.words.clone());
        let at = buffers.len() - 2;
        numbers(&run_in_place(&test_gpu().gpu.unwrap(), kernel, &buffers, workgroups)[at])
    }
}

pub(super) const RMS: NormKind = NormKind::Rms { epsilon: EPSILON.to_bits() };
