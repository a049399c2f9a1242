//! The properties of a SASRec of a few weights.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use proptest::prelude::*;
use tiller_kernels::test_gpu;

use super::reference::Reference;
use super::*;
use crate::optim::{AdamW, AdamWConfig};
use crate::random::{Noise, Normal};
use crate::weights::{weights_of, with_weights};

const N_ITEMS: usize = 7;

fn config() -> SasRecConfig {
    SasRecConfig { d_model: 8, n_layers: 2, n_heads: 2, d_ff: 12, length: 4, dropout: 0.0 }
}

/// A model whose weights are all large enough to matter, norms and biases too.
fn model(device: &Device) -> SasRec {
    let fresh = SasRec::new(&config(), N_ITEMS, 5, device).unwrap();
    let mut normal = Normal::new(9);
    let weights = weights_of(&fresh).into_iter().map(|(name, data)| {
        let deviation = if name.contains("weight") { 0.4 } else { 1.0 };
        let values = normal.draw(data.num_elements(), deviation);
        (name, TensorData::new(values, data.shape().clone()))
    });
    with_weights(fresh, weights.collect(), "test").unwrap()
}

fn scores(model: &SasRec, histories: &[&[u32]]) -> Vec<f32> {
    model.scores(model.users(histories, &mut Noise::off())).into_data().try_to_vec().unwrap()
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "at {at}: {found}, expected {expected}");
    }
}

const HISTORIES: [&[u32]; 5] = [&[3], &[1, 2, 3, 4], &[], &[7, 1], &[5, 6, 7, 1, 2, 3]];

#[test]
fn scores_are_those_of_the_reference() {
    let model = model(&Device::flex());
    let reference = Reference::new(config(), weights_of(&model));
    let expected: Vec<f32> = HISTORIES.iter().flat_map(|h| reference.scores(h)).map(|s| s as f32).collect();
    assert_close(&scores(&model, &HISTORIES), &expected, 2e-5);
}

#[test]
fn the_gpu_scores_and_learns_as_the_cpu() {
    let (cpu, gpu) = (model(&Device::flex()), model(&test_gpu().device));
    assert_close(&scores(&gpu, &HISTORIES), &scores(&cpu, &HISTORIES), 1e-4);
    let examples = HISTORIES.map(|history| SasRecExample { history, target: 4 });
    let [cpu, gpu] = [cpu, gpu].map(|model| model.gradient(&examples, 0.5, 3));
    assert!((cpu.loss - gpu.loss).abs() < 1e-4, "{} {}", cpu.loss, gpu.loss);
    for (name, gradient) in cpu.of_weights.of_weight {
        let [cpu, gpu] = [gradient, gpu.of_weights.of_weight[&name].clone()].map(values);
        assert_close(&gpu, &cpu, 1e-3);
    }
}

fn values(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Every weight's derivative against (loss(w + h) - loss(w - h)) / 2h of the f64 reference.
#[test]
fn the_gradient_is_the_slope_of_the_loss() {
    let model = model(&Device::flex());
    let examples: Vec<SasRecExample> =
        HISTORIES.iter().zip([4, 6, 1, 2, 4]).map(|(history, target)| SasRecExample { history, target }).collect();
    let gradient = model.gradient(&examples, 0.0, 0);
    let mut reference = Reference::new(config(), weights_of(&model));
    assert!((gradient.loss - reference.loss(&examples)).abs() < 1e-5);
    assert_eq!(gradient.of_weights.of_weight.len(), reference.weights.len());
    for (name, found) in gradient.of_weights.of_weight {
        for (at, found) in values(found).into_iter().enumerate() {
            let h = 1e-5;
            let mut loss_at = |shift: f64| {
                let weight = &mut reference.weights.get_mut(&name).unwrap()[at];
                let kept = std::mem::replace(weight, *weight + shift);
                let loss = reference.loss(&examples);
                reference.weights.get_mut(&name).unwrap()[at] = kept;
                loss
            };
            let expected = (loss_at(h) - loss_at(-h)) / (2.0 * h);
            assert!((f64::from(found) - expected).abs() < 2e-5, "{name}[{at}]: {found}, expected {expected}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Neighbours in a batch decide the padding and the group; neither shows in the scores.
    #[test]
    fn padding_changes_nothing(histories in proptest::collection::vec(proptest::collection::vec(1..=7u32, 0..7), 1..9)) {
        let model = model(&Device::flex());
        let together: Vec<&[u32]> = histories.iter().map(Vec::as_slice).collect();
        let alone: Vec<f32> = together.iter().flat_map(|history| scores(&model, &[history])).collect();
        assert_close(&scores(&model, &together), &alone, 1e-5);
    }
}

#[test]
fn only_the_newest_items_count_and_their_order_does() {
    let model = model(&Device::flex());
    let of = |history: &[u32]| scores(&model, &[history]);
    assert_eq!(of(&[6, 1, 2, 3, 4]), of(&[7, 5, 1, 2, 3, 4]));
    assert_ne!(of(&[1, 2, 3, 4]), of(&[2, 1, 3, 4]));
}

#[test]
fn a_batch_weighs_its_groups_by_their_examples() {
    let model = model(&Device::flex());
    let histories: Vec<Vec<u32>> = (0..600).map(|i| (0..i % 5).map(|j| (i + j) % 7 + 1).collect()).collect();
    let examples: Vec<SasRecExample> =
        histories.iter().map(|history| SasRecExample { history, target: history.len() as u32 + 1 }).collect();
    let whole = model.gradient(&examples, 0.0, 0);
    let halves: Vec<Gradient> = examples.chunks(300).map(|half| model.gradient(half, 0.0, 0)).collect();
    assert!((whole.loss - (halves[0].loss + halves[1].loss) / 2.0).abs() < 1e-5);
    for (name, whole) in whole.of_weights.of_weight {
        let mean =
            (halves[0].of_weights.of_weight[&name].clone() + halves[1].of_weights.of_weight[&name].clone()) / 2.0;
        assert_close(&values(whole), &values(mean), 1e-5);
    }
}

#[test]
fn a_step_depends_on_its_seed_alone() {
    let model = model(&Device::flex());
    let examples = HISTORIES.map(|history| SasRecExample { history, target: 4 });
    let loss = |seed| model.gradient(&examples, 0.5, seed).loss;
    assert_eq!(loss(1), loss(1));
    assert_ne!(loss(1), loss(2));
}

#[test]
fn a_few_sequences_are_learnt_by_heart() {
    let device = Device::flex();
    let mut model = SasRec::new(&config(), N_ITEMS, 1, &device).unwrap();
    let examples = HISTORIES.iter().zip([4, 6, 1, 2, 4]).map(|(history, target)| SasRecExample { history, target });
    let examples: Vec<SasRecExample> = examples.collect();
    let mut adam = AdamW::new(AdamWConfig::adam());
    for step in 0..200 {
        let gradient = model.gradient(&examples, 0.0, step);
        model = adam.advance(model, gradient.of_weights, 0.01);
    }
    let loss = model.gradient(&examples, 0.0, 0).loss;
    assert!(loss < 0.05, "{loss}");
}

#[test]
fn weights_travel_by_name_and_a_wrong_one_is_named() {
    let device = Device::flex();
    let (learnt, fresh) = (model(&device), SasRec::new(&config(), N_ITEMS, 2, &device).unwrap());
    assert_eq!(fresh.num_params(), config().n_weights(N_ITEMS));
    let copy = with_weights(fresh.clone(), weights_of(&learnt), "best.safetensors").unwrap();
    assert_eq!(scores(&copy, &HISTORIES), scores(&learnt, &HISTORIES));

    let mut short = weights_of(&learnt);
    short.remove("blocks.1.key.bias");
    let error = with_weights(fresh, short, "best.safetensors").unwrap_err().to_string();
    assert!(error.contains("best.safetensors tensor blocks.1.key.bias: expected [8]"), "{error}");

    let larger = SasRec::new(&config(), N_ITEMS + 1, 2, &device).unwrap();
    let error = with_weights(larger, weights_of(&learnt), "best.safetensors").unwrap_err().to_string();
    assert!(error.contains("tensor items: expected [8, 8], found [7, 8]"), "{error}");
}
