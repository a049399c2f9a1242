//! Sampled tokens against a plain reference: sort, cut, add up.

use super::super::sample::kernel;
use super::*;
use crate::test_gpu;
use crate::testing::{noise, run_in_place};

const VOCABULARY: usize = 700;

/// The candidates that are kept, in their order: the likeliest `top_k`, of them as few as reach `top_p`;
/// earlier ones among equals.
fn kept(logits: &[f32], params: SamplingParams) -> Vec<usize> {
    let weight = |i: &usize| (f64::from(logits[*i]) / f64::from(params.temperature)).exp();
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
    order.truncate(if params.top_k == 0 { logits.len() } else { params.top_k });
    let wanted = f64::from(params.top_p) * order.iter().map(weight).sum::<f64>();
    let mut sum = 0.0;
    let enough = order.iter().position(|i| {
        sum += weight(i);
        sum >= wanted * (1.0 - 1e-9)
    });
    order.truncate(enough.map_or(order.len(), |i| i + 1));
    order.sort_unstable();
    order
}

/// The candidate in whose stretch the point lies, and how far the point is from the ends of the stretch.
fn drawn(logits: &[f32], params: SamplingParams, point: f64) -> (usize, f64) {
    let kept = kept(logits, params);
    let weights: Vec<f64> =
        kept.iter().map(|i| (f64::from(logits[*i]) / f64::from(params.temperature)).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut end = 0.0;
    for (i, weight) in kept.iter().zip(&weights) {
        let start = end;
        end += weight / total;
        if point < end {
            return (*i, (point - start).min(end - point));
        }
    }
    (*kept.last().unwrap(), 0.0)
}

/// The sampled tokens of requests, each with logits of its own `[VOCABULARY]`.
fn sampled_tokens(
    sampling_mode: SamplingMode,
    logits: &[Vec<f32>],
    requests: &[LogitsRequest],
    params: SamplingParams,
) -> Vec<SampledToken> {
    let (tokens, slots) = (ids(&vec![1; requests.len()]), requests.len() + 1);
    let tables: Vec<Vec<u32>> = tokens.iter().map(|_| vec![0]).collect();
    let token_spans: Vec<TokenSpan> = tokens
        .iter()
        .zip(&tables)
        .map(|(tokens, pages)| TokenSpan { tokens, position: 0, pages, adapter: 0 })
        .collect();
    let step_inputs = StepInputs::new(&token_spans, requests, params, HEADS);
    let buffers = [words(&logits.concat()), vec![0; slots * SAMPLED_TOKEN_WORDS], step_inputs.words];
    let left = run_in_place(&test_gpu().gpu.unwrap(), &kernel(sampling_mode, VOCABULARY), &buffers, requests.len());
    requests.iter().map(|request| SampledToken::of(&left[1][request.slot * SAMPLED_TOKEN_WORDS..])).collect()
}

/// Logits of a model, with some equal ones.
fn logits(seed: u64) -> Vec<f32> {
    noise(seed, VOCABULARY).iter().map(|x| (x * 8.0 * 16.0).round() / 16.0).collect()
}

fn asked(list: Option<&[u32]>, full: bool, uniform: f64) -> LogitsRequest<'_> {
    LogitsRequest { token: 0, slot: 0, list, bias: None, full, uniform }
}

/// The scores of the tokens of a request's list.
fn scores(request: &LogitsRequest, list: &[u32], logits: &[f32]) -> Vec<f32> {
    let logits = list.iter().map(|token| logits[*token as usize]);
    match request.bias {
        None => logits.collect(),
        Some(ListBias { weight, biases }) => {
            logits.zip(biases).map(|(logit, bias)| weight.mul_add(logit, *bias)).collect()
        }
    }
}

fn biased<'a>(request: LogitsRequest<'a>, weight: f32, biases: &'a [f32]) -> LogitsRequest<'a> {
    LogitsRequest { bias: Some(ListBias { weight, biases }), ..request }
}

fn log_sum(logits: impl Iterator<Item = f32>) -> f32 {
    logits.map(|logit| f64::from(logit).exp()).sum::<f64>().ln() as f32
}

#[test]
fn greedy_takes_the_first_of_the_likeliest_and_says_what_all_would_have_said() {
    let list: Vec<u32> = (0..VOCABULARY as u32).filter(|token| token % 7 == 3).collect();
    let biases: Vec<f32> = noise(9, list.len()).iter().map(|x| x * 6.0).collect();
    let zeros = vec![-0.0; list.len()];
    let constant = vec![-3.0; VOCABULARY];
    let mut all = vec![logits(1), logits(2), logits(6), logits(3), constant, logits(7), logits(8)];
    all[0][500] = 9.0;
    all[0][131] = 9.0;
    let mut requests = [
        asked(None, true, 0.0),
        asked(Some(&list), true, 0.0),
        asked(Some(&list[..1]), false, 0.0),
        asked(Some(&list), false, 0.0),
        biased(asked(Some(&list), true, 0.0), 0.5, &biases),
        biased(asked(Some(&list), false, 0.0), 0.0, &biases),
        biased(asked(Some(&list), false, 0.0), 1.0, &zeros),
    ];
    requests.sort_by_key(|request| !request.full);
    for (slot, request) in requests.iter_mut().enumerate() {
        (request.token, request.slot) = (slot, slot + 1);
    }
    let found = sampled_tokens(SamplingMode::Greedy, &all, &requests, SamplingParams::PLAIN);
    for ((sampled, logits), request) in found.iter().zip(&all).zip(&requests) {
        let everything: Vec<u32> = (0..VOCABULARY as u32).collect();
        let first_of_highest = |scores: &[f32]| {
            let better = |best: usize, i| if scores[i] > scores[best] { i } else { best };
            (0..scores.len()).reduce(better).unwrap()
        };
        let list = request.list.unwrap_or(&everything);
        assert!(sampled.finite);
        assert_eq!(sampled.token, list[first_of_highest(&scores(request, list, logits))]);
        assert_eq!(sampled.logit, logits[sampled.token as usize]);
        let expected = log_sum(list.iter().map(|token| logits[*token as usize]));
        assert!((sampled.log_sum_allowed - expected).abs() < 1e-4, "{sampled:?}, expected {expected}");
        if request.full {
            assert_eq!(sampled.argmax_token as usize, first_of_highest(logits));
            let expected = log_sum(logits.iter().copied());
            assert!((sampled.log_sum - expected).abs() < 1e-4, "{sampled:?}, expected {expected}");
        }
    }
    assert_eq!((found[0].token, found[4].token), (131, list[0]));
}

#[test]
fn random_tokens_are_where_the_uniform_number_falls() {
    let list: Vec<u32> = (0..VOCABULARY as u32).filter(|token| token % 5 == 1).collect();
    let everything: Vec<u32> = (0..VOCABULARY as u32).collect();
    let biases: Vec<f32> = noise(4, list.len()).iter().map(|x| x * 5.0).collect();
    let plain = |temperature| SamplingParams { temperature, ..SamplingParams::PLAIN };
    let mut near = 0;
    for (sampling_mode, params) in [
        (SamplingMode::Random, plain(1.0)),
        (SamplingMode::Random, plain(0.3)),
        (SamplingMode::Truncated, SamplingParams { top_k: 40, ..plain(1.5) }),
        (SamplingMode::Truncated, SamplingParams { top_k: 1, ..plain(1.0) }),
        (SamplingMode::Truncated, SamplingParams { top_p: 0.9, ..plain(1.0) }),
        (SamplingMode::Truncated, SamplingParams { top_p: 0.5, top_k: 30, ..plain(2.0) }),
        (SamplingMode::Truncated, SamplingParams { top_k: 5000, ..plain(1.0) }),
    ] {
        let mut requests = Vec::new();
        for i in 0..24 {
            let list = (i % 3 > 0).then_some(&list[..]);
            let full = i % 3 < 2;
            let point = (f64::from(i) * 0.618_033_988_7).fract();
            let request = asked(list, full, point);
            requests.push(if i % 4 == 1 && list.is_some() { biased(request, 0.7, &biases) } else { request });
        }
        requests.sort_by_key(|request| !request.full);
        for (i, request) in requests.iter_mut().enumerate() {
            (request.token, request.slot) = (i, i);
        }
        let all: Vec<Vec<f32>> = (0..24).map(|seed| logits(seed + 5)).collect();
        let found = sampled_tokens(sampling_mode, &all, &requests, params);
        for ((sampled, logits), request) in found.iter().zip(&all).zip(&requests) {
            let list = request.list.unwrap_or(&everything);
            let (expected, distance) = drawn(&scores(request, list, logits), params, request.uniform);
            // So near an end rounding may decide.
            if distance < 1e-5 {
                near += 1;
                continue;
            }
            assert_eq!(sampled.token, list[expected], "{params:?} {request:?}");
        }
    }
    assert!(near < 10, "{near} points fell on ends");
}

#[test]
fn truncation_keeps_what_the_reference_keeps() {
    // Every kept candidate is drawn by some params and no other is: logits with many ties.
    let logits: Vec<f32> = (0..VOCABULARY).map(|i| -((i * 37 % 11) as f32)).collect();
    for params in [
        SamplingParams { temperature: 4.0, top_k: 70, top_p: 1.0 },
        SamplingParams { temperature: 4.0, top_k: 0, top_p: 0.3 },
        SamplingParams { temperature: 4.0, top_k: 70, top_p: 0.9 },
    ] {
        let kept = kept(&logits, params);
        let mut requests: Vec<LogitsRequest> =
            (0..400).map(|i| asked(None, true, (f64::from(i) + 0.5) / 400.0)).collect();
        for (i, request) in requests.iter_mut().enumerate() {
            (request.token, request.slot) = (i, i);
        }
        let all = vec![logits.clone(); 400];
        let mut found: Vec<usize> =
            sampled_tokens(SamplingMode::Truncated, &all, &requests, params).iter().map(|a| a.token as usize).collect();
        found.dedup();
        assert_eq!(found, kept, "{params:?}");
    }
}

#[test]
fn logits_that_are_no_numbers_are_noticed() {
    let mut all = vec![logits(1); 4];
    all[1][699] = f32::NAN;
    all[2][5] = f32::INFINITY;
    all[3][5] = f32::NEG_INFINITY;
    let mut requests: Vec<LogitsRequest> = (0..4).map(|_| asked(None, true, 0.3)).collect();
    for (i, request) in requests.iter_mut().enumerate() {
        (request.token, request.slot) = (i, i);
    }
    for sampling_mode in [SamplingMode::Greedy, SamplingMode::Random, SamplingMode::Truncated] {
        let finite: Vec<bool> = sampled_tokens(sampling_mode, &all, &requests, SamplingParams::PLAIN)
            .iter()
            .map(|sampled| sampled.finite)
            .collect();
        assert_eq!(finite, [true, false, false, true], "{sampling_mode:?}");
    }
}
