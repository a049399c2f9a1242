//! The decode engine on the recorded models: it writes what burn's graph writes, whatever else is in the batch, for what it may cost.

use burn::tensor::Device;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::quant::QuantScheme;
use tiller_kernels::test_gpu;
use tiller_models::engine::{Engine, EngineOptions};
use tiller_models::generate::{GenerateOptions, GenerateRequest, Generator, GraphGenerator, Sampling};
use tiller_models::llama::Llama;

use crate::state::{Golden, MODELS, SEQ};

const GREEDY: GenerateOptions = GenerateOptions { max_new_tokens: 20, sampling: Sampling::Greedy, seed: 0 };

fn options(max_batch: usize) -> EngineOptions {
    EngineOptions { max_batch, max_tokens: 64, prefill_chunk: 32, ..EngineOptions::default() }
}

/// The model without an adapter, and with the one that was trained.
fn models(golden: &Golden, device: &Device) -> [(&'static str, Llama); 2] {
    let base = Llama::load(&golden.folder, device).unwrap();
    let adapted = golden.trained(&base, device);
    [("alone", base), ("with its adapter", adapted)]
}

/// Eight beginnings of different lengths, out of the recorded rows.
fn prompts(golden: &Golden) -> Vec<Vec<u32>> {
    let batch = golden.batch();
    let rows: Vec<&[u32]> = batch.tokens.chunks_exact(SEQ).zip(&batch.padding).map(|(row, p)| &row[*p..]).collect();
    let lengths = [1, 7, 2, 16, 5, 11, 3, 9];
    lengths.into_iter().enumerate().map(|(i, length)| rows[i % 3][..length.min(rows[i % 3].len())].to_vec()).collect()
}

fn written(engine: &mut Engine, prompts: &[Vec<u32>], how: &GenerateOptions) -> Vec<Vec<u32>> {
    engine.generate(GenerateRequest::new(prompts, *how)).unwrap()
}

#[test]
fn greedy_answers_are_the_graphs_with_and_without_an_adapter() {
    for device in [Device::flex(), test_gpu().device] {
        for name in MODELS {
            let golden = Golden::open(name);
            let recorded: Vec<u32> = golden.ids("greedy").iter().map(|id| *id as u32).collect();
            let (prompt, continuation) = recorded.split_at(10);
            for (what, llama) in models(&golden, &device) {
                let mut engine = Engine::from_llama(&llama, options(8)).unwrap();
                let mut prompts = prompts(&golden);
                prompts.push(prompt.to_vec());
                let found = written(&mut engine, &prompts, &GREEDY);
                let by_graph = GraphGenerator::new(&llama).generate(GenerateRequest::new(&prompts, GREEDY)).unwrap();
                assert_eq!(found, by_graph, "{name} {what}");
                assert_eq!(found[8] == continuation, what == "with its adapter", "{name} {what}");
            }
        }
    }
}

#[test]
fn eight_sequences_of_mixed_lengths_write_what_each_writes_alone() {
    for device in [Device::flex(), test_gpu().device] {
        for name in MODELS {
            let golden = Golden::open(name);
            let [(_, base), (_, adapted)] = models(&golden, &device);
            for (llama, kv) in [(&adapted, KvFormat::F32), (&base, KvFormat::F16), (&base, KvFormat::Int8)] {
                let options = EngineOptions { kv_dtype: kv, ..options(8) };
                let together = written(&mut Engine::from_llama(llama, options).unwrap(), &prompts(&golden), &GREEDY);
                let mut alone = Engine::from_llama(llama, EngineOptions { max_batch: 1, ..options }).unwrap();
                for (prompt, together) in prompts(&golden).into_iter().zip(together) {
                    assert_eq!(written(&mut alone, &[prompt], &GREEDY), [together], "{name} {kv}");
                }
            }
        }
    }
}

#[test]
fn a_token_costs_six_launches_a_layer_and_one_read_of_weights_and_cache() {
    let device = test_gpu().device;
    for name in MODELS {
        let golden = Golden::open(name);
        let llama = Llama::load(&golden.folder, &device).unwrap();
        for scheme in [QuantScheme::F32, QuantScheme::Q4] {
            let mut engine = Engine::from_llama(&llama, EngineOptions { quant: Some(scheme), ..options(1) }).unwrap();
            let prompt = vec![5; 30];
            let mut cost = |max_new_tokens| {
                let before = engine.work();
                written(&mut engine, std::slice::from_ref(&prompt), &GenerateOptions { max_new_tokens, ..GREEDY });
                (engine.work().launches - before.launches, engine.work().bytes - before.bytes)
            };
            cost(1);
            let (one, two) = (cost(1), cost(2));
            let (launches, bytes) = (two.0 - one.0, two.1 - one.1);
            let config = llama.config();
            // Beside the layers: embedding, logits, choice.
            assert!(launches - 3 <= 6 * config.n_layers, "{name}: {launches} launches");
            // Of an embedding of its own, one row is read.
            let table = if config.tied_embeddings { 0 } else { scheme.bytes(config.vocab_size, config.d_model) };
            let needed = engine.weight_bytes() - table + 31 * engine.kv_bytes_per_token();
            let ratio = bytes as f64 / needed as f64;
            assert!((0.9..1.1).contains(&ratio), "{name} {scheme}: {bytes} bytes, {needed} needed");
        }
    }
}
