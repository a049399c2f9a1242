//! Low-rank adapters beside a packed matrix, for decoding: y = W x + B (A x), the scale within B. A token has one of them or none.

use super::builder::StepBuilder;
use super::launch::Launch;
use super::linear::{Store, own};
use super::matmul::{AdapterShape, FusedLinear, Grid, Norm};
use super::matrix::Matrix;
use super::runner::zeros;
use crate::device::Gpu;
use crate::quant::{PackError, PackedMatrix, QuantScheme};

/// The low-rank parts that the adapters of an engine have of one matrix. A matrix that is several layers in one has as many segments:
/// each its own A.
#[derive(Debug, Clone)]
pub struct LowRank {
    /// A, `[adapters · segments · rank, inputs]`.
    a: Matrix,
    /// B `[adapters, outputs, rank]`, behind it u = A x `[tokens, adapters, segments, rank]`.
    buffer: wgpu::Buffer,
    shape: AdapterShape,
}

/// The parts of one adapter, on the host.
#[derive(Debug, Clone, Copy)]
pub struct LowRankParts<'a> {
    /// A, one segment after the other: `[segments, rank, inputs]`.
    pub a: &'a [f32],
    /// B `[outputs, rank]`, which holds the scale.
    pub b: &'a [f32],
}

impl LowRank {
    /// Copies the parts of all adapters to the GPU, of one rank and as many `segments` each, for steps of up to `tokens` tokens.
    ///
    /// # Errors
    /// Parts beyond the device's largest binding, numbers that are not finite.
    ///
    /// # Panics
    /// No adapter, or parts of different sizes.
    pub fn upload(
        adapters: &[LowRankParts],
        segments: usize,
        rank: usize,
        tokens: usize,
        gpu: &Gpu,
    ) -> Result<Self, PackError> {
        let first = adapters[0];
        assert!(adapters.iter().all(|parts| (parts.a.len(), parts.b.len()) == (first.a.len(), first.b.len())));
        let shape = AdapterShape { adapters: adapters.len(), outputs: first.b.len() / rank, segments, rank };
        let a = adapters.iter().map(|parts| parts.a).collect::<Vec<_>>().concat();
        let a = PackedMatrix::from_f32(QuantScheme::F32, shape.u_width(), first.a.len() / (segments * rank), &a)?;
        let a = Matrix::upload(&a, 1, gpu)?;
        let buffer = zeros(gpu, "adapters", shape.bytes_for(tokens));
        let b = adapters.iter().map(|parts| parts.b).collect::<Vec<_>>().concat();
        gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&b));
        Ok(LowRank { a, buffer, shape })
    }

    /// Makes room for steps of up to `tokens` tokens, where there is less.
    pub fn reserve(&mut self, tokens: usize, gpu: &Gpu) {
        if self.buffer.size() < self.shape.bytes_for(tokens) as u64 {
            let wider = zeros(gpu, "adapters", self.shape.bytes_for(tokens));
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(&self.buffer, 0, &wider, 0, self.buffer.size());
            gpu.queue.submit([encoder.finish()]);
            self.buffer = wider;
        }
    }

    /// Bytes of the parts.
    pub fn bytes(&self) -> usize {
        self.a.bytes() + self.shape.u_at() * size_of::<f32>()
    }

    pub(super) fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    pub(super) fn shape(&self) -> AdapterShape {
        self.shape
    }
}

impl StepBuilder<'_> {
    /// The launches that leave u for the product with the matrix: A (g x), with the gain of the norm before it, but not the division
    /// by the root mean square, which comes with the product.
    pub(super) fn low_rank(&mut self, low_rank: &LowRank, norm: Norm, x: &wgpu::Buffer) -> Vec<Launch> {
        let norm = match norm {
            Norm::None => Norm::None,
            Norm::Gain(gain) | Norm::Rms { gain, .. } => Norm::Gain(gain),
        };
        let LowRank { a, buffer, shape } = low_rank;
        let layer = FusedLinear { matrix: a, norm, adapters: None };
        let to = Store { y: buffer, at: shape.u_at(), stride: shape.u_width(), add: false };
        let adapter_rows = shape.segments * shape.rank;
        self.product_alone("decode_linear", &own(to, false), layer, adapter_rows, Grid::Tokens, x, &[buffer])
    }
}
