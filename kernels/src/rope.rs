//! Rotary position embedding (Su et al., 2021) in Llama's convention: coordinate i of a head is paired with
//! coordinate i + head_dim / 2, and the pair is rotated by the angle of its token.

mod on_cpu;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use burn_flex::FlexTensor;
use bytemuck::{Pod, Zeroable};

use crate::autodiff::{Differentiable, record};
use crate::bench::{BenchBuffer, BenchCase, BenchDims};
use crate::check::{KernelCheck, noise};
use crate::cpu::{contiguous, indices, numbers, tensor};
use crate::kernel::{Kernel, launch};

/// The angles by which the tokens of a step are rotated.
#[derive(Debug, Clone)]
pub struct Angles {
    /// `[positions, head_dim]`: the cosines of all pairs of a position, then their sines.
    rope_table: Tensor<2>,
    /// `[tokens]`: rows of `rope_table`.
    rows: Tensor<1, Int>,
}

impl Angles {
    /// The angles of tokens at `positions`, where pair i of a head rotates by `frequencies[i]` per position.
    ///
    /// Angles are computed here, in f64, once for all tokens at a position: shaders promise little about the
    /// sine of a large angle.
    pub fn new(positions: &[u32], frequencies: &[f64], device: &Device) -> Self {
        let mut distinct = positions.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let row = |position| distinct.binary_search(position).expect("it is one of them") as i32;
        let rows: Vec<i32> = positions.iter().map(row).collect();
        let part = |position: u32, of: fn(f64) -> f64| {
            frequencies.iter().map(move |frequency| of(f64::from(position) * frequency) as f32)
        };
        let rope_table: Vec<f32> = distinct.iter().flat_map(|&p| part(p, f64::cos).chain(part(p, f64::sin))).collect();
        let shape = [distinct.len(), 2 * frequencies.len()];
        // Constants of every graph.
        let device = device.clone().without_autodiff();
        Angles {
            rope_table: Tensor::from_data(TensorData::new(rope_table, shape), &device),
            rows: Tensor::from_data(TensorData::new(rows, [positions.len()]), &device),
        }
    }
}

/// Rotates every pair of coordinates of every head by its token's angle. The gradient rotates back.
///
/// # Shapes
/// x and the result `[tokens, heads, head_dim]`, angles of as many tokens; all f32.
///
/// # Panics
/// Shapes that do not fit or elements other than f32.
pub fn rope(x: Tensor<3>, angles: &Angles) -> Tensor<3> {
    let [tokens, _, head_dim] = x.dims();
    let expected = [angles.rows.dims()[0], angles.rope_table.dims()[1]];
    assert_eq!([tokens, head_dim], expected, "rope: x has to have the tokens and the pairs of the angles");
    let Angles { rope_table, rows } = angles.clone();
    Tensor::from_dispatch(Dispatch::rope(x.into_dispatch(), rope_table.into_dispatch(), rows.into_dispatch()))
}

/// The operation for each of burn's backends.
#[backend_extension(Cube, Flex, Autodiff)]
trait RopeBackend: Backend {
    fn rope(x: FloatTensor<Self>, rope_table: FloatTensor<Self>, rows: IntTensor<Self>) -> FloatTensor<Self>;
}

impl RopeBackend for CubeBackend {
    fn rope(x: CubeTensor, rope_table: CubeTensor, rows: CubeTensor) -> CubeTensor {
        Rope::<Self> { rope_table, rows }.forward([x])
    }
}

impl RopeBackend for Flex {
    fn rope(x: FlexTensor, rope_table: FlexTensor, rows: FlexTensor) -> FlexTensor {
        Rope::<Self> { rope_table, rows }.forward([x])
    }
}

impl<B: Backend, C: CheckpointStrategy> RopeBackend for Autodiff<B, C>
where
    Rope<B>: Differentiable<B, 1>,
{
    fn rope(x: FloatTensor<Self>, rope_table: FloatTensor<Self>, rows: IntTensor<Self>) -> FloatTensor<Self> {
        record::<B, C, _, 1>(Rope { rope_table: rope_table.into_primitive(), rows }, [x])
    }
}

/// The rotation as an operation of x.
#[derive(Debug, Clone)]
struct Rope<B: Backend> {
    rope_table: FloatTensor<B>,
    rows: IntTensor<B>,
}

impl<B: Backend> Differentiable<B, 1> for Rope<B>
where
    Self: Rotate<B>,
{
    fn forward(&self, [x]: [FloatTensor<B>; 1]) -> FloatTensor<B> {
        self.rotate(x, 1.0)
    }

    fn backward(&self, _: [FloatTensor<B>; 1], dy: FloatTensor<B>, _: [bool; 1]) -> [Option<FloatTensor<B>>; 1] {
        [Some(self.rotate(dy, -1.0))]
    }
}

/// The rotation or its inverse.
trait Rotate<B: Backend>: Clone + std::fmt::Debug + Send + 'static {
    /// `direction` is 1, or -1 for the inverse rotation.
    fn rotate(&self, x: FloatTensor<B>, direction: f32) -> FloatTensor<B>;
}

// ---- GPU ----

const WORKGROUP: u32 = 256;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    pairs: u32,
    heads: u32,
    half: u32,
    direction: f32,
}

impl Params {
    fn of([tokens, heads, head_dim]: [usize; 3], wide: bool, direction: f32) -> Self {
        let half = head_dim / if wide { 8 } else { 2 };
        Params { pairs: (tokens * heads * half) as u32, heads: heads as u32, half: half as u32, direction }
    }

    fn workgroups(self) -> usize {
        self.pairs.div_ceil(WORKGROUP) as usize
    }
}

fn kernel(wide: bool) -> Kernel {
    Kernel::new("rope").with("WORKGROUP", WORKGROUP).with("WIDE", wide)
}

/// Every variant, for the translation test.
pub(crate) fn kernels() -> Vec<Kernel> {
    [false, true].map(kernel).to_vec()
}

/// The benchmarks.
pub(crate) fn bench_cases(sizes: &BenchDims) -> Vec<BenchCase> {
    let shape = [sizes.tokens(), sizes.n_heads, sizes.head_dim];
    let ([tokens, heads, head_dim], numbers) = (shape, shape.iter().product::<usize>());
    let wide = head_dim.is_multiple_of(8);
    let params = Params::of(shape, wide, 1.0);
    let buffers = [
        BenchBuffer::Numbers(numbers),
        BenchBuffer::Numbers(sizes.seq * head_dim),
        BenchBuffer::Words((0..tokens as u32).map(|token| token % sizes.seq as u32).collect()),
        BenchBuffer::Output(numbers),
    ];
    let entry = BenchCase::new("rope", "either way", format!("{tokens} x {heads} x {head_dim}"), kernel(wide));
    vec![entry.over(buffers).launched(&params, params.workgroups()).costing(8 * numbers, 3 * numbers)]
}

impl Rotate<CubeBackend> for Rope<CubeBackend> {
    fn rotate(&self, x: CubeTensor, direction: f32) -> CubeTensor {
        let (x, shape) = (into_contiguous(x.clone()), x.shape());
        let wide = shape[2].is_multiple_of(8);
        let params = Params::of(shape.dims(), wide, direction);
        let inputs = [&x, &into_contiguous(self.rope_table.clone()), &into_contiguous(self.rows.clone())];
        let [y] = launch(kernel(wide), &inputs, [shape], &params, params.workgroups());
        y
    }
}

// ---- CPU ----

impl Rotate<Flex> for Rope<Flex> {
    fn rotate(&self, x: FlexTensor, direction: f32) -> FlexTensor {
        let (x, rope_table) = (contiguous(x), contiguous(self.rope_table.clone()));
        let shape = x.shape();
        tensor(on_cpu::rotate(numbers(&x), numbers(&rope_table), &indices(&self.rows), shape.dims(), direction), shape)
    }
}

// ---- The reference, which computes in f64 ----

/// y of x `[tokens, heads, head_dim]`, rope_table `[positions, head_dim]` and rows `[tokens]`.
fn reference(
    x: &[f32],
    rope_table: &[f32],
    rows: &[usize],
    [_, heads, head_dim]: [usize; 3],
    direction: f32,
) -> Vec<f32> {
    let half = head_dim / 2;
    let mut y = vec![0.0; x.len()];
    let tokens = y.chunks_exact_mut((heads * head_dim).max(1)).zip(x.chunks_exact((heads * head_dim).max(1)));
    tokens.zip(rows).for_each(|((y, x), row)| {
        let (cosines, sines) = rope_table[row * head_dim..][..head_dim].split_at(half);
        for (y, x) in y.chunks_exact_mut(head_dim).zip(x.chunks_exact(head_dim)) {
            for i in 0..half {
                let (cosine, sine) = (f64::from(cosines[i]), f64::from(sines[i] * direction));
                let (a, b) = (f64::from(x[i]), f64::from(x[i + half]));
                y[i] = (a * cosine - b * sine) as f32;
                y[i + half] = (b * cosine + a * sine) as f32;
            }
        }
    });
    y
}

// ---- Check ----

/// Tokens, heads and head_dim that miss every round number of the kernel.
const SHAPES: [[usize; 3]; 5] = [[1, 1, 2], [3, 5, 6], [7, 3, 16], [5, 9, 64], [2, 4, 100]];

/// Every variant against the reference.
pub(crate) fn check(check: &mut KernelCheck) {
    for shape in SHAPES {
        let [tokens, _, head_dim] = shape;
        let (x, rope_table) = (noise(3, shape.iter().product()), noise(4, 3 * head_dim));
        let rows: Vec<u32> = (0..tokens as u32).map(|t| t % 3).collect();
        let wanted: Vec<usize> = rows.iter().map(|row| *row as usize).collect();
        for wide in [false, true].into_iter().filter(|wide| !wide || head_dim % 8 == 0) {
            for direction in [1.0, -1.0] {
                let (kernel, params) = (kernel(wide), Params::of(shape, wide, direction));
                let inputs: [&[f32]; 3] = [&x, &rope_table, bytemuck::cast_slice(&rows)];
                let [y] = check.run(&kernel, &inputs, [x.len()], &params, params.workgroups());
                let expected = reference(&x, &rope_table, &wanted, shape, direction);
                check.close(&kernel, format!("{shape:?}, direction {direction}"), &y, &expected, 1e-6);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_devices;
    use crate::testing::{assert_close, assert_passes, check_gradients, download, upload};

    fn frequencies(head_dim: usize) -> Vec<f64> {
        (0..head_dim / 2).map(|i| 10_000f64.powf(-2.0 * i as f64 / head_dim as f64)).collect()
    }

    /// Positions out of order, repeated, and far out where a sine in f32 would be wrong in the third digit.
    fn positions(tokens: usize) -> Vec<u32> {
        (0..tokens).map(|t| [3, 0, 131_071, 3, 7][t % 5]).collect()
    }

    /// The formula, straight from positions.
    fn expected(x: &[f32], [_, heads, head_dim]: [usize; 3], positions: &[u32]) -> Vec<f32> {
        let frequencies = frequencies(head_dim);
        let rotated = |at: usize| {
            let (i, token) = (at % head_dim, at / head_dim / heads);
            let angle = f64::from(positions[token]) * frequencies[i % (head_dim / 2)];
            let paired = if i < head_dim / 2 { -x[at + head_dim / 2] } else { x[at - head_dim / 2] };
            (f64::from(x[at]) * angle.cos() + f64::from(paired) * angle.sin()) as f32
        };
        (0..x.len()).map(rotated).collect()
    }

    #[test]
    fn both_devices_agree_with_the_formula_on_ragged_shapes() {
        for (name, device) in test_devices() {
            for shape in SHAPES {
                let (x, positions) = (noise(1, shape.iter().product()), positions(shape[0]));
                let angles = Angles::new(&positions, &frequencies(shape[2]), &device);
                let y = rope(upload(&x, shape, &device), &angles);
                assert_close(&download(y), &expected(&x, shape, &positions), 1e-6, &format!("{name} {shape:?}"));
            }
        }
    }

    #[test]
    fn a_view_that_is_not_contiguous_is_read_in_its_own_order() {
        for (name, device) in test_devices() {
            let x: Tensor<3> = upload(&noise(2, 48), [4, 2, 6], &device);
            let angles = Angles::new(&positions(2), &frequencies(6), &device);
            let view = x.swap_dims(0, 1);
            let copy = upload(&download(view.clone()), view.dims(), &device);
            assert_close(&download(rope(view, &angles)), &download(rope(copy, &angles)), 0.0, name);
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        for shape in [[3, 2, 6], [2, 1, 8]] {
            check_gradients(&[shape.iter().product()], |inputs| {
                let angles = Angles::new(&positions(shape[0]), &frequencies(shape[2]), &inputs[0].device());
                let y = rope(inputs[0].clone().reshape(shape), &angles);
                y.reshape([shape.iter().product::<usize>()])
            });
        }
    }

    #[test]
    fn every_variant_agrees_with_the_reference_under_bounds_checks() {
        assert_passes(check);
    }
}
