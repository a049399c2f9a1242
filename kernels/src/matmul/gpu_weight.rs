//! Packed weights in buffers of plain wgpu, and the steps of products with them.

use std::ops::Range;

use bytemuck::NoUninit;
use wgpu::util::DeviceExt;

use super::launch::{Direction, PackedMatmul};
use super::layout::WeightLayout;
use crate::device::Gpu;
use crate::features::KernelFeatures;
use crate::kernel::Kernel;
use crate::pipelines::{ComputeStep, Pipelines};
use crate::quant::{PackError, PackedMatrix};

/// A packed matrix in buffers of plain wgpu.
#[derive(Debug, Clone)]
pub struct GpuWeight {
    quants: wgpu::Buffer,
    /// `None` for a scheme without scales.
    scales: Option<wgpu::Buffer>,
    pub(super) layout: WeightLayout,
}

impl GpuWeight {
    /// Copies a packed matrix to the GPU.
    ///
    /// # Errors
    /// Quants beyond the largest binding of the device.
    pub fn upload(packed: &PackedMatrix, gpu: &Gpu) -> Result<Self, PackError> {
        Self::upload_rows(packed, 0..packed.rows(), gpu)
    }

    /// Copies some rows of a packed matrix to the GPU, as a matrix of their own.
    ///
    /// # Errors
    /// Quants beyond the largest binding of the device.
    pub(crate) fn upload_rows(packed: &PackedMatrix, rows: Range<usize>, gpu: &Gpu) -> Result<Self, PackError> {
        let layout = WeightLayout { rows: rows.len(), ..WeightLayout::of(packed) };
        layout.fits(gpu)?;
        let (quants, scales) = packed.words_of(rows);
        let buffer = |words: &[u32]| {
            gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
                label: Some("weight"),
                contents: bytemuck::cast_slice(words),
                usage: wgpu::BufferUsages::STORAGE,
            })
        };
        let scales = layout.scheme.is_scaled().then(|| buffer(scales));
        Ok(GpuWeight { quants: buffer(quants), scales, layout })
    }

    /// Outputs of the layer.
    pub fn outputs(&self) -> usize {
        self.layout.rows
    }

    /// The bindings of quants and, where there are any, of scales.
    pub(crate) fn bindings(&self) -> impl Iterator<Item = wgpu::BindingResource<'_>> {
        [Some(&self.quants), self.scales.as_ref()].into_iter().flatten().map(wgpu::Buffer::as_entire_binding)
    }

    /// One step for each of the launches `(params, workgroups)` of a kernel that takes x, the weight, further
    /// inputs and y.
    pub(super) fn steps<P: NoUninit>(
        &self,
        pipelines: &mut Pipelines,
        kernel: &Kernel,
        x: wgpu::BufferBinding,
        further: &[wgpu::BufferBinding],
        y: wgpu::BufferBinding,
        launches: impl IntoIterator<Item = (P, usize)>,
    ) -> Vec<ComputeStep> {
        let others = further.iter().cloned().chain([y]).map(wgpu::BindingResource::Buffer);
        let buffers: Vec<wgpu::BindingResource> =
            [wgpu::BindingResource::Buffer(x)].into_iter().chain(self.bindings()).chain(others).collect();
        let step = |(params, workgroups): (P, usize)| step_of(pipelines, kernel, &buffers, &params, workgroups);
        launches.into_iter().map(step).collect()
    }
}

/// The step of a kernel over buffers, with parameters of its own.
fn step_of(
    pipelines: &mut Pipelines,
    kernel: &Kernel,
    buffers: &[wgpu::BindingResource],
    params: &impl NoUninit,
    workgroups: usize,
) -> ComputeStep {
    let params = pipelines.gpu().device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some("params"),
        contents: bytemuck::bytes_of(params),
        usage: wgpu::BufferUsages::STORAGE,
    });
    pipelines.step(kernel, &[buffers, &[params.as_entire_binding()]].concat(), workgroups)
}

/// The low-rank terms of an adapter, in buffers.
#[derive(Debug, Clone)]
pub(crate) struct LowRankBuffers<'a> {
    /// u = x · Aᵀ, `[rows, rank]`
    pub u: wgpu::BufferBinding<'a>,
    /// B, `[outputs, rank]`
    pub b: wgpu::BufferBinding<'a>,
    /// Columns of both.
    pub rank: usize,
    /// s
    pub scale: f32,
}

/// The steps that compute y = x · Wᵀ + s · u · Bᵀ for many rows, or backward dx = dy · W + s · du · A, by the
/// best variant that needs no more than `features`.
///
/// # Shapes
/// x `[rows, inputs]`, y `[rows, outputs]`, or backward the other way round; both f32.
pub(crate) fn matmul_steps(
    pipelines: &mut Pipelines,
    features: KernelFeatures,
    weight: &GpuWeight,
    direction: Direction,
    rows: usize,
    [x, y]: [wgpu::BufferBinding; 2],
    adapter: Option<LowRankBuffers>,
) -> Vec<ComputeStep> {
    let (rank, scale) = adapter.as_ref().map_or((0, 0.0), |adapter| (adapter.rank, adapter.scale));
    let mut further = adapter.map_or(vec![], |adapter| vec![adapter.u, adapter.b]);
    let product = PackedMatmul { layout: weight.layout, direction, rows, rank, scale };
    let kernel = product.kernel(features);
    let mut steps = Vec::new();
    let row_scales;
    if let Some((before, params)) = product.before(&kernel) {
        row_scales = pipelines.gpu().device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("ranges"),
            size: (rows * size_of::<f32>()) as u64,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        });
        let u = further.first().cloned();
        let buffers = [x.clone()].into_iter().chain(u).chain([row_scales.as_entire_buffer_binding()]);
        let buffers: Vec<_> = buffers.map(wgpu::BindingResource::Buffer).collect();
        steps.push(step_of(pipelines, &before, &buffers, &params, rows));
        further.push(row_scales.as_entire_buffer_binding());
    }
    steps.extend(weight.steps(pipelines, &kernel, x, &further, y, product.launches()));
    steps
}
