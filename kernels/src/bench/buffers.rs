//! Buffers for measuring.

use wgpu::util::DeviceExt;

use crate::device::Gpu;

/// A buffer of zeros.
pub(super) fn empty(gpu: &Gpu, bytes: usize) -> wgpu::Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes as u64,
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    })
}

/// A buffer of `values`.
pub(super) fn filled<T: bytemuck::NoUninit>(gpu: &Gpu, values: &[T]) -> wgpu::Buffer {
    gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: None,
        contents: bytemuck::cast_slice(values),
        usage: wgpu::BufferUsages::STORAGE,
    })
}

/// Numbers between -1 and 1 without a pattern that arithmetic units could profit from (zeros take less
/// power).
pub(super) fn scattered(count: usize) -> Vec<f32> {
    let scatter = |i: usize| (i as u32).wrapping_mul(2_654_435_761) as f32 / (1u32 << 31) as f32 - 1.0;
    (0..count).map(scatter).collect()
}
