//! Every variant of a step against the reference, over many tensors of many lengths.

use super::AdamWStep;
use super::cpu::reference;
use super::gpu::{Params, SquareParams, concat_kernel, sums_of, variants};
use super::layout::{Layout, Page};
use crate::check::{KernelCheck, noise};

/// Lengths that miss every round number, more of them than one launch brings together; every other tensor
/// decays.
const LENGTHS: [usize; 9] = [1, 64, 3, 1000, 65, 4, 130, 2, 257];

pub(super) const STEP: AdamWStep =
    AdamWStep { lr: 0.1, betas: [0.9, 0.99], epsilon: 1e-5, weight_decay: 0.5, clip: Some(2.0), number: 1 };

pub(super) fn tensors() -> Vec<(usize, bool)> {
    LENGTHS.iter().enumerate().map(|(i, length)| (*length, i % 2 == 0)).collect()
}

pub(super) fn numbers(seed: u64) -> Vec<Vec<f32>> {
    LENGTHS.iter().enumerate().map(|(i, length)| noise(seed * 100 + i as u64, *length)).collect()
}

/// Every variant against the reference.
pub(crate) fn check(check: &mut KernelCheck) {
    let layout = Layout::new(&tensors());
    let Page { starts, length, decays } = &layout.pages()[0];
    let flat = |seed| {
        let mut flat = vec![0f32; *length];
        for (numbers, start) in numbers(seed).iter().zip(&**starts) {
            flat[*start as usize..][..numbers.len()].copy_from_slice(numbers);
        }
        flat
    };
    let [weights, gradients, first] = [0, 1, 2].map(flat);
    let second: Vec<f32> = flat(3).into_iter().map(f32::abs).collect();

    // The last three tensors, behind the others, which are left alone.
    let inputs = numbers(0);
    let (six, group) = layout.pages()[0].groups(&inputs).last().expect("there are tensors");
    let six = six.map(Vec::as_slice);
    let [mut found] = check.run(&concat_kernel(), &six, [*length], &group, group.workgroups());
    let from = starts[6] as usize;
    for (found, weight) in found[..from].iter_mut().zip(&weights) {
        *found = if found.is_nan() { *weight } else { f32::NAN };
    }
    check.close(&concat_kernel(), "three of nine tensors", &found, &weights, 0.0);

    let sums = sums_of(*length);
    let square: f64 = gradients.iter().map(|g| f64::from(*g).powi(2)).sum();
    for kernel in check.runnable(variants("square_sums")) {
        let [found] = check.run(&kernel, &[&gradients], [sums], &SquareParams::of(*length), sums);
        let found: f64 = found.iter().map(|sum| f64::from(*sum)).sum();
        check.close(&kernel, length, &[(found / square) as f32], &[1.0], 1e-5);
    }

    let squares = [square as f32 / 2.0; 2];
    let expected = reference([&weights, &gradients, &first, &second], &squares, decays, &STEP);
    for kernel in check.runnable(variants("adamw")) {
        let params = Params::of(*length, squares.len(), &STEP);
        let [weights, gradients, squares, first, second, moved] =
            [&weights, &gradients, &squares[..], &first, &second, &vec![f32::NAN; *length]]
                .map(|numbers| bytemuck::cast_slice(numbers).to_vec());
        let words = bytemuck::pod_collect_to_vec(&[params]);
        let buffers = [weights, gradients, squares, decays.to_vec(), first, second, moved, words];
        let found = check.run_in_place(&kernel, &buffers, params.workgroups());
        for (found, expected) in [6, 4, 5].into_iter().zip(&expected).map(|(buffer, e)| (&found[buffer], e)) {
            check.close(&kernel, length, bytemuck::cast_slice(found), expected, 1e-5);
        }
    }
}
