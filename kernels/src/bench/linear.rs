//! The linear layers of training over packed weights, with their LoRA adapter, forward and backward.

use std::fmt;

use serde::Serialize;

use super::buffers::{empty, filled, scattered};
use super::class::DeviceClass;
use super::work::Work;
use crate::kernel::Kernel;
use crate::matmul::{Direction, GpuWeight, LowRankBuffers, linear_variants, matmul_steps};
use crate::pipelines::Pipelines;
use crate::quant::{PACK, PackError, PackedMatrix, QuantScheme};

/// The shape of a linear layer of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LinearShape {
    /// Tokens.
    pub rows: usize,
    /// Outputs of the layer.
    pub outputs: usize,
    /// Inputs of the layer.
    pub inputs: usize,
    /// Rank of the adapter; at least 1.
    pub rank: usize,
}

impl LinearShape {
    /// The layers to measure: of a 135M, a 1.1B and a 7B Llama on a GPU, of the smallest on a software
    /// adapter.
    pub fn usual(class: DeviceClass) -> Vec<LinearShape> {
        let layers: &[(usize, usize)] = match class {
            DeviceClass::Gpu => &[(1536, 576), (2048, 2048), (5632, 2048), (4096, 4096), (11_008, 4096)],
            DeviceClass::Software => &[(576, 576)],
        };
        let rows = match class {
            DeviceClass::Gpu => 512,
            DeviceClass::Software => 64,
        };
        layers.iter().map(|&(outputs, inputs)| LinearShape { rows, outputs, inputs, rank: 16 }).collect()
    }
}

impl fmt::Display for LinearShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} x {}", self.rows, self.outputs, self.inputs)
    }
}

/// One direction of a linear layer, by one variant of its kernel.
#[derive(Debug, Clone)]
pub(crate) struct LinearBench {
    pub(super) scheme: QuantScheme,
    shape: LinearShape,
    direction: Direction,
    pub(super) kernel: Kernel,
}

/// The most copies of a weight. Small ones fit a cache all together, as the layers of a small model do.
const MOST_COPIES: usize = 64;

impl LinearBench {
    /// Both directions of a layer, by every variant.
    pub(crate) fn all(scheme: QuantScheme, shape: LinearShape) -> impl Iterator<Item = Self> {
        [Direction::Forward, Direction::Backward].into_iter().flat_map(move |direction| {
            let depth = if direction == Direction::Forward { shape.inputs } else { shape.outputs };
            let variants = linear_variants(scheme, direction, true, depth.is_multiple_of(4));
            variants.into_iter().map(move |kernel| LinearBench { scheme, shape, direction, kernel })
        })
    }

    /// "forward" or "backward".
    pub(super) fn direction(&self) -> &'static str {
        match self.direction {
            Direction::Forward => "forward",
            Direction::Backward => "backward",
        }
    }

    pub(super) fn shape(&self) -> String {
        self.shape.to_string()
    }

    /// The product over as many copies of the weight as do not fit the caches.
    pub(super) fn work(&self, pipelines: &mut Pipelines, class: DeviceClass) -> Result<Work, PackError> {
        let LinearShape { rows, outputs, inputs, rank } = self.shape;
        let packed = PackedMatrix::from_f32(self.scheme, outputs, inputs, &scattered(outputs * inputs))?;
        let bytes = self.scheme.bytes(outputs, inputs);
        let copies = (class.streamed_bytes() / bytes.max(1)).clamp(1, MOST_COPIES);
        let gpu = pipelines.gpu().clone();
        let weights: Vec<GpuWeight> =
            (0..copies).map(|_| GpuWeight::upload(&packed, &gpu)).collect::<Result<_, _>>()?;
        let x = filled(&gpu, &scattered(rows * inputs.next_multiple_of(PACK)));
        let y = empty(&gpu, rows * outputs * size_of::<f32>());
        let u = filled(&gpu, &scattered(rows * rank));
        let b = filled(&gpu, &scattered(outputs.max(inputs) * rank));
        let (from, to) = if self.direction == Direction::Forward { (&x, &y) } else { (&y, &x) };
        let whole = wgpu::Buffer::as_entire_buffer_binding;
        let run = |weight: &GpuWeight| {
            let adapter = Some(LowRankBuffers { u: whole(&u), b: whole(&b), rank, scale: 1.0 });
            matmul_steps(pipelines, self.kernel.needs(), weight, self.direction, rows, [from, to].map(whole), adapter)
        };
        let runs = weights.iter().map(run).collect();
        let moved = bytes + (rows * (inputs + outputs) + rank * (rows + outputs)) * size_of::<f32>();
        let operations = 2.0 * rows as f64 * (outputs * inputs + rank * outputs) as f64;
        Ok(Work { bytes: moved as f64, operations, runs })
    }
}
