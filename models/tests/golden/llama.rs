//! Llama against transformers and PEFT: logits, log-probabilities, entropies, gradients, ten training steps, greedy decoding.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use safetensors::SafeTensors;
use tiller_kernels::MatmulPrecision;
use tiller_kernels::device::gpu_of;
use tiller_kernels::quant::QuantScheme;
use tiller_kernels::test_devices;
use tiller_models::generate::{GenerateOptions, GenerateRequest, Generator, GraphGenerator, Sampling};
use tiller_models::llama::Llama;
use tiller_models::lora::{Adapter, Lora};
use tiller_models::optim::{AdamW, AdamWConfig, Gradients};
use tiller_models::train::ForwardOptions;

use crate::state::{Golden, MODELS, ROWS, SEQ};

/// How far a value may be off, as a fraction of the largest expected one.
const CLOSE: f64 = 1e-4;

/// The same where our own kernels multiply f16, which lose a 2048th of each factor.
const CLOSE_OF_HALVES: f64 = 1e-2;

/// Which of the two holds on a device for weights as burn holds them, or packed.
fn close(device: &Device, packed: bool) -> f64 {
    let f16 = packed && gpu_of(device).is_some_and(|gpu| gpu.features.coop_tile > 0);
    if f16 { CLOSE_OF_HALVES } else { CLOSE }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_within(CLOSE, found, expected, what);
}

fn assert_within(close: f64, found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0, |largest: f64, e| largest.max(f64::from(e.abs())));
    let worst = found.iter().zip(expected).map(|(f, e)| f64::from((f - e).abs())).fold(0.0, f64::max);
    assert!(worst <= close * largest, "{what}: off by {worst:.3e}, where the largest value is {largest:.3e}");
}

/// The entries of `values`, `[ROWS, SEQ, width]`, at real tokens.
fn unpadded(values: &[f32], padding: &[usize]) -> Vec<f32> {
    let width = values.len() / (ROWS * SEQ);
    let rows = values.chunks_exact(SEQ * width).zip(padding);
    rows.flat_map(|(row, padding)| row[padding * width..].to_vec()).collect()
}

#[test]
fn logits_log_probabilities_and_entropies() {
    for name in MODELS {
        let golden = Golden::open(name);
        let batch = golden.batch();
        for (device_name, device) in test_devices() {
            let check = |found: Vec<f32>, expected: &str| {
                let expected_values = unpadded(&golden.floats(expected), &batch.padding);
                assert_close(
                    &unpadded(&found, &batch.padding),
                    &expected_values,
                    &format!("{name} {device_name} {expected}"),
                );
            };
            let base = Llama::load(&golden.folder, &device).unwrap();
            check(host(base.forward(&batch)), "base_logits");

            let adapted = golden.adapted(&base, &device);
            let logits = adapted.forward(&batch);
            check(host(logits.clone()), "adapter_logits");

            let logprobs = activation::log_softmax(logits, 2); // [ROWS, SEQ, vocab]
            check(host(-(logprobs.clone().exp() * logprobs.clone()).sum_dim(2)), "entropy");
            let chosen = host(next_token_logprobs(logprobs, &golden, &device));
            let real = |values: &[f32]| -> Vec<f32> {
                let rows = values.chunks_exact(SEQ - 1).zip(&batch.padding);
                rows.flat_map(|(row, padding)| row[*padding..].to_vec()).collect()
            };
            assert_close(&real(&chosen), &real(&golden.floats("token_logprob")), &format!("{name} {device_name}"));

            check(host(adapted.without_adapter().forward(&batch)), "base_logits");
        }
    }
}

/// log p(token t + 1) at every t: `[ROWS, SEQ - 1]` of `[ROWS, SEQ, vocab]`.
fn next_token_logprobs(logprobs: Tensor<3>, golden: &Golden, device: &Device) -> Tensor<2> {
    let next: Vec<i32> = golden.ids("input_ids").chunks_exact(SEQ).flat_map(|row| row[1..].to_vec()).collect();
    let next = Tensor::<3, Int>::from_data(TensorData::new(next, [ROWS, SEQ - 1, 1]), device);
    logprobs.narrow(1, 0, SEQ - 1).gather(2, next).reshape([ROWS, SEQ - 1])
}

/// A model whose low-rank parts can be trained, over weights as burn holds them or, where `packed`, as our own kernels read them.
fn trainable(golden: &Golden, packed: bool, device: &Device) -> Llama {
    let base = Llama::load_quantized(&golden.folder, packed.then_some(QuantScheme::F32), device).unwrap();
    golden.adapted(&base, device).train()
}

/// Every device, with dense weights and with packed ones.
fn bases() -> impl Iterator<Item = (String, Device, bool)> {
    let both = |(name, device): (&str, Device)| {
        let name = name.to_owned();
        [false, true].map(move |packed| (format!("{name} packed: {packed}"), device.clone(), packed))
    };
    test_devices().into_iter().flat_map(both)
}

#[test]
fn training_scores_tokens_as_the_golden_states_do() {
    for name in MODELS {
        let golden = Golden::open(name);
        let samples = golden.samples(|_| true);
        // What is recorded at, or for, every token that some other one predicts.
        let recorded = |state: &str, width: usize| -> Vec<f32> {
            let values = golden.floats(state);
            let rows = values.chunks_exact(width).zip(golden.batch().padding);
            rows.flat_map(|(row, padding)| row[padding..SEQ - 1].to_vec()).collect()
        };
        for (device_name, device, packed) in bases() {
            let scores = trainable(&golden, packed, &device).score(&samples, &ForwardOptions::default());
            let what = |state: &str| format!("{name} {device_name} {state}");
            let close = close(&device, packed);
            assert_within(close, &host(scores.log_probs), &recorded("token_logprob", SEQ - 1), &what("token_logprob"));
            assert_within(close, &host(scores.entropies), &recorded("entropy", SEQ), &what("entropy"));
        }
    }
}

#[test]
fn gradients_of_every_low_rank_part() {
    for name in MODELS {
        let golden = Golden::open(name);
        for (device_name, device, packed) in bases() {
            let model = trainable(&golden, packed, &device);
            let loss = model.score(&golden.answers(), &ForwardOptions::default()).nll();
            let gradients = loss.backward();
            let loras: BTreeMap<&str, &Lora> = model.linears().filter_map(|l| Some((l.name(), l.lora()?))).collect();
            assert_eq!(loras.len(), 7 * model.config().n_layers);
            for (place, lora) in loras {
                for (part, weight) in [("lora_A", lora.a.val()), ("lora_B", lora.b.val())] {
                    let key = format!("grad.{place}.{part}.weight");
                    let found = host(weight.grad(&gradients).expect("every part has a gradient"));
                    let what = format!("{name} {device_name} {key}");
                    assert_within(close(&device, packed), &found, &golden.floats(&key), &what);
                }
            }
        }
    }
}

/// The model after ten steps, and the losses before them.
fn ten_steps(mut model: Llama, golden: &Golden) -> (Llama, Vec<f32>) {
    let mut adamw = AdamW::new(AdamWConfig::default());
    let mut losses = Vec::new();
    for _ in 0..10 {
        let loss = model.score(&golden.answers(), &ForwardOptions::default()).nll();
        losses.push(loss.clone().into_scalar::<f32>());
        let gradients = Gradients::of(loss, &model);
        model = adamw.step(model, gradients, 1e-2).0;
    }
    (model, losses)
}

#[test]
fn ten_adamw_steps() {
    for name in MODELS {
        let golden = Golden::open(name);
        for (device_name, device, packed) in bases() {
            let (model, losses) = ten_steps(trainable(&golden, packed, &device), &golden);
            let close = close(&device, packed);
            assert_within(close, &losses, &golden.floats("losses"), &format!("{name} {device_name} losses"));
            for linear in model.linears() {
                let Some(lora) = linear.lora() else { continue };
                let after = |part: &str| golden.floats(&format!("after10.{}.{part}.weight", linear.name()));
                // Where a gradient is near zero, its sign decides the first steps: the weights are less alike than the losses.
                let apart = if close > CLOSE { 5e-2 } else { 5e-3 };
                let near = |found: Vec<f32>, expected: Vec<f32>| {
                    found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < apart)
                };
                assert!(near(host(lora.a.val()), after("lora_A")), "{name} {device_name} {} A", linear.name());
                assert!(near(host(lora.b.val()), after("lora_B")), "{name} {device_name} {} B", linear.name());
            }
        }
    }
}

/// Products of bf16 are a choice and no default: their losses are off by more than 1e-3 of the largest.
#[test]
fn ten_adamw_steps_by_products_of_bf16() {
    for name in MODELS {
        let golden = Golden::open(name);
        let exact = ten_steps(trainable(&golden, false, &Device::flex()), &golden).1;
        for packed in [false, true] {
            let model = trainable(&golden, packed, &Device::flex()).with_matmul_precision(MatmulPrecision::Bf16);
            let losses = ten_steps(model, &golden).1;
            let what = format!("{name} packed: {packed}, losses of bf16");
            assert_within(1e-2, &losses, &golden.floats("losses"), &what);
            assert_ne!(losses, exact, "{what} differ from those of f32");
        }
    }
}

#[test]
fn greedy_decoding_with_the_trained_adapter() {
    for name in MODELS {
        let golden = Golden::open(name);
        let expected: Vec<u32> = golden.ids("greedy").iter().map(|id| *id as u32).collect();
        let (prompt, continuation) = expected.split_at(10);
        for (device_name, device) in test_devices() {
            let model = golden.trained(&Llama::load(&golden.folder, &device).unwrap(), &device);
            let options = GenerateOptions { max_new_tokens: 20, sampling: Sampling::Greedy, seed: 0 };
            let mut streamed = Vec::new();
            let mut on_token = |row, token| {
                assert_eq!(row, 0);
                streamed.push(token);
                ControlFlow::Continue(())
            };
            let prompts = [prompt.to_vec()];
            let request = GenerateRequest::new(&prompts, options).on_token(&mut on_token);
            let found = GraphGenerator::new(&model).generate(request);
            assert_eq!(found.unwrap(), [continuation], "{name} {device_name}");
            assert_eq!(streamed, continuation, "{name} {device_name}");
        }
    }
}

#[test]
fn an_adapter_of_peft_is_written_again_as_it_was() {
    for name in MODELS {
        let golden = Golden::open(name);
        let theirs = golden.folder.join("adapter");
        let base = Llama::load(&golden.folder, &Device::flex()).unwrap();
        let ours = tempfile::tempdir().unwrap();
        Adapter::read(&theirs, &base.config().projections(), &Device::flex()).unwrap().write(ours.path()).unwrap();

        let weights = |folder: &Path| std::fs::read(folder.join("adapter_model.safetensors")).unwrap();
        let (ours_bytes, theirs_bytes) = (weights(ours.path()), weights(&theirs));
        let tensors = |bytes: &[u8]| -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
            let tensors = SafeTensors::deserialize(bytes).unwrap().tensors();
            tensors.into_iter().map(|(name, view)| (name, (view.shape().to_vec(), view.data().to_vec()))).collect()
        };
        assert_eq!(tensors(&ours_bytes), tensors(&theirs_bytes), "{name}");

        let config = |folder: &Path| -> serde_json::Map<String, serde_json::Value> {
            let mut config: serde_json::Map<_, _> =
                serde_json::from_slice(&std::fs::read(folder.join("adapter_config.json")).unwrap()).unwrap();
            if let Some(targets) = config["target_modules"].as_array_mut() {
                targets.sort_by_key(|target| target.to_string());
            }
            config
        };
        let theirs = config(&theirs);
        for (key, value) in config(ours.path()) {
            let same =
                value == theirs[&key] || value.as_f64().is_some_and(|number| theirs[&key].as_f64() == Some(number));
            assert!(same, "{name}: {key} is {value}, and in PEFT's file {}", theirs[&key]);
        }
    }
}
