//! Steps over many tensors against the formulas in f64, tensor by tensor, on both devices and under bounds checks.

use burn::tensor::Tensor;

use super::cpu::reference;
use super::gpu::{Params, SquareParams, join_kernel, sums_of, variants};
use super::*;
use crate::device::{test_devices, test_gpu};
use crate::testing::{assert_close, download, noise, run_checked, run_in_place, upload};

/// Lengths that miss every round number, more of them than one launch brings together; every other tensor decays.
const LENGTHS: [usize; 9] = [1, 64, 3, 1000, 65, 4, 130, 2, 257];

const STEP: Step = Step { lr: 0.1, betas: [0.9, 0.99], epsilon: 1e-5, weight_decay: 0.5, clip: Some(2.0), number: 1 };

fn tensors() -> Vec<(usize, bool)> {
    LENGTHS.iter().enumerate().map(|(i, length)| (*length, i % 2 == 0)).collect()
}

fn numbers(seed: u64) -> Vec<Vec<f32>> {
    LENGTHS.iter().enumerate().map(|(i, length)| noise(seed * 100 + i as u64, *length)).collect()
}

/// Three steps of the papers' algorithm in f64; the weights of every tensor, and the norms.
fn expected(clip: Option<f64>) -> (Vec<Vec<f32>>, Vec<f64>) {
    let mut all: Vec<Vec<[f64; 3]>> =
        numbers(0).iter().map(|weights| weights.iter().map(|w| [f64::from(*w), 0.0, 0.0]).collect()).collect();
    let norms = (1..=3).map(|number: u32| {
        let gradients = numbers(u64::from(number));
        let norm = gradients.iter().flatten().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let factor = clip.map_or(1.0, |clip| (clip / (norm + 1e-6)).min(1.0));
        for ((tensor, gradients), (_, decays)) in all.iter_mut().zip(&gradients).zip(tensors()) {
            for ([w, m, v], g) in tensor.iter_mut().zip(gradients) {
                let g = f64::from(*g) * factor;
                *m = STEP.betas[0] * *m + (1.0 - STEP.betas[0]) * g;
                *v = STEP.betas[1] * *v + (1.0 - STEP.betas[1]) * g * g;
                let bias = |i: usize| 1.0 - STEP.betas[i].powi(number as i32);
                *w *= 1.0 - if decays { STEP.lr * STEP.weight_decay } else { 0.0 };
                *w -= STEP.lr * (*m / bias(0)) / ((*v / bias(1)).sqrt() + STEP.epsilon);
            }
        }
        norm
    });
    let norms = norms.collect();
    (all.iter().map(|tensor| tensor.iter().map(|[w, ..]| *w as f32).collect()).collect(), norms)
}

fn on(device: &Device, numbers: Vec<Vec<f32>>) -> Vec<Tensor<1>> {
    numbers.iter().map(|numbers| upload(numbers, [numbers.len()], device)).collect()
}

#[test]
fn steps_are_those_of_the_papers_however_the_tensors_are_laid() {
    for (name, device) in test_devices() {
        for limit in [usize::MAX, 512] {
            for clip in [STEP.clip, Some(f64::INFINITY), None] {
                let mut moments = Moments::zeros(Layout::in_pages(&tensors(), limit).into(), &device);
                let mut weights = on(&device, numbers(0));
                let (expected, norms) = expected(clip);
                for (number, norm) in (1..).zip(norms) {
                    let step = Step { clip, number, ..STEP };
                    let (moved, found) = moments.step(weights, on(&device, numbers(u64::from(number))), &step);
                    weights = moved;
                    let norm = if clip.is_some() { norm } else { 0.0 };
                    assert!((found - norm).abs() < 1e-4, "{name}: norm {found}, expected {norm}");
                }
                for (found, expected) in weights.into_iter().zip(&expected) {
                    assert_close(&download(found), expected, 1e-5, &format!("{name}, clip {clip:?}, limit {limit}"));
                }
            }
        }
    }
}

#[test]
fn moments_come_apart_and_together_again() {
    for (name, device) in test_devices() {
        let layout = Arc::new(Layout::in_pages(&tensors(), 512));
        let mut moments = Moments::zeros(layout.clone(), &device);
        let (weights, _) = moments.step(on(&device, numbers(0)), on(&device, numbers(1)), &STEP);
        let mut restored = Moments::from_weights(layout, moments.of_weights());
        let second = Step { number: 2, ..STEP };
        let next = |moments: &mut Moments| {
            let (weights, _) = moments.step(weights.clone(), on(&device, numbers(2)), &second);
            weights.into_iter().map(download).collect::<Vec<_>>()
        };
        assert_eq!(next(&mut restored), next(&mut moments), "{name}");
    }
}

#[test]
fn a_clone_of_the_moments_stays_as_it_was() {
    for (name, device) in test_devices() {
        let mut moments = Moments::zeros(Layout::new(&tensors()).into(), &device);
        let kept = moments.clone();
        let (weights, _) = moments.step(on(&device, numbers(0)), on(&device, numbers(1)), &STEP);
        let [first, second] = kept.of_weights();
        assert!(first.into_iter().chain(second).flat_map(download).all(|moment| moment == 0.0), "{name}");
        // Nor do steps touch the weights that went in.
        let before: Vec<Vec<f32>> = weights.iter().map(|weights| download(weights.clone())).collect();
        moments.step(weights.clone(), on(&device, numbers(2)), &Step { number: 2, ..STEP });
        assert_eq!(weights.into_iter().map(download).collect::<Vec<_>>(), before, "{name}");
    }
}

#[test]
fn gradients_that_are_no_numbers_move_nothing() {
    for (name, device) in test_devices() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut moments = Moments::zeros(Layout::new(&tensors()).into(), &device);
            let mut gradients = numbers(1);
            gradients[3][7] = bad;
            let (weights, norm) = moments.step(on(&device, numbers(0)), on(&device, gradients), &STEP);
            assert!(!norm.is_finite(), "{name}: {norm}");
            assert_eq!(weights.into_iter().map(download).collect::<Vec<_>>(), numbers(0), "{name} {bad}");
            let [first, second] = moments.of_weights();
            assert!(first.into_iter().chain(second).flat_map(download).all(|moment| moment == 0.0), "{name} {bad}");
        }
    }
}

#[test]
fn every_variant_agrees_with_the_reference_under_bounds_checks() {
    let gpu = test_gpu().gpu.unwrap();
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

    // The last three tensors, behind the others.
    let inputs = numbers(0);
    let (six, stretch) = layout.pages()[0].stretches(&inputs).last().unwrap();
    let six = six.map(Vec::as_slice);
    let [found] = run_checked(&gpu, &join_kernel(), &six, [*length], &stretch, stretch.workgroups());
    let from = starts[6] as usize;
    assert!(found[..from].iter().all(|number| number.is_nan()));
    assert_eq!(found[from..], weights[from..]);

    let sums = sums_of(*length);
    let square: f64 = gradients.iter().map(|g| f64::from(*g).powi(2)).sum();
    for kernel in variants("square_sums") {
        let params = SquareParams::of(*length);
        let [found] = run_checked(&gpu, &kernel, &[&gradients], [sums], &params, sums);
        let found: f64 = found.iter().map(|sum| f64::from(*sum)).sum();
        assert!((found / square - 1.0).abs() < 1e-5, "{}: {found}, expected {square}", kernel.name());
    }

    let squares = [square as f32 / 2.0; 2];
    let expected = reference([&weights, &gradients, &first, &second], &squares, decays, &STEP);
    for kernel in variants("adamw") {
        let params = Params::of(*length, squares.len(), &STEP);
        let [weights, gradients, squares, first, second, moved] =
            [&weights, &gradients, &squares[..], &first, &second, &vec![f32::NAN; *length]]
                .map(|numbers| bytemuck::cast_slice(numbers).to_vec());
        let words = bytemuck::pod_collect_to_vec(&[params]);
        let buffers = [weights, gradients, squares, decays.to_vec(), first, second, moved, words];
        let found = run_in_place(&gpu, &kernel, &buffers, params.workgroups());
        for (found, expected) in [6, 4, 5].into_iter().zip(&expected).map(|(buffer, e)| (&found[buffer], e)) {
            assert_close(bytemuck::cast_slice(found), expected, 1e-5, &kernel.name());
        }
    }
}
