use burn::module::Module;
use burn::tensor::Device;

use super::*;
use crate::llama::testing::{tiny_config, tiny_llama};
use crate::lora::Recipe;
use crate::optim::Gradients;

fn sample(tokens: &[u32], scored: Range<usize>) -> Sample {
    Sample { tokens: tokens.to_vec(), scored }
}

fn samples() -> Vec<Sample> {
    vec![sample(&[5, 6, 7, 8], 2..4), sample(&[1, 2, 3, 4, 5, 6, 7], 1..6)]
}

/// A model whose low-rank parts are not zero.
fn adapted(device: &Device) -> Llama {
    let base = tiny_llama(device);
    let recipe = Recipe { rank: 2, alpha: 4.0, dropout: 0.0, targets: vec!["all-linear".into(), "lm_head".into()] };
    let mut adapter = recipe.adapter(base.linears(), 3, device).unwrap();
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
fn scores_are_those_of_each_sample_alone_in_whatever_chunks() {
    let model = adapted(&Device::flex());
    let (mut log_probs, mut entropies) = (Vec::new(), Vec::new());
    for Sample { tokens, scored } in samples() {
        let logits = model.forward(&Batch::right_padded(&[&tokens]));
        let rows: Vec<f32> = activation::log_softmax(logits, 2).try_into_vec_as().unwrap();
        let rows: Vec<&[f32]> = rows.chunks_exact(tiny_config().vocab_size).collect();
        log_probs.extend(scored.clone().map(|position| rows[position - 1][tokens[position] as usize]));
        entropies.extend(scored.map(|position| -rows[position - 1].iter().map(|lp| lp.exp() * lp).sum::<f32>()));
    }
    for at_once in [1, 3, 100] {
        let scores = model.score_in_chunks(&samples(), &Forward::default(), at_once);
        assert_eq!(scores.lengths, [2, 5]);
        assert_close(&host(scores.log_probs), &log_probs);
        assert_close(&host(scores.entropies), &entropies);
    }
}

#[test]
fn a_sample_counts_once_however_many_tokens_it_has() {
    let device = Device::flex();
    let log_probs = Tensor::from_data([-1.0f32, -3.0, -10.0], &device);
    let scores = Scores { log_probs: log_probs.clone(), entropies: log_probs, lengths: vec![2, 1] };
    assert_eq!(host(scores.nll()), [6.0]);
}

#[test]
#[should_panic(expected = "scored positions 0..2 of 3 tokens")]
fn the_first_token_is_never_predicted() {
    tiny_llama(&Device::flex()).score(&[sample(&[1, 2, 3], 0..2)], &Forward::default());
}

fn with_dropout(p: f64, seed: u64) -> Forward {
    Forward { dropout: Some(Dropout { p, seed }) }
}

#[test]
fn dropout_depends_on_its_seed_and_touches_low_rank_parts_alone() {
    let (model, samples) = (adapted(&Device::flex()), samples());
    let of = |model: &Llama, how: &Forward| host(model.score(&samples, how).log_probs);
    let plain = of(&model, &Forward::default());
    assert_eq!(of(&model, &with_dropout(0.0, 1)), plain);
    assert_eq!(of(&model, &with_dropout(0.3, 1)), of(&model, &with_dropout(0.3, 1)));
    assert_ne!(of(&model, &with_dropout(0.3, 1)), of(&model, &with_dropout(0.3, 2)));
    assert_ne!(of(&model, &with_dropout(0.3, 1)), plain);
    let base = model.without_adapter();
    assert_eq!(of(&base, &with_dropout(0.3, 1)), of(&base, &Forward::default()));
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
