//! The engine against burn's graph, on the CPU and on a GPU or a software adapter.

mod constraints;
mod continuations;
mod continuous;
mod memory;
mod stored;

use std::ops::ControlFlow;

use burn::module::Param;
use burn::tensor::{Device, TensorData};
use tiller_kernels::decode::KvFormat;
use tiller_kernels::decode_cpu::Isa;
use tiller_kernels::quant::QuantScheme;
use tiller_kernels::test_gpu;

use super::*;
use crate::generate::{GenerateOptions, GenerateRequest, Generator, GraphGenerator, Sampling};
use crate::llama::testing::tiny_config;
use crate::lora::LoraConfig;
use crate::memory::ComputeDevice;
use crate::train::{ForwardOptions, Sample};

const PROMPTS: [&[u32]; 8] =
    [&[3, 14, 15, 9, 26, 5], &[35], &[8, 9, 7], &[9, 32, 38, 4, 6, 2], &[1; 33], &[2, 2], &[30], &[7, 8, 9, 10]];

fn prompts() -> Vec<Vec<u32>> {
    PROMPTS.iter().map(|prompt| prompt.to_vec()).collect()
}

/// The CPU and a GPU or a software adapter.
fn devices() -> [Device; 2] {
    [Device::flex(), test_gpu().device]
}

/// Two blocks, grouped queries, a head of 8.
fn config(tied_embeddings: bool) -> LlamaConfig {
    LlamaConfig { d_model: 32, d_ff: 64, head_dim: 8, max_positions: 128, tied_embeddings, ..tiny_config() }
}

/// A model with weights large enough to have opinions.
fn llama(tied_embeddings: bool, device: &Device) -> Llama {
    Llama::from_scratch(&config(tied_embeddings), 7, device).unwrap()
}

fn adapted(llama: &Llama, targets: &[&str], device: &Device) -> Llama {
    let targets = targets.iter().map(|target| target.to_string()).collect();
    let lora_config = LoraConfig { rank: 3, alpha: 6.0, dropout: 0.0, targets };
    let mut adapter = lora_config.adapter(llama.linears(), 3, device).unwrap();
    for (i, lora) in adapter.loras.values_mut().enumerate() {
        let wave = |n: usize| (0..n).map(|j| ((i * 31 + j) as f32 * 0.7).sin() * 0.2).collect::<Vec<f32>>();
        let shape = lora.b.dims();
        let b = burn::tensor::Tensor::from_data(TensorData::new(wave(shape[0] * shape[1]), shape), device);
        lora.b = Param::from_tensor(b);
    }
    llama.with_adapter(&adapter).unwrap()
}

fn options(max_batch: usize) -> EngineOptions {
    EngineOptions { max_batch, max_tokens: 64, prefill_chunk: 24, ..EngineOptions::default() }
}

fn how(sampling: Sampling) -> GenerateOptions {
    GenerateOptions { max_new_tokens: 20, sampling, seed: 4 }
}

const GREEDY: Sampling = Sampling::Greedy;

fn written(engine: &mut Engine, prompts: &[Vec<u32>], how: &GenerateOptions) -> Vec<Vec<u32>> {
    engine.generate(GenerateRequest::new(prompts, *how)).unwrap()
}

fn by_graph(llama: &Llama, prompts: &[Vec<u32>], how: &GenerateOptions) -> Vec<Vec<u32>> {
    GraphGenerator::new(llama).generate(GenerateRequest::new(prompts, *how)).unwrap()
}

#[test]
fn it_generates_what_the_graph_generates() {
    for device in devices() {
        let random = |top_k, top_p| Sampling::Random { temperature: 1.0, top_k, top_p };
        for (tied, targets) in [(true, &[][..]), (false, &["all-linear"]), (true, &["q_proj", "up_proj", "lm_head"])] {
            let mut llama = llama(tied, &device);
            if !targets.is_empty() {
                llama = adapted(&llama, targets, &device);
            }
            let mut engine = Engine::from_llama(&llama, options(3)).unwrap();
            for sampling in [GREEDY, random(0, 1.0), random(7, 0.9)] {
                let how = how(sampling);
                assert_eq!(
                    written(&mut engine, &prompts(), &how),
                    by_graph(&llama, &prompts(), &how),
                    "{targets:?} {sampling:?}"
                );
            }
        }
    }
}

#[test]
fn packed_weights_write_what_the_graph_over_them_writes() {
    for device in devices() {
        for scheme in [QuantScheme::F16, QuantScheme::Q8, QuantScheme::Q4] {
            let folder = tempfile::tempdir().unwrap();
            llama(true, &device).write(folder.path()).unwrap();
            let llama = Llama::load_quantized(folder.path(), Some(scheme), &device).unwrap();
            let llama = adapted(&llama, &["all-linear"], &device);
            let mut engine = Engine::from_llama(&llama, options(8)).unwrap();
            assert_eq!(
                written(&mut engine, &prompts(), &how(GREEDY)),
                by_graph(&llama, &prompts(), &how(GREEDY)),
                "{scheme}"
            );
        }
    }
}

#[test]
fn a_batch_writes_what_each_row_writes_alone_whatever_the_cache() {
    for device in devices() {
        let llama = llama(true, &device);
        for kv in KvFormat::ALL {
            let options = EngineOptions { kv_dtype: kv, ..options(8) };
            let together = written(&mut Engine::from_llama(&llama, options).unwrap(), &prompts(), &how(GREEDY));
            let mut alone = Engine::from_llama(&llama, EngineOptions { max_batch: 1, ..options }).unwrap();
            for (prompt, together) in prompts().into_iter().zip(together) {
                assert_eq!(written(&mut alone, &[prompt], &how(GREEDY)), [together], "{kv}");
            }
        }
    }
}

#[test]
fn long_prompts_are_read_in_tiles_and_give_what_they_give_in_groups() {
    for device in devices() {
        let llama = adapted(&llama(true, &device), &["all-linear"], &device);
        // Two prompts with a common prefix that does not fill its tiles, and a short one; steps of 90 tokens cut them anywhere.
        let begin: Vec<u32> = (0..100).map(|i| i * 7 % 40).collect();
        let prompts = [[&begin[..], &[3, 1]].concat(), [&begin[..67], &[9; 21]].concat(), vec![5, 8, 2]];
        let how = GenerateOptions { max_new_tokens: 4, ..how(GREEDY) };
        let expected = by_graph(&llama, &prompts, &how);
        for kv in KvFormat::ALL {
            let options = EngineOptions {
                max_batch: 3,
                max_tokens: 120,
                prefill_chunk: 90,
                kv_dtype: kv,
                ..EngineOptions::default()
            };
            let mut in_tiles = Engine::from_llama(&llama, options).unwrap();
            let mut in_groups = Engine::from_llama(&llama, EngineOptions { prefill_chunk: 8, ..options }).unwrap();
            let found = written(&mut in_tiles, &prompts, &how);
            assert_eq!(found, written(&mut in_groups, &prompts, &how), "{kv}");
            assert!(in_tiles.work().bytes < in_groups.work().bytes, "the weights are read once for many tokens");
            if kv == KvFormat::F32 {
                assert_eq!(found, expected);
            }
            // What is in the cache by now is not read again, and what is left of the prompts is the end of a tile.
            assert_eq!(written(&mut in_tiles, &prompts, &how), found, "{kv}");
        }
    }
}

#[test]
fn sequences_of_a_batch_use_adapters_of_their_own() {
    for device in devices() {
        let base = llama(true, &device);
        let first = adapted(&base, &["all-linear"], &device);
        let second = adapted(&base, &["q_proj", "down_proj", "lm_head"], &device);
        let mut engine = Engine::from_llama(&base, options(4)).unwrap();
        assert_eq!(engine.adapters(), 0);
        engine.load_adapters(&[&first, &second]).unwrap();
        assert_eq!(engine.adapters(), 2);
        // The long prompt comes once for each: keys and values of one adapter are no other's. In steps of up to 24 tokens and, with memory
        // for more sequences, in tiles of many.
        let mut prompts = prompts();
        prompts.extend([vec![1; 33], vec![1; 33]]);
        let adapters: Vec<usize> = (0..prompts.len()).map(|i| i % 3).collect();
        let through = |(prompt, adapter): (&Vec<u32>, &usize)| {
            by_graph([&base, &first, &second][*adapter], std::slice::from_ref(prompt), &how(GREEDY)).remove(0)
        };
        let expected: Vec<Vec<u32>> = prompts.iter().zip(&adapters).map(through).collect();
        assert_ne!(expected[4], expected[8], "adapters make a difference");
        for _ in 0..2 {
            let request = GenerateRequest::new(&prompts, how(GREEDY)).with_adapters(&adapters);
            assert_eq!(engine.generate(request).unwrap(), expected);
            engine.reserve(100, 64).unwrap();
        }
        let alone = written(&mut engine, &prompts[..1], &how(GREEDY));
        assert_eq!(alone, by_graph(&first, &prompts[..1], &how(GREEDY)), "the first, unless the request names another");
    }
}

#[test]
fn rows_end_with_stop_tokens_and_a_break_ends_all() {
    for device in devices() {
        let llama = llama(true, &device);
        let mut engine = Engine::from_llama(&llama, options(3)).unwrap();
        let free = written(&mut engine, &prompts(), &how(GREEDY));
        let (prompts_, stop_ids) = (prompts(), [free[0][3]]);
        let request = || GenerateRequest::new(&prompts_, how(GREEDY));
        let expected = GraphGenerator::new(&llama).generate(request().stop_at(&stop_ids)).unwrap();
        assert_eq!(engine.generate(request().stop_at(&stop_ids)).unwrap(), expected);

        let mut told = 0;
        let mut on_token = |_, _| {
            told += 1;
            if told == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let broken = engine.generate(request().on_token(&mut on_token));
        assert_eq!(broken.unwrap().iter().map(Vec::len).sum::<usize>(), 7);
        assert_eq!(written(&mut engine, &prompts(), &how(GREEDY)), free, "nothing is left behind");
    }
}

#[test]
fn integer_products_are_chosen_and_agree_closely() {
    for device in devices() {
        let folder = tempfile::tempdir().unwrap();
        llama(true, &device).write(folder.path()).unwrap();
        let llama = Llama::load_quantized(folder.path(), Some(QuantScheme::Q8), &device).unwrap();
        let tokens: Vec<u32> = (0..12).map(|i| i * 7 % 40).collect();
        let of = |integer_products| {
            let mut engine = Engine::from_llama(&llama, EngineOptions { integer_products, ..options(1) }).unwrap();
            let log_probs = engine.log_probs(&tokens).unwrap();
            (log_probs, engine.work().launches)
        };
        let ((exact, launches), (rounded, more)) = (of(false), of(true));
        // On a GPU every product of both blocks and the logits have their columns in int8, on a CPU in 16 bits.
        let (of_columns, tolerance) = if gpu_of(&device).is_some() { (2 * 4 + 1, 0.1) } else { (0, 5e-4) };
        assert_eq!(more, launches + of_columns);
        assert_eq!(exact != rounded, gpu_of(&device).is_some() || Isa::best().has_integer_products());
        for (exact, rounded) in exact.iter().zip(rounded) {
            assert!((exact - rounded).abs() < tolerance, "{rounded}, exactly {exact}");
        }
    }
}

#[test]
fn log_probabilities_are_those_of_the_graph() {
    for device in devices() {
        let llama = llama(false, &device);
        let mut engine = Engine::from_llama(&llama, options(2)).unwrap();
        let tokens: Vec<u32> = (0..50).map(|i| i * 7 % 40).collect();
        let samples = [Sample { tokens: tokens.clone(), scored: 1..50 }];
        let expected: Vec<f32> = llama.score(&samples, &ForwardOptions::default()).log_probs.try_into_vec_as().unwrap();
        let found = engine.log_probs(&tokens).unwrap();
        assert_eq!(found.len(), 49);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - f64::from(expected)).abs() < 1e-4, "{found}, expected {expected}");
        }
    }
}
