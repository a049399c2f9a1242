//! Item tokens in the graph: against a model with the same rows in its tables, and by finite differences.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;

use super::*;
use crate::engine::{Engine, EngineOptions};
use crate::generate::{GenerateOptions, GenerateRequest, Generator, GraphGenerator, Sampling};
use crate::llama::testing::{folder, tiny_config};
use crate::llama::{Batch, LlamaConfig, ModelFiles};
use crate::train::{ForwardOptions, Sample, WeightedExample};

/// Six item tokens behind a vocabulary of 40, of which two rows are padding.
const FIRST: usize = 38;
const ITEMS: usize = 6;
const WIDTH: usize = 3;

fn wave(n: usize, step: f32) -> Vec<f32> {
    (0..n).map(|i| (i as f32 * step).sin() * 0.5).collect()
}

fn config(tied_embeddings: bool) -> LlamaConfig {
    LlamaConfig { tied_embeddings, ..tiny_config() }
}

fn rows(config: &LlamaConfig) -> ItemRows {
    let rows = |step: f32| wave(ITEMS * config.d_model, step);
    let lm_head = (!config.tied_embeddings).then(|| rows(1.3));
    ItemRows { first: FIRST, d_model: config.d_model, embedding: rows(0.9), lm_head }
}

/// The small model with `rows` in its tables.
fn with_rows(config: &LlamaConfig, rows: &ItemRows) -> Llama {
    let folder = folder(config);
    let files = ModelFiles::open(folder.path()).unwrap().with_items(rows.clone(), Path::new("")).unwrap();
    Llama::from_files(&files, None, &Device::flex()).unwrap()
}

/// [`with_rows`] in training, with a W that is not zero.
fn in_training(config: &LlamaConfig) -> Llama {
    let vectors = ItemVectors { values: wave(ITEMS * WIDTH, 0.7), width: WIDTH };
    let llama = with_rows(config, &rows(config)).with_item_vectors(&vectors, FIRST).unwrap();
    with_weight(llama, wave(WIDTH * config.d_model, 1.1))
}

fn with_weight(mut llama: Llama, values: Vec<f32>) -> Llama {
    let items = llama.items.as_mut().unwrap();
    let shape = items.weight.dims();
    items.weight = Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), &Device::flex()));
    llama
}

fn logits(llama: &Llama, tokens: &[u32]) -> Vec<f32> {
    llama.forward(&Batch::right_padded(&[tokens])).try_into_vec_as().unwrap()
}

fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    let off = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max);
    assert!(off < tolerance, "off by {off}");
}

#[test]
fn old_tokens_keep_their_logits_and_items_get_those_of_their_rows() {
    for tied in [true, false] {
        let config = config(tied);
        let (base, items) = (Llama::load(folder(&config).path(), &Device::flex()).unwrap(), rows(&config));
        let with_rows = with_rows(&config, &items);
        assert_eq!(with_rows.config().vocab_size, FIRST + ITEMS);
        let (of_base, of_both) = (logits(&base, &[3, 14, 15, 9]), logits(&with_rows, &[3, 14, 15, 9]));
        let hidden: Vec<f32> = with_rows.hidden(&Batch::right_padded(&[[3, 14, 15, 9]])).try_into_vec_as().unwrap();
        let output = items.lm_head.as_ref().unwrap_or(&items.embedding);
        for position in 0..4 {
            let both = &of_both[position * (FIRST + ITEMS)..][..FIRST + ITEMS];
            assert_close(&both[..FIRST], &of_base[position * 40..][..FIRST], 1e-6);
            let hidden = &hidden[position * config.d_model..][..config.d_model];
            let product = |row: &[f32]| row.iter().zip(hidden).map(|(row, hidden)| row * hidden).sum();
            let expected: Vec<f32> = output.chunks_exact(config.d_model).map(product).collect();
            assert_close(&both[FIRST..], &expected, 1e-5);
        }
    }
}

#[test]
fn a_projection_is_what_it_adds_to_the_rows() {
    for tied in [true, false] {
        let config = config(tied);
        let llama = in_training(&config);
        let rows = rows(&config);
        let trained = llama.trained_rows(&rows).unwrap();
        assert_ne!(trained, rows);
        let plain = with_rows(&config, &trained);
        let tokens = [3, 39, 14, 43, 38, 9];
        assert_close(&logits(&llama, &tokens), &logits(&plain, &tokens), 1e-5);
        let hidden = llama.hidden(&Batch::right_padded(&[tokens]));
        let listed = |llama: &Llama| -> Vec<f32> {
            llama.logits_of(hidden.clone(), &[41, 5, 38]).unwrap().try_into_vec_as().unwrap()
        };
        assert_close(&listed(&llama), &listed(&plain), 1e-5);

        let options = EngineOptions { max_batch: 2, max_tokens: 32, ..EngineOptions::default() };
        let mut engine = Engine::from_llama(&llama, options).unwrap();
        let how = GenerateOptions { max_new_tokens: 12, sampling: Sampling::Greedy, seed: 1 };
        let prompts = [vec![3, 39, 14], vec![43, 38]];
        let of_engine = engine.generate(GenerateRequest::new(&prompts, how)).unwrap();
        let of_graph = GraphGenerator::new(&plain).generate(GenerateRequest::new(&prompts, how)).unwrap();
        assert_eq!(of_engine, of_graph);
    }
}

#[test]
fn the_gradient_of_the_projection_is_that_of_finite_differences() {
    const STEP: f32 = 1e-2;
    let example = |tokens: &[u32]| WeightedExample::of(Sample { tokens: tokens.to_vec(), scored: 1..tokens.len() });
    let examples = [example(&[3, 39, 14, 43]), example(&[38, 9, 40, 41, 5])];
    for (tied, recompute) in [(true, false), (true, true), (false, false), (false, true)] {
        let config = config(tied);
        let gradient = |llama: &Llama| llama.gradient(&examples, 0.5, &ForwardOptions::default(), recompute);
        let (gradients, _) = gradient(&in_training(&config).train());
        let names: Vec<&String> = gradients.of_weight.keys().collect();
        assert_eq!(names, ["items.weight"], "all else is frozen");
        let found: Vec<f32> = gradients.of_weight["items.weight"].clone().try_into_vec_as().unwrap();
        let weight = wave(WIDTH * config.d_model, 1.1);
        for at in (0..weight.len()).step_by(5) {
            let loss = |step: f32| {
                let mut moved = weight.clone();
                moved[at] += step;
                gradient(&with_weight(in_training(&config), moved).train()).1.into_scalar::<f32>()
            };
            let expected = (loss(STEP) - loss(-STEP)) / (2.0 * STEP);
            assert!((found[at] - expected).abs() < 2e-3, "{tied} {recompute} {at}: {} {expected}", found[at]);
        }
    }
}

#[test]
fn vectors_and_targets_that_do_not_fit_are_refused() {
    let config = config(true);
    let llama = || with_rows(&config, &rows(&config));
    let many = ItemVectors { values: wave((ITEMS + 1) * WIDTH, 0.7), width: WIDTH };
    assert!(llama().with_item_vectors(&many, FIRST).unwrap_err().to_string().contains("6 at most"));
    let mut adapted = llama();
    let lora = |shape: [usize; 2]| Param::from_tensor(Tensor::zeros(shape, &Device::flex()));
    let lora = Lora { a: lora([2, config.d_model]), b: lora([FIRST + ITEMS, 2]), scale: 1.0 };
    adapted.lm_head.set_lora(Some(lora));
    let few = ItemVectors { values: wave(ITEMS * WIDTH, 0.7), width: WIDTH };
    assert!(adapted.with_item_vectors(&few, FIRST).unwrap_err().to_string().contains("lm_head"));

    let open = || ModelFiles::open(folder(&config).path()).unwrap();
    for wrong in [
        ItemRows { first: 41, ..rows(&config) },
        ItemRows { d_model: 8, ..rows(&config) },
        ItemRows { lm_head: Some(Vec::new()), ..rows(&config) },
    ] {
        let error = open().with_items(wrong, Path::new("")).err().unwrap();
        assert!(error.exit_code() == 2 && error.to_string().contains("item tokens"), "{error}");
    }
}
