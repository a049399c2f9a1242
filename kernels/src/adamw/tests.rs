//! Steps over many tensors against the formulas in f64, tensor by tensor, on both devices and under bounds
//! checks.

use burn::tensor::Tensor;

use super::check::{STEP, numbers, tensors};
use super::*;
use crate::test_devices;
use crate::testing::{assert_close, assert_passes, download, upload};

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
                    let step = AdamWStep { clip, number, ..STEP };
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
        let second = AdamWStep { number: 2, ..STEP };
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
        moments.step(weights.clone(), on(&device, numbers(2)), &AdamWStep { number: 2, ..STEP });
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
    assert_passes(check);
}
