//! Every variant of the scores and of their gradient against the references, over ragged shapes.

use super::rows::{Params, gradient_kernel, gradient_reference, scores_reference, variants};
use crate::check::{KernelCheck, noise};

/// Tokens and ids that miss every round number of the kernels.
pub(super) const SHAPES: [[usize; 2]; 6] = [[1, 1], [3, 5], [2, 64], [5, 255], [3, 1030], [2, 2048]];

pub(super) fn targets([tokens, vocab_size]: [usize; 2]) -> Vec<u32> {
    (0..tokens).map(|token| (token * 7 + vocab_size - 1) as u32 % vocab_size as u32).collect()
}

/// Logits around zero, and some so far out that they drown all others.
pub(super) fn logits(shape: [usize; 2]) -> Vec<f32> {
    noise(1, shape[0] * shape[1])
        .into_iter()
        .enumerate()
        .map(|(i, z)| if i % 97 == 96 { 3e4 * z } else { 4.0 * z })
        .collect()
}

/// Every variant against the reference.
pub(crate) fn check(check: &mut KernelCheck) {
    for shape in SHAPES {
        let (z, targets, d_scores) = (logits(shape), targets(shape), noise(3, 3 * shape[0]));
        let (scores, case) = (scores_reference(&z, &targets, shape[1]), format!("{shape:?}"));
        let words = bytemuck::cast_slice(&targets);
        for wide in [false, true].into_iter().filter(|wide| !wide || shape[1] % 4 == 0) {
            let params = Params::of(shape[0], shape[1], wide);
            for kernel in check.runnable(variants(wide)) {
                let [found] = check.run(&kernel, &[&z, words], [scores.len()], &params, shape[0]);
                check.close(&kernel, &case, &found, &scores, 1e-5);
            }
            // The gradient is written over the logits, which come last but the parameters.
            let kernel = gradient_kernel(wide);
            let numbers = [&scores, &d_scores, &z].map(|numbers| bytemuck::cast_slice(numbers).to_vec());
            let buffers =
                [vec![targets.clone()], numbers.to_vec(), vec![bytemuck::pod_collect_to_vec(&[params])]].concat();
            let found = check.run_in_place(&kernel, &buffers, params.workgroups());
            let expected = gradient_reference(&z, &targets, &scores, &d_scores);
            check.close(&kernel, &case, bytemuck::cast_slice(&found[3]), &expected, 1e-5);
        }
    }
}
