//! Scores against plain formulas, over ragged shapes and chunks, through burn and under bounds checks; and
//! their gradients.

use burn::tensor::{Device, Tensor, activation};

use super::check::{SHAPES, logits, targets};
use super::rows::{gradient_reference, scores_reference};
use super::*;
use crate::quant::{self, QuantScheme};
use crate::test_devices;
use crate::testing::{assert_close, assert_passes, check_gradients, download, noise, upload};

/// Scores of each token in f64, from the definitions.
fn definitions(logits: &[f32], targets: &SoftTargets) -> Vec<f32> {
    let columns = logits.len() / targets.len();
    let of_row = |(row, z): (usize, &[f32])| {
        let z: Vec<f64> = z.iter().map(|z| f64::from(*z)).collect();
        let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let lse = z.iter().map(|z| (z - largest).exp()).sum::<f64>().ln() + largest;
        let entropy: f64 = z.iter().map(|z| (lse - z) * (z - lse).exp()).sum();
        let share = |target: &TargetShare| f64::from(target.share) * (z[target.id as usize] - lse);
        [targets.of(row).iter().map(share).sum(), entropy, lse].map(|score| score as f32)
    };
    logits.chunks(columns).enumerate().flat_map(of_row).collect()
}

/// The shares of all ids, `[rows, columns]`.
fn dense(targets: &SoftTargets, columns: usize) -> Vec<f32> {
    let mut shares = vec![0.0; targets.len() * columns];
    for row in 0..targets.len() {
        targets.of(row).iter().for_each(|target| shares[row * columns + target.id as usize] = target.share);
    }
    shares
}

#[test]
fn the_references_are_the_definitions_and_plain_burn() {
    let device = Device::flex().autodiff();
    for shape in SHAPES {
        let (z, targets) = (logits(shape), targets(shape));
        let scores = scores_reference(&z, &targets, shape[1]);
        assert_close(&scores, &definitions(&z, &targets), 2e-6, &format!("{shape:?}"));

        let leaf: Tensor<2> = upload(&z, shape, &device).require_grad();
        let log_p = activation::log_softmax(leaf.clone(), 1);
        let d_scores = noise(2, 3 * shape[0]);
        let d = |column: usize| -> Tensor<2> {
            let of_column: Vec<f32> = d_scores.iter().skip(column).step_by(3).copied().collect();
            upload(&of_column, [shape[0], 1], &device)
        };
        let log_prob = (log_p.clone() * upload(&dense(&targets, shape[1]), shape, &device)).sum_dim(1);
        let entropy = -(log_p.clone().exp() * log_p.clone()).sum_dim(1);
        let lse = (leaf.clone() - log_p).mean_dim(1);
        let loss = (log_prob * d(0) + entropy * d(1) + lse * d(2)).sum();
        let expected = download(leaf.grad(&loss.backward()).expect("a leaf of the graph"));
        let found = gradient_reference(&z, &targets, &scores, &d_scores);
        assert_close(&found, &expected, 2e-5, &format!("gradient {shape:?}"));
    }
}

#[test]
fn every_variant_agrees_with_the_reference_under_bounds_checks() {
    assert_passes(check);
}

/// The storage of the output projection.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stored {
    Dense,
    Packed,
}

/// The factors of logits: hidden states, output projection, and low-rank parts.
struct Case {
    /// Of hidden, W, u and b.
    shapes: [[usize; 2]; 4],
    targets: SoftTargets,
    low_rank: bool,
}

impl Case {
    fn new([tokens, vocab_size]: [usize; 2], d_model: usize, rank: usize) -> Self {
        let shapes = [[tokens, d_model], [vocab_size, d_model], [tokens, rank.max(1)], [vocab_size, rank.max(1)]];
        Case { shapes, targets: targets([tokens, vocab_size]), low_rank: rank > 0 }
    }

    fn numbers(&self, factor: usize) -> Vec<f32> {
        noise(factor as u64, self.shapes[factor].iter().product())
    }

    fn packed(&self) -> quant::PackedMatrix {
        let [vocab_size, d_model] = self.shapes[1];
        quant::PackedMatrix::from_f32(QuantScheme::F32, vocab_size, d_model, &self.numbers(1)).unwrap()
    }

    /// Hidden, W, u and b; leaves where the device records.
    fn factors(&self, device: &Device) -> [Tensor<2>; 4] {
        std::array::from_fn(|factor| {
            let tensor = upload(&self.numbers(factor), self.shapes[factor], device);
            if device.is_autodiff() { tensor.require_grad() } else { tensor }
        })
    }

    fn of_target(&self, device: &Device) -> Tensor<2> {
        let columns = self.shapes[1][0];
        upload(&dense(&self.targets, columns), [self.targets.len(), columns], device)
    }

    fn plainly(&self, [hidden, w, u, b]: [Tensor<2>; 4]) -> CrossEntropy {
        let logits = hidden.matmul(w.transpose());
        let logits = if self.low_rank { logits + u.matmul(b.transpose()) } else { logits };
        let log_p = activation::log_softmax(logits.clone(), 1);
        let column = |tensor: Tensor<2>| tensor.squeeze_dim::<1>(1);
        CrossEntropy {
            log_probs: column((log_p.clone() * self.of_target(&logits.device())).sum_dim(1)),
            entropies: column(-(log_p.clone().exp() * log_p.clone()).sum_dim(1)),
            log_sum_exps: column((logits - log_p).mean_dim(1)),
        }
    }

    fn in_chunks(&self, [hidden, w, u, b]: [Tensor<2>; 4], stored: Stored, logits: usize) -> CrossEntropy {
        let weight = PackedWeight::upload(&self.packed(), &hidden.device()).unwrap();
        let projection = match stored {
            Stored::Dense => Projection::Dense(w),
            Stored::Packed => Projection::Packed(&weight),
        };
        in_chunks(hidden, projection, self.low_rank.then_some([u, b]), &self.targets, (logits, MatmulPrecision::F32))
    }

    /// The scores and the gradients of hidden, u, b and W, where there are such, by a sum that weighs all
    /// scores differently.
    fn results(&self, device: &Device, scores: &dyn Fn([Tensor<2>; 4]) -> CrossEntropy) -> Vec<Option<Vec<f32>>> {
        let factors = self.factors(&device.clone().autodiff());
        let CrossEntropy { log_probs, entropies, log_sum_exps } = scores(factors.clone());
        let weighted = |scores: &Tensor<1>, seed| {
            scores.clone() * upload(&noise(seed, self.targets.len()), [self.targets.len()], device)
        };
        let loss = weighted(&log_probs, 5) + weighted(&entropies, 6) + weighted(&log_sum_exps, 7).powi_scalar(2);
        let gradients = loss.sum().backward();
        let [hidden, w, u, b] = factors;
        let of_factors = [hidden, u, b, w].map(|factor| factor.grad(&gradients).map(download));
        [log_probs, entropies, log_sum_exps]
            .map(|scores| Some(download(scores)))
            .into_iter()
            .chain(of_factors)
            .collect()
    }
}

#[test]
fn chunks_of_any_size_give_what_plain_operations_give_on_both_devices() {
    for case in [Case::new([7, 30], 5, 0), Case::new([7, 30], 5, 2), Case::new([5, 33], 8, 1)] {
        let expected = case.results(&Device::flex(), &|factors| case.plainly(factors));
        for (name, device) in test_devices() {
            for stored in [Stored::Dense, Stored::Packed] {
                for logits in [1, 3 * case.shapes[1][0], LOGITS] {
                    let found = case.results(&device, &|factors| case.in_chunks(factors, stored, logits));
                    let what = format!("{name}, {stored:?}, {logits} logits at once");
                    assert_eq!(found[6].is_some(), stored == Stored::Dense, "{what}: the gradient of W");
                    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                        let Some(found) = found else { continue };
                        let expected = expected.as_ref().expect("the plain graph has it too");
                        assert_close(found, expected, 2e-5, &format!("{what}: result {i}"));
                    }
                }
            }
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences_in_the_middle_of_a_graph() {
    let case = Case::new([3, 6], 4, 2);
    check_gradients(&case.shapes.map(|[rows, columns]| rows * columns), |inputs| {
        let factors = std::array::from_fn(|i| inputs[i].clone().reshape(case.shapes[i]));
        let CrossEntropy { log_probs, entropies, log_sum_exps } = case.in_chunks(factors, Stored::Dense, 12);
        Tensor::cat(vec![log_probs, entropies, log_sum_exps], 0)
    });
}

#[test]
fn a_frozen_projection_takes_no_gradient_and_changes_none() {
    let case = Case::new([4, 9], 3, 0);
    for (name, device) in test_devices() {
        let [hidden, weight, ..] = case.factors(&device.clone().autodiff());
        let [_, frozen, ..] = case.factors(&device);
        let gradient = |weight: Tensor<2>| {
            let scores =
                cross_entropy(hidden.clone(), Projection::Dense(weight), None, &case.targets, MatmulPrecision::F32);
            download(hidden.grad(&scores.log_probs.sum().backward()).expect("hidden is tracked"))
        };
        assert_close(&gradient(frozen), &gradient(weight), 0.0, name);
    }
}

#[test]
#[should_panic(expected = "a target lies beyond the vocabulary of 9")]
fn a_target_beyond_the_vocabulary_is_refused() {
    let [hidden, weight, ..] = Case::new([2, 9], 3, 0).factors(&Device::flex());
    cross_entropy(hidden, Projection::Dense(weight), None, &[8, 9].into_iter().collect(), MatmulPrecision::F32);
}
