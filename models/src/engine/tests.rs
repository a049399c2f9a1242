//! The engine against burn's graph, on a GPU or a software adapter.

mod stored;

use std::ops::ControlFlow;

use burn::module::Param;
use burn::tensor::{Device, TensorData};
use tiller_kernels::decode::KvFormat;
use tiller_kernels::device::test_gpu;
use tiller_kernels::quant::QuantScheme;

use super::*;
use crate::llama::testing::{Drafting, tiny_config};
use crate::llama::{
    Allowed, GenerateOptions, Sampling, TokenConstraint, TokenLogprob, Unconstrained, generate, generate_constrained,
};
use crate::lora::LoraConfig;
use crate::train::{ForwardOptions, Sample};

const PROMPTS: [&[u32]; 8] =
    [&[3, 14, 15, 9, 26, 5], &[35], &[8, 9, 7], &[9, 32, 38, 4, 6, 2], &[1; 33], &[2, 2], &[30], &[7, 8, 9, 10]];

fn prompts() -> Vec<Vec<u32>> {
    PROMPTS.iter().map(|prompt| prompt.to_vec()).collect()
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
    let recipe = LoraConfig { rank: 3, alpha: 6.0, dropout: 0.0, targets };
    let mut adapter = recipe.adapter(llama.linears(), 3, device).unwrap();
    for (i, lora) in adapter.loras.values_mut().enumerate() {
        let wave = |n: usize| (0..n).map(|j| ((i * 31 + j) as f32 * 0.7).sin() * 0.2).collect::<Vec<f32>>();
        let shape = lora.b.dims();
        let b = burn::tensor::Tensor::from_data(TensorData::new(wave(shape[0] * shape[1]), shape), device);
        lora.b = Param::from_tensor(b);
    }
    llama.with_adapter(&adapter).unwrap()
}

fn options(rows: usize) -> EngineOptions {
    EngineOptions { rows, max_tokens: 64, chunk: 24, ..EngineOptions::default() }
}

fn how(sampling: Sampling) -> GenerateOptions {
    GenerateOptions { max_new_tokens: 20, sampling, seed: 4 }
}

const GREEDY: Sampling = Sampling::Greedy;

fn written(engine: &mut Engine, prompts: &[Vec<u32>], how: &GenerateOptions) -> Vec<Vec<u32>> {
    engine.generate(prompts, &[], how, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

fn by_graph(llama: &Llama, prompts: &[Vec<u32>], how: &GenerateOptions) -> Vec<Vec<u32>> {
    generate(llama, prompts, &[], how, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

#[test]
fn it_writes_what_the_graph_writes() {
    let device = test_gpu().device;
    let random = |top_k, top_p| Sampling::Random { temperature: 1.0, top_k, top_p };
    for (tied, targets) in [(true, &[][..]), (false, &["all-linear"]), (true, &["q_proj", "up_proj", "lm_head"])] {
        let mut llama = llama(tied, &device);
        if !targets.is_empty() {
            llama = adapted(&llama, targets, &device);
        }
        let mut engine = Engine::of(&llama, options(3)).unwrap();
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

#[test]
fn packed_weights_write_what_the_graph_over_them_writes() {
    let device = test_gpu().device;
    for scheme in [QuantScheme::F16, QuantScheme::Q8, QuantScheme::Q4] {
        let folder = tempfile::tempdir().unwrap();
        llama(true, &device).write(folder.path()).unwrap();
        let llama = Llama::load_as(folder.path(), Some(scheme), &device).unwrap();
        let llama = adapted(&llama, &["all-linear"], &device);
        let mut engine = Engine::of(&llama, options(8)).unwrap();
        assert_eq!(
            written(&mut engine, &prompts(), &how(GREEDY)),
            by_graph(&llama, &prompts(), &how(GREEDY)),
            "{scheme}"
        );
    }
}

#[test]
fn a_batch_writes_what_each_row_writes_alone_whatever_the_cache() {
    let device = test_gpu().device;
    let llama = llama(true, &device);
    for kv in KvFormat::ALL {
        let options = EngineOptions { kv, ..options(8) };
        let together = written(&mut Engine::of(&llama, options).unwrap(), &prompts(), &how(GREEDY));
        let mut alone = Engine::of(&llama, EngineOptions { rows: 1, ..options }).unwrap();
        for (prompt, together) in prompts().into_iter().zip(together) {
            assert_eq!(written(&mut alone, &[prompt], &how(GREEDY)), [together], "{kv}");
        }
    }
}

#[test]
fn long_prompts_are_read_in_tiles_and_give_what_they_give_in_groups() {
    let device = test_gpu().device;
    let llama = adapted(&llama(true, &device), &["all-linear"], &device);
    // Two prompts with a beginning in common, of which tiles are not full, and a short one; steps of 90 tokens cut them anywhere.
    let begin: Vec<u32> = (0..100).map(|i| i * 7 % 40).collect();
    let prompts = [[&begin[..], &[3, 1]].concat(), [&begin[..67], &[9; 21]].concat(), vec![5, 8, 2]];
    let how = GenerateOptions { max_new_tokens: 4, ..how(GREEDY) };
    let expected = by_graph(&llama, &prompts, &how);
    for kv in KvFormat::ALL {
        let options = EngineOptions { rows: 3, max_tokens: 120, chunk: 90, kv, ..EngineOptions::default() };
        let mut in_tiles = Engine::of(&llama, options).unwrap();
        let mut in_groups = Engine::of(&llama, EngineOptions { chunk: 8, ..options }).unwrap();
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

#[test]
fn rows_of_a_batch_go_through_adapters_of_their_own() {
    let device = test_gpu().device;
    let base = llama(true, &device);
    let first = adapted(&base, &["all-linear"], &device);
    let second = adapted(&base, &["q_proj", "down_proj", "lm_head"], &device);
    let mut engine = Engine::of(&base, options(4)).unwrap();
    assert_eq!(engine.adapters(), 0);
    engine.load_adapters(&[&first, &second]).unwrap();
    assert_eq!(engine.adapters(), 2);
    // The long prompt comes once for each: keys and values of one adapter are no other's. In steps of up to 24 tokens and, with room
    // for more rows, in tiles of many.
    let mut prompts = prompts();
    prompts.extend([vec![1; 33], vec![1; 33]]);
    let adapters: Vec<usize> = (0..prompts.len()).map(|i| i % 3).collect();
    let through = |(prompt, adapter): (&Vec<u32>, &usize)| {
        by_graph([&base, &first, &second][*adapter], std::slice::from_ref(prompt), &how(GREEDY)).remove(0)
    };
    let expected: Vec<Vec<u32>> = prompts.iter().zip(&adapters).map(through).collect();
    assert_ne!(expected[4], expected[8], "adapters make a difference");
    let mut go_on = |_, _| ControlFlow::Continue(());
    for _ in 0..2 {
        let mut constraints = vec![Unconstrained::default(); prompts.len()];
        let found =
            engine.generate_adapted(&prompts, &adapters, &mut constraints, &[], &how(GREEDY), &mut go_on).unwrap();
        assert_eq!(found, expected);
        engine.reserve(100, 64).unwrap();
    }
    let alone = written(&mut engine, &prompts[..1], &how(GREEDY));
    assert_eq!(alone, by_graph(&first, &prompts[..1], &how(GREEDY)), "the first, unless something else is said");
}

/// Forced runs and short lists in turn, then freedom; notes what it hears.
#[derive(Clone)]
struct Strict {
    taken: usize,
    needs_logits: bool,
    heard: Vec<Option<TokenLogprob>>,
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
        self.heard.push(logprob.copied());
        Ok(())
    }

    fn needs_logits(&self) -> bool {
        self.needs_logits
    }
}

#[test]
fn guides_are_followed_and_hear_what_they_hear_from_the_graph() {
    let device = test_gpu().device;
    let llama = llama(true, &device);
    for needs_logits in [false, true] {
        for sampling in [GREEDY, Sampling::Random { temperature: 1.3, top_k: 0, top_p: 1.0 }] {
            let new = vec![Strict { taken: 0, needs_logits, heard: Vec::new() }; 8];
            let (mut ours, mut theirs) = (new.clone(), new);
            let mut engine = Engine::of(&llama, options(5)).unwrap();
            let mut go_on = |_, _| ControlFlow::Continue(());
            let found = engine.generate_constrained(&prompts(), &mut ours, &[], &how(sampling), &mut go_on).unwrap();
            let expected =
                generate_constrained(&llama, &prompts(), &mut theirs, &[], &how(sampling), &mut go_on).unwrap();
            assert_eq!(found, expected);
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert_eq!(ours.heard.len(), 14);
                for (ours, theirs) in ours.heard.iter().zip(&theirs.heard) {
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

#[test]
fn drafts_are_confirmed_as_far_as_they_hold_and_change_nothing() {
    let llama = llama(true, &test_gpu().device);
    let mut engine = Engine::of(&llama, options(5)).unwrap();
    for sampling in [GREEDY, Sampling::Random { temperature: 1.3, top_k: 0, top_p: 1.0 }] {
        for needs_logits in [false, true] {
            let mut written = |ahead: usize, expected: &dyn Fn(usize) -> Vec<u32>| {
                let mut constraints: Vec<Drafting> =
                    (0..PROMPTS.len()).map(|row| Drafting::new(expected(row), ahead, needs_logits)).collect();
                let mut go_on = |_, _| ControlFlow::Continue(());
                let rows =
                    engine.generate_constrained(&prompts(), &mut constraints, &[], &how(sampling), &mut go_on).unwrap();
                (rows, constraints.iter().map(|constraint| constraint.steps).sum::<usize>())
            };
            let (plain, steps) = written(0, &|_| vec![2; 11]);
            assert_eq!(steps, 10 * PROMPTS.len());
            let right = |row: usize| plain[row].iter().copied().step_by(2).chain([2]).collect::<Vec<u32>>();
            let (drafted, steps) = written(3, &right);
            assert_eq!(drafted, plain);
            assert!(steps <= 5 * PROMPTS.len(), "{steps} steps: a draft of three is shortened where there is no room");
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

#[test]
fn rows_end_with_stop_tokens_and_a_break_ends_all() {
    let llama = llama(true, &test_gpu().device);
    let mut engine = Engine::of(&llama, options(3)).unwrap();
    let free = written(&mut engine, &prompts(), &how(GREEDY));
    let stop = free[0][3];
    let mut go_on = |_, _| ControlFlow::Continue(());
    let expected = generate(&llama, &prompts(), &[stop], &how(GREEDY), &mut go_on).unwrap();
    assert_eq!(engine.generate(&prompts(), &[stop], &how(GREEDY), &mut go_on).unwrap(), expected);

    let mut told = 0;
    let broken = engine.generate(&prompts(), &[], &how(GREEDY), &mut |_, _| {
        told += 1;
        if told == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(broken.unwrap().iter().map(Vec::len).sum::<usize>(), 7);
    assert_eq!(written(&mut engine, &prompts(), &how(GREEDY)), free, "nothing is left behind");
}

#[test]
fn products_in_whole_numbers_are_chosen_and_say_nearly_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let device = test_gpu().device;
    llama(true, &device).write(folder.path()).unwrap();
    let llama = Llama::load_as(folder.path(), Some(QuantScheme::Q8), &device).unwrap();
    let tokens: Vec<u32> = (0..12).map(|i| i * 7 % 40).collect();
    let of = |int8| {
        let mut engine = Engine::of(&llama, EngineOptions { int8, ..options(1) }).unwrap();
        let log_probs = engine.log_probs(&tokens).unwrap();
        (log_probs, engine.work().launches)
    };
    let ((exact, launches), (rounded, more)) = (of(false), of(true));
    assert_eq!(more, launches + 2 * 4 + 1, "every product of both blocks and the logits have their columns in codes");
    assert_ne!(exact, rounded);
    for (exact, rounded) in exact.iter().zip(rounded) {
        assert!((exact - rounded).abs() < 0.1, "{rounded}, exactly {exact}");
    }
}

#[test]
fn a_decoding_step_is_six_launches_a_block_and_reads_weights_and_cache_once() {
    let llama = llama(true, &test_gpu().device);
    let mut engine = Engine::of(&llama, options(1)).unwrap();
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
fn what_an_engine_takes_is_foreseen() {
    let device = test_gpu().device;
    for tied in [true, false] {
        for scheme in [None, Some(QuantScheme::Q4), Some(QuantScheme::Q8)] {
            let options = EngineOptions { scheme, ..options(2) };
            let engine = Engine::of(&llama(tied, &device), options).unwrap();
            let (weights, footprint) = Engine::estimate_memory(&config(tied), &options).unwrap();
            assert_eq!((weights, footprint), (engine.weight_bytes(), engine.footprint()), "{scheme:?}");
        }
    }
}

#[test]
fn a_beginning_in_common_is_computed_once() {
    let llama = llama(true, &test_gpu().device);
    let mut engine = Engine::of(&llama, options(4)).unwrap();
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

#[test]
fn log_probabilities_are_those_of_the_graph() {
    let llama = llama(false, &test_gpu().device);
    let mut engine = Engine::of(&llama, options(2)).unwrap();
    let tokens: Vec<u32> = (0..50).map(|i| i * 7 % 40).collect();
    let samples = [Sample { tokens: tokens.clone(), scored: 1..50 }];
    let expected: Vec<f32> = llama.score(&samples, &ForwardOptions::default()).log_probs.try_into_vec_as().unwrap();
    let found = engine.log_probs(&tokens).unwrap();
    assert_eq!(found.len(), 49);
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - f64::from(expected)).abs() < 1e-4, "{found}, expected {expected}");
    }
}

#[test]
fn room_is_made_and_what_passes_it_is_refused() {
    let llama = llama(true, &test_gpu().device);
    let mut engine = Engine::of(&llama, options(1)).unwrap();
    let long = vec![vec![3; 60]];
    let mut go_on = |_, _| ControlFlow::Continue(());
    let error = engine.generate(&long, &[], &how(GREEDY), &mut go_on).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("at most 64 tokens"), "{error}");
    engine.reserve(2, 80).unwrap();
    assert_eq!(engine.generate(&long, &[], &how(GREEDY), &mut go_on).unwrap(), by_graph(&llama, &long, &how(GREEDY)));
    let error = engine.reserve(100_000, 100_000).unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
}
