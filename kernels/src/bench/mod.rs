//! What the kernels reach on a device, beside what the device gives at all.
//!
//! Steps run through plain wgpu, as in decoding, many to a submission; weights are taken in turns from many copies, so that they come
//! from memory and not from a cache, as they do when a model's layers pass by. The products of training are measured over the layers of
//! several models; of all other operations each one's file says what there is to measure, as [`BenchCase`]s, and
//! [`operations`](crate::operations) lists them.

mod buffers;
mod case;
mod matmul;
mod roofline;
mod time;

use std::fmt;

use serde::Serialize;

use crate::device::Gpu;
use crate::pipelines::{ComputeStep, Pipelines};
use crate::quant::{PackError, QuantScheme};

pub use roofline::{Roofline, roofline};
pub use time::Microseconds;

pub(crate) use case::{BenchBuffer, BenchCase, BenchDims};
pub(crate) use roofline::kernels;

/// How much work a device takes in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceClass {
    /// A GPU.
    Gpu,
    /// A driver that computes on the processor.
    Software,
}

impl DeviceClass {
    /// What an adapter says that it is.
    pub fn of(gpu: &Gpu) -> Self {
        if gpu.adapter.get_info().device_type == wgpu::DeviceType::Cpu {
            DeviceClass::Software
        } else {
            DeviceClass::Gpu
        }
    }

    /// More than caches hold; and for software no more than it reads in a moment.
    fn streamed_bytes(self) -> usize {
        match self {
            DeviceClass::Gpu => 256 << 20,
            DeviceClass::Software => 16 << 20,
        }
    }
}

/// A linear layer of training to measure, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LinearShape {
    /// Tokens.
    pub rows: usize,
    /// Outputs of the layer.
    pub outputs: usize,
    /// Inputs of the layer.
    pub inputs: usize,
    /// Of the adapter; at least 1.
    pub rank: usize,
}

impl LinearShape {
    /// The layers that matter: of a 135M, a 1.1B and a 7B Llama on a GPU, of the smallest in software.
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

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct KernelTiming {
    /// The operation.
    pub op: &'static str,
    /// How weights, or keys and values, are stored, where there are any.
    pub stored: Option<&'static str>,
    /// Which of its kernels.
    pub variant: String,
    /// Of a layer the rows, outputs and inputs; of other operations what they say.
    pub shape: String,
    /// Of one run.
    pub us: Microseconds,
    /// 10⁹ bytes per second that must be moved at least: every input and output once.
    pub gb_per_s: f64,
    /// 10⁹ operations per second, two per multiply-add.
    pub gflop_per_s: f64,
}

impl KernelTiming {
    /// The fraction of the ceiling that the operation comes nearer to, and which one it is.
    pub fn reached(&self, roofline: &Roofline) -> (f64, &'static str) {
        let (memory, arithmetic) = (self.gb_per_s / roofline.gb_per_s, self.gflop_per_s / roofline.gflop_per_s);
        if memory > arithmetic { (memory, "memory") } else { (arithmetic, "arithmetic") }
    }
}

/// Something to measure: runs, of a step or several each, that do the same on different data; and what one of them costs.
struct Work {
    op: &'static str,
    stored: Option<&'static str>,
    variant: String,
    shape: String,
    bytes: f64,
    operations: f64,
    runs: Vec<Vec<ComputeStep>>,
}

impl Work {
    fn measure(self, gpu: &Gpu) -> KernelTiming {
        let Work { op, stored, variant, shape, bytes, operations, runs } = self;
        let us = time::time(gpu, &runs);
        let per_second = |amount: f64| amount / us.median / 1e3;
        KernelTiming {
            op,
            stored,
            variant,
            shape,
            us,
            gb_per_s: per_second(bytes),
            gflop_per_s: per_second(operations),
        }
    }
}

/// Measures the products of `shape` with weights of `scheme`.
///
/// # Errors
/// Inputs that are no whole number of groups, weights beyond the device's largest binding.
pub fn measure(
    pipelines: &mut Pipelines,
    class: DeviceClass,
    scheme: QuantScheme,
    shape: LinearShape,
) -> Result<Vec<KernelTiming>, PackError> {
    let works = matmul::works(pipelines, class, scheme, shape)?;
    let gpu = pipelines.gpu();
    Ok(works.into_iter().map(|work| work.measure(gpu)).collect())
}

/// An operation to be measured by [`measure_op`].
#[derive(Debug, Clone)]
pub struct Op(pub(crate) BenchCase);

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.0.op, self.0.stored.unwrap_or(""), self.0.variant, self.0.shape)
    }
}

/// Measures one operation.
pub fn measure_op(pipelines: &mut Pipelines, class: DeviceClass, Op(case): Op) -> KernelTiming {
    case.work(pipelines, class).measure(&pipelines.gpu().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::test_gpu;

    #[test]
    fn both_directions_are_measured_and_no_figure_is_beyond_belief() {
        let mut pipelines = Pipelines::new(test_gpu().gpu.unwrap());
        let roofline = roofline(&mut pipelines, DeviceClass::Software);
        assert!(roofline.gb_per_s > 0.0 && roofline.gflop_per_s > 0.0);
        let shape = LinearShape { rows: 9, outputs: 40, inputs: 64, rank: 2 };
        let measured = measure(&mut pipelines, DeviceClass::Software, QuantScheme::Q4, shape).unwrap();
        assert_eq!(measured.iter().map(|row| &row.variant[..]).collect::<Vec<_>>(), ["forward", "backward"]);
        for row in &measured {
            assert!(row.us.min > 0.0 && row.us.min <= row.us.median && row.us.median <= row.us.max);
            // Bytes, operations and time are of one and the same run.
            let run = 2.0 * (9 * 40 * (64 + 2)) as f64;
            assert!((row.gflop_per_s * row.us.median * 1e3 / run - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn shapes_that_a_scheme_cannot_hold_are_refused() {
        let mut pipelines = Pipelines::new(test_gpu().gpu.unwrap());
        let shape = LinearShape { rows: 1, outputs: 4, inputs: 65, rank: 1 };
        assert!(matches!(
            measure(&mut pipelines, DeviceClass::Software, QuantScheme::Q4, shape),
            Err(PackError::Columns { .. })
        ));
    }
}
