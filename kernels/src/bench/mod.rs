//! What the kernels reach on a device, beside what the device gives at all.
//!
//! Steps run through plain wgpu, as in decoding, many to a submission; weights are taken in turns from many copies, so that they come
//! from memory and not from a cache, as they do when a model's layers pass by.

mod buffers;
mod ceilings;
mod products;
mod time;

use std::fmt;

use serde::Serialize;

use crate::pipelines::{Pipelines, Step};
use crate::quant::{PackError, Scheme};

pub use ceilings::{Ceilings, ceilings};
pub use time::Microseconds;

pub(crate) use ceilings::kernels;

/// How much work a device takes in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A GPU.
    Gpu,
    /// A driver that computes on the processor.
    Software,
}

impl Size {
    /// More than caches hold; and for software no more than it reads in a moment.
    fn streamed_bytes(self) -> usize {
        match self {
            Size::Gpu => 256 << 20,
            Size::Software => 16 << 20,
        }
    }
}

/// A linear layer to measure: up to 8 rows by `gemv`, more by `lora_linear` in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// Sequences or tokens.
    pub rows: usize,
    /// Outputs of the layer.
    pub outputs: usize,
    /// Inputs of the layer.
    pub inputs: usize,
    /// Of the adapter; above 8 rows it is at least 1.
    pub rank: usize,
}

impl Shape {
    /// The layers that matter: of a 135M, a 1.1B and a 7B Llama on a GPU, of the smallest in software.
    pub fn usual(size: Size) -> Vec<Shape> {
        let layers: &[(usize, usize)] = match size {
            Size::Gpu => &[(1536, 576), (2048, 2048), (5632, 2048), (4096, 4096), (11_008, 4096)],
            Size::Software => &[(576, 576)],
        };
        let rows: &[usize] = match size {
            Size::Gpu => &[1, 4, 8, 512],
            Size::Software => &[1, 8, 64],
        };
        let shape = |(outputs, inputs)| rows.iter().map(move |&rows| Shape { rows, outputs, inputs, rank: 16 });
        layers.iter().copied().flat_map(shape).collect()
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
    /// How the weights are stored.
    pub scheme: Scheme,
    /// Which of its kernels.
    pub variant: String,
    /// Of the layer.
    pub shape: Shape,
    /// Of one run.
    pub us: Microseconds,
    /// 10⁹ bytes per second that must be moved at least: weights, x and y, once each.
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
    scheme: Scheme,
    variant: String,
    shape: Shape,
    bytes: f64,
    operations: f64,
    runs: Vec<Vec<Step>>,
}

/// Measures every variant of the products of `shape` with weights of `scheme`.
///
/// # Errors
/// Inputs that are no whole number of groups, weights beyond the device's largest binding.
pub fn measure(pipelines: &mut Pipelines, size: Size, scheme: Scheme, shape: Shape) -> Result<Vec<Row>, PackError> {
    let works = products::works(pipelines, size, scheme, shape)?;
    let gpu = pipelines.gpu();
    let row = |Work { op, scheme, variant, shape, bytes, operations, runs }| {
        let us = time::time(gpu, &runs);
        let per_second = |amount: f64| amount / us.median / 1e3;
        Row { op, scheme, variant, shape, us, gb_per_s: per_second(bytes), gflop_per_s: per_second(operations) }
    };
    Ok(works.into_iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::test_gpu;
    use crate::matmul::MAX_COLUMNS;

    #[test]
    fn every_variant_is_measured_and_no_figure_is_beyond_belief() {
        let mut pipelines = Pipelines::new(test_gpu().gpu.unwrap());
        let ceilings = ceilings(&mut pipelines, Size::Software);
        assert!(ceilings.gb_per_s > 0.0 && ceilings.gflop_per_s > 0.0);
        for (rows, variants) in [(1, &["subgroup", "workgroup"][..]), (9, &["forward", "backward"])] {
            let shape = Shape { rows, outputs: 40, inputs: 64, rank: 2 };
            let measured = measure(&mut pipelines, Size::Software, Scheme::Q4, shape).unwrap();
            assert!(measured.iter().all(|row| variants.contains(&row.variant.as_str())) && !measured.is_empty());
            for row in &measured {
                assert!(row.us.min > 0.0 && row.us.min <= row.us.median && row.us.median <= row.us.max);
                // Bytes, operations and time are of one and the same run.
                let run = 2.0 * (rows * 40 * 64) as f64;
                let adapter = if rows > MAX_COLUMNS { 2.0 * (rows * 40 * 2) as f64 } else { 0.0 };
                assert!((row.gflop_per_s * row.us.median * 1e3 / (run + adapter) - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn shapes_that_a_scheme_cannot_hold_are_refused() {
        let mut pipelines = Pipelines::new(test_gpu().gpu.unwrap());
        let shape = Shape { rows: 1, outputs: 4, inputs: 65, rank: 1 };
        assert!(matches!(measure(&mut pipelines, Size::Software, Scheme::Q4, shape), Err(PackError::Columns { .. })));
    }
}
