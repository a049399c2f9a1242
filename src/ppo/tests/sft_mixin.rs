//! The supervised examples of PPO: their choice and their effect.

use tiller_models::optim::{AdamW, AdamWConfig};
use tiller_models::train::{ForwardOptions, WeightedExample};

use super::toy::{builder, config, films, model, updater};
use crate::constrain::Grammar;
use crate::ppo::policy::Policy;
use crate::ppo::prompts::PromptEncoder;
use crate::ppo::sft_mixin::SftMixin;
use crate::ppo::update::PpoUpdater;
use crate::teacher::Popularity;

/// The examples of an iteration.
fn weighted_examples(mixin: &SftMixin, iteration: u64, steps: usize) -> Vec<Vec<WeightedExample>> {
    let dataset = films();
    let (teacher, model) = (Popularity::of(&dataset), model(&dataset));
    let grammar = Grammar::of(&model.codec.tokenizer, &dataset.catalogue).unwrap();
    let encoder = PromptEncoder { model: &model, grammar: &grammar, catalogue: &dataset.catalogue, max_tokens: 1024 };
    mixin.weighted_examples(&builder(&dataset, &teacher), &encoder, iteration, steps).unwrap()
}

#[test]
fn iterations_go_through_the_examples_one_behind_the_other() {
    let mixin = SftMixin { examples: 4, weight: 0.25 };
    let all = |count: u64| (0..count).flat_map(|iteration| weighted_examples(&mixin, iteration, 3)).flatten();
    // Sixty places of an epoch: five iterations of twelve, and then others.
    let found: Vec<WeightedExample> = all(7).collect();
    let whole: Vec<WeightedExample> = weighted_examples(&mixin, 0, 21).into_iter().flatten().collect();
    assert_eq!(found, whole);
    let twice = (0..found.len()).filter(|&at| found[..at].contains(&found[at])).count();
    assert!(found.len() > 60 && twice < found.len() / 10, "{twice} of {}", found.len());
    for example in &found {
        let weight = example.weights.iter().map(|(_, weight)| weight).sum::<f32>();
        assert!((weight - 0.25).abs() < 1e-5, "{weight}");
    }
    assert!(weighted_examples(&SftMixin::none(), 0, 3).is_empty());
}

/// Without any advantage, the supervised examples alone move the policy.
#[test]
fn what_is_mixed_in_is_learnt() {
    let dataset = films();
    let mut config = config();
    config.learning.epochs = 20;
    config.learning.target_kl = f64::MAX;
    let policy = Policy::fresh(&model(&dataset).llama, &config).unwrap();
    let mut trajectories = super::losses::trajectories(&policy);
    trajectories.iter_mut().for_each(|trajectory| trajectory.advantages.fill(0.0));
    let ptx_examples = vec![weighted_examples(&SftMixin { examples: 2, weight: 0.5 }, 0, 1).remove(0); 20];
    let learn = |policy: &Policy, ptx_examples: &[Vec<WeightedExample>]| {
        let updater = PpoUpdater { ptx_examples, ..updater(&config, 0.01) };
        let mut adamw = AdamW::new(AdamWConfig::adam());
        updater.update(policy.clone(), &mut adamw, &trajectories, 1, &|| false).unwrap()
    };
    let loss = |policy: &Policy| {
        let (_, loss) = policy.actor.gradient(&ptx_examples[0], 0.5, &ForwardOptions::default(), false);
        f64::from(loss.into_scalar::<f32>())
    };
    let (idle, stats) = learn(&policy, &[]);
    assert_eq!((loss(&idle), stats.ptx_loss), (loss(&policy), None));
    let (moved, stats) = learn(&policy, &ptx_examples);
    let (before, after) = (loss(&policy), loss(&moved));
    assert!(after < 0.9 * before, "{before} to {after}");
    let mean = stats.ptx_loss.unwrap();
    assert!(after < mean && mean < before && (stats.loss - stats.policy_loss - mean).abs() < 1e-9, "{stats:?}");
}
