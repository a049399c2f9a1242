//! The LoRA adapters of one packed matrix on the GPU: y = W x + B (A x), the scale within B. A token has one
//! of them or none.

use super::buffers::zeros;
use super::matrix::Matrix;
use crate::device::Gpu;
use crate::quant::{PackError, PackedMatrix, QuantScheme};

/// The low-rank parts of all adapters for one matrix. A fused matrix has one segment per layer, each with its
/// own A.
#[derive(Debug, Clone)]
pub struct LowRank {
    /// A, `[adapters · segments · rank, inputs]`.
    pub(super) a: Matrix,
    /// B `[adapters, outputs, rank]`, behind it u = A x `[tokens, adapters, segments, rank]`.
    pub(super) buffer: wgpu::Buffer,
    pub(super) shape: LowRankShape,
}

/// The parts of one adapter, on the host.
#[derive(Debug, Clone, Copy)]
pub struct LowRankParts<'a> {
    /// A, one segment after the other: `[segments, rank, inputs]`.
    pub a: &'a [f32],
    /// B `[outputs, rank]`, which holds the scale.
    pub b: &'a [f32],
}

/// The layout of the adapters' parts in their buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LowRankShape {
    pub(super) adapters: usize,
    /// Of the whole matrix.
    pub(super) outputs: usize,
    pub(super) segments: usize,
    pub(super) rank: usize,
}

impl LowRankShape {
    /// The offset of u, in numbers.
    pub(super) fn u_at(self) -> usize {
        self.adapters * self.outputs * self.rank
    }

    /// Bytes of B and of the u of `tokens` tokens.
    pub(super) fn bytes_for(self, tokens: usize) -> usize {
        (self.u_at() + tokens * self.u_width()) * size_of::<f32>()
    }

    /// Numbers of a token's u.
    pub(super) fn u_width(self) -> usize {
        self.adapters * self.segments * self.rank
    }
}

impl LowRank {
    /// Copies the parts of all adapters to the GPU, of one rank and as many `segments` each, for steps of up
    /// to `tokens` tokens.
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
        let shape = LowRankShape { adapters: adapters.len(), outputs: first.b.len() / rank, segments, rank };
        let a = adapters.iter().map(|parts| parts.a).collect::<Vec<_>>().concat();
        let a = PackedMatrix::from_f32(QuantScheme::F32, shape.u_width(), first.a.len() / (segments * rank), &a)?;
        let a = Matrix::upload(&a, 1, gpu)?;
        let buffer = zeros(gpu, "adapters", shape.bytes_for(tokens));
        let b = adapters.iter().map(|parts| parts.b).collect::<Vec<_>>().concat();
        gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&b));
        Ok(LowRank { a, buffer, shape })
    }

    /// Grows the buffer to steps of up to `tokens` tokens.
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
}
