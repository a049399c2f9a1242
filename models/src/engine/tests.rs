//! The engine against burn's graph, on the CPU and on a GPU or a software adapter.

mod continuations;
mod stored;

use std::ops::ControlFlow;

use burn::module::Param;
use burn::tensor::{Device, TensorData};
use tiller_kernels::decode::KvFormat;
use tiller_kernels::decode_cpu::Isa;
use tiller_kernels::quant::QuantScheme;
use tiller_kernels::test_gpu;

use super::*;
use crate::generate::testing::Drafting;
use crate::generate::{
    Allowed, GenerateOptions, GenerateRequest, Generator, GraphGenerator, Sampling, TokenConstraint, TokenLogprob,
};
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

/// Forced runs and short lists in turn, then no constraint; records the log-probabilities.
#[derive(Clone)]
struct Strict {
    taken: usize,
    needs_logits: bool,
    logprobs: Vec<Option<TokenLogprob>>,
}

const LIST: [u32; 5] = [2, 11, 17, 30, 39];

impl TokenConstraint for Strict {
    fn allowed(&self) -> Allowed<'_> {
        match self.taken {
            0..3 => Allowed::Forced(&LIST[self.taken..3]),
            3 | 5 | 9 => Allowed::OneOf(&LIST),
            6 => Allowed::Forced(&[5, 6, 7]),
            7 => Allowed::Forced(&[6, 7]),
            8 => Allowed::Forced(&[7]),
            14 => Allowed::Forced(&[]),
            _ => Allowed::Any,
        }
    }

    fn accept(&mut self, _token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        self.taken += 1;
        self.logprobs.push(logprob.copied());
        Ok(())
    }

    fn needs_logits(&self) -> bool {
        self.needs_logits
    }
}

#[test]
fn constraints_hold_and_see_the_logprobs_of_the_graph() {
    for device in devices() {
        let llama = llama(true, &device);
        for needs_logits in [false, true] {
            for sampling in [GREEDY, Sampling::Random { temperature: 1.3, top_k: 0, top_p: 1.0 }] {
                let new = vec![Strict { taken: 0, needs_logits, logprobs: Vec::new() }; 8];
                let (mut ours, mut theirs) = (new.clone(), new);
                let mut engine = Engine::from_llama(&llama, options(5)).unwrap();
                let prompts = prompts();
                let request = || GenerateRequest::new(&prompts, how(sampling));
                let found = engine.generate(request().constrained_by(&mut ours)).unwrap();
                let mut graph = GraphGenerator::new(&llama);
                assert_eq!(found, graph.generate(request().constrained_by(&mut theirs)).unwrap());
                for (ours, theirs) in ours.iter().zip(&theirs) {
                    assert_eq!(ours.logprobs.len(), 14);
                    for (ours, theirs) in ours.logprobs.iter().zip(&theirs.logprobs) {
                        match (ours, theirs) {
                            (None, None) => {}
                            (Some(ours), Some(theirs)) => {
                                assert_eq!(ours.argmax_token, theirs.argmax_token);
                                assert!((ours.log_prob - theirs.log_prob).abs() < 1e-4, "{ours:?} {theirs:?}");
                                assert!((ours.allowed_prob - theirs.allowed_prob).abs() < 1e-4, "{ours:?} {theirs:?}");
                            }
                            _ => panic!("{ours:?} {theirs:?}"),
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_stop_id_ends_free_text_and_nothing_that_a_constraint_chose() {
    for device in devices() {
        let llama = llama(true, &device);
        let mut engine = Engine::from_llama(&llama, options(3)).unwrap();
        let mut graph = GraphGenerator::new(&llama);
        // All that the constraint forces or lists, and with them whatever free text begins with.
        let stop_ids: Vec<u32> = (0..40).collect();
        for needs_logits in [false, true] {
            let new = vec![Strict { taken: 0, needs_logits, logprobs: Vec::new() }; 8];
            let prompts = prompts();
            let lists = |generator: &mut dyn Generator| {
                let mut constraints = new.clone();
                let request = GenerateRequest::new(&prompts, how(GREEDY)).constrained_by(&mut constraints);
                generator.generate(request.stop_at(&stop_ids)).unwrap()
            };
            let found = lists(&mut engine);
            assert_eq!(found, lists(&mut graph));
            assert_eq!(
                found.iter().map(Vec::len).collect::<Vec<_>>(),
                [5; 8],
                "three forced, one of a list, the first free"
            );
        }
        let constraint = |ahead| Drafting::new(vec![2; 11], ahead, false);
        for ahead in [0, 3] {
            let mut constraints = vec![constraint(ahead); 8];
            let prompts = prompts();
            let request = GenerateRequest::new(&prompts, how(GREEDY)).constrained_by(&mut constraints);
            let lengths: Vec<usize> =
                engine.generate(request.stop_at(&stop_ids)).unwrap().iter().map(Vec::len).collect();
            assert_eq!(lengths, [20; 8]);
        }
    }
}

#[test]
fn drafts_are_accepted_as_far_as_they_agree_and_change_nothing() {
    for device in devices() {
        let llama = llama(true, &device);
        let mut engine = Engine::from_llama(&llama, options(5)).unwrap();
        for sampling in [GREEDY, Sampling::Random { temperature: 1.3, top_k: 0, top_p: 1.0 }] {
            for needs_logits in [false, true] {
                let mut written = |ahead: usize, expected: &dyn Fn(usize) -> Vec<u32>| {
                    let mut constraints: Vec<Drafting> =
                        (0..PROMPTS.len()).map(|row| Drafting::new(expected(row), ahead, needs_logits)).collect();
                    let prompts = prompts();
                    let request = GenerateRequest::new(&prompts, how(sampling)).constrained_by(&mut constraints);
                    (
                        engine.generate(request).unwrap(),
                        constraints.iter().map(|constraint| constraint.steps).sum::<usize>(),
                    )
                };
                let (plain, steps) = written(0, &|_| vec![2; 11]);
                assert_eq!(steps, 10 * PROMPTS.len());
                let right = |row: usize| plain[row].iter().copied().step_by(2).chain([2]).collect::<Vec<u32>>();
                let (drafted, steps) = written(3, &right);
                assert_eq!(drafted, plain);
                assert!(
                    steps <= 5 * PROMPTS.len(),
                    "{steps} steps: a draft of three is shortened where there is no room"
                );
                let half = |row: usize| {
                    let other = |(at, token): (usize, u32)| if (at + row).is_multiple_of(3) { 7 } else { token };
                    right(row).into_iter().enumerate().map(other).collect::<Vec<u32>>()
                };
                for ahead in [1, 2, 9] {
                    assert_eq!(written(ahead, &half).0, plain, "{ahead} ahead");
                }
            }
        }
    }
}

#[test]
fn biased_choices_are_those_of_the_graph() {
    for device in devices() {
        let llama = llama(true, &device);
        let mut engine = Engine::from_llama(&llama, options(5)).unwrap();
        let biases = [-3.0, -0.5, 0.0, -1.0, -4.0];
        let truncated = Sampling::Random { temperature: 1.3, top_k: 3, top_p: 0.9 };
        for sampling in [GREEDY, Sampling::Random { temperature: 1.3, top_k: 0, top_p: 1.0 }, truncated] {
            for (weight, needs_logits) in [(0.0, false), (0.4, false), (0.4, true), (1.0, false)] {
                let biases = if weight == 1.0 { [-0.0; 5] } else { biases };
                let constraints = |ahead: usize| -> Vec<Drafting> {
                    let drafting = || Drafting::new(vec![11; 11], ahead, needs_logits);
                    (0..PROMPTS.len()).map(|_| drafting().biased(weight, biases)).collect()
                };
                let prompts = prompts();
                let mut theirs = constraints(0);
                let expected = GraphGenerator::new(&llama)
                    .generate(GenerateRequest::new(&prompts, how(sampling)).constrained_by(&mut theirs))
                    .unwrap();
                for ahead in [0, 3] {
                    let mut ours = constraints(ahead);
                    let request = GenerateRequest::new(&prompts, how(sampling)).constrained_by(&mut ours);
                    let found = engine.generate(request).unwrap();
                    assert_eq!(found, expected, "weight {weight}, {sampling:?}");
                }
                if weight == 1.0 {
                    let unbiased = || (0..PROMPTS.len()).map(|_| Drafting::new(vec![11; 11], 0, needs_logits));
                    let mut unbiased: Vec<Drafting> = unbiased().collect();
                    let request = GenerateRequest::new(&prompts, how(sampling)).constrained_by(&mut unbiased);
                    assert_eq!(engine.generate(request).unwrap(), expected);
                }
            }
        }
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
