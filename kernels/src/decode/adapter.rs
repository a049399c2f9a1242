//! A low-rank adapter beside a packed matrix, for decoding: y = W x + B (A x), the scale within B.

use wgpu::util::DeviceExt;

use super::builder::Builder;
use super::columns::{AdapterShape, Layer, Norm};
use super::launch::Launch;
use super::linear::Store;
use super::matrix::Matrix;
use crate::device::Gpu;
use crate::quant::{PackError, Packed, Scheme};

/// The low-rank parts of one matrix of the engine. A matrix that is several layers in one has as many segments: each its own A.
#[derive(Debug, Clone)]
pub struct LowRank {
    /// A, one segment after the other: `[segments · rank, inputs]`.
    a: Matrix,
    /// B `[outputs, rank]`, behind it u = A x `[tokens, segments, rank]`.
    buffer: wgpu::Buffer,
    rank: usize,
    segments: usize,
    u_at: usize,
}

impl LowRank {
    /// Copies the parts to the GPU: `a` `[segments · rank, inputs]` and `b` `[outputs, rank]`, which holds the scale, for steps of up
    /// to `tokens` tokens.
    ///
    /// # Errors
    /// Parts beyond the device's largest binding, numbers that are not finite.
    pub fn upload(
        a: &[f32],
        b: &[f32],
        segments: usize,
        rank: usize,
        tokens: usize,
        gpu: &Gpu,
    ) -> Result<Self, PackError> {
        let inputs = a.len() / (segments * rank);
        let a = Packed::from_f32(Scheme::F32, segments * rank, inputs, a)?;
        let u = vec![0.0; tokens * segments * rank];
        let buffer = gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: Some("adapter"),
            contents: bytemuck::cast_slice(&[b, &u].concat()),
            usage: wgpu::BufferUsages::STORAGE,
        });
        Ok(LowRank { a: Matrix::upload(&a, 1, gpu)?, buffer, rank, segments, u_at: b.len() })
    }

    /// Bytes of the parts.
    pub fn bytes(&self) -> usize {
        self.a.bytes() + self.u_at * size_of::<f32>()
    }

    pub(super) fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    pub(super) fn shape(&self) -> AdapterShape {
        AdapterShape { rank: self.rank, segments: self.segments, u_at: self.u_at }
    }

    /// Bytes of a row of B.
    pub(super) fn row_bytes(&self) -> usize {
        self.rank * size_of::<f32>()
    }
}

impl Builder<'_> {
    /// The launches that leave u for the product with the matrix: A (g x), with the gain of the norm before it, but not the division
    /// by the root mean square, which comes with the product.
    pub(super) fn low_rank(&mut self, adapter: &LowRank, norm: Norm, x: &wgpu::Buffer) -> Vec<Launch> {
        let norm = match norm {
            Norm::None => Norm::None,
            Norm::Gain(gain) | Norm::Rms { gain, .. } => Norm::Gain(gain),
        };
        let layer = Layer { matrix: &adapter.a, norm, adapter: None };
        let stride = adapter.segments * adapter.rank;
        self.linear(layer, x, Store { y: &adapter.buffer, at: adapter.u_at, stride, add: false })
    }
}
