//! The launches of a step on a GPU.

use std::sync::Arc;

use burn::backend::TensorMetadata;
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use bytemuck::{Pod, Zeroable};

use super::layout::TensorGroup;
use super::{AdamWBackend, AdamWStep, Six};
use crate::bench::{BenchBuffer, BenchCase, BenchDims};
use crate::kernel::{Kernel, best, empty_like, enqueue, launch, words_on};

const WORKGROUP: usize = 256;

/// Sums of squares of one page at most.
const SUMS: usize = 1024;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct SquareParams {
    values: u32,
    workgroups: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Params {
    values: u32,
    sums: u32,
    clip: f32,
    rate: f32,
    correction: f32,
    beta_1: f32,
    rest_1: f32,
    beta_2: f32,
    rest_2: f32,
    epsilon: f32,
    kept: f32,
}

impl TensorGroup {
    pub(super) fn workgroups(self) -> usize {
        ((self.end - self.first) as usize).div_ceil(WORKGROUP)
    }
}

impl SquareParams {
    /// The parameters for a page of `length` numbers.
    pub(super) fn of(length: usize) -> Self {
        SquareParams { values: (length / 4) as u32, workgroups: sums_of(length) as u32 }
    }
}

/// The number of partial sums of squares of a page of `length` numbers.
pub(super) fn sums_of(length: usize) -> usize {
    (length / 4).div_ceil(WORKGROUP).min(SUMS)
}

impl Params {
    /// The parameters for a page of `length` numbers.
    pub(super) fn of(length: usize, sums: usize, step: &AdamWStep) -> Self {
        let [beta_1, beta_2] = step.betas;
        let [bias_1, bias_2] = step.betas.map(|beta| 1.0 - beta.powi(step.number as i32));
        Params {
            values: (length / 4) as u32,
            sums: if step.clip.is_some() { sums as u32 } else { 0 },
            clip: step.clip.unwrap_or(f64::INFINITY).min(f64::from(f32::MAX)) as f32,
            rate: (step.lr / bias_1) as f32,
            correction: bias_2 as f32,
            beta_1: beta_1 as f32,
            rest_1: (1.0 - beta_1) as f32,
            beta_2: beta_2 as f32,
            rest_2: (1.0 - beta_2) as f32,
            epsilon: step.epsilon as f32,
            kept: (1.0 - step.lr * step.weight_decay) as f32,
        }
    }

    pub(super) fn workgroups(self) -> usize {
        (self.values as usize).div_ceil(WORKGROUP)
    }
}

pub(super) fn concat_kernel() -> Kernel {
    Kernel::new("concat").with("WORKGROUP", WORKGROUP as u32)
}

/// The variants of the kernels that sum, best first.
pub(super) fn variants(shader: &'static str) -> [Kernel; 2] {
    Kernel::new(shader).with("WORKGROUP", WORKGROUP as u32).reduction_variants()
}

/// Every variant, for the translation test.
pub(crate) fn kernels() -> Vec<Kernel> {
    [concat_kernel()].into_iter().chain(["square_sums", "adamw"].into_iter().flat_map(variants)).collect()
}

/// The benchmarks: as many weights as an adapter of rank 16 has on four projections of 22 layers.
pub(crate) fn bench_cases(sizes: &BenchDims) -> Vec<BenchCase> {
    let length = 22 * 4 * 2 * 16 * sizes.d_model;
    let third = length / 3;
    let step =
        AdamWStep { lr: 1e-3, betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.01, clip: Some(1.0), number: 1 };
    let squares = SquareParams::of(length);
    let group = TensorGroup {
        first: 0,
        end: third as u32,
        starts: [0, u32::MAX, u32::MAX, u32::MAX, u32::MAX, u32::MAX],
        lengths: [third as u32, 0, 0, 0, 0, 0],
    };
    let sums = sums_of(length);
    let params = Params::of(length, sums, &step);
    let shape = format!("{length}");
    let joined = BenchCase::new("adamw", "concat", format!("{third}"), concat_kernel())
        .over([third, 1, 1, 1, 1, 1].map(BenchBuffer::Numbers))
        .over([BenchBuffer::Output(third)])
        .launched(&group, group.workgroups())
        .costing(8 * third, 0);
    let squared = variants("square_sums").map(|kernel| {
        BenchCase::new("adamw", "sums of squares", shape.clone(), kernel)
            .over([BenchBuffer::Numbers(length), BenchBuffer::Output(sums)])
            .launched(&squares, sums)
            .costing(4 * length, 2 * length)
    });
    let stepped = variants("adamw").map(|kernel| {
        BenchCase::new("adamw", "step", shape.clone(), kernel)
            .over([length, length, sums].map(BenchBuffer::Numbers))
            .over([BenchBuffer::Words(vec![u32::MAX; length.div_ceil(64 * 32)])])
            .over([BenchBuffer::Numbers(length), BenchBuffer::Output(length), BenchBuffer::Output(length)])
            .launched(&params, params.workgroups())
            .costing(28 * length, 12 * length)
    });
    [joined].into_iter().chain(squared).chain(stepped).collect()
}

impl AdamWBackend for CubeBackend {
    fn concat(flat: CubeTensor, six: Six<Self>, group: TensorGroup) -> CubeTensor {
        let Six { a, b, c, d, e, f } = six;
        let [a, b, c, d, e, f] = [a, b, c, d, e, f].map(into_contiguous);
        let flat = if flat.can_mut() { flat } else { flat.copy() };
        enqueue(concat_kernel(), &[&a, &b, &c, &d, &e, &f, &flat], &group, group.workgroups());
        flat
    }

    fn square_sums(page: CubeTensor) -> CubeTensor {
        let length = page.shape()[0];
        let sums = [sums_of(length)];
        let kernel = best(variants("square_sums"), &page);
        let [sums] = launch(kernel, &[&page], [sums.into()], &SquareParams::of(length), sums[0]);
        sums
    }

    fn adamw(
        weights: CubeTensor,
        gradients: CubeTensor,
        squares: CubeTensor,
        first: CubeTensor,
        second: CubeTensor,
        decays: Arc<[u32]>,
        step: AdamWStep,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        // Moments that a clone of the optimizer holds too are not written over.
        let [first, second] = [first, second].map(|moment| if moment.can_mut() { moment } else { moment.copy() });
        let moved = empty_like(&weights, weights.shape());
        let params = Params::of(weights.shape()[0], squares.shape()[0], &step);
        let decays = words_on(&weights, &decays);
        let tensors = [&weights, &gradients, &squares, &decays, &first, &second, &moved];
        enqueue(best(variants("adamw"), &weights), &tensors, &params, params.workgroups());
        (moved, first, second)
    }
}
