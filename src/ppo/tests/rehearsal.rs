//! What is learnt again of the tuning: which examples, and what they do.

use tiller_models::optim::{AdamW, AdamWConfig};
use tiller_models::train::{Forward, Lesson};

use super::toy::{config, films, instructor, learner, model};
use crate::decode::Grammar;
use crate::ppo::learn::Learner;
use crate::ppo::policy::Policy;
use crate::ppo::prompts::Scribe;
use crate::ppo::rehearsal::Rehearsal;
use crate::teacher::Popularity;

/// The lessons of an iteration.
fn lessons(rehearsal: &Rehearsal, iteration: u64, steps: usize) -> Vec<Vec<Lesson>> {
    let dataset = films();
    let (teacher, model) = (Popularity::of(&dataset), model(&dataset));
    let grammar = Grammar::of(&model.words.tokenizer, &dataset.catalogue).unwrap();
    let scribe = Scribe { model: &model, grammar: &grammar, max_tokens: 1024 };
    rehearsal.lessons(&instructor(&dataset, &teacher), &scribe, iteration, steps).unwrap()
}

#[test]
fn iterations_go_through_the_examples_one_behind_the_other() {
    let rehearsal = Rehearsal { examples: 4, weight: 0.25 };
    let all = |count: u64| (0..count).flat_map(|iteration| lessons(&rehearsal, iteration, 3)).flatten();
    // Sixty places of an epoch: five iterations of twelve, and then others.
    let found: Vec<Lesson> = all(7).collect();
    let whole: Vec<Lesson> = lessons(&rehearsal, 0, 21).into_iter().flatten().collect();
    assert_eq!(found, whole);
    let twice = (0..found.len()).filter(|&at| found[..at].contains(&found[at])).count();
    assert!(found.len() > 60 && twice < found.len() / 10, "{twice} of {}", found.len());
    for lesson in &found {
        let weight = lesson.weights.iter().map(|(_, weight)| weight).sum::<f32>();
        assert!((weight - 0.25).abs() < 1e-5, "{weight}");
    }
    assert!(lessons(&Rehearsal::none(), 0, 3).is_empty());
}

/// Without any advantage, what moves the policy is what it rehearses.
#[test]
fn what_is_rehearsed_is_learnt() {
    let dataset = films();
    let mut config = config();
    config.learning.epochs = 20;
    config.learning.target_kl = f64::MAX;
    let policy = Policy::fresh(&model(&dataset).llama, &config).unwrap();
    let mut trajectories = super::losses::trajectories(&policy);
    trajectories.iter_mut().for_each(|trajectory| trajectory.advantages.fill(0.0));
    let rehearsed = vec![lessons(&Rehearsal { examples: 2, weight: 0.5 }, 0, 1).remove(0); 20];
    let learn = |policy: &Policy, rehearsed: &[Vec<Lesson>]| {
        let learner = Learner { rehearsed, ..learner(&config, 0.01) };
        let mut adamw = AdamW::new(AdamWConfig::adam());
        learner.learn(policy.clone(), &mut adamw, &trajectories, 1, &|| false).unwrap()
    };
    let loss = |policy: &Policy| {
        let (_, loss) = policy.actor.gradient(&rehearsed[0], 0.5, &Forward::default(), false);
        f64::from(loss.into_scalar::<f32>())
    };
    let (idle, learnt) = learn(&policy, &[]);
    assert_eq!((loss(&idle), learnt.rehearsal_loss), (loss(&policy), None));
    let (moved, learnt) = learn(&policy, &rehearsed);
    let (before, after) = (loss(&policy), loss(&moved));
    assert!(after < 0.9 * before, "{before} to {after}");
    let mean = learnt.rehearsal_loss.unwrap();
    assert!(after < mean && mean < before && (learnt.loss - learnt.policy_loss - mean).abs() < 1e-9, "{learnt:?}");
}
