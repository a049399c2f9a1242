//! Decoding with a cache against whole forward steps, batches against single rows, and the ends of a generation.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor};
use tiller_kernels::test_devices;

use super::*;
use crate::generate::testing::Drafting;
use crate::generate::{GenerateOptions, Sampling, TokenConstraint, Unconstrained};
use crate::llama::Batch;
use crate::llama::testing::tiny_llama;
use crate::lora::LoraConfig;

const PROMPTS: [&[u32]; 4] = [&[3, 14, 15, 9, 26, 5], &[35], &[8, 9, 7], &[9, 32, 38, 4, 6, 2]];

fn prompts() -> Vec<Vec<u32>> {
    PROMPTS.iter().map(|prompt| prompt.to_vec()).collect()
}

fn greedy(max_new_tokens: usize) -> GenerateOptions {
    GenerateOptions { max_new_tokens, sampling: Sampling::Greedy, seed: 0 }
}

fn random(seed: u64) -> GenerateOptions {
    GenerateOptions { max_new_tokens: 12, sampling: Sampling::Random { temperature: 1.0, top_k: 0, top_p: 1.0 }, seed }
}

fn continued(model: &Llama, prompts: &[Vec<u32>], options: &GenerateOptions) -> Vec<Vec<u32>> {
    GraphGenerator::new(model).generate(GenerateRequest::new(prompts, *options)).unwrap()
}

fn constrained<C: TokenConstraint>(
    model: &Llama,
    prompts: &[Vec<u32>],
    constraints: &mut [C],
    options: &GenerateOptions,
) -> Vec<Vec<u32>> {
    let request = GenerateRequest::new(prompts, *options).constrained_by(constraints);
    GraphGenerator::new(model).generate(request).unwrap()
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

/// The logits behind the last token of every row, `[rows with tokens, vocab_size]`.
fn extended(model: &Llama, runs: &[Vec<u32>], cache: &mut KvCache) -> Tensor<2> {
    let hidden = model.extend(&cache.next(runs), cache);
    let with_tokens = runs.iter().filter(|run| !run.is_empty());
    let last = with_tokens.scan(0, |end, run| {
        *end += run.len();
        Some(*end - 1)
    });
    Tensor::cat(last.map(|last| model.logits(hidden.clone().narrow(0, last, 1))).collect(), 0)
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-4, "{what}: off by {worst}");
}

#[test]
fn step_by_step_gives_the_logits_of_one_whole_step() {
    for (name, device) in test_devices() {
        let model = tiny_llama(&device);
        let rows = [vec![3, 14, 15, 9, 26, 5], vec![9, 32, 38, 4, 6, 2]];
        let whole = model.forward(&Batch::left_padded(&rows)); // [2, 6, vocab]
        let mut cache = KvCache::new(model.config(), 2, 4, &device);
        let mut found = vec![extended(&model, &rows.each_ref().map(|row| row[..3].to_vec()), &mut cache)];
        for i in 3..6 {
            found.push(extended(&model, &rows.each_ref().map(|row| vec![row[i]]), &mut cache));
        }
        for (i, found) in (2..6).zip(found) {
            let expected = whole.clone().narrow(1, i, 1).reshape([2, model.config().vocab_size]);
            assert_close(&host(found), &host(expected), &format!("{name}, token {i}"));
        }
    }
}

#[test]
fn a_row_does_not_see_its_padding() {
    for (name, device) in test_devices() {
        let model = tiny_llama(&device);
        let mut cache = KvCache::new(model.config(), 4, 7, &device);
        let further = [1, 2, 3, 4].map(|token| vec![token]);
        let together = [extended(&model, &prompts(), &mut cache), extended(&model, &further, &mut cache)];
        for (row, prompt) in prompts().into_iter().enumerate() {
            let mut cache = KvCache::new(model.config(), 1, 7, &device);
            let alone = [vec![prompt], vec![further[row].clone()]].map(|runs| extended(&model, &runs, &mut cache));
            for (together, alone) in together.iter().zip(alone) {
                assert_close(&host(together.clone().narrow(0, row, 1)), &host(alone), &format!("{name}, row {row}"));
            }
        }
    }
}

#[test]
fn a_batch_is_continued_as_each_of_its_rows_alone() {
    let model = tiny_llama(&Device::flex());
    let together = continued(&model, &prompts(), &greedy(10));
    for (prompt, together) in prompts().into_iter().zip(together) {
        assert_eq!(continued(&model, &[prompt], &greedy(10)), [together]);
    }
}

#[test]
fn a_row_draws_the_same_whatever_stands_behind_it() {
    let model = tiny_llama(&Device::flex());
    let together = continued(&model, &prompts(), &random(4));
    assert_eq!(continued(&model, &prompts()[..2], &random(4)), together[..2]);
    assert_ne!(continued(&model, &prompts(), &random(5)), together);
    let twins = continued(&model, &[vec![3, 4], vec![3, 4]], &random(4));
    assert_ne!(twins[0], twins[1], "equal prompts have streams of their own");
}

#[test]
fn a_row_with_a_stream_of_its_own_draws_the_same_in_any_batch() {
    let model = tiny_llama(&Device::flex());
    let with_streams = |prompts: &[Vec<u32>], streams: &[u64]| {
        let mut constraints: Vec<Unconstrained> =
            streams.iter().map(|&stream| Unconstrained { stream: Some(stream) }).collect();
        let options = random(4);
        constrained(&model, prompts, &mut constraints, &options)
    };
    let together = with_streams(&prompts(), &[7, 8, 9, 1 << 63]);
    for (row, stream) in [7, 8, 9, 1 << 63].into_iter().enumerate() {
        assert_eq!(with_streams(&prompts()[row..=row], &[stream]), together[row..=row]);
    }
    assert_ne!(with_streams(&prompts()[..1], &[8]), together[..1]);
}

#[test]
fn equal_prompts_are_prefilled_once_and_then_continued_on_their_own() {
    let model = tiny_llama(&Device::flex());
    let many = [prompts(), prompts()].concat();
    let prefill = |runs: &[Vec<u32>]| {
        let mut cached = CachedModel { model: &model, capacity: 30, cache: None };
        let (hidden, firsts) = cached.prefill(runs);
        (host(hidden), firsts, cached.cache.map(|cache| cache.seen().len()))
    };
    let (once, firsts, _) = prefill(&prompts());
    assert_eq!(firsts, [0, 6, 7, 10]);
    assert_eq!(prefill(&many), (once, [&firsts[..], &firsts].concat(), Some(many.len())));

    let streams = |rows: std::ops::Range<usize>| rows.map(|row| Unconstrained { stream: Some(row as u64) }).collect();
    let drawn = |prompts: &[Vec<u32>], mut constraints: Vec<Unconstrained>| {
        constrained(&model, prompts, &mut constraints, &random(4))
    };
    let together = drawn(&many, streams(0..many.len()));
    for row in 0..many.len() {
        assert_eq!(drawn(&many[row..=row], streams(row..row + 1)), together[row..=row], "row {row}");
    }
    assert_ne!(together[..prompts().len()], together[prompts().len()..]);
}

#[test]
fn a_row_ends_with_its_stop_token_and_the_others_go_on() {
    let model = tiny_llama(&Device::flex());
    let free = continued(&model, &prompts(), &random(4));
    let stop = free[0][3];
    let until = |row: &Vec<u32>| -> Vec<u32> {
        let end = row.iter().position(|token| *token == stop).map_or(row.len(), |i| i + 1);
        row[..end].to_vec()
    };
    let expected: Vec<Vec<u32>> = free.iter().map(until).collect();
    let mut told = vec![Vec::new(); 4];
    let mut on_token = |row: usize, token| {
        told[row].push(token);
        ControlFlow::Continue(())
    };
    let (prompts, stop_ids) = (prompts(), [stop]);
    let request = GenerateRequest::new(&prompts, random(4)).stop_at(&stop_ids).on_token(&mut on_token);
    let found = GraphGenerator::new(&model).generate(request);
    assert_eq!(found.unwrap(), expected);
    assert_eq!(told, expected);
}

#[test]
fn a_break_ends_the_generation_with_what_there_is() {
    let model = tiny_llama(&Device::flex());
    let mut told = 0;
    let mut on_token = |_, _| {
        told += 1;
        if told == 6 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let prompts = prompts();
    let request = GenerateRequest::new(&prompts, greedy(10)).on_token(&mut on_token);
    let found = GraphGenerator::new(&model).generate(request);
    let lengths: Vec<usize> = found.unwrap().iter().map(Vec::len).collect();
    assert_eq!(lengths, [2; 4], "a step is taken by every row");
}

#[test]
fn a_model_in_training_generates_as_it_is() {
    let device = Device::flex();
    let base = tiny_llama(&device);
    let lora_config = LoraConfig { rank: 2, alpha: 4.0, dropout: 0.0, targets: vec!["all-linear".into()] };
    let adapter = lora_config.adapter(base.linears(), 1, &device).unwrap();
    let training = base.with_adapter(&adapter).unwrap().train();
    // A fresh adapter changes nothing.
    assert_eq!(continued(&training, &prompts(), &greedy(5)), continued(&base, &prompts(), &greedy(5)));
}

#[test]
fn no_prompts_and_no_new_tokens_are_no_work() {
    let model = tiny_llama(&Device::flex());
    assert_eq!(continued(&model, &[], &greedy(5)), Vec::<Vec<u32>>::new());
    assert_eq!(continued(&model, &prompts(), &greedy(0)), vec![Vec::<u32>::new(); 4]);
}

#[test]
fn what_cannot_be_continued_is_refused_by_row() {
    let model = tiny_llama(&Device::flex());
    let refused = |prompts: &[Vec<u32>], options: &GenerateOptions| {
        let error = GraphGenerator::new(&model).generate(GenerateRequest::new(prompts, *options)).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    assert!(refused(&[vec![1], vec![]], &greedy(5)).starts_with("prompt 1: "));
    assert!(refused(&[vec![1], vec![2, 40]], &greedy(5)).starts_with("prompt 1: "), "an id beyond the vocabulary");
    assert!(refused(&[vec![1; 60]], &greedy(5)).contains("1 to 64 tokens"));
    assert!(refused(&[vec![1]], &greedy(usize::MAX)).starts_with("prompt 0: "));
    let frozen = Sampling::Random { temperature: 0.0, top_k: 0, top_p: 1.0 };
    assert!(refused(&[vec![1]], &GenerateOptions { sampling: frozen, ..greedy(5) }).starts_with("temperature: "));
}

#[test]
fn a_draft_changes_the_number_of_steps_and_nothing_else() {
    let model = tiny_llama(&Device::flex());
    let run = |ahead: usize, expected: &dyn Fn(usize) -> Vec<u32>, needs_logits: bool, options: &GenerateOptions| {
        let constraint = |row: usize| Drafting::new(expected(row), ahead, needs_logits);
        let mut constraints: Vec<Drafting> = (0..PROMPTS.len()).map(constraint).collect();
        let lists = constrained(&model, &prompts(), &mut constraints, options);
        (lists, constraints.iter().map(|constraint| constraint.steps).collect::<Vec<_>>())
    };
    for options in [greedy(12), random(4)] {
        for needs_logits in [false, true] {
            let (plain, steps) = run(0, &|_| vec![2; 7], needs_logits, &options);
            assert_eq!(steps, [6; 4]);
            let right = |row: usize| plain[row].iter().copied().step_by(2).chain([2]).collect::<Vec<u32>>();
            let (drafted, steps) = run(2, &right, needs_logits, &options);
            assert_eq!((drafted, steps), (plain.clone(), vec![2; 4]), "three choices a step");
            let half = |row: usize| {
                let other = |(at, token): (usize, u32)| if (at + row).is_multiple_of(3) { 7 } else { token };
                right(row).into_iter().enumerate().map(other).collect::<Vec<u32>>()
            };
            for ahead in 1..9 {
                let (drafted, steps) = run(ahead, &half, needs_logits, &options);
                assert_eq!(drafted, plain, "{ahead} ahead");
                assert!(steps.iter().all(|steps| (1..=6).contains(steps)), "{steps:?}");
            }
        }
    }
}

#[test]
fn a_bias_decides_as_far_as_its_weight_lets_it() {
    let model = tiny_llama(&Device::flex());
    let biases = [-3.0, -0.5, 0.0, -1.0, -4.0];
    for options in [greedy(12), random(4)] {
        for needs_logits in [false, true] {
            let run = |bias: Option<(f32, [f32; 5])>, ahead: usize, expected: &dyn Fn(usize) -> Vec<u32>| {
                let constraint = |row: usize| {
                    let plain = Drafting::new(expected(row), ahead, needs_logits);
                    bias.map_or(plain.clone(), |(weight, biases)| plain.biased(weight, biases))
                };
                let mut constraints: Vec<Drafting> = (0..PROMPTS.len()).map(constraint).collect();
                constrained(&model, &prompts(), &mut constraints, &options)
            };
            let undrafted = |bias| run(bias, 0, &|_| vec![2; 7]);
            let plain = undrafted(None);
            assert_eq!(undrafted(Some((1.0, [-0.0; 5]))), plain, "the model alone, to the bit");
            if options.sampling == Sampling::Greedy {
                let best = undrafted(Some((0.0, biases)));
                assert!(best.iter().flatten().step_by(2).all(|token| *token == 11), "the bias alone: {best:?}");
            }
            let mixed = undrafted(Some((0.4, biases)));
            assert_ne!(mixed, plain);
            let right = |row: usize| mixed[row].iter().copied().step_by(2).chain([2]).collect::<Vec<u32>>();
            let half = |row: usize| [&right(row)[..3], &[7; 4]].concat();
            for ahead in [1, 4] {
                assert_eq!(run(Some((0.4, biases)), ahead, &right), mixed);
                assert_eq!(run(Some((0.4, biases)), ahead, &half), mixed);
            }
        }
    }
}

#[test]
fn rejected_drafts_leave_nothing_behind() {
    let model = tiny_llama(&Device::flex());
    let runs = prompts();
    let [mut cache, mut plain] = [(); 2].map(|()| KvCache::new(model.config(), runs.len(), 30, &model.device()));
    extended(&model, &runs, &mut cache);
    extended(&model, &runs, &mut plain);
    // Rows bring drafts of different lengths, of which the first row keeps one.
    extended(&model, &[vec![4, 5, 6], vec![7], vec![], vec![8, 9]], &mut cache);
    for (row, count) in [2, 1, 0, 2].into_iter().enumerate() {
        cache.rewind(row, count);
    }
    cache.trim();
    assert_eq!(cache.columns(), 7, "the columns that all rows have rewound are free again");
    extended(&model, &[vec![4], vec![], vec![], vec![]], &mut plain);
    let next = [3, 14, 15, 9].map(|token| vec![token]);
    let [found, expected] = [&mut cache, &mut plain].map(|cache| host(extended(&model, &next, cache)));
    assert_close(&found, &expected, "behind rewound columns");
}
