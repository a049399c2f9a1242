//! The products of training with packed weights, as work to be measured.

use super::buffers::{empty, filled, scattered};
use super::{DeviceClass, LinearShape, Work};
use crate::matmul::{Direction, GpuWeight, LowRankBuffers, matmul_steps};
use crate::pipelines::Pipelines;
use crate::quant::{PACK, PackError, PackedMatrix, QuantScheme};

/// Copies of a weight at most; small ones fit a cache all together, as the layers of a small model do.
const MOST_COPIES: usize = 64;

/// The product of `shape` with weights of `scheme`, in both directions.
pub(super) fn works(
    pipelines: &mut Pipelines,
    class: DeviceClass,
    scheme: QuantScheme,
    shape: LinearShape,
) -> Result<Vec<Work>, PackError> {
    let LinearShape { rows, outputs, inputs, .. } = shape;
    let packed = PackedMatrix::from_f32(scheme, outputs, inputs, &scattered(outputs * inputs))?;
    let bytes = scheme.bytes(outputs, inputs);
    let copies = (class.streamed_bytes() / bytes.max(1)).clamp(1, MOST_COPIES);
    let gpu = pipelines.gpu().clone();
    let weights: Vec<GpuWeight> = (0..copies).map(|_| GpuWeight::upload(&packed, &gpu)).collect::<Result<_, _>>()?;
    let padded = inputs.next_multiple_of(PACK);
    let x = filled(&gpu, &scattered(rows * padded));
    let y = empty(&gpu, rows * outputs * size_of::<f32>());

    let rank = shape.rank;
    let moved = bytes + (rows * (inputs + outputs) + rank * (rows + outputs)) * size_of::<f32>();
    let operations = 2.0 * rows as f64 * (outputs * inputs + rank * outputs) as f64;
    let u = filled(&gpu, &scattered(rows * rank));
    let b = filled(&gpu, &scattered(outputs.max(inputs) * rank));
    let directions = [(Direction::Forward, "forward", &x, &y), (Direction::Backward, "backward", &y, &x)];
    Ok(directions
        .into_iter()
        .map(|(direction, name, from, to)| {
            let run = |weight: &GpuWeight| {
                let adapter = LowRankBuffers { u: whole(&u), b: whole(&b), rank, scale: 1.0 };
                matmul_steps(pipelines, weight, direction, rows, whole(from), Some(adapter), whole(to))
            };
            let runs = weights.iter().map(run).collect();
            let (variant, shape) = (name.to_owned(), shape.to_string());
            Work {
                op: "lora_linear",
                stored: Some(scheme.name()),
                variant,
                shape,
                bytes: moved as f64,
                operations,
                runs,
            }
        })
        .collect())
}

fn whole(buffer: &wgpu::Buffer) -> wgpu::BufferBinding<'_> {
    buffer.as_entire_buffer_binding()
}
