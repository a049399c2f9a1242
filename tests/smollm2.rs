//! SmolLM2-135M, which is too large to be tested with every change:
//!
//! ```console
//! $ tiller pull smollm2-135m
//! $ cargo test --release --workspace --test tests -- smollm2 --ignored --nocapture
//! ```

use std::path::Path;

use burn::tensor::Device;
use tiller::pull::resolve_model;
use tiller_kernels::test_gpu;
use tiller_models::chat::{Message, Role};
use tiller_models::engine::{Engine, EngineOptions};
use tiller_models::generate::{GenerateOptions, GenerateRequest, Generator, GraphGenerator, Sampling};
use tiller_models::language_model::LanguageModel;

const ASKED: [&str; 2] =
    ["Recommend ten films about the sea.", "Name three rivers of Europe, and say where each one ends."];

const GREEDY: GenerateOptions = GenerateOptions { max_new_tokens: 64, sampling: Sampling::Greedy, seed: 0 };

fn options(prompts: &[Vec<u32>]) -> EngineOptions {
    EngineOptions { max_batch: prompts.len(), max_tokens: 256, prefill_chunk: 64, ..EngineOptions::default() }
}

/// The prompts, and the answers of the graph on the CPU.
fn by_graph(path: &Path) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    let LanguageModel { llama, codec, .. } = LanguageModel::load(path, None, &Device::flex()).unwrap();
    let prompt = |asked: &&str| codec.encode_chat(&[Message::new(Role::User, *asked)]).unwrap();
    let prompts: Vec<Vec<u32>> = ASKED.iter().map(prompt).collect();
    let answers = GraphGenerator::new(&llama).generate(GenerateRequest::new(&prompts, GREEDY)).unwrap();
    for (asked, answer) in ASKED.iter().zip(&answers) {
        println!("{asked}\n{}\n", codec.tokenizer.decode(answer, true).unwrap());
        assert_eq!(answer.len(), 64);
    }
    (prompts, answers)
}

#[test]
#[ignore = "needs `tiller pull smollm2-135m`, and minutes on a software adapter"]
fn the_engine_writes_64_tokens_of_smollm2_as_the_graph_does_on_a_gpu() {
    let path = resolve_model("smollm2-135m").unwrap();
    let (prompts, expected) = by_graph(&path);
    let model = LanguageModel::load(&path, None, &test_gpu().device).unwrap();
    let mut engine = Engine::from_llama(&model.llama, options(&prompts)).unwrap();
    assert_eq!(engine.generate(GenerateRequest::new(&prompts, GREEDY)).unwrap(), expected);
}

#[test]
#[ignore = "needs `tiller pull smollm2-135m`"]
fn the_engine_writes_64_tokens_of_smollm2_as_the_graph_does_on_a_cpu() {
    let path = resolve_model("smollm2-135m").unwrap();
    let (prompts, expected) = by_graph(&path);
    for integer_products in [false, true] {
        let options = EngineOptions { integer_products, ..options(&prompts) };
        let mut engine = Engine::open(&path, &Device::flex(), options).unwrap();
        let found = engine.generate(GenerateRequest::new(&prompts, GREEDY)).unwrap();
        assert_eq!(found, expected, "in integers: {integer_products}");
    }
}
