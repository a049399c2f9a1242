//! Constraints, stop ids, drafts and biases in the engine, against the graph.

use super::*;
use crate::generate::testing::Drafting;
use crate::generate::{Allowed, TokenConstraint, TokenLogprob};

/// Forced runs and short lists in turn, then no constraint; records the log-probabilities.
#[derive(Clone)]
struct Strict {
    taken: usize,
    needs_logits: bool,
    logprobs: Vec<Option<TokenLogprob>>,
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
        self.logprobs.push(logprob.copied());
        Ok(())
    }

    fn needs_logits(&self) -> bool {
        self.needs_logits
    }
}

#[test]
fn constraints_hold_and_see_the_logprobs_of_the_graph() {
    for device in devices() {
        let llama = llama(true, &device);
        for needs_logits in [false, true] {
            for sampling in [GREEDY, Sampling::Random { temperature: 1.3, top_k: 0, top_p: 1.0 }] {
                let new = vec![Strict { taken: 0, needs_logits, logprobs: Vec::new() }; 8];
                let (mut ours, mut theirs) = (new.clone(), new);
                let mut engine = Engine::from_llama(&llama, options(5)).unwrap();
                let prompts = prompts();
                let request = || GenerateRequest::new(&prompts, how(sampling));
                let found = engine.generate(request().constrained_by(&mut ours)).unwrap();
                let mut graph = GraphGenerator::new(&llama);
                assert_eq!(found, graph.generate(request().constrained_by(&mut theirs)).unwrap());
                for (ours, theirs) in ours.iter().zip(&theirs) {
                    assert_eq!(ours.logprobs.len(), 14);
                    for (ours, theirs) in ours.logprobs.iter().zip(&theirs.logprobs) {
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
}

#[test]
fn a_stop_id_ends_free_text_and_nothing_that_a_constraint_chose() {
    for device in devices() {
        let llama = llama(true, &device);
        let mut engine = Engine::from_llama(&llama, options(3)).unwrap();
        let mut graph = GraphGenerator::new(&llama);
        // All that the constraint forces or lists, and with them whatever free text begins with.
        let stop_ids: Vec<u32> = (0..40).collect();
        for needs_logits in [false, true] {
            let new = vec![Strict { taken: 0, needs_logits, logprobs: Vec::new() }; 8];
            let prompts = prompts();
            let lists = |generator: &mut dyn Generator| {
                let mut constraints = new.clone();
                let request = GenerateRequest::new(&prompts, how(GREEDY)).constrained_by(&mut constraints);
                generator.generate(request.stop_at(&stop_ids)).unwrap()
            };
            let found = lists(&mut engine);
            assert_eq!(found, lists(&mut graph));
            assert_eq!(
                found.iter().map(Vec::len).collect::<Vec<_>>(),
                [5; 8],
                "three forced, one of a list, the first free"
            );
        }
        let constraint = |ahead| Drafting::new(vec![2; 11], ahead, false);
        for ahead in [0, 3] {
            let mut constraints = vec![constraint(ahead); 8];
            let prompts = prompts();
            let request = GenerateRequest::new(&prompts, how(GREEDY)).constrained_by(&mut constraints);
            let lengths: Vec<usize> =
                engine.generate(request.stop_at(&stop_ids)).unwrap().iter().map(Vec::len).collect();
            assert_eq!(lengths, [20; 8]);
        }
    }
}

#[test]
fn drafts_are_accepted_as_far_as_they_agree_and_change_nothing() {
    for device in devices() {
        let llama = llama(true, &device);
        let mut engine = Engine::from_llama(&llama, options(5)).unwrap();
        for sampling in [GREEDY, Sampling::Random { temperature: 1.3, top_k: 0, top_p: 1.0 }] {
            for needs_logits in [false, true] {
                let mut written = |ahead: usize, expected: &dyn Fn(usize) -> Vec<u32>| {
                    let mut constraints: Vec<Drafting> =
                        (0..PROMPTS.len()).map(|row| Drafting::new(expected(row), ahead, needs_logits)).collect();
                    let prompts = prompts();
                    let request = GenerateRequest::new(&prompts, how(sampling)).constrained_by(&mut constraints);
                    (
                        engine.generate(request).unwrap(),
                        constraints.iter().map(|constraint| constraint.steps).sum::<usize>(),
                    )
                };
                let (plain, steps) = written(0, &|_| vec![2; 11]);
                assert_eq!(steps, 10 * PROMPTS.len());
                let right = |row: usize| plain[row].iter().copied().step_by(2).chain([2]).collect::<Vec<u32>>();
                let (drafted, steps) = written(3, &right);
                assert_eq!(drafted, plain);
                assert!(
                    steps <= 5 * PROMPTS.len(),
                    "{steps} steps: a draft of three is shortened where there is no room"
                );
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
}

#[test]
fn biased_choices_are_those_of_the_graph() {
    for device in devices() {
        let llama = llama(true, &device);
        let mut engine = Engine::from_llama(&llama, options(5)).unwrap();
        let biases = [-3.0, -0.5, 0.0, -1.0, -4.0];
        let truncated = Sampling::Random { temperature: 1.3, top_k: 3, top_p: 0.9 };
        for sampling in [GREEDY, Sampling::Random { temperature: 1.3, top_k: 0, top_p: 1.0 }, truncated] {
            for (weight, needs_logits) in [(0.0, false), (0.4, false), (0.4, true), (1.0, false)] {
                let biases = if weight == 1.0 { [-0.0; 5] } else { biases };
                let constraints = |ahead: usize| -> Vec<Drafting> {
                    let drafting = || Drafting::new(vec![11; 11], ahead, needs_logits);
                    (0..PROMPTS.len()).map(|_| drafting().biased(weight, biases)).collect()
                };
                let prompts = prompts();
                let mut theirs = constraints(0);
                let expected = GraphGenerator::new(&llama)
                    .generate(GenerateRequest::new(&prompts, how(sampling)).constrained_by(&mut theirs))
                    .unwrap();
                for ahead in [0, 3] {
                    let mut ours = constraints(ahead);
                    let request = GenerateRequest::new(&prompts, how(sampling)).constrained_by(&mut ours);
                    let found = engine.generate(request).unwrap();
                    assert_eq!(found, expected, "weight {weight}, {sampling:?}");
                }
                if weight == 1.0 {
                    let unbiased = || (0..PROMPTS.len()).map(|_| Drafting::new(vec![11; 11], 0, needs_logits));
                    let mut unbiased: Vec<Drafting> = unbiased().collect();
                    let request = GenerateRequest::new(&prompts, how(sampling)).constrained_by(&mut unbiased);
                    assert_eq!(engine.generate(request).unwrap(), expected);
                }
            }
        }
    }
}
