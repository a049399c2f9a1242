//! Buffers of plain wgpu that decoding works on.

use wgpu::util::DeviceExt;

use crate::device::Gpu;

/// A buffer on the GPU.
pub type Buffer = wgpu::Buffer;

/// A buffer of zeros that kernels read and write.
pub fn zeros(gpu: &Gpu, label: &str, bytes: usize) -> Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: false,
    })
}

/// A buffer of numbers that kernels read.
pub fn filled(gpu: &Gpu, label: &str, numbers: &[f32]) -> Buffer {
    gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some(label),
        contents: bytemuck::cast_slice(numbers),
        usage: wgpu::BufferUsages::STORAGE,
    })
}
