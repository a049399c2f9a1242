//! Products over every scheme against f64 sums, on ragged shapes, through burn and under bounds checks; and
//! their gradients.

use burn::tensor::{Device, Tensor};

use super::gpu_weight::matmul_steps;
use super::launch::{Direction, Params, RowScalesParams, linear_variants, row_scales, split_launches};
use super::*;
use crate::check::KernelCheck;
use crate::device::gpu_of;
use crate::pipelines::Pipelines;
use crate::quant::{PACK, PackedMatrix, QuantScheme};
use crate::testing::{assert_close, check_gradients, download, noise, read, storage, submit, upload};
use crate::{test_devices, test_gpu};

/// A layer with its adapter, and rows to put through it.
struct Case {
    packed: PackedMatrix,
    rows: usize,
    rank: usize,
    x: Vec<f32>,  // [rows, in]
    dy: Vec<f32>, // [rows, out]
    a: Vec<f32>,  // [rank, in]
    b: Vec<f32>,  // [out, rank]
}

const SCALE: f32 = 0.75;

impl Case {
    fn new(scheme: QuantScheme, rows: usize, outputs: usize, inputs: usize, rank: usize) -> Self {
        Case {
            packed: PackedMatrix::from_f32(scheme, outputs, inputs, &noise(1, outputs * inputs)).unwrap(),
            rows,
            rank,
            x: noise(2, rows * inputs),
            dy: noise(3, rows * outputs),
            a: noise(4, rank * inputs),
            b: noise(5, outputs * rank),
        }
    }

    /// Ragged shapes that no tile fits, with inputs of whole groups; and for floats inputs that no run and no
    /// vec4 fits.
    fn ragged(scheme: QuantScheme) -> Vec<Case> {
        let group = scheme.row_multiple().max(32);
        let mut cases = vec![Case::new(scheme, 1, 3, group, 1), Case::new(scheme, 70, 132, 3 * group, 37)];
        if scheme.row_multiple() == 1 {
            cases.push(Case::new(scheme, 65, 66, 43, 5));
        }
        cases
    }

    fn name(&self) -> String {
        let (scheme, outputs, inputs) = (self.packed.scheme(), self.packed.rows(), self.packed.cols());
        format!("{scheme} {}x{inputs} by {outputs}x{inputs}, rank {}", self.rows, self.rank)
    }

    /// s · x · Aᵀ `[rows, rank]`
    fn u(&self) -> Vec<f32> {
        let (rank, inputs) = (self.rank, self.packed.cols());
        product(self.rows, rank, inputs, |r, k| self.x[r * inputs + k], |c, k| SCALE * self.a[c * inputs + k])
    }

    /// s · dy · B `[rows, rank]`
    fn du(&self) -> Vec<f32> {
        let (rank, outputs) = (self.rank, self.packed.rows());
        product(self.rows, rank, outputs, |r, k| self.dy[r * outputs + k], |c, k| SCALE * self.b[k * rank + c])
    }

    /// x · Wᵀ, and with the adapter + u · Bᵀ: terms `in` and beyond are those of the rank.
    fn forward(&self, lora: bool) -> Vec<f32> {
        let (w, u, rank) = (self.packed.to_f32(), self.u(), self.rank);
        let (inputs, outputs) = (self.packed.cols(), self.packed.rows());
        let depth = if lora { inputs + rank } else { inputs };
        let left = |r: usize, k: usize| if k < inputs { self.x[r * inputs + k] } else { u[r * rank + k - inputs] };
        let right = |c: usize, k: usize| if k < inputs { w[c * inputs + k] } else { self.b[c * rank + k - inputs] };
        product(self.rows, outputs, depth, left, right)
    }

    /// dy · W, and with the adapter + du · A.
    fn backward(&self, lora: bool) -> Vec<f32> {
        let (w, du, rank) = (self.packed.to_f32(), self.du(), self.rank);
        let (inputs, outputs) = (self.packed.cols(), self.packed.rows());
        let depth = if lora { outputs + rank } else { outputs };
        let left = |r: usize, k: usize| if k < outputs { self.dy[r * outputs + k] } else { du[r * rank + k - outputs] };
        let right =
            |c: usize, k: usize| if k < outputs { w[k * inputs + c] } else { self.a[(k - outputs) * inputs + c] };
        product(self.rows, inputs, depth, left, right)
    }

    /// x, A, B on a device; leaves where it records.
    fn tensors(&self, device: &Device) -> (Tensor<2>, LoraFactors) {
        let (inputs, outputs) = (self.packed.cols(), self.packed.rows());
        let leaf = |t: Tensor<2>| if device.is_autodiff() { t.require_grad() } else { t };
        let a = leaf(upload(&self.a, [self.rank, inputs], device));
        let b = leaf(upload(&self.b, [outputs, self.rank], device));
        let x = leaf(upload(&self.x, [self.rows, inputs], device));
        (x, LoraFactors { a, b, scale: SCALE })
    }
}

/// Σ over k of left(r, k) · right(c, k) for every r and c, in f64.
fn product(
    rows: usize,
    columns: usize,
    depth: usize,
    left: impl Fn(usize, usize) -> f32,
    right: impl Fn(usize, usize) -> f32,
) -> Vec<f32> {
    let sum = |r, c| (0..depth).map(|k| f64::from(left(r, k)) * f64::from(right(c, k))).sum::<f64>() as f32;
    (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))).map(|(r, c)| sum(r, c)).collect()
}

const TOLERANCE: f32 = 1e-4;

/// The tolerance of products of f16, which lose a 2048th of each factor; relative to the largest number.
const HALVES_TOLERANCE: f32 = 2e-3;

fn assert_product(found: &[f32], expected: &[f32], f16s: bool, what: &str) {
    if !f16s {
        return assert_close(found, expected, TOLERANCE, what);
    }
    let largest = expected.iter().fold(f32::MIN_POSITIVE, |largest, e| largest.max(e.abs()));
    let scaled = |numbers: &[f32]| numbers.iter().map(|number| number / largest).collect::<Vec<_>>();
    assert_close(&scaled(found), &scaled(expected), HALVES_TOLERANCE, what);
}

/// Returns true if products on a device use f16 factors.
fn uses_f16(device: &Device) -> bool {
    gpu_of(device).is_some_and(|gpu| gpu.features.coop_tile > 0)
}

#[test]
fn every_scheme_agrees_with_the_reference_on_both_devices() {
    for (device_name, device) in test_devices() {
        for case in QuantScheme::ALL.into_iter().flat_map(Case::ragged) {
            let weight = PackedWeight::upload(&case.packed, &device).unwrap();
            let (x, lora) = case.tensors(&device);
            let name = format!("{device_name}: {}", case.name());
            if case.packed.scheme() == QuantScheme::Q4 {
                assert_product(&download(linear(x.clone(), &weight)), &case.forward(false), uses_f16(&device), &name);
            }
            let y = lora_linear(x.unsqueeze::<3>(), &weight, lora);
            assert_eq!(y.dims(), [1, case.rows, case.packed.rows()]);
            assert_product(&download(y), &case.forward(true), uses_f16(&device), &format!("{name}, adapter"));
        }
    }
}

#[test]
fn exact_weights_multiply_in_f32_on_every_device() {
    for (device_name, device) in test_devices() {
        let case = Case::new(QuantScheme::Q8, 70, 132, 96, 5);
        let weight = PackedWeight::upload(&case.packed, &device).unwrap().exact();
        let (x, lora) = case.tensors(&device);
        assert_close(&download(lora_linear(x, &weight, lora)), &case.forward(true), TOLERANCE, device_name);
    }
}

#[test]
fn gradients_below_the_range_of_f16_are_as_close_as_others() {
    let device = test_gpu().device.autodiff();
    let mut case = Case::new(QuantScheme::Q4, 70, 132, 96, 5);
    for (row, dy) in case.dy.chunks_mut(132).enumerate() {
        dy.iter_mut().for_each(|dy| *dy *= 0.1f32.powi(row as i32 % 12));
    }
    let weight = PackedWeight::upload(&case.packed, &device).unwrap();
    let (x, lora) = case.tensors(&device);
    let dy = upload(&case.dy, [70, 132], &device);
    let gradients = (lora_linear(x.clone(), &weight, lora) * dy).sum().backward();
    let found = download(x.grad(&gradients).unwrap());
    for (row, (found, expected)) in found.chunks(96).zip(case.backward(true).chunks(96)).enumerate() {
        let largest = expected.iter().fold(0.0f32, |largest, e| largest.max(e.abs()));
        let scaled = |numbers: &[f32]| numbers.iter().map(|number| number / largest).collect::<Vec<_>>();
        assert_close(&scaled(found), &scaled(expected), HALVES_TOLERANCE, &format!("row {row}"));
    }
}

#[test]
fn the_range_of_a_row_is_a_power_of_two_that_makes_its_largest_a_thousand_or_two() {
    let gpu = test_gpu().gpu.unwrap();
    let kernel = row_scales(true);
    let largest = [1.0f32, -3e-9, 2e-20, 4e30, 0.0];
    let x: Vec<f32> = largest.iter().flat_map(|&x| [vec![x / 2.0; 70], vec![x], vec![0.0; 29]].concat()).collect();
    let u = [0.0f32, 0.0, -5e-20, 0.0, 0.0];
    let params = RowScalesParams { rows: 5, depth: 100, rank: 1 };
    let [found] = KernelCheck::on(gpu.clone()).run(&kernel, &[&x, &u], [5], &params, 5);
    for (row, (range, x)) in found.iter().zip([1.0f32, -3e-9, -5e-20, 4e30, 0.0]).enumerate() {
        assert_eq!(range.to_bits() & 0x7f_ffff, 0, "row {row}: {range} is no power of two");
        let moved = (x * range).abs();
        assert!((1024.0..2048.0).contains(&moved) || x == 0.0 && range.is_normal(), "row {row}: {moved}");
    }
}

#[test]
fn gradients_over_packed_weights_are_those_of_the_unpacked_graph() {
    // Of the backward kernel, every variant is held below; here it is the graph around it.
    let device = test_gpu().device.autodiff();
    for case in [QuantScheme::F32, QuantScheme::Q4].into_iter().flat_map(Case::ragged) {
        let weight = PackedWeight::upload(&case.packed, &device).unwrap();
        let w: Tensor<2> = upload(&case.packed.to_f32(), [case.packed.rows(), case.packed.cols()], &device);
        let gradients = |layer: &dyn Fn(Tensor<2>, LoraFactors) -> Tensor<2>| {
            let (x, lora) = case.tensors(&device);
            let dy = upload(&case.dy, [case.rows, case.packed.rows()], &device);
            let of = (layer(x.clone(), lora.clone()) * dy).sum().backward();
            [x, lora.a, lora.b].map(|leaf| download(leaf.grad(&of).expect("a leaf of the graph")))
        };
        let fused = gradients(&|x, lora| lora_linear(x, &weight, lora));
        let plain = gradients(&|x, LoraFactors { a, b, scale }| {
            let low = x.clone().matmul(a.transpose()) * scale;
            x.matmul(w.clone().transpose()) + low.matmul(b.transpose())
        });
        for ((fused, plain), of) in fused.iter().zip(&plain).zip(["x", "A", "B"]) {
            assert_product(fused, plain, uses_f16(&device), &format!("gradient of {of}: {}", case.name()));
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences_in_the_middle_of_a_graph() {
    let (rows, outputs, inputs, rank) = (3, 5, 32, 2);
    let packed = PackedMatrix::from_f32(QuantScheme::Q4, outputs, inputs, &noise(1, outputs * inputs)).unwrap();
    check_gradients(&[rows * inputs], |tensors| {
        let weight = PackedWeight::upload(&packed, &tensors[0].device()).unwrap().exact();
        linear(tensors[0].clone().reshape([rows, inputs]) * 0.2, &weight).reshape([rows * outputs])
    });
    check_gradients(&[rows * inputs, rank * inputs, outputs * rank], |tensors| {
        let weight = PackedWeight::upload(&packed, &tensors[0].device()).unwrap().exact();
        let (a, b) = (tensors[1].clone().reshape([rank, inputs]), tensors[2].clone().reshape([outputs, rank]));
        let x = tensors[0].clone().reshape([rows, inputs]) * 0.2;
        lora_linear(x, &weight, LoraFactors { a, b, scale: SCALE }).reshape([rows * outputs])
    });
}

#[test]
fn every_variant_agrees_with_the_reference_under_bounds_checks() {
    let gpu = test_gpu().gpu.unwrap();
    for case in QuantScheme::ALL.into_iter().flat_map(Case::ragged) {
        let (inputs, outputs) = (case.packed.cols(), case.packed.rows());
        for (direction, lora) in [
            (Direction::Forward, false),
            (Direction::Forward, true),
            (Direction::Backward, false),
            (Direction::Backward, true),
        ] {
            let (x, u, b, depth, columns) = match direction {
                Direction::Forward => (&case.x, case.u(), &case.b, inputs, outputs),
                Direction::Backward => (&case.dy, case.du(), &case.a, outputs, inputs),
            };
            let expected = match direction {
                Direction::Forward => case.forward(lora),
                Direction::Backward => case.backward(lora),
            };
            let params = Params {
                rows: case.rows as u32,
                first_row: 0,
                columns: columns as u32,
                depth: depth as u32,
                packs: inputs.div_ceil(PACK) as u32,
                rank: if lora { case.rank as u32 } else { 0 },
                scale: 1.0,
            };
            let mut buffers: Vec<&[f32]> = vec![x, bytemuck::cast_slice(case.packed.quants())];
            if !case.packed.scales().is_empty() {
                buffers.push(bytemuck::cast_slice(case.packed.scales()));
            }
            if lora {
                buffers.extend([&u[..], b]);
            }
            let row_scales: Vec<f32> = (0..case.rows).map(|row| 2f32.powi(row as i32 % 9 - 4)).collect();
            let kernels = [false, true].into_iter().filter(|wide| !wide || depth % 4 == 0);
            let kernels = kernels.flat_map(|wide| linear_variants(case.packed.scheme(), direction, lora, wide));
            for kernel in kernels.filter(|kernel| gpu.features.contains(kernel.needs())) {
                let f16s = kernel.needs().coop_tile > 0;
                let row_scaled = (f16s && direction == Direction::Backward).then_some(&row_scales[..]);
                let buffers: Vec<&[f32]> = buffers.iter().copied().chain(row_scaled).collect();
                let workgroups = case.rows.div_ceil(64) * columns.div_ceil(64);
                let [y] = KernelCheck::on(gpu.clone()).run(&kernel, &buffers, [expected.len()], &params, workgroups);
                assert_product(&y, &expected, f16s, &format!("{}: {}", kernel.name(), case.name()));
            }
        }
    }
}

#[test]
fn steps_of_plain_wgpu_agree_with_the_reference() {
    let gpu = test_gpu().gpu.unwrap();
    let case = Case::new(QuantScheme::Q4, 70, 132, 96, 5);
    let (weight, mut pipelines) = (GpuWeight::upload(&case.packed, &gpu).unwrap(), Pipelines::new(gpu.clone()));
    let [x, u, b, y] = [&case.x, &case.u(), &case.b, &vec![f32::NAN; 70 * 132]].map(|numbers| storage(&gpu, numbers));
    let adapter =
        LowRankBuffers { u: u.as_entire_buffer_binding(), b: b.as_entire_buffer_binding(), rank: 5, scale: 1.0 };
    let (x, to) = (x.as_entire_buffer_binding(), y.as_entire_buffer_binding());
    let steps =
        matmul_steps(&mut pipelines, gpu.features, &weight, Direction::Forward, case.rows, [x, to], Some(adapter));
    submit(&gpu, &steps);
    assert_product(&read(&gpu, &y), &case.forward(true), gpu.features.coop_tile > 0, &case.name());
}

#[test]
fn a_launch_of_some_rows_leaves_the_others_alone() {
    let gpu = test_gpu().gpu.unwrap();
    let case = Case::new(QuantScheme::F32, 150, 64, 32, 1);
    let quants = bytemuck::cast_slice(case.packed.quants());
    let params = Params { rows: 150, first_row: 64, columns: 64, depth: 32, packs: 4, rank: 0, scale: 0.0 };
    let [.., kernel] = linear_variants(QuantScheme::F32, Direction::Forward, false, true);
    let [y] = KernelCheck::on(gpu.clone()).run(&kernel, &[&case.x, quants], [150 * 64], &params, 1);
    assert!(y[..64 * 64].iter().chain(&y[128 * 64..]).all(|y| y.is_nan()));
    assert_close(&y[64 * 64..128 * 64], &case.forward(false)[64 * 64..128 * 64], TOLERANCE, "the rows of the launch");
}

#[test]
fn long_work_is_cut_into_launches_of_whole_tiles_that_cover_every_row() {
    assert_eq!(split_launches(1000, 4096).collect::<Vec<_>>(), [(0, 1000)]);
    // lm_head of a large model: 2 · 32000 · 4096 FLOPs a row.
    let pieces: Vec<_> = split_launches(1000, 32_000 * 4096).collect();
    assert_eq!(pieces, [(0, 128), (128, 128), (256, 128), (384, 128), (512, 128), (640, 128), (768, 128), (896, 104)]);
    // More than a launch may do for a single tile: there is nothing left to cut.
    assert_eq!(split_launches(70, 1 << 40).collect::<Vec<_>>(), [(0, 64), (64, 6)]);
    assert_eq!(split_launches(0, 5).count(), 0);
}

#[test]
fn no_rows_give_no_rows() {
    for (_, device) in test_devices() {
        let packed = PackedMatrix::from_f32(QuantScheme::F32, 3, 8, &noise(1, 24)).unwrap();
        let weight = PackedWeight::upload(&packed, &device).unwrap();
        assert_eq!(linear(Tensor::<2>::zeros([0, 8], &device), &weight).dims(), [0, 3]);
    }
}
