//! Every variant of the scores and of their gradient against the references, over ragged shapes.

use super::rows::{Params, gradient_kernel, gradient_reference, scores_reference, variants, words};
use super::{SoftTargets, TargetShare};
use crate::check::{KernelCheck, noise};

/// Tokens and ids that miss every round number of the kernels.
pub(super) const SHAPES: [[usize; 2]; 6] = [[1, 1], [3, 5], [2, 64], [5, 255], [3, 1030], [2, 2048]];

/// A single id for the first token, two shares for the second, and so on, as far as there are ids.
pub(super) fn targets([tokens, vocab_size]: [usize; 2]) -> SoftTargets {
    let mut targets = SoftTargets::default();
    for token in 0..tokens {
        let count = (token + 1).min(vocab_size);
        let whole = (count * (count + 1) / 2) as f32;
        // Neighbours as well as ids at both ends.
        let id = |share: usize| ((token * 7 + vocab_size - 1 + share) % vocab_size) as u32;
        targets.push((0..count).map(|share| TargetShare { id: id(share), share: (share + 1) as f32 / whole }));
    }
    targets
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
        let [starts, shares] = words(&targets);
        for wide in [false, true].into_iter().filter(|wide| !wide || shape[1] % 4 == 0) {
            let params = Params::of(shape[0], shape[1], wide);
            for kernel in check.runnable(variants(wide)) {
                let [found] = check.run(
                    &kernel,
                    &[&z, bytemuck::cast_slice(starts), bytemuck::cast_slice(shares)],
                    [scores.len()],
                    &params,
                    shape[0],
                );
                check.close(&kernel, &case, &found, &scores, 1e-5);
            }
            // The gradient is written over the logits, which come last but the parameters.
            let kernel = gradient_kernel(wide);
            let numbers = [&scores, &d_scores, &z].map(|numbers| bytemuck::cast_slice(numbers).to_vec());
            let params_words = bytemuck::pod_collect_to_vec(&[params]);
            let buffers = [vec![starts.to_vec(), shares.to_vec()], numbers.to_vec(), vec![params_words]].concat();
            let found = check.run_in_place(&kernel, &buffers, params.workgroups());
            let expected = gradient_reference(&z, &targets, &scores, &d_scores);
            check.close(&kernel, &case, bytemuck::cast_slice(&found[4]), &expected, 1e-5);
        }
    }
}
