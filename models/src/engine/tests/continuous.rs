//! Continuous batches: sequences that join later generate what they generate alone, and end by themselves.

use std::collections::VecDeque;

use super::*;
use crate::generate::testing::{Arriving, Drafting, Ends, Recorded, SequenceEnd};
use crate::generate::{Allowed, ContinuousBatch, NewSequence, TokenConstraint, TokenLogprob, Unconstrained};

/// A constraint that can be made for each sequence.
type Constraint = Box<dyn TokenConstraint>;

impl TokenConstraint for Constraint {
    fn allowed(&self) -> Allowed<'_> {
        (**self).allowed()
    }

    fn accept(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        (**self).accept(token, logprob)
    }

    fn needs_logits(&self) -> bool {
        (**self).needs_logits()
    }

    fn lookahead(&self) -> usize {
        (**self).lookahead()
    }

    fn draft(&mut self) -> Vec<crate::generate::DraftTokens> {
        (**self).draft()
    }
}

/// Free text, choices among a list, or such choices with a draft, in turn.
fn constraint(number: usize) -> Constraint {
    match number % 3 {
        0 => Box::<Unconstrained>::default(),
        1 => Box::new(Drafting::new(vec![2; 11], 0, number.is_multiple_of(2))),
        _ => Box::new(Drafting::new(vec![7; 11], 3, false)),
    }
}

/// A sequence that waits: the call of the source from which on it is there, its prompt and its length.
struct Case {
    call: usize,
    prompt: Vec<u32>,
    max_new_tokens: usize,
    constraint: Constraint,
}

/// Runs the cases in a continuous batch. Returns their ends, in the order of the ends.
fn ends(
    generator: &mut dyn Generator,
    cases: impl IntoIterator<Item = Case>,
    max_batch: usize,
    sampling: Sampling,
) -> (Result<()>, Vec<SequenceEnd>) {
    let ends = Ends::default();
    let join = |(number, Case { call, prompt, max_new_tokens, constraint })| {
        let live = Box::new(Recorded { constraint, number, ends: ends.clone() });
        (call, NewSequence { prompt, max_new_tokens, live })
    };
    let waiting: VecDeque<(usize, NewSequence)> = cases.into_iter().enumerate().map(join).collect();
    let mut source = Arriving { waiting, calls: 0 };
    let batch = ContinuousBatch { sampling, seed: 4, ..ContinuousBatch::new(&mut source, max_batch) };
    let ended = generator.run_continuous(batch);
    assert!(source.waiting.is_empty() || ended.is_err(), "the batch ended while sequences waited");
    drop(source);
    (ended, std::mem::take(&mut *ends.lock().unwrap()))
}

/// The tokens of a sequence that is the whole batch.
fn alone(generator: &mut dyn Generator, number: usize, prompt: &[u32], sampling: Sampling) -> Vec<u32> {
    let mut constraints = [Recorded { constraint: constraint(number), number, ends: Ends::default() }];
    let prompts = [prompt.to_vec()];
    generator
        .generate(GenerateRequest::new(&prompts, how(sampling)).constrained_by(&mut constraints))
        .unwrap()
        .remove(0)
}

/// All prompts, each from the call that `call` gives for its number.
fn cases(call: impl Fn(usize) -> usize) -> impl Iterator<Item = Case> {
    prompts().into_iter().enumerate().map(move |(number, prompt)| Case {
        call: call(number),
        prompt,
        max_new_tokens: 20,
        constraint: constraint(number),
    })
}

#[test]
fn a_sequence_that_joins_later_generates_what_it_generates_alone() {
    for device in devices() {
        let llama = llama(true, &device);
        for sampling in [GREEDY, Sampling::Random { temperature: 1.3, top_k: 0, top_p: 1.0 }] {
            let mut single = Engine::from_llama(&llama, options(1)).unwrap();
            let expected: Vec<Vec<u32>> = prompts()
                .iter()
                .enumerate()
                .map(|(number, prompt)| alone(&mut single, number, prompt, sampling))
                .collect();
            let mut engine = Engine::from_llama(&llama, options(3)).unwrap();
            let mut graph = GraphGenerator::new(&llama);
            let (by_engine, by_graph) = (
                ends(&mut engine, cases(|number| 2 * number), 3, sampling),
                ends(&mut graph, cases(|number| number / 3), 3, sampling),
            );
            for (ended, mut sequences) in [by_engine, by_graph] {
                ended.unwrap();
                sequences.sort_by_key(|(number, _)| *number);
                let found: Vec<Vec<u32>> = sequences.into_iter().map(|(_, tokens)| tokens.unwrap()).collect();
                assert_eq!(found, expected, "{sampling:?}");
            }
        }
    }
}

#[test]
fn short_sequences_that_join_later_end_before_a_long_one() {
    for device in devices() {
        let llama = llama(true, &device);
        let order = |generator: &mut dyn Generator, call: fn(usize) -> usize, max_batch| -> Vec<(usize, usize)> {
            let of_length = |(number, max_new_tokens): (usize, usize)| Case {
                call: call(number),
                prompt: PROMPTS[number].to_vec(),
                max_new_tokens,
                constraint: Box::<Unconstrained>::default(),
            };
            let (ended, sequences) =
                ends(generator, [50, 3, 4, 0, 3].into_iter().enumerate().map(of_length), max_batch, GREEDY);
            ended.unwrap();
            sequences.into_iter().map(|(number, tokens)| (number, tokens.unwrap().len())).collect()
        };
        let mut engine = Engine::from_llama(&llama, options(2)).unwrap();
        let mut found = order(&mut engine, |number| number, 2);
        assert_eq!(found.last(), Some(&(0, 50)), "{found:?}");
        found.sort();
        assert_eq!(found, [(0, 50), (1, 3), (2, 4), (3, 0), (4, 3)]);
        // In a static batch of the graph each ends by itself, too.
        let found = order(&mut GraphGenerator::new(&llama), |_| 0, 5);
        assert_eq!(found, [(3, 0), (1, 3), (4, 3), (2, 4), (0, 50)]);
    }
}

/// Refuses its third token.
struct Refusing(usize);

impl TokenConstraint for Refusing {
    fn allowed(&self) -> Allowed<'_> {
        Allowed::OneOf(&[2, 3])
    }

    fn accept(&mut self, _token: u32, _logprob: Option<&TokenLogprob>) -> Result<()> {
        self.0 += 1;
        if self.0 < 3 { Ok(()) } else { Err(crate::Error::Failed("the third token".into())) }
    }
}

/// Allows tokens that the model does not have.
struct Beyond;

impl TokenConstraint for Beyond {
    fn allowed(&self) -> Allowed<'_> {
        Allowed::OneOf(&[2, 40])
    }

    fn accept(&mut self, _token: u32, _logprob: Option<&TokenLogprob>) -> Result<()> {
        Ok(())
    }
}

#[test]
fn an_error_of_one_sequence_ends_that_one_alone() {
    for device in devices() {
        let llama = llama(true, &device);
        let case = |prompt: Vec<u32>, constraint: Constraint| Case { call: 0, prompt, max_new_tokens: 20, constraint };
        let free = |prompt: Vec<u32>| case(prompt, Box::<Unconstrained>::default());
        let faulty = || {
            let refused = [Vec::new(), vec![3; 120], vec![40]].map(free);
            refused.into_iter().chain([case(vec![5], Box::new(Refusing(0)))])
        };
        let mut engine = Engine::from_llama(&llama, options(3)).unwrap();
        let of_engine = [free(vec![3; 60]), case(vec![6], Box::new(Beyond))];
        let (by_engine, by_graph) = (
            ends(&mut engine, faulty().chain(of_engine).chain(cases(|_| 0)), 3, GREEDY),
            ends(&mut GraphGenerator::new(&llama), faulty().chain(cases(|_| 0)), 3, GREEDY),
        );
        let words =
            ["1 to 128 tokens", "found 120 tokens", "token ids below 40", "third token", "at most 64", "below 40"];
        for ((ended, mut sequences), faults) in [(by_engine, 6), (by_graph, 4)] {
            ended.unwrap();
            sequences.sort_by_key(|(number, _)| *number);
            assert_eq!(sequences.len(), faults + PROMPTS.len());
            let found: Vec<SequenceEnd> = sequences.split_off(faults);
            for ((_, fault), words) in sequences.into_iter().zip(words) {
                let error = fault.unwrap_err().to_string();
                assert!(error.contains(words), "{words}: {error}");
            }
            for ((number, tokens), prompt) in found.into_iter().zip(prompts()) {
                assert_eq!(tokens.unwrap(), alone(&mut engine, number - faults, &prompt, GREEDY));
            }
        }
    }
}

#[test]
fn an_error_of_the_whole_batch_is_told_to_each_sequence() {
    let llama = llama(true, &Device::flex());
    let beyond = Case { call: 0, prompt: vec![6], max_new_tokens: 20, constraint: Box::new(Beyond) };
    let (ended, sequences) =
        ends(&mut GraphGenerator::new(&llama), [beyond].into_iter().chain(cases(|_| 0)), 3, GREEDY);
    let words = ended.unwrap_err().to_string();
    assert_eq!(sequences.len(), 3);
    assert!(sequences.into_iter().all(|(_, tokens)| tokens.unwrap_err().to_string() == words));
}

#[test]
fn memory_grows_for_a_longer_sequence_that_joins() {
    for device in devices() {
        let llama = Llama::from_scratch(&LlamaConfig { max_positions: 600, ..config(true) }, 7, &device).unwrap();
        let growing = EngineOptions { max_batch: 1, max_tokens: 1, grows: true, ..options(1) };
        let mut engine = Engine::from_llama(&llama, growing).unwrap();
        let long: Vec<u32> = (0..300).map(|i| i * 7 % 40).collect();
        let joining = Case { call: 3, prompt: long.clone(), max_new_tokens: 20, constraint: constraint(8) };
        let (ended, mut sequences) = ends(&mut engine, cases(|_| 0).chain([joining]), 3, GREEDY);
        ended.unwrap();
        assert_eq!((engine.options().max_batch, engine.options().max_tokens), (3, 512));
        sequences.sort_by_key(|(number, _)| *number);
        for ((number, tokens), prompt) in sequences.into_iter().zip(prompts().into_iter().chain([long])) {
            assert_eq!(tokens.unwrap(), alone(&mut engine, number, &prompt, GREEDY), "sequence {number}");
        }
    }
}
