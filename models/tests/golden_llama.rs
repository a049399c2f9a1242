//! Llama against transformers and PEFT: logits, log-probabilities, entropies, gradients, ten training steps, greedy decoding.
//! The states and their generator lie in `tests/golden`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use safetensors::SafeTensors;
use tiller_kernels::device::test_devices;
use tiller_kernels::quant::Scheme;
use tiller_models::llama::{Batch, GenerateOptions, Llama, Sampling, generate};
use tiller_models::lora::{Adapter, Lora};
use tiller_models::optim::{AdamW, AdamWConfig, Gradients};
use tiller_models::train::{Forward, Sample};

const MODELS: [&str; 2] = ["gqa-tied", "mha-untied"];

/// How far a value may be off, as a fraction of the largest expected one.
const CLOSE: f64 = 1e-4;

/// The recorded states of one model.
struct Golden {
    folder: PathBuf,
    bytes: Vec<u8>,
}

impl Golden {
    fn open(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(name);
        let bytes = std::fs::read(folder.join("golden.safetensors")).unwrap();
        Self { folder, bytes }
    }

    fn words<T>(&self, name: &str, value: impl Fn([u8; 4]) -> T) -> Vec<T> {
        let states = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = states.tensor(name).unwrap();
        tensor.data().chunks_exact(4).map(|word| value(word.try_into().unwrap())).collect()
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        self.words(name, f32::from_le_bytes)
    }

    fn ids(&self, name: &str) -> Vec<i32> {
        self.words(name, i32::from_le_bytes)
    }

    /// The recorded batch: left-padded, with positions 0, 1, 2, … in every row nevertheless.
    fn batch(&self) -> Batch {
        let padding: Vec<usize> = self
            .ids("attention_mask")
            .chunks_exact(SEQ)
            .map(|row| row.iter().filter(|seen| **seen == 0).count())
            .collect();
        Batch {
            tokens: self.ids("input_ids").iter().map(|id| *id as u32).collect(),
            positions: (0..ROWS).flat_map(|_| 0..SEQ as u32).collect(),
            padding,
        }
    }

    /// The recorded rows without their padding. Scored are the tokens whose label is `wanted`, but for a row's first.
    fn samples(&self, wanted: impl Fn(i32) -> bool) -> Vec<Sample> {
        let Batch { tokens, padding, .. } = self.batch();
        let labels = self.ids("labels");
        let rows = tokens.chunks_exact(SEQ).zip(labels.chunks_exact(SEQ)).zip(padding);
        rows.map(|((tokens, labels), padding)| {
            let first = labels[padding..].iter().position(|label| wanted(*label)).unwrap();
            Sample { tokens: tokens[padding..].to_vec(), scored: first.max(1)..SEQ - padding }
        })
        .collect()
    }

    /// What the loss of the golden states is of: the tokens with a label.
    fn answers(&self) -> Vec<Sample> {
        self.samples(|label| label != -100)
    }

    fn adapted(&self, base: &Llama, device: &Device) -> Llama {
        let adapter = Adapter::read(&self.folder.join("adapter"), base.linears(), device).unwrap();
        base.with_adapter(&adapter).unwrap()
    }

    /// The adapter as it was after the ten steps.
    fn trained(&self, base: &Llama, device: &Device) -> Llama {
        let mut adapter = Adapter::read(&self.folder.join("adapter"), base.linears(), device).unwrap();
        for (name, lora) in &mut adapter.loras {
            let weight = |part: &str, shape| {
                let values = self.floats(&format!("after10.{name}.{part}.weight"));
                Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
            };
            *lora = Lora { a: weight("lora_A", lora.a.dims()), b: weight("lora_B", lora.b.dims()), scale: lora.scale };
        }
        base.with_adapter(&adapter).unwrap()
    }
}

const ROWS: usize = 3;
const SEQ: usize = 24;

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0, |largest: f64, e| largest.max(f64::from(e.abs())));
    let worst = found.iter().zip(expected).map(|(f, e)| f64::from((f - e).abs())).fold(0.0, f64::max);
    assert!(worst <= CLOSE * largest, "{what}: off by {worst:.3e}, where the largest value is {largest:.3e}");
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
    let base = Llama::load_as(&golden.folder, packed.then_some(Scheme::F32), device).unwrap();
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
            let scores = trainable(&golden, packed, &device).score(&samples, &Forward::default());
            let what = |state: &str| format!("{name} {device_name} {state}");
            assert_close(&host(scores.log_probs), &recorded("token_logprob", SEQ - 1), &what("token_logprob"));
            assert_close(&host(scores.entropies), &recorded("entropy", SEQ), &what("entropy"));
        }
    }
}

#[test]
fn gradients_of_every_low_rank_part() {
    for name in MODELS {
        let golden = Golden::open(name);
        for (device_name, device, packed) in bases() {
            let model = trainable(&golden, packed, &device);
            let loss = model.score(&golden.answers(), &Forward::default()).nll();
            let gradients = loss.backward();
            let loras: BTreeMap<&str, &Lora> = model.linears().filter_map(|l| Some((l.name(), l.lora()?))).collect();
            assert_eq!(loras.len(), 7 * model.config().n_layers);
            for (place, lora) in loras {
                for (part, weight) in [("lora_A", lora.a.val()), ("lora_B", lora.b.val())] {
                    let key = format!("grad.{place}.{part}.weight");
                    let found = host(weight.grad(&gradients).expect("every part has a gradient"));
                    assert_close(&found, &golden.floats(&key), &format!("{name} {device_name} {key}"));
                }
            }
        }
    }
}

#[test]
fn ten_adamw_steps() {
    for name in MODELS {
        let golden = Golden::open(name);
        for (device_name, device, packed) in bases() {
            let mut model = trainable(&golden, packed, &device);
            let mut adamw = AdamW::new(AdamWConfig::default());
            let mut losses = Vec::new();
            for _ in 0..10 {
                let loss = model.score(&golden.answers(), &Forward::default()).nll();
                losses.push(loss.clone().into_scalar::<f32>());
                let gradients = Gradients::of(loss, &model);
                model = adamw.step(model, gradients, 1e-2).0;
            }
            assert_close(&losses, &golden.floats("losses"), &format!("{name} {device_name} losses"));
            for linear in model.linears() {
                let Some(lora) = linear.lora() else { continue };
                let after = |part: &str| golden.floats(&format!("after10.{}.{part}.weight", linear.name()));
                // Where a gradient is near zero, its sign decides the first steps: the weights are less alike than the losses.
                let near = |found: Vec<f32>, expected: Vec<f32>| {
                    found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 5e-3)
                };
                assert!(near(host(lora.a.val()), after("lora_A")), "{name} {device_name} {} A", linear.name());
                assert!(near(host(lora.b.val()), after("lora_B")), "{name} {device_name} {} B", linear.name());
            }
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
            let found = generate(&model, &[prompt.to_vec()], &[], &options, &mut |row, token| {
                assert_eq!(row, 0);
                streamed.push(token);
                ControlFlow::Continue(())
            });
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
        Adapter::read(&theirs, base.linears(), &Device::flex()).unwrap().write(ours.path()).unwrap();

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
