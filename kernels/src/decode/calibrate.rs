//! The calibration of a device: a small GEMM on cooperative matrices must agree with the portable variant.
//!
//! The comparison is bit by bit: the numbers are exact in f16, and their sums are exact in f32 in any order.

use wgpu::util::DeviceExt;

use super::fused_linear::linear_constants;
use super::heads::Heads;
use super::matmul::{Constants, NormKind, columns_for, with_own};
use super::step_inputs::{SamplingParams, StepInputs, TokenSource, TokenSpan};
use crate::device::Gpu;
use crate::kernel::Kernel;
use crate::matmul::GpuWeight;
use crate::pipelines::Pipelines;
use crate::quant::{PackedMatrix, QuantScheme};

/// A product that no tile divides.
const TOKENS: usize = 70;
const OUTPUTS: usize = 132;
const INPUTS: usize = 96;

/// Compares a GEMM on cooperative matrices of this size with the portable one.
///
/// # Errors
/// The first difference, or the driver's error.
pub(crate) fn check_cooperative_gemm(gpu: &Gpu, coop_tile: u32) -> Result<(), String> {
    let constants = Constants {
        scheme: QuantScheme::Q4,
        columns: columns_for(TOKENS),
        rows: OUTPUTS,
        starts_at: 0,
        cols: INPUTS,
        norm: NormKind::None,
        adapters: None,
        adapter_rows: 0,
        int8: false,
    };
    let own = linear_constants(OUTPUTS, 0, false, false);
    let variants = with_own(constants.variants("decode_linear"), &own);
    let [found, expected] = [coop_tile, 0].map(|coop_tile| {
        let variant = variants.iter().find(|kernel| kernel.needs().coop_tile == coop_tile);
        product(gpu, variant.expect("a variant of every size and a portable one"))
    });
    let (found, expected) = (found?, expected?);
    match found.iter().zip(&expected).position(|(f, e)| f != e) {
        None => Ok(()),
        Some(at) => Err(format!("they gave {}, expected {}", found[at], expected[at])),
    }
}

/// An integer between -height and height.
fn wave(i: usize, pace: f32, height: f32) -> f32 {
    ((i as f32 * pace).sin() * height).round()
}

/// y `[TOKENS, OUTPUTS]`, by one kernel.
fn product(gpu: &Gpu, kernel: &Kernel) -> Result<Vec<f32>, String> {
    // Multiples of an eighth, of which each block has a -1, are its quants times an eighth; a sum of 96 terms
    // takes 18 bits.
    let w: Vec<f32> = (0..OUTPUTS * INPUTS).map(|i| if i % 32 == 0 { -1.0 } else { wave(i, 0.7, 7.0) / 8.0 }).collect();
    let x: Vec<f32> = (0..TOKENS * INPUTS).map(|i| wave(i, 1.3, 256.0) / 256.0).collect();
    let packed = PackedMatrix::from_f32(QuantScheme::Q4, OUTPUTS, INPUTS, &w).map_err(|e| e.to_string())?;
    let weight = GpuWeight::upload(&packed, gpu).map_err(|e| e.to_string())?;
    let tokens = [TokenSource::Id(0); TOKENS];
    let span = TokenSpan { tokens: &tokens, position: 0, pages: &[0], adapter: 0 };
    let step_inputs = StepInputs::new(&[span], &[], SamplingParams::PLAIN, Heads { queries: 1, keys: 1, width: 4 });
    let buffer = |bytes: &[u8]| {
        gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: Some("check"),
            contents: bytes,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        })
    };
    let x = buffer(bytemuck::cast_slice(&x));
    let y = buffer(bytemuck::cast_slice(&vec![f32::NAN; TOKENS * OUTPUTS]));
    let words = buffer(bytemuck::cast_slice(&step_inputs.words));
    let copy = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("check"),
        size: y.size(),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });

    let scopes = [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::Validation].map(|of| gpu.device.push_error_scope(of));
    let whole = wgpu::Buffer::as_entire_binding;
    let buffers: Vec<wgpu::BindingResource> =
        [whole(&x)].into_iter().chain(weight.bindings()).chain([whole(&y), whole(&words)]).collect();
    let workgroups = TOKENS.div_ceil(64) * OUTPUTS.div_ceil(64);
    let step = Pipelines::new(gpu.clone()).step(kernel, &buffers, workgroups);
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    step.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
    encoder.copy_buffer_to_buffer(&y, 0, &copy, 0, y.size());
    gpu.queue.submit([encoder.finish()]);
    let errors = scopes.into_iter().rev().filter_map(|scope| pollster::block_on(scope.pop()));
    if let Some(error) = errors.reduce(|first, _| first) {
        return Err(error.to_string());
    }
    copy.map_async(wgpu::MapMode::Read, .., |_| {});
    gpu.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| e.to_string())?;
    let mapped = copy.get_mapped_range(..).map_err(|e| e.to_string())?;
    Ok(bytemuck::cast_slice(&mapped).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_gpu;

    #[test]
    fn a_check_fails_where_the_variant_does_not_run() {
        let gpu = test_gpu().gpu.unwrap();
        let able = gpu.features.wgpu.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX);
        // A device may run matrices of sizes that it does not list.
        for coop_tile in
            crate::cooperative::COOP_TILES.into_iter().filter(|coop_tile| !able || *coop_tile == gpu.features.coop_tile)
        {
            let checked = check_cooperative_gemm(&gpu, coop_tile);
            assert_eq!(checked.is_ok(), able, "{coop_tile}: {checked:?}");
        }
    }
}
