//! A step on the CPU, which is the reference: every weight in f64.

use std::sync::Arc;

use burn::backend::{Flex, TensorMetadata};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::layout::TensorGroup;
use super::{AdamWBackend, AdamWStep, Six};
use crate::cpu::{contiguous, numbers, tensor};

/// The smallest chunk of a core: below it, waking another core costs more than it saves.
const FEWEST_PER_CORE: usize = 4096;

impl AdamWBackend for Flex {
    fn concat(flat: FlexTensor, six: Six<Self>, group: TensorGroup) -> FlexTensor {
        let Six { a, b, c, d, e, f } = six;
        let mut flat = contiguous(flat);
        let numbers_of_flat: &mut [f32] = flat.storage_mut();
        numbers_of_flat[group.first as usize..group.end as usize].fill(0.0);
        let places = group.starts.into_iter().zip(group.lengths);
        for (x, (start, length)) in [a, b, c, d, e, f].map(contiguous).iter().zip(places).filter(|(_, (_, n))| *n > 0) {
            numbers_of_flat[start as usize..][..length as usize].copy_from_slice(numbers(x));
        }
        flat
    }

    fn square_sums(page: FlexTensor) -> FlexTensor {
        let sum = numbers(&page).iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
        tensor(vec![sum as f32], [1].into())
    }

    fn adamw(
        weights: FlexTensor,
        gradients: FlexTensor,
        squares: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        decays: Arc<[u32]>,
        step: AdamWStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let shape = weights.shape();
        let operands = [&weights, &gradients, &first, &second].map(numbers);
        let [moved, first, second] = reference(operands, numbers(&squares), &decays, &step);
        (tensor(moved, shape.clone()), tensor(first, shape.clone()), tensor(second, shape))
    }
}

/// The new weights, first and second moments, of weights, gradients, first and second moments.
pub(super) fn reference(operands: [&[f32]; 4], squares: &[f32], decays: &[u32], step: &AdamWStep) -> [Vec<f32>; 3] {
    let [weights, gradients, first, second] = operands;
    let square = f64::from(if step.clip.is_some() { squares.iter().sum() } else { 0f32 });
    if !square.is_finite() {
        return [weights, first, second].map(<[f32]>::to_vec);
    }
    let factor = (step.clip.unwrap_or(f64::INFINITY) / (square.sqrt() + 1e-6)).min(1.0);
    let [beta_1, beta_2] = step.betas;
    let [bias_1, bias_2] = step.betas.map(|beta| 1.0 - beta.powi(step.number as i32));
    #[allow(clippy::type_complexity)] // the nested pairs of zip
    let stepped = |(i, (((w, g), m), v)): (usize, (((&f32, &f32), &f32), &f32))| {
        let g = f64::from(*g) * factor;
        let m = beta_1 * f64::from(*m) + (1.0 - beta_1) * g;
        let v = beta_2 * f64::from(*v) + (1.0 - beta_2) * g * g;
        let decays_here = decays[i / 2048] >> (i / 64 % 32) & 1 == 1;
        let kept = if decays_here { 1.0 - step.lr * step.weight_decay } else { 1.0 };
        let moved = f64::from(*w) * kept - step.lr * (m / bias_1) / ((v / bias_2).sqrt() + step.epsilon);
        (moved as f32, (m as f32, v as f32))
    };
    let all = weights.par_iter().with_min_len(FEWEST_PER_CORE).zip(gradients).zip(first).zip(second);
    let (moved, (first, second)) = all.enumerate().map(stepped).unzip();
    [moved, first, second]
}
