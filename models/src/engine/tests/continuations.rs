//! Scores of continuations against those of whole texts, each read by itself.

use super::*;

/// Texts with common beginnings, one within another, and more first tokens than a step has room for.
fn texts() -> Vec<Vec<u32>> {
    let branching = (0..12).map(|i: u32| [&[4, 5][..], &vec![i % 3 + 1; 1 + i as usize % 4], &[i]].concat());
    let first_tokens = (0..40).map(|token| vec![token, 39 - token]);
    branching.chain(first_tokens).chain([vec![4], vec![4, 5], vec![]]).collect()
}

/// The log-probabilities of the texts behind a prompt, each sequence read as a whole by the graph.
fn by_brute_force(llama: &Llama, prompt: &[u32], texts: &[Vec<u32>]) -> Vec<f64> {
    let score = |text: &Vec<u32>| -> f64 {
        let tokens = [prompt, text].concat();
        let samples = [Sample { scored: prompt.len()..tokens.len(), tokens }];
        let log_probs: Vec<f32> =
            llama.score(&samples, &ForwardOptions::default()).log_probs.try_into_vec_as().unwrap();
        log_probs.into_iter().map(f64::from).sum()
    };
    texts.iter().map(|text| if text.is_empty() { 0.0 } else { score(text) }).collect()
}

#[test]
fn continuations_score_what_the_whole_texts_score() {
    let long: Vec<u32> = (0..45).map(|i| i * 7 % 40).collect();
    let prompts = [vec![3, 14, 15], long.clone(), vec![35], [&long[..33], &[2]].concat()];
    let continuations: Vec<Vec<Vec<u32>>> =
        vec![texts(), texts()[..15].to_vec(), vec![vec![7, 8, 9, 10]], texts()[10..30].to_vec()];
    for device in devices() {
        for targets in [&[][..], &["all-linear", "lm_head"]] {
            let mut llama = llama(true, &device);
            if !targets.is_empty() {
                llama = adapted(&llama, targets, &device);
            }
            let expected =
                prompts.iter().zip(&continuations).map(|(prompt, texts)| by_brute_force(&llama, prompt, texts));
            let expected: Vec<Vec<f64>> = expected.collect();
            let mut engine = Engine::from_llama(&llama, options(3)).unwrap();
            let graph = GraphGenerator::new(&llama).score_continuations(&prompts, &continuations).unwrap();
            let first = engine.score_continuations(&prompts, &continuations, 64).unwrap();
            let before = engine.work().tokens;
            // The prompts are known now, and their cache is whole although each walk wrote behind it.
            let again = engine.score_continuations(&prompts[1..2], &continuations[1..2], 64).unwrap();
            assert!(engine.work().tokens - before < 45, "whole pages of the prompt are not read again");
            for (found, expected) in
                graph.iter().chain(&first).chain(&again).zip(expected.iter().cycle().take(8).chain(&expected[1..]))
            {
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(expected) {
                    assert!((found - expected).abs() < 1e-3, "{found}, expected {expected}");
                }
            }
        }
    }
}

#[test]
fn a_walk_writes_nothing_into_pages_that_others_share() {
    for device in devices() {
        let llama = llama(true, &device);
        let mut engine = Engine::from_llama(&llama, options(2)).unwrap();
        let prompt = vec![(0..37).map(|i| i * 3 % 40).collect::<Vec<u32>>()];
        engine.score_continuations(&prompt, &[texts()], 64).unwrap();
        assert_eq!(written(&mut engine, &prompt, &how(GREEDY)), by_graph(&llama, &prompt, &how(GREEDY)));
    }
}
