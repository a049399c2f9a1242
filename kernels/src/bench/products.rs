//! The products with packed weights, as work to be measured.

use super::buffers::{empty, filled, scattered};
use super::{Shape, Size, Work};
use crate::kernel::Kernel;
use crate::matmul::launch::Direction;
use crate::matmul::plain::product_steps;
use crate::matmul::{GpuWeight, LowRank, MAX_COLUMNS, gemv};
use crate::pipelines::Pipelines;
use crate::quant::{PackError, Packed, RUN, Scheme};

/// Copies of a weight at most; small ones fit a cache all together, as the layers of a small model do.
const MOST_COPIES: usize = 64;

/// Every variant of the product of `shape` with weights of `scheme` that the device can run.
pub(super) fn works(
    pipelines: &mut Pipelines,
    size: Size,
    scheme: Scheme,
    shape: Shape,
) -> Result<Vec<Work>, PackError> {
    let Shape { rows, outputs, inputs, .. } = shape;
    let packed = Packed::from_f32(scheme, outputs, inputs, &scattered(outputs * inputs))?;
    let bytes = scheme.bytes(outputs, inputs);
    let copies = (size.streamed_bytes() / bytes.max(1)).clamp(1, MOST_COPIES);
    let gpu = pipelines.gpu().clone();
    let weights: Vec<GpuWeight> = (0..copies).map(|_| GpuWeight::upload(&packed, &gpu)).collect::<Result<_, _>>()?;
    let padded = inputs.next_multiple_of(RUN);
    let x = filled(&gpu, &scattered(rows * padded));
    let y = empty(&gpu, rows * outputs * size_of::<f32>());

    let moved = (bytes + rows * (inputs + outputs) * size_of::<f32>()) as f64;
    let work = |op, variant: &str, rank: usize, runs| Work {
        op,
        scheme: Some(scheme),
        variant: variant.to_owned(),
        shape: shape.to_string(),
        bytes: moved + (rank * (rows + outputs) * size_of::<f32>()) as f64,
        operations: 2.0 * rows as f64 * (outputs * inputs + rank * outputs) as f64,
        runs,
    };
    if rows <= MAX_COLUMNS {
        let runs_here = |kernel: &Kernel| gpu.device.features().contains(kernel.needs());
        let variants = gemv::variants(scheme, rows).into_iter().zip(["subgroup", "workgroup"]);
        let variants = variants.filter(|(kernel, _)| runs_here(kernel));
        return Ok(variants
            .map(|(kernel, variant)| {
                let run = |weight| vec![gemv::step_of(pipelines, &kernel, weight, whole(&x), whole(&y))];
                work("gemv", variant, 0, weights.iter().map(run).collect())
            })
            .collect());
    }
    let rank = shape.rank;
    let u = filled(&gpu, &scattered(rows * rank));
    let b = filled(&gpu, &scattered(outputs.max(inputs) * rank));
    let directions = [(Direction::Forward, "forward", &x, &y), (Direction::Backward, "backward", &y, &x)];
    Ok(directions
        .into_iter()
        .map(|(direction, name, from, to)| {
            let run = |weight: &GpuWeight| {
                let adapter = LowRank { u: whole(&u), b: whole(&b), rank, scale: 1.0 };
                product_steps(pipelines, weight, direction, rows, whole(from), Some(adapter), whole(to))
            };
            work("lora_linear", name, rank, weights.iter().map(run).collect())
        })
        .collect())
}

fn whole(buffer: &wgpu::Buffer) -> wgpu::BufferBinding<'_> {
    buffer.as_entire_buffer_binding()
}
