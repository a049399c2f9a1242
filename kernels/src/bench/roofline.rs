//! The roofline of a device: its memory bandwidth and its arithmetic throughput, measured. Every figure is a
//! fraction of it.

use bytemuck::{Pod, Zeroable};
use serde::Serialize;

use super::buffers::{empty, filled};
use super::class::DeviceClass;
use super::time::{Clock, time};
use crate::kernel::Kernel;
use crate::pipelines::Pipelines;

const WORKGROUP: u32 = 256;
const LOOPS: u32 = 512;

/// The roofline of a device: the rates of kernels that do nothing else.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Roofline {
    /// Copying in memory: 10⁹ bytes read and written per second.
    pub gb_per_s: f64,
    /// Multiply-adds of f32 in registers: 10⁹ operations per second, two each.
    pub gflop_per_s: f64,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Factors {
    factor: f32,
    addend: f32,
}

/// Measures the roofline, in about a second.
pub fn roofline(pipelines: &mut Pipelines, class: DeviceClass) -> Roofline {
    Roofline { gb_per_s: copy(pipelines, class), gflop_per_s: multiply_adds(pipelines, class) }
}

/// Both kernels, for the translation test.
pub(crate) fn kernels() -> [Kernel; 2] {
    [
        Kernel::new("roofline_copy").with("WORKGROUP", WORKGROUP),
        Kernel::new("roofline_fma").with("WORKGROUP", WORKGROUP).with("LOOPS", LOOPS),
    ]
}

fn copy(pipelines: &mut Pipelines, class: DeviceClass) -> f64 {
    let [kernel, _] = kernels();
    let (gpu, bytes) = (pipelines.gpu().clone(), class.streamed_bytes() / 2);
    let values = bytes / 16;
    let (x, y, params) = (empty(&gpu, bytes), empty(&gpu, bytes), filled(&gpu, &[values as u32]));
    let buffers = [&x, &y, &params].map(wgpu::Buffer::as_entire_binding);
    let step = pipelines.step(&kernel, &buffers, values.div_ceil(WORKGROUP as usize));
    2.0 * bytes as f64 / time(&gpu, Clock::of(&gpu), &[vec![step]]).median / 1e3
}

fn multiply_adds(pipelines: &mut Pipelines, class: DeviceClass) -> f64 {
    let [_, kernel] = kernels();
    let gpu = pipelines.gpu().clone();
    let workgroups = match class {
        DeviceClass::Gpu => 4096,
        DeviceClass::Software => 16,
    };
    let invocations = workgroups * WORKGROUP as usize;
    // A fixed point: 2 · 0.5 + 1 = 2, so that nothing overflows.
    let params = filled(&gpu, &[Factors { factor: 0.5, addend: 1.0 }]);
    let y = empty(&gpu, invocations * size_of::<f32>());
    let buffers = [&y, &params].map(wgpu::Buffer::as_entire_binding);
    let step = pipelines.step(&kernel, &buffers, workgroups);
    let operations = invocations as f64 * f64::from(LOOPS) * 8.0 * 4.0 * 2.0;
    operations / time(&gpu, Clock::of(&gpu), &[vec![step]]).median / 1e3
}
