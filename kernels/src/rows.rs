//! The host side of norms over rows: see `shaders/lib/rows.wgsl`.

use burn::tensor::Shape;
use burn_cubecl::tensor::CubeTensor;
use bytemuck::{Pod, Zeroable};

use crate::bench::{BenchBuffer, BenchCase, BenchDims};
use crate::cpu::rows_and_width;
use crate::kernel::{Kernel, best, launch};

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(crate) struct Params {
    rows: u32,
    values: u32,
    width: f32,
    epsilon: f32,
}

/// The walk of a workgroup over its row: `workgroup` invocations side by side, four numbers each or one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    workgroup: u32,
    pub(crate) wide: bool,
}

impl Walk {
    pub(crate) const ALL: [Walk; 4] = [
        Walk { workgroup: 64, wide: false },
        Walk { workgroup: 64, wide: true },
        Walk { workgroup: 256, wide: false },
        Walk { workgroup: 256, wide: true },
    ];

    /// The walk that keeps most invocations busy.
    pub(crate) fn over(width: usize) -> Self {
        let wide = width.is_multiple_of(4);
        let workgroup = if width <= if wide { 256 } else { 64 } { 64 } else { 256 };
        Walk { workgroup, wide }
    }

    pub(crate) fn params(self, rows: usize, width: usize, epsilon: f64) -> Params {
        let values = if self.wide { width / 4 } else { width };
        Params { rows: rows as u32, values: values as u32, width: width as f32, epsilon: epsilon as f32 }
    }

    /// The variants of a shader, best first.
    pub(crate) fn variants(self, shader: &'static str) -> [Kernel; 2] {
        Kernel::new(shader).with("WORKGROUP", self.workgroup).with("WIDE", self.wide).reduction_variants()
    }
}

/// Every variant of several shaders, for the translation test.
pub(crate) fn kernels(shaders: &[&'static str]) -> Vec<Kernel> {
    shaders.iter().flat_map(|shader| Walk::ALL.map(|walk| walk.variants(shader))).flatten().collect()
}

/// One workgroup per row of the first input.
pub(crate) fn launch_rows<const O: usize>(
    shader: &'static str,
    inputs: &[&CubeTensor],
    outputs: [Shape; O],
    epsilon: f64,
) -> [CubeTensor; O] {
    let (rows, width) = rows_and_width(inputs[0]);
    let walk = Walk::over(width);
    let kernel = best(walk.variants(shader), inputs[0]);
    launch(kernel, inputs, outputs, &walk.params(rows, width, epsilon), rows)
}

/// The benchmarks of a shader with these operands, in the order of its bindings.
pub(crate) fn bench_cases(
    op: &'static str,
    shader: &'static str,
    buffers: &[Operand],
    operations: usize,
    sizes: &BenchDims,
) -> Vec<BenchCase> {
    let (rows, width) = (sizes.tokens(), sizes.d_model);
    let walk = Walk::over(width);
    let variant = if shader.ends_with("_grad") { "backward" } else { "forward" };
    let buffers: Vec<BenchBuffer> = buffers.iter().map(|operand| operand.buffer(rows, width)).collect();
    let large = buffers.iter().filter(|buffer| buffer.len() == rows * width).count();
    let entry = |kernel| {
        BenchCase::new(op, variant, format!("{rows} x {width}"), kernel)
            .over(buffers.clone())
            .launched(&walk.params(rows, width, 1e-5), rows)
            .costing(4 * large * rows * width, operations * rows * width)
    };
    walk.variants(shader).into_iter().map(entry).collect()
}

/// The operand of a norm at one binding.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operand {
    /// `[rows, width]`, read.
    Rows,
    /// `[width]`, read.
    Vector,
    /// `[rows, width]`, written.
    Result,
    /// `[rows, 2]`, written.
    Statistics,
}

impl Operand {
    fn buffer(self, rows: usize, width: usize) -> BenchBuffer {
        match self {
            Operand::Rows => BenchBuffer::Numbers(rows * width),
            Operand::Vector => BenchBuffer::Numbers(width),
            Operand::Result => BenchBuffer::Output(rows * width),
            Operand::Statistics => BenchBuffer::Output(2 * rows),
        }
    }
}
