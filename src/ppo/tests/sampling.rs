//! What is sampled, and what the stored log-probabilities say about it.

use super::toy::{config, films, model, prompts};
use crate::ppo::experience::sample;
use crate::ppo::policy::{Policy, log_probs};
use crate::ppo::prompts::Scribe;
use crate::ppo::rollout::{Rollout, RolloutConfig, Sampler};
use crate::recommend::answer::{Form, parse, render};
use crate::train::student::grammar;

/// The answers of an untrained model to six prompts, and what turned them into rollouts.
fn answers(config: RolloutConfig, seed: u64) -> Vec<Rollout> {
    let dataset = films();
    let model = model(&dataset);
    let grammar = grammar(&model, &dataset.catalogue).unwrap();
    let prompts = prompts(&dataset, &model, 6);
    let sampler =
        Sampler { tokenizer: &model.tokenizer, grammar: &grammar, catalogue: &dataset.catalogue, config: &config };
    sampler.answers(&model.llama, &prompts, seed).unwrap()
}

#[test]
fn the_stored_log_probabilities_are_those_of_the_policy_that_sampled() {
    let dataset = films();
    let model = model(&dataset);
    let (grammar, prompts) = (grammar(&model, &dataset.catalogue).unwrap(), prompts(&dataset, &model, 4));
    let config = RolloutConfig { samples: 3, ..RolloutConfig::default() };
    let sampler =
        Sampler { tokenizer: &model.tokenizer, grammar: &grammar, catalogue: &dataset.catalogue, config: &config };
    let rollouts = sampler.answers(&model.llama, &prompts, 5).unwrap();
    assert_eq!(rollouts.len(), 12);
    let samples: Vec<_> = rollouts.iter().map(|rollout| sample(&prompts[rollout.prompt], rollout)).collect();
    let scored = log_probs(&model.llama, &samples, 5).unwrap();
    for (rollout, scored) in rollouts.iter().zip(scored) {
        let drawn = rollout.log_probs.as_ref().unwrap();
        assert_eq!(drawn.len(), rollout.tokens.len());
        assert!(drawn.iter().zip(&scored).all(|(d, s)| (d - s).abs() < 1e-4), "{drawn:?} is not {scored:?}");
    }
}

#[test]
fn answers_depend_on_the_seed_and_not_on_who_is_answered_beside() {
    let config = |batch| RolloutConfig { samples: 2, batch, ..RolloutConfig::default() };
    let tokens = |rollouts: Vec<Rollout>| -> Vec<Vec<u32>> { rollouts.into_iter().map(|r| r.tokens).collect() };
    let together = tokens(answers(config(64), 1));
    assert_eq!(tokens(answers(config(5), 1)), together);
    assert_ne!(tokens(answers(config(64), 2)), together);
    assert_ne!(together[0], together[1], "the answers to one prompt differ");
}

#[test]
fn the_authors_first_answer_is_the_likeliest_and_all_are_rendered_anew() {
    let dataset = films();
    let paper = RolloutConfig { samples: 3, ..RolloutConfig::paper() };
    let rollouts = answers(paper.clone(), 1);
    assert_eq!(rollouts.iter().map(|r| r.prompt).collect::<Vec<_>>(), (0..6).flat_map(|p| [p; 3]).collect::<Vec<_>>());
    let tokenizer = model(&dataset).tokenizer;
    for (rollout, other) in rollouts.iter().zip(answers(paper, 2)).step_by(3) {
        assert_eq!(rollout, &other, "no seed decides a greedy answer");
    }
    for rollout in &rollouts {
        let titles = parse(&rollout.text, Form::Tuned, &dataset.catalogue);
        let (last, list) = rollout.tokens.split_last().unwrap();
        assert_eq!(Some(*last), tokenizer.eos());
        assert_eq!(tokenizer.decode(list, true).unwrap(), render(titles.iter().copied()));
        assert_eq!((rollout.ends.len(), rollout.log_probs.is_none()), (titles.len(), true));
    }
}

#[test]
fn a_policy_begins_as_its_reference_and_without_its_adapter_is_the_very_model() {
    let dataset = films();
    let model = model(&dataset);
    let prompts = prompts(&dataset, &model, 3);
    let mut config = config();
    config.learning.baseline = crate::ppo::config::Baseline::Critic;
    let policy = Policy::fresh(&model.llama, &config).unwrap();
    let samples: Vec<_> = prompts
        .iter()
        .map(|prompt| tiller_models::train::Sample { tokens: prompt.tokens.clone(), scored: 1..prompt.tokens.len() })
        .collect();
    let of = |llama: &tiller_models::llama::Llama| log_probs(llama, &samples, 2).unwrap();
    let reference = of(&model.llama);
    assert_eq!(of(&policy.actor), reference);
    let mut moved = policy.clone();
    let bend = |name: &str| !name.is_empty();
    let weights = tiller_models::weights::weights_of(&policy);
    assert!(weights.keys().all(|name| bend(name)) && weights.keys().any(|name| name.starts_with("critic.head")));
    let doubled = weights.into_iter().map(|(name, data)| {
        let values: Vec<f32> = data.iter::<f32>().map(|x| x + 0.05).collect();
        (name, burn::tensor::TensorData::new(values, data.shape().clone()))
    });
    moved = tiller_models::weights::with_weights(moved, doubled.collect(), "test").unwrap();
    assert_ne!(of(&moved.actor), reference);
    assert_eq!(of(&moved.actor.without_adapter()), reference, "to the last bit");
    assert_eq!(of(&model.llama), reference, "what moves is no part of the reference");
}

#[test]
fn a_long_prompt_loses_its_beginning_and_an_answer_may_take_half_of_all_tokens() {
    let dataset = films();
    let model = model(&dataset);
    let grammar = grammar(&model, &dataset.catalogue).unwrap();
    let whole = &prompts(&dataset, &model, 1)[0];
    let needed = grammar.longest(whole.example.request.as_ref().unwrap().k as usize) + 8;
    assert_eq!(whole.room, needed);
    for max_tokens in [needed + 20, 2 * needed, needed] {
        let scribe = Scribe { model: &model, grammar: &grammar, max_tokens };
        let prompt = scribe.prompt(whole.practice, whole.example.clone()).unwrap();
        assert_eq!(prompt.room, needed.min(max_tokens / 2));
        assert!(prompt.tokens.len() + prompt.room <= max_tokens && whole.tokens.ends_with(&prompt.tokens));
    }
}
