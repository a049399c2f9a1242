//! The host side of elementwise operations: see `shaders/lib/elementwise.wgsl`.

use burn::backend::TensorMetadata;
use burn_cubecl::tensor::CubeTensor;
use bytemuck::{Pod, Zeroable};

use crate::bench::{BenchBuffer, BenchCase};
use crate::kernel::{Kernel, launch};

const WORKGROUP: u32 = 256;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(crate) struct Params {
    values: u32,
}

impl Params {
    /// For tensors of `numbers`, and the workgroups that it takes.
    pub(crate) fn over(numbers: usize, wide: bool) -> (Self, usize) {
        let values = if wide { numbers / 4 } else { numbers };
        (Params { values: values as u32 }, values.div_ceil(WORKGROUP as usize))
    }
}

pub(crate) fn kernel(shader: &'static str, wide: bool) -> Kernel {
    Kernel::new(shader).with("WORKGROUP", WORKGROUP).with("WIDE", wide)
}

/// Both variants of several shaders, for the translation test.
pub(crate) fn kernels(shaders: &[&'static str]) -> Vec<Kernel> {
    shaders.iter().flat_map(|shader| [false, true].map(|wide| kernel(shader, wide))).collect()
}

/// One invocation per value; the outputs have the shape of the inputs.
pub(crate) fn launch_values<const O: usize>(shader: &'static str, inputs: &[&CubeTensor]) -> [CubeTensor; O] {
    let shape = inputs[0].shape();
    let wide = shape.num_elements().is_multiple_of(4);
    let (params, workgroups) = Params::over(shape.num_elements(), wide);
    launch(kernel(shader, wide), inputs, std::array::from_fn(|_| shape.clone()), &params, workgroups)
}

/// The benchmark of a shader of `inputs` inputs and `outputs` outputs.
pub(crate) fn entry(
    op: &'static str,
    shader: &'static str,
    [inputs, outputs]: [usize; 2],
    [rows, width]: [usize; 2],
    operations: usize,
) -> BenchCase {
    let numbers = rows * width;
    let (params, workgroups) = Params::over(numbers, true);
    let variant = if shader.ends_with("_grad") { "backward" } else { "forward" };
    BenchCase::new(op, variant, format!("{rows} x {width}"), kernel(shader, true))
        .over(vec![BenchBuffer::Numbers(numbers); inputs])
        .over(vec![BenchBuffer::Output(numbers); outputs])
        .launched(&params, workgroups)
        .costing(4 * (inputs + outputs) * numbers, operations * numbers)
}
