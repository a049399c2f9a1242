//! Answers against a plain reference: sort, cut, add up.

use super::super::sample::kernel;
use super::*;
use crate::device::test_gpu;
use crate::testing::{noise, run_in_place};

const VOCABULARY: usize = 700;

/// The candidates that are kept, in their order: the likeliest `top_k`, of them as few as reach `top_p`; earlier ones among equals.
fn kept(logits: &[f32], chance: Chance) -> Vec<usize> {
    let weight = |i: &usize| (f64::from(logits[*i]) / f64::from(chance.temperature)).exp();
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
    order.truncate(if chance.top_k == 0 { logits.len() } else { chance.top_k });
    let wanted = f64::from(chance.top_p) * order.iter().map(weight).sum::<f64>();
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
fn drawn(logits: &[f32], chance: Chance, point: f64) -> (usize, f64) {
    let kept = kept(logits, chance);
    let weights: Vec<f64> =
        kept.iter().map(|i| (f64::from(logits[*i]) / f64::from(chance.temperature)).exp()).collect();
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

/// Answers to questions, each with logits of its own `[VOCABULARY]`.
fn answers(choosing: Choosing, logits: &[Vec<f32>], questions: &[Question], chance: Chance) -> Vec<Answer> {
    let (tokens, slots) = (ids(&vec![1; questions.len()]), questions.len() + 1);
    let tables: Vec<Vec<u32>> = tokens.iter().map(|_| vec![0]).collect();
    let runs: Vec<Run> =
        tokens.iter().zip(&tables).map(|(tokens, pages)| Run { tokens, position: 0, pages, adapter: 0 }).collect();
    let frame = Frame::new(&runs, questions, chance, HEADS);
    let buffers = [words(&logits.concat()), vec![0; slots * ANSWER_WORDS], frame.words];
    let left = run_in_place(&test_gpu().gpu.unwrap(), &kernel(choosing, VOCABULARY), &buffers, questions.len());
    questions.iter().map(|question| Answer::of(&left[1][question.slot * ANSWER_WORDS..])).collect()
}

/// Logits of a model, with some equal ones.
fn logits(seed: u64) -> Vec<f32> {
    noise(seed, VOCABULARY).iter().map(|x| (x * 8.0 * 16.0).round() / 16.0).collect()
}

fn asked(list: Option<&[u32]>, full: bool, chance: f64) -> Question<'_> {
    Question { token: 0, slot: 0, list, full, chance }
}

fn log_sum(logits: impl Iterator<Item = f32>) -> f32 {
    logits.map(|logit| f64::from(logit).exp()).sum::<f64>().ln() as f32
}

#[test]
fn greedy_takes_the_first_of_the_likeliest_and_says_what_all_would_have_said() {
    let list: Vec<u32> = (0..VOCABULARY as u32).filter(|token| token % 7 == 3).collect();
    let mut all = vec![logits(1), logits(2), logits(3), vec![-3.0; VOCABULARY]];
    all[0][500] = 9.0;
    all[0][131] = 9.0;
    let mut questions = [
        asked(None, true, 0.0),
        asked(Some(&list), true, 0.0),
        asked(Some(&list[..1]), false, 0.0),
        asked(Some(&list), false, 0.0),
    ];
    for (slot, question) in questions.iter_mut().enumerate() {
        (question.token, question.slot) = (slot, slot + 1);
    }
    let found = answers(Choosing::Greedy, &all, &questions, Chance::PLAIN);
    for ((answer, logits), question) in found.iter().zip(&all).zip(&questions) {
        let everything: Vec<u32> = (0..VOCABULARY as u32).collect();
        let of = |tokens: &[u32]| {
            let better = |best: u32, token| if logits[token as usize] > logits[best as usize] { token } else { best };
            tokens.iter().copied().reduce(better).unwrap()
        };
        let list = question.list.unwrap_or(&everything);
        assert!(answer.sound);
        assert_eq!(answer.token, of(list));
        assert_eq!(answer.logit, logits[answer.token as usize]);
        let expected = log_sum(list.iter().map(|token| logits[*token as usize]));
        assert!((answer.log_sum_allowed - expected).abs() < 1e-4, "{answer:?}, expected {expected}");
        if question.full {
            assert_eq!(answer.wish, of(&everything));
            let expected = log_sum(logits.iter().copied());
            assert!((answer.log_sum - expected).abs() < 1e-4, "{answer:?}, expected {expected}");
        }
    }
    assert_eq!((found[0].token, found[3].token), (131, list[0]));
}

#[test]
fn random_answers_are_where_the_chance_falls() {
    let list: Vec<u32> = (0..VOCABULARY as u32).filter(|token| token % 5 == 1).collect();
    let everything: Vec<u32> = (0..VOCABULARY as u32).collect();
    let plain = |temperature| Chance { temperature, ..Chance::PLAIN };
    let mut near = 0;
    for (choosing, chance) in [
        (Choosing::Random, plain(1.0)),
        (Choosing::Random, plain(0.3)),
        (Choosing::Truncated, Chance { top_k: 40, ..plain(1.5) }),
        (Choosing::Truncated, Chance { top_k: 1, ..plain(1.0) }),
        (Choosing::Truncated, Chance { top_p: 0.9, ..plain(1.0) }),
        (Choosing::Truncated, Chance { top_p: 0.5, top_k: 30, ..plain(2.0) }),
        (Choosing::Truncated, Chance { top_k: 5000, ..plain(1.0) }),
    ] {
        let mut questions = Vec::new();
        for i in 0..24 {
            let list = (i % 3 > 0).then_some(&list[..]);
            let full = i % 3 < 2;
            let point = (f64::from(i) * 0.618_033_988_7).fract();
            questions.push(asked(list, full, point));
        }
        questions.sort_by_key(|question| !question.full);
        for (i, question) in questions.iter_mut().enumerate() {
            (question.token, question.slot) = (i, i);
        }
        let all: Vec<Vec<f32>> = (0..24).map(|seed| logits(seed + 5)).collect();
        let found = answers(choosing, &all, &questions, chance);
        for ((answer, logits), question) in found.iter().zip(&all).zip(&questions) {
            let list = question.list.unwrap_or(&everything);
            let theirs: Vec<f32> = list.iter().map(|token| logits[*token as usize]).collect();
            let (expected, distance) = drawn(&theirs, chance, question.chance);
            // So near an end rounding may decide.
            if distance < 1e-5 {
                near += 1;
                continue;
            }
            assert_eq!(answer.token, list[expected], "{chance:?} {question:?}");
        }
    }
    assert!(near < 10, "{near} points fell on ends");
}

#[test]
fn truncation_keeps_what_the_reference_keeps() {
    // Every kept candidate is drawn by some chance and no other is: logits with many ties.
    let logits: Vec<f32> = (0..VOCABULARY).map(|i| -((i * 37 % 11) as f32)).collect();
    for chance in [
        Chance { temperature: 4.0, top_k: 70, top_p: 1.0 },
        Chance { temperature: 4.0, top_k: 0, top_p: 0.3 },
        Chance { temperature: 4.0, top_k: 70, top_p: 0.9 },
    ] {
        let kept = kept(&logits, chance);
        let mut questions: Vec<Question> = (0..400).map(|i| asked(None, true, (f64::from(i) + 0.5) / 400.0)).collect();
        for (i, question) in questions.iter_mut().enumerate() {
            (question.token, question.slot) = (i, i);
        }
        let all = vec![logits.clone(); 400];
        let mut found: Vec<usize> =
            answers(Choosing::Truncated, &all, &questions, chance).iter().map(|a| a.token as usize).collect();
        found.dedup();
        assert_eq!(found, kept, "{chance:?}");
    }
}

#[test]
fn logits_that_are_no_numbers_are_noticed() {
    let mut all = vec![logits(1); 4];
    all[1][699] = f32::NAN;
    all[2][5] = f32::INFINITY;
    all[3][5] = f32::NEG_INFINITY;
    let mut questions: Vec<Question> = (0..4).map(|_| asked(None, true, 0.3)).collect();
    for (i, question) in questions.iter_mut().enumerate() {
        (question.token, question.slot) = (i, i);
    }
    for choosing in [Choosing::Greedy, Choosing::Random, Choosing::Truncated] {
        let sound: Vec<bool> =
            answers(choosing, &all, &questions, Chance::PLAIN).iter().map(|answer| answer.sound).collect();
        assert_eq!(sound, [true, false, false, true], "{choosing:?}");
    }
}
