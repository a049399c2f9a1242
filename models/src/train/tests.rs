use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};
use tiller_kernels::device::gpu_of;
use tiller_kernels::quant::{PackedMatrix, QuantScheme};
use tiller_kernels::{test_devices, test_gpu};

use super::*;
use crate::files::TensorSource;
use crate::files::safetensors::Safetensors;
use crate::llama::LlamaConfig;
use crate::llama::testing::{Weight, json, tiny_config, tiny_llama, write_weights};
use crate::lora::LoraConfig;
use crate::optim::Gradients;

fn sample(tokens: &[u32], scored: Range<usize>) -> Sample {
    Sample { tokens: tokens.to_vec(), scored }
}

fn samples() -> Vec<Sample> {
    vec![sample(&[5, 6, 7, 8], 2..4), sample(&[1, 2, 3, 4, 5, 6, 7], 1..6)]
}

fn adapted(device: &Device) -> Llama {
    with_parts(&tiny_llama(device), device)
}

/// `base` with low-rank parts that are not zero.
fn with_parts(base: &Llama, device: &Device) -> Llama {
    let lora_config =
        LoraConfig { rank: 2, alpha: 4.0, dropout: 0.0, targets: vec!["all-linear".into(), "lm_head".into()] };
    let mut adapter = lora_config.adapter(base.linears(), 3, device).unwrap();
    for lora in adapter.loras.values_mut() {
        let shape = lora.b.dims();
        let values: Vec<f32> = (0..shape[0] * shape[1]).map(|i| (i as f32 * 0.7).sin() * 0.3).collect();
        lora.b = burn::module::Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device));
    }
    base.with_adapter(&adapter).unwrap()
}

fn host(tensor: Tensor<1>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-5), "{found:?} is not {expected:?}");
}

#[test]
fn scores_are_those_of_each_sample_alone() {
    let model = adapted(&Device::flex());
    let (mut log_probs, mut entropies) = (Vec::new(), Vec::new());
    for Sample { tokens, scored } in samples() {
        let logits = model.forward(&Batch::right_padded(&[&tokens]));
        let rows: Vec<f32> = activation::log_softmax(logits, 2).try_into_vec_as().unwrap();
        let rows: Vec<&[f32]> = rows.chunks_exact(tiny_config().vocab_size).collect();
        log_probs.extend(scored.clone().map(|position| rows[position - 1][tokens[position] as usize]));
        entropies.extend(scored.map(|position| -rows[position - 1].iter().map(|lp| lp.exp() * lp).sum::<f32>()));
    }
    let scores = model.score(&samples(), &ForwardOptions::default());
    assert_eq!(scores.lengths, [2, 5]);
    assert_close(&host(scores.log_probs), &log_probs);
    assert_close(&host(scores.entropies), &entropies);
}

#[test]
fn a_temperature_divides_the_logits() {
    const TEMPERATURE: f64 = 0.6;
    let model = adapted(&Device::flex());
    let (samples, vocab_size) = (samples(), tiny_config().vocab_size);
    let scores = model.score(&samples, &ForwardOptions { temperature: TEMPERATURE, ..ForwardOptions::default() });
    let mut log_probs = Vec::new();
    for Sample { tokens, scored } in samples {
        let logits = model.forward(&Batch::right_padded(&[&tokens])) / TEMPERATURE;
        let rows: Vec<f32> = activation::log_softmax(logits, 2).try_into_vec_as().unwrap();
        log_probs.extend(scored.map(|position| rows[(position - 1) * vocab_size + tokens[position] as usize]));
    }
    assert_close(&host(scores.log_probs), &log_probs);
}

#[test]
fn a_sample_counts_once_however_many_tokens_it_has() {
    let device = Device::flex();
    let log_probs = Tensor::from_data([-1.0f32, -3.0, -10.0], &device);
    let scores = SequenceScores { log_probs: log_probs.clone(), entropies: log_probs, lengths: vec![2, 1] };
    assert_eq!(host(scores.nll()), [6.0]);
}

#[test]
#[should_panic(expected = "scored positions 0..2 of 3 tokens")]
fn the_first_token_is_never_predicted() {
    tiny_llama(&Device::flex()).score(&[sample(&[1, 2, 3], 0..2)], &ForwardOptions::default());
}

fn with_dropout(p: f64, seed: u64) -> ForwardOptions {
    ForwardOptions { dropout: Some(Dropout { p, seed, first_sample: 0 }), ..ForwardOptions::default() }
}

#[test]
fn dropout_depends_on_its_seed_and_touches_low_rank_parts_alone() {
    let (model, samples) = (adapted(&Device::flex()), samples());
    let of = |model: &Llama, how: &ForwardOptions| host(model.score(&samples, how).log_probs);
    let plain = of(&model, &ForwardOptions::default());
    assert_eq!(of(&model, &with_dropout(0.0, 1)), plain);
    assert_eq!(of(&model, &with_dropout(0.3, 1)), of(&model, &with_dropout(0.3, 1)));
    assert_ne!(of(&model, &with_dropout(0.3, 1)), of(&model, &with_dropout(0.3, 2)));
    assert_ne!(of(&model, &with_dropout(0.3, 1)), plain);
    let base = model.without_adapter();
    assert_eq!(of(&base, &with_dropout(0.3, 1)), of(&base, &ForwardOptions::default()));
}

#[test]
fn gradients_agree_with_finite_differences_under_dropout() {
    const STEP: f64 = 1e-2;
    let (model, how) = (adapted(&Device::flex()).train(), with_dropout(0.25, 5));
    let loss =
        |model: &Llama| model.score(&samples(), &how).nll() - model.score(&samples(), &how).entropies.mean() * 0.1;
    let gradients = Gradients::of(loss(&model), &model);
    assert_eq!(gradients.of_weight.len(), 2 * 15);
    // Along each gradient the loss rises by its square.
    for name in ["blocks.0.attention.q_proj.lora.a", "blocks.1.mlp.down_proj.lora.b", "lm_head.lora.a"] {
        let gradient = gradients.of_weight[name].clone();
        let square = f64::from(gradient.clone().square().sum().into_scalar::<f32>());
        let moved = |step: f64| {
            let mut only = Gradients::default();
            only.of_weight.insert(name.to_owned(), gradient.clone() * (step / square.sqrt()));
            f64::from(loss(&model.clone().map(&mut Add(only, Vec::new()))).into_scalar::<f32>())
        };
        let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        assert!((slope - square.sqrt()).abs() < 1e-3 + 0.02 * square.sqrt(), "{name}: {slope} and {}", square.sqrt());
    }
}

#[test]
fn an_example_counts_every_token_by_its_weight() {
    let model = adapted(&Device::flex()).train();
    let log_probs = host(model.score(&samples(), &ForwardOptions::default()).log_probs);
    let loss = |examples: &[WeightedExample]| {
        model.gradient(examples, 0.5, &ForwardOptions::default(), false).1.into_scalar::<f32>()
    };
    let whole: Vec<WeightedExample> = samples().into_iter().map(WeightedExample::of).collect();
    let nll = model.score(&samples(), &ForwardOptions::default()).nll().into_scalar::<f32>();
    assert!((loss(&whole) - nll).abs() < 1e-6);

    // The samples count positions 2 and 3, then 1 to 5.
    let mut some = whole;
    some[0].weights = vec![(3, 0.25)];
    some[1].weights = vec![(1, 2.0), (4, 1.0)];
    let expected = -0.5 * (0.25 * log_probs[1] + 2.0 * log_probs[2] + log_probs[5]);
    assert!((loss(&some) - expected).abs() < 1e-6, "{} is not {expected}", loss(&some));
}

#[test]
fn a_distribution_counts_as_the_mean_of_its_tokens_and_has_their_gradient() {
    let model = adapted(&Device::flex()).train();
    let gradient = |example: WeightedExample| model.gradient(&[example], 1.0, &ForwardOptions::default(), false);
    let at_4 = |token: u32, weight: f32| {
        let mut example = WeightedExample::of(sample(&[1, 2, 3, 4, token], 2..5));
        example.weights = vec![(2, 0.5), (4, weight)];
        gradient(example)
    };
    let mut soft = WeightedExample::of(sample(&[1, 2, 3, 4, 9], 2..5));
    soft.weights = vec![(2, 0.5), (4, 2.0)];
    soft.soft.insert(4, vec![TargetShare { id: 7, share: 0.75 }, TargetShare { id: 5, share: 0.25 }]);
    let (found, loss) = gradient(soft);
    // The same from hard targets: a quarter of one and three of the other.
    let ((of_5, loss_5), (of_7, loss_7)) = (at_4(5, 2.0), at_4(7, 2.0));
    let mixed = loss_5 * 0.25 + loss_7 * 0.75;
    assert!((loss - mixed).abs().into_scalar::<f32>() < 1e-5);
    for (name, gradient) in found.of_weight {
        let expected = of_5.of_weight[&name].clone() * 0.25 + of_7.of_weight[&name].clone() * 0.75;
        let off = (gradient - expected).abs().max().into_scalar::<f32>();
        assert!(off < 1e-5, "{name} is off by {off}");
    }
}

/// Gradient accumulation is exact: a sample has its masks and its part of the sum, whatever it is computed beside.
#[test]
fn the_gradient_of_a_step_does_not_depend_on_its_micro_batches() {
    let model = adapted(&Device::flex()).train();
    let samples = [samples(), vec![sample(&[9, 8, 7, 6, 5, 4], 2..6), sample(&[3, 1, 2], 1..3)]].concat();
    let examples: Vec<WeightedExample> = samples.into_iter().map(WeightedExample::of).collect();
    let step = |micro_batch: usize| {
        let (mut gradients, mut loss) = (Gradients::default(), 0.0);
        for (number, part) in examples.chunks(micro_batch).enumerate() {
            let dropout = Dropout { p: 0.25, seed: 5, first_sample: number * micro_batch };
            let options = ForwardOptions { dropout: Some(dropout), ..ForwardOptions::default() };
            let (of_part, part_loss) = model.gradient(part, 0.25, &options, false);
            gradients.add(of_part);
            loss += part_loss.into_scalar::<f32>();
        }
        (gradients, loss)
    };
    let (whole, loss) = step(examples.len());
    for micro_batch in 1..examples.len() {
        let (parts, loss_of_parts) = step(micro_batch);
        assert!((loss - loss_of_parts).abs() < 1e-5, "{micro_batch}: {loss_of_parts} is not {loss}");
        for (name, expected) in &whole.of_weight {
            let off = (parts.of_weight[name].clone() - expected.clone()).abs().max().into_scalar::<f32>();
            assert!(off < 1e-5, "{micro_batch}: {name} is off by {off}");
        }
    }
}

#[test]
fn blocks_that_are_computed_again_have_the_gradients_of_those_that_were_kept() {
    let examples: Vec<WeightedExample> = samples().into_iter().map(WeightedExample::of).collect();
    for (name, device) in test_devices() {
        let fresh = |tied_embeddings| {
            let sizes = LlamaConfig { tied_embeddings, ..tiny_config() };
            Llama::from_scratch(&sizes, 3, &device).unwrap().trainable().train()
        };
        for model in [adapted(&device).train(), fresh(true), fresh(false)] {
            let of = |recompute| model.gradient(&examples, 0.5, &with_dropout(0.25, 5), recompute);
            let ((kept, loss), (computed, again)) = (of(false), of(true));
            assert_eq!(host(loss), host(again), "{name}");
            assert!(kept.of_weight.keys().eq(computed.of_weight.keys()), "{name}");
            for (weight, expected) in kept.of_weight {
                let off = (computed.of_weight[&weight].clone() - expected.clone()).abs().max().into_scalar::<f32>();
                let largest = expected.abs().max().into_scalar::<f32>();
                assert!(off <= 1e-5 * largest, "{name} {weight}: off by {off:.1e}, where the largest is {largest:.1e}");
            }
        }
    }
}

#[test]
fn over_packed_weights_gradients_are_those_over_the_unpacked_ones() {
    let device = test_gpu().device;
    let sizes = LlamaConfig { d_model: 64, d_ff: 128, head_dim: 16, ..tiny_config() };
    let whole = tempfile::tempdir().unwrap();
    Llama::from_scratch(&sizes, 5, &Device::flex()).unwrap().write(whole.path()).unwrap();
    let gradients = |base: Llama| {
        let model = with_parts(&base, &device).train();
        Gradients::of(model.score(&samples(), &ForwardOptions::default()).nll(), &model).of_weight
    };
    // Halves, which are the factors on cooperative matrices, lose a 2048th each.
    let close = if gpu_of(&device).is_some_and(|gpu| gpu.features.coop_tile > 0) { 1e-2 } else { 1e-4 };
    for scheme in [QuantScheme::F16, QuantScheme::Q8, QuantScheme::Q4, QuantScheme::Q4Affine, QuantScheme::Nf4] {
        let packed = gradients(Llama::load_quantized(whole.path(), Some(scheme), &device).unwrap());
        let unpacked = gradients(unpacked(whole.path(), scheme, &device));
        assert_eq!(packed.len(), 2 * 15);
        for (name, expected) in unpacked {
            let largest = expected.clone().abs().max().into_scalar::<f32>();
            let off = (packed[&name].clone() - expected).abs().max().into_scalar::<f32>();
            assert!(off <= close * largest, "{scheme} {name}: off by {off:.1e}, where the largest is {largest:.1e}");
        }
    }
}

/// The model in `folder` with every projection rounded to what `scheme` holds, in floats.
fn unpacked(folder: &Path, scheme: QuantScheme, device: &Device) -> Llama {
    let source = Safetensors::open(folder).unwrap();
    let round = |name: &String| {
        let (shape, values) = (source.shape(name).unwrap(), source.read_f32(name).unwrap());
        let values = match shape[..] {
            [rows, cols] if name.contains("proj") => {
                PackedMatrix::from_f32(scheme, rows, cols, &values).unwrap().to_f32()
            }
            _ => values,
        };
        Weight { name: name.clone(), shape, values }
    };
    let mut weights: Vec<Weight> = source.names().iter().map(round).collect();
    // The embedding is looked up in floats and multiplied packed.
    let table = weights.iter().find(|weight| weight.name.contains("embed")).unwrap();
    let [rows, cols] = table.shape[..] else { unreachable!("a matrix") };
    let values = PackedMatrix::from_f32(scheme, rows, cols, &table.values).unwrap().to_f32();
    weights.push(Weight { name: "lm_head.weight".into(), shape: vec![rows, cols], values });
    let rounded = tempfile::tempdir().unwrap();
    let config = LlamaConfig { tied_embeddings: false, ..LlamaConfig::from_huggingface(folder).unwrap() };
    std::fs::write(rounded.path().join("config.json"), json(&config).to_string()).unwrap();
    write_weights(&rounded.path().join("model.safetensors"), &weights);
    Llama::load(rounded.path(), device).unwrap()
}

/// Adds to the weights that have an entry.
struct Add(Gradients, Vec<String>);

impl burn::module::ModuleMapper for Add {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.1.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.1.pop();
    }

    fn map_float<const D: usize>(&mut self, param: burn::module::Param<Tensor<D>>) -> burn::module::Param<Tensor<D>> {
        let Some(change) = self.0.of_weight.remove(&self.1.join(".")) else { return param };
        param.map(|weight| {
            let shape = weight.dims();
            weight.without_autodiff() + change.reshape(shape)
        })
    }
}
