//! Sampled answers and their stored log-probabilities.

use burn::tensor::TensorData;
use tiller_kernels::test_gpu;
use tiller_models::train::ForwardOptions;
use tiller_models::weights::{weights_of, with_weights};

use super::toy::{config, films, model, model_on, prompts};
use crate::constrain::Grammar;
use crate::ppo::experience::sample;
use crate::ppo::policy::{Policy, log_probs};
use crate::ppo::prompts::PromptEncoder;
use crate::ppo::rollout::{Rollout, RolloutConfig, Sampler, backend};
use crate::recommend::answer::{OutputFormat, parse, render};

/// The answers of an untrained model to six prompts, and what turned them into rollouts.
fn answers(config: RolloutConfig, seed: u64) -> Vec<Rollout> {
    let dataset = films();
    let model = model(&dataset);
    let grammar = Grammar::of(&model.codec.tokenizer, &dataset.catalogue).unwrap();
    let prompts = prompts(&dataset, &model, 6);
    let sampler = Sampler {
        tokenizer: &model.codec.tokenizer,
        grammar: &grammar,
        catalogue: &dataset.catalogue,
        config: &config,
    };
    sampler.answers(&model.llama, backend(&model.llama).unwrap().generator(), &prompts, seed).unwrap()
}

#[test]
fn the_stored_log_probabilities_are_those_of_the_policy_that_sampled() {
    let dataset = films();
    let model = model(&dataset);
    let (grammar, prompts) =
        (Grammar::of(&model.codec.tokenizer, &dataset.catalogue).unwrap(), prompts(&dataset, &model, 4));
    let config = RolloutConfig { samples: 3, ..RolloutConfig::default() };
    let sampler = Sampler {
        tokenizer: &model.codec.tokenizer,
        grammar: &grammar,
        catalogue: &dataset.catalogue,
        config: &config,
    };
    let rollouts = sampler.answers(&model.llama, backend(&model.llama).unwrap().generator(), &prompts, 5).unwrap();
    assert_eq!(rollouts.len(), 12);
    let samples: Vec<_> = rollouts.iter().map(|rollout| sample(&prompts[rollout.prompt], rollout)).collect();
    let scored = log_probs(&model.llama, &samples, &ForwardOptions::default(), 5).unwrap();
    for (rollout, scored) in rollouts.iter().zip(scored) {
        let drawn = rollout.log_probs.as_ref().unwrap();
        assert_eq!(drawn.len(), rollout.tokens.len());
        assert!(drawn.iter().zip(&scored).all(|(d, s)| (d - s).abs() < 1e-4), "{drawn:?} is not {scored:?}");
    }
}

#[test]
fn on_a_gpu_answers_are_those_of_the_policy_of_the_moment() {
    const MAX_ANSWER_TOKENS: usize = 16;
    let dataset = films();
    let model = model_on(&test_gpu().device, &dataset);
    let (grammar, mut prompts) =
        (Grammar::of(&model.codec.tokenizer, &dataset.catalogue).unwrap(), prompts(&dataset, &model, 3));
    prompts.iter_mut().for_each(|prompt| prompt.max_answer_tokens = MAX_ANSWER_TOKENS);
    let config = RolloutConfig { samples: 2, ..RolloutConfig::default() };
    let sampler = Sampler {
        tokenizer: &model.codec.tokenizer,
        grammar: &grammar,
        catalogue: &dataset.catalogue,
        config: &config,
    };
    let policy = Policy::fresh(&model.llama, &self::config()).unwrap();
    // The engine stays while the policy moves on.
    let mut backend = backend(&model.llama).unwrap();
    let mut heard = Vec::new();
    for policy in [policy.clone(), bent(policy)] {
        let rollouts = sampler.answers(&policy.actor, backend.generator(), &prompts, 5).unwrap();
        let samples: Vec<_> = rollouts.iter().map(|rollout| sample(&prompts[rollout.prompt], rollout)).collect();
        let scored = log_probs(&policy.actor, &samples, &policy.how(), 6).unwrap();
        for (rollout, scored) in rollouts.iter().zip(scored) {
            let drawn = rollout.log_probs.as_ref().unwrap();
            assert!(drawn.iter().zip(&scored).all(|(d, s)| (d - s).abs() < 1e-3), "{drawn:?} is not {scored:?}");
        }
        heard.push(rollouts);
    }
    assert_ne!(heard[0], heard[1]);
}

/// A policy whose actor and critic have moved.
fn bent(policy: Policy) -> Policy {
    let moved = weights_of(&policy).into_iter().map(|(name, data)| {
        let values: Vec<f32> = data.iter::<f32>().enumerate().map(|(at, x)| x + 0.2 * (at as f32).sin()).collect();
        (name, TensorData::new(values, data.shape().clone()))
    });
    with_weights(policy, moved.collect(), "test").unwrap()
}

#[test]
fn answers_depend_on_the_seed_and_not_on_who_is_answered_beside() {
    let config = |batch| RolloutConfig { samples: 2, batch: Some(batch), ..RolloutConfig::default() };
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
    let tokenizer = model(&dataset).codec.tokenizer;
    for (rollout, other) in rollouts.iter().zip(answers(paper, 2)).step_by(3) {
        assert_eq!(rollout, &other, "no seed decides a greedy answer");
    }
    for rollout in &rollouts {
        let titles = parse(&rollout.text, OutputFormat::Strict, &dataset.catalogue);
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
    config.learning.baseline = crate::ppo::hyperparameters::Baseline::Critic;
    let policy = Policy::fresh(&model.llama, &config).unwrap();
    let samples: Vec<_> = prompts
        .iter()
        .map(|prompt| tiller_models::train::Sample { tokens: prompt.tokens.clone(), scored: 1..prompt.tokens.len() })
        .collect();
    let of = |llama: &tiller_models::llama::Llama| log_probs(llama, &samples, &ForwardOptions::default(), 2).unwrap();
    let reference = of(&model.llama);
    assert_eq!(of(&policy.actor), reference);
    let weights = weights_of(&policy);
    assert!(weights.keys().any(|name| name.starts_with("critic.head")), "the head of the critic is trained");
    let moved = bent(policy);
    assert_ne!(of(&moved.actor), reference);
    assert_eq!(of(&moved.actor.without_adapter()), reference, "to the last bit");
    assert_eq!(of(&model.llama), reference, "what moves is no part of the reference");
}

#[test]
fn a_long_prompt_loses_its_beginning_and_an_answer_may_take_half_of_all_tokens() {
    let dataset = films();
    let model = model(&dataset);
    let grammar = Grammar::of(&model.codec.tokenizer, &dataset.catalogue).unwrap();
    let whole = &prompts(&dataset, &model, 1)[0];
    let needed = grammar.longest(whole.example.request.as_ref().unwrap().k as usize) + 8;
    assert_eq!(whole.max_answer_tokens, needed);
    for max_tokens in [needed + 20, 2 * needed, needed] {
        let encoder = PromptEncoder { model: &model, grammar: &grammar, catalogue: &dataset.catalogue, max_tokens };
        let prompt = encoder.prompt(whole.task, whole.example.clone()).unwrap();
        assert_eq!(prompt.max_answer_tokens, needed.min(max_tokens / 2));
        assert!(prompt.tokens.len() + prompt.max_answer_tokens <= max_tokens && whole.tokens.ends_with(&prompt.tokens));
    }
}
