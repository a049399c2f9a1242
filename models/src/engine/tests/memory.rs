//! The work of a step and the memory of an engine: launches, bytes, shared prefixes, reserved lengths.

use super::*;

#[test]
fn a_decoding_step_is_six_launches_a_block_and_reads_weights_and_cache_once() {
    let llama = llama(true, &test_gpu().device);
    let mut engine = Engine::from_llama(&llama, options(1)).unwrap();
    let prompt = vec![5; 17];
    let generate = |engine: &mut Engine, max_new_tokens| {
        let how = GenerateOptions { max_new_tokens, ..how(GREEDY) };
        let before = engine.work();
        written(engine, std::slice::from_ref(&prompt), &how);
        let after = engine.work();
        (after.launches - before.launches, after.bytes - before.bytes, after.steps - before.steps)
    };
    generate(&mut engine, 1);
    let (one, two) = (generate(&mut engine, 1), generate(&mut engine, 2));
    // Embedding, two blocks, logits, choice.
    assert_eq!((two.0 - one.0, two.2 - one.2), (1 + 2 * 6 + 1 + 1, 1));
    let row_of_embedding = QuantScheme::F32.bytes(1, 32);
    let expected = engine.weight_bytes() + row_of_embedding + 18 * engine.kv_bytes_per_token();
    assert_eq!(two.1 - one.1, expected);
}

#[test]
fn the_memory_of_an_engine_is_estimated() {
    for (device, tied) in devices().into_iter().flat_map(|device| [true, false].map(|tied| (device.clone(), tied))) {
        for scheme in [None, Some(QuantScheme::Q4), Some(QuantScheme::Q8)] {
            let options = EngineOptions { quant: scheme, ..options(2) };
            let engine = Engine::from_llama(&llama(tied, &device), options).unwrap();
            let (weights, footprint) =
                Engine::estimate_memory(&config(tied), &options, ComputeDevice::of(&device)).unwrap();
            assert_eq!((weights, footprint), (engine.weight_bytes(), engine.footprint()), "{scheme:?}");
        }
    }
}

#[test]
fn a_common_prefix_is_computed_once() {
    for device in devices() {
        let llama = llama(true, &device);
        let mut engine = Engine::from_llama(&llama, options(4)).unwrap();
        let prompts: Vec<Vec<u32>> = (0..4).map(|last| [vec![9; 39], vec![last]].concat()).collect();
        let how = GenerateOptions { max_new_tokens: 3, ..how(GREEDY) };
        let before = engine.work().tokens;
        let together = written(&mut engine, &prompts, &how);
        // Two whole pages are shared; two of the three new tokens are read again by each row.
        assert_eq!(engine.work().tokens - before, 40 + 3 * 8 + 4 * 2);
        assert_eq!(together, by_graph(&llama, &prompts, &how));
        let before = engine.work().tokens;
        assert_eq!(written(&mut engine, &prompts, &how), together);
        assert_eq!(engine.work().tokens - before, 4 * (8 + 2), "it is still known");
    }
}

#[test]
fn memory_is_reserved_and_longer_sequences_are_refused() {
    for device in devices() {
        let llama = llama(true, &device);
        let mut engine = Engine::from_llama(&llama, options(1)).unwrap();
        let long = vec![vec![3; 60]];
        let request = || GenerateRequest::new(&long, how(GREEDY));
        let error = engine.generate(request()).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("at most 64 tokens"), "{error}");
        engine.reserve(2, 80).unwrap();
        assert_eq!(engine.generate(request()).unwrap(), by_graph(&llama, &long, &how(GREEDY)));
        let error = engine.reserve(100_000, 100_000).unwrap_err();
        assert_eq!(error.exit_code(), 3, "{error}");
    }
}
