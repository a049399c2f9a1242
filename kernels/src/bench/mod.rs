//! What the kernels reach on a device, beside what the device gives at all.
//!
//! Steps run through plain wgpu, as in decoding, many to a submission; weights are taken in turns from many copies, so that they come
//! from memory and not from a cache, as they do when a model's layers pass by. The products of training are measured over the layers of
//! several models; of all other operations each one's file says what there is to measure, as [`Entry`]s, and
//! [`operations`](crate::operations) lists them.

mod buffers;
mod ceilings;
mod entry;
mod products;
mod time;

use std::fmt;

use serde::Serialize;

use crate::device::Gpu;
use crate::pipelines::{Pipelines, Step};
use crate::quant::{PackError, Scheme};

pub use ceilings::{Ceilings, ceilings};
pub use time::Microseconds;

pub(crate) use ceilings::kernels;
pub(crate) use entry::{Buffer, Entry, Sizes};

/// How much work a device takes in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A GPU.
    Gpu,
    /// A driver that computes on the processor.
    Software,
}

impl Size {
    /// What an adapter says that it is.
    pub fn of(gpu: &Gpu) -> Self {
        if gpu.adapter.get_info().device_type == wgpu::DeviceType::Cpu { Size::Software } else { Size::Gpu }
    }

    /// More than caches hold; and for software no more than it reads in a moment.
    fn streamed_bytes(self) -> usize {
        match self {
            Size::Gpu => 256 << 20,
            Size::Software => 16 << 20,
        }
    }
}

/// A linear layer of training to measure, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// Tokens.
    pub rows: usize,
    /// Outputs of the layer.
    pub outputs: usize,
    /// Inputs of the layer.
    pub inputs: usize,
    /// Of the adapter; at least 1.
    pub rank: usize,
}

impl Shape {
    /// The layers that matter: of a 135M, a 1.1B and a 7B Llama on a GPU, of the smallest in software.
    pub fn usual(size: Size) -> Vec<Shape> {
        let layers: &[(usize, usize)] = match size {
            Size::Gpu => &[(1536, 576), (2048, 2048), (5632, 2048), (4096, 4096), (11_008, 4096)],
            Size::Software => &[(576, 576)],
        };
        let rows = match size {
            Size::Gpu => 512,
            Size::Software => 64,
        };
        layers.iter().map(|&(outputs, inputs)| Shape { rows, outputs, inputs, rank: 16 }).collect()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} x {}", self.rows, self.outputs, self.inputs)
    }
}

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
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

impl Row {
    /// The fraction of the ceiling that the operation comes nearer to, and which one it is.
    pub fn reached(&self, ceilings: &Ceilings) -> (f64, &'static str) {
        let (memory, arithmetic) = (self.gb_per_s / ceilings.gb_per_s, self.gflop_per_s / ceilings.gflop_per_s);
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
    runs: Vec<Vec<Step>>,
}

impl Work {
    fn measure(self, gpu: &Gpu) -> Row {
        let Work { op, stored, variant, shape, bytes, operations, runs } = self;
        let us = time::time(gpu, &runs);
        let per_second = |amount: f64| amount / us.median / 1e3;
        Row { op, stored, variant, shape, us, gb_per_s: per_second(bytes), gflop_per_s: per_second(operations) }
    }
}

/// Measures the products of `shape` with weights of `scheme`.
///
/// # Errors
/// Inputs that are no whole number of groups, weights beyond the device's largest binding.
pub fn measure(pipelines: &mut Pipelines, size: Size, scheme: Scheme, shape: Shape) -> Result<Vec<Row>, PackError> {
    let works = products::works(pipelines, size, scheme, shape)?;
    let gpu = pipelines.gpu();
    Ok(works.into_iter().map(|work| work.measure(gpu)).collect())
}

/// An operation to be measured by [`measure_op`].
#[derive(Debug, Clone)]
pub struct Op(pub(crate) Entry);

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.0.op, self.0.stored.unwrap_or(""), self.0.variant, self.0.shape)
    }
}

/// Measures one operation.
pub fn measure_op(pipelines: &mut Pipelines, size: Size, Op(entry): Op) -> Row {
    entry.work(pipelines, size).measure(&pipelines.gpu().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::test_gpu;

    #[test]
    fn both_directions_are_measured_and_no_figure_is_beyond_belief() {
        let mut pipelines = Pipelines::new(test_gpu().gpu.unwrap());
        let ceilings = ceilings(&mut pipelines, Size::Software);
        assert!(ceilings.gb_per_s > 0.0 && ceilings.gflop_per_s > 0.0);
        let shape = Shape { rows: 9, outputs: 40, inputs: 64, rank: 2 };
        let measured = measure(&mut pipelines, Size::Software, Scheme::Q4, shape).unwrap();
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
        let shape = Shape { rows: 1, outputs: 4, inputs: 65, rank: 1 };
        assert!(matches!(measure(&mut pipelines, Size::Software, Scheme::Q4, shape), Err(PackError::Columns { .. })));
    }
}
