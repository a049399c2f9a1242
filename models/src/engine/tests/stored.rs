//! Engines straight from files: the bits stay, and so does what is written.

use burn::tensor::Device;
use tiller_kernels::quant::Blocks;

use super::*;
use crate::llama::files::ModelFiles;
use crate::lora::Adapter;
use crate::quantize::quantize;

/// The engine of a file, with the model that is loaded from it.
fn both(path: &std::path::Path, device: &Device) -> (Engine, Llama) {
    let files = ModelFiles::open(path).unwrap();
    (Engine::from_files(&files, None, device, options(3)).unwrap(), Llama::load(path, device).unwrap())
}

#[test]
fn weights_keep_the_bits_of_their_file() {
    let device = test_gpu().device;
    let place = tempfile::tempdir().unwrap();
    for tied in [true, false] {
        let folder = place.path().join("folder");
        llama(tied, &Device::flex()).write(&folder).unwrap();
        for blocks in [Blocks::F32, Blocks::F16, Blocks::Q8_0, Blocks::Q4_1, Blocks::Q4_0] {
            let file = place.path().join("model.gguf");
            quantize(&folder, blocks, &file, &mut |_, _, _| {}).unwrap();
            let (mut engine, llama) = both(&file, &device);
            assert_eq!(
                engine.weight_bytes(),
                weights::bytes_in(&config(tied), blocks.scheme()),
                "{blocks}, tied {tied}"
            );
            assert_eq!(written(&mut engine, &prompts(), &how(GREEDY)), by_graph(&llama, &prompts(), &how(GREEDY)));
        }
        let (mut engine, llama) = both(&folder, &device);
        assert_eq!(engine.weight_bytes(), weights::bytes_in(&config(tied), QuantScheme::F32));
        assert_eq!(written(&mut engine, &prompts(), &how(GREEDY)), by_graph(&llama, &prompts(), &how(GREEDY)));
    }
}

#[test]
fn a_scheme_that_is_asked_for_is_the_same_from_a_file_and_from_the_graph() {
    let device = test_gpu().device;
    let place = tempfile::tempdir().unwrap();
    llama(false, &Device::flex()).write(place.path()).unwrap();
    let options = EngineOptions { quant: Some(QuantScheme::Q8), ..options(3) };
    let files = ModelFiles::open(place.path()).unwrap();
    let mut of_file = Engine::from_files(&files, None, &device, options).unwrap();
    let mut of_graph = Engine::from_llama(&Llama::load(place.path(), &device).unwrap(), options).unwrap();
    assert_eq!(of_file.weight_bytes(), of_graph.weight_bytes());
    assert_eq!(written(&mut of_file, &prompts(), &how(GREEDY)), written(&mut of_graph, &prompts(), &how(GREEDY)));
}

#[test]
fn an_adapter_goes_with_a_file_and_one_of_another_model_is_refused() {
    let device = test_gpu().device;
    let place = tempfile::tempdir().unwrap();
    let base = llama(true, &Device::flex());
    base.write(place.path()).unwrap();
    let mut adapter =
        Adapter { loras: Default::default(), dropout: 0.0, rank_stabilised: false, base_model: None, items: None };
    adapter.take_from(adapted(&base, &["all-linear", "lm_head"], &Device::flex()).linears());
    let files = ModelFiles::open(place.path()).unwrap();
    let mut engine = Engine::from_files(&files, Some(&adapter), &device, options(3)).unwrap();
    let expected = by_graph(&base.with_adapter(&adapter).unwrap(), &prompts(), &how(GREEDY));
    assert_eq!(written(&mut engine, &prompts(), &how(GREEDY)), expected);
    assert_ne!(by_graph(&base, &prompts(), &how(GREEDY)), expected);

    let part = adapter.loras.remove("lm_head").unwrap();
    adapter.loras.insert("model.layers.0.mlp.up_proj".into(), part);
    let error = Engine::from_files(&files, Some(&adapter), &device, options(3)).err().unwrap();
    assert!(error.to_string().contains("up_proj"), "{error}");
}
