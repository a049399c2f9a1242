//! The losses through the model: their gradients, and where they lead.

use burn::module::Module;
use burn::tensor::Tensor;
use tiller_models::optim::{AdamW, AdamWConfig};
use tiller_models::train::Sample;
use tiller_models::weights::{weights_of, with_weights};

use super::toy::{config, films, model, updater};
use crate::ppo::experience::Trajectory;
use crate::ppo::hyperparameters::{Baseline, ImportanceSamplingLevel};
use crate::ppo::policy::{Policy, log_probs, values};

/// Two answers to one prompt: the first is good, the second bad.
pub(super) fn trajectories(policy: &Policy) -> Vec<Trajectory> {
    let samples = [vec![5, 9, 30, 31, 32], vec![5, 9, 40, 41]];
    let samples = samples.map(|tokens: Vec<u32>| Sample { scored: 2..tokens.len(), tokens }).to_vec();
    let log_probs = log_probs(&policy.actor, &samples, &policy.how(), 2).unwrap();
    let expected = policy.critic.as_ref().map(|critic| values(critic, &samples, 2).unwrap());
    let goodness = [1.0, -1.0];
    let trajectory = |at: usize| {
        let length = samples[at].scored.len();
        Trajectory {
            sample: samples[at].clone(),
            references: log_probs[at].clone(),
            log_probs: log_probs[at].clone(),
            values: expected.as_ref().map_or_else(Vec::new, |values| values[at].clone()),
            advantages: vec![goodness[at]; length],
            returns: vec![goodness[at]; length],
            item_starts: vec![0, 1],
        }
    };
    (0..2).map(trajectory).collect()
}

fn with_critic() -> crate::ppo::PpoConfig {
    let mut config = config();
    config.learning.baseline = Baseline::Critic;
    config
}

#[test]
fn learning_makes_the_good_answer_likelier_and_teaches_the_critic() {
    let dataset = films();
    let mut config = with_critic();
    config.learning.epochs = 20;
    config.learning.clip = 0.5;
    config.learning.value_clip = 10.0;
    config.learning.vf_coef = 1.0;
    config.learning.target_kl = 100.0;
    let policy = Policy::fresh(&model(&dataset).llama, &config).unwrap();
    let trajectories = trajectories(&policy);
    let mut adamw = AdamW::new(AdamWConfig::adam());
    let updater = updater(&config, 0.01);
    let (moved, stats) = updater.update(policy.clone(), &mut adamw, &trajectories, 1, &|| false).unwrap();
    assert_eq!((stats.ppo_epochs, stats.steps), (20, 20));
    let samples: Vec<Sample> = trajectories.iter().map(|t| t.sample.clone()).collect();
    let sum = |policy: &Policy| -> Vec<f32> {
        log_probs(&policy.actor, &samples, &policy.how(), 2).unwrap().iter().map(|of| of.iter().sum()).collect()
    };
    let (before, after) = (sum(&policy), sum(&moved));
    assert!(after[0] > before[0] + 0.5 && after[1] < before[1] - 0.3, "{before:?} to {after:?}");
    let error = |policy: &Policy| -> f64 {
        let values = values(policy.critic.as_ref().unwrap(), &samples, 2).unwrap();
        values.iter().zip([1.0, -1.0]).flat_map(|(v, r)| v.iter().map(move |v| (v - r).powi(2))).sum()
    };
    assert!(error(&moved) < 0.5 * error(&policy), "{} from {}", error(&moved), error(&policy));
    assert!(stats.clipfrac > 0.0 && stats.approx_kl > 0.0 && stats.value_loss.is_some());
}

#[test]
fn an_iteration_ends_with_the_epoch_that_went_far_enough() {
    let dataset = films();
    let mut config = config();
    config.learning.epochs = 20;
    config.learning.target_kl = 1e-3;
    let policy = Policy::fresh(&model(&dataset).llama, &config).unwrap();
    let trajectories = trajectories(&policy);
    let updater = updater(&config, 0.01);
    let mut adamw = AdamW::new(AdamWConfig::adam());
    let (_, stats) = updater.update(policy, &mut adamw, &trajectories, 1, &|| false).unwrap();
    assert!(stats.ppo_epochs < 20 && stats.approx_kl > 1e-3, "{stats:?}");
}

#[test]
fn steps_that_are_far_too_large_are_given_up() {
    let dataset = films();
    let mut config = config();
    config.learning.epochs = 50;
    config.learning.target_kl = f64::MAX;
    let policy = Policy::fresh(&model(&dataset).llama, &config).unwrap();
    let trajectories = trajectories(&policy);
    let updater = updater(&config, 1e4);
    let mut adamw = AdamW::new(AdamWConfig::adam());
    let error = updater.update(policy, &mut adamw, &trajectories, 1, &|| false).unwrap_err();
    let told = error.to_string();
    assert!(told.contains("ratio") || told.contains("NaN or infinite"), "{told}");
}

#[test]
fn what_is_no_number_is_given_up() {
    let dataset = films();
    let config = config();
    let policy = Policy::fresh(&model(&dataset).llama, &config).unwrap();
    let mut trajectories = trajectories(&policy);
    trajectories[1].advantages[0] = f64::NAN;
    let updater = updater(&config, 1e-3);
    let mut adamw = AdamW::new(AdamWConfig::adam());
    let error = updater.update(policy, &mut adamw, &trajectories, 1, &|| false).unwrap_err();
    assert!(error.to_string().contains("NaN or infinite"), "{error}");
}

/// Along the gradient of the whole loss of a step, it falls as the gradient says.
#[test]
fn the_step_is_the_gradient_of_the_loss() {
    for level in [ImportanceSamplingLevel::Token, ImportanceSamplingLevel::Item] {
        let mut config = with_critic();
        config.learning.importance_sampling_level = level;
        step_is_the_gradient(config);
    }
}

fn step_is_the_gradient(mut config: crate::ppo::PpoConfig) {
    const STEP: f64 = 2e-3;
    let dataset = films();
    config.learning.epochs = 1;
    config.learning.ent_coef = 0.3;
    config.learning.vf_coef = 0.7;
    // B is zero in a fresh adapter, where A has no gradient: begin elsewhere.
    let fresh = Policy::fresh(&model(&dataset).llama, &config).unwrap();
    let trajectories = trajectories(&fresh);
    let bent = weights_of(&fresh).into_iter().map(|(name, data)| {
        let values: Vec<f32> =
            data.iter::<f32>().enumerate().map(|(at, x)| x + 0.03 * (at as f32 * 0.7).sin()).collect();
        (name, burn::tensor::TensorData::new(values, data.shape().clone()))
    });
    let policy = with_weights(fresh, bent.collect(), "test").unwrap();
    let updater = updater(&config, 0.0);
    // At a rate of 0 a step only tells its loss and the norm of its gradient.
    let told = |policy: &Policy| {
        let mut adamw = AdamW::new(AdamWConfig::adam());
        let stats = updater.update(policy.clone(), &mut adamw, &trajectories, 1, &|| false).unwrap().1;
        (stats, adamw)
    };
    let (stats, adamw) = told(&policy);
    let gradients = first_moments(&adamw);
    let square: f64 = gradients.values().flatten().map(|g| f64::from(*g).powi(2)).sum();
    assert!((square.sqrt() - stats.grad_norm).abs() < 1e-4 * stats.grad_norm, "{} {}", square.sqrt(), stats.grad_norm);
    let moved = |by: f64| {
        let weights = weights_of(&policy).into_iter().map(|(name, data)| {
            let gradient = gradients.get(&name).cloned().unwrap_or_default();
            let step = |at: usize| gradient.get(at).map_or(0.0, |g| (f64::from(*g) / square.sqrt() * by) as f32);
            let values: Vec<f32> = data.iter::<f32>().enumerate().map(|(at, x)| x + step(at)).collect();
            (name, burn::tensor::TensorData::new(values, data.shape().clone()))
        });
        told(&with_weights(policy.clone(), weights.collect(), "test").unwrap()).0.loss
    };
    let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
    assert!((slope - square.sqrt()).abs() < 0.03 * square.sqrt(), "{slope} is not {}", square.sqrt());
}

/// Gradient accumulation is exact: answers of unequal lengths have the same loss and gradient in micro-batches of any size.
#[test]
fn the_gradient_of_a_step_does_not_depend_on_its_micro_batches() {
    let dataset = films();
    let mut config = with_critic();
    config.learning.epochs = 1;
    config.learning.ent_coef = 0.3;
    config.learning.vf_coef = 0.7;
    let policy = Policy::fresh(&model(&dataset).llama, &config).unwrap();
    let trajectories = trajectories(&policy);
    let [(one, of_one), (both, of_both)] = [1, 2].map(|micro_batch| {
        let mut config = config.clone();
        config.learning.batch = Some(micro_batch);
        let mut adamw = AdamW::new(AdamWConfig::adam());
        let stats = updater(&config, 0.0).update(policy.clone(), &mut adamw, &trajectories, 1, &|| false).unwrap().1;
        (stats, first_moments(&adamw))
    });
    assert!(one.grad_norm > 0.0 && (one.loss - both.loss).abs() < 1e-5, "{one:?} is not {both:?}");
    for (name, gradient) in of_one {
        let off = gradient.iter().zip(&of_both[&name]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-5, "{name} is off by {off}");
    }
}

/// The gradients that an optimiser has seen in its only step: its first moments are a tenth of them.
pub fn first_moments(adamw: &AdamW) -> std::collections::BTreeMap<String, Vec<f32>> {
    let mut archive = tiller_models::archive::Archive::default();
    adamw.save(&mut archive, "adamw");
    let moments = archive.take("adamw.first");
    moments.into_iter().map(|(name, data)| (name, data.iter::<f32>().map(|m| m * 10.0).collect())).collect()
}

/// Clones of a policy are independent of what is learnt.
#[test]
fn a_policy_that_learns_leaves_its_clone_alone() {
    let dataset = films();
    let config = config();
    let policy = Policy::fresh(&model(&dataset).llama, &config).unwrap();
    let before = weights_of(&policy.valid());
    let trajectories = trajectories(&policy);
    let updater = updater(&config, 0.05);
    let mut adamw = AdamW::new(AdamWConfig::adam());
    let (moved, _) = updater.update(policy.clone(), &mut adamw, &trajectories, 1, &|| false).unwrap();
    assert_eq!(weights_of(&policy.valid()), before);
    assert_ne!(weights_of(&moved.valid()), before);
    let _: Tensor<1> = Tensor::zeros([1], &policy.actor.device());
}
