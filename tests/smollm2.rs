//! SmolLM2-135M, which is too large to be tested with every change:
//!
//! ```console
//! $ tiller pull smollm2-135m
//! $ cargo test --release --workspace --test tests -- smollm2 --ignored --nocapture
//! ```

use burn::tensor::Device;
use tiller::pull::resolve_model;
use tiller_kernels::test_gpu;
use tiller_models::chat::{Message, Role};
use tiller_models::engine::{Engine, EngineOptions};
use tiller_models::generate::{GenerateOptions, GenerateRequest, Generator, GraphGenerator, Sampling};
use tiller_models::language_model::LanguageModel;

const ASKED: [&str; 2] =
    ["Recommend ten films about the sea.", "Name three rivers of Europe, and say where each one ends."];

#[test]
#[ignore = "needs `tiller pull smollm2-135m`, and minutes on a software adapter"]
fn the_engine_writes_64_tokens_of_smollm2_as_the_graph_does() {
    let path = resolve_model("smollm2-135m").unwrap();
    let how = GenerateOptions { max_new_tokens: 64, sampling: Sampling::Greedy, seed: 0 };
    let on = |device: &Device| LanguageModel::load(&path, None, device).unwrap();

    let cpu = on(&Device::flex());
    let prompts: Vec<Vec<u32>> =
        ASKED.iter().map(|asked| cpu.codec.encode_chat(&[Message::new(Role::User, *asked)]).unwrap()).collect();
    let by_graph = GraphGenerator::new(&cpu.llama).generate(GenerateRequest::new(&prompts, how)).unwrap();

    let gpu = on(&test_gpu().device);
    let options =
        EngineOptions { max_batch: prompts.len(), max_tokens: 256, prefill_chunk: 64, ..EngineOptions::default() };
    let mut engine = Engine::from_llama(&gpu.llama, options).unwrap();
    let by_engine = engine.generate(GenerateRequest::new(&prompts, how)).unwrap();
    for ((asked, graph), engine) in ASKED.iter().zip(&by_graph).zip(&by_engine) {
        println!("{asked}\n{}\n", cpu.codec.tokenizer.decode(graph, true).unwrap());
        assert_eq!((graph.len(), engine), (64, graph), "{asked}");
    }
}
