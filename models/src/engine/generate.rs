//! Continuing prompts: rows that come and go, step by step, with as many steps ahead of the host as their constraints allow.

use std::collections::{HashSet, VecDeque};
use std::ops::ControlFlow;

use tiller_kernels::decode::{LogitsRequest, Pending, SampledToken, TokenSource, TokenSpan};

use super::Engine;
use super::paged_kv_cache::keys;
use super::sequence::Sequence;
use crate::llama::{DraftTokens, GenerateOptions, SequenceState, TokenConstraint, TokenLogprob, Unconstrained, check};
use crate::{Error, Result};

/// What is told each new token and its row.
type OnToken<'a> = &'a mut dyn FnMut(usize, u32) -> ControlFlow<()>;

/// Sequences that are continued side by side at most where the engine makes the room; more are taken as others end.
const MOST_ROWS: usize = 64;

/// Sequences of so many that are continued side by side there.
pub(crate) fn max_batch(sequences: usize) -> usize {
    sequences.clamp(1, MOST_ROWS)
}

impl Engine {
    /// [`Engine::generate_constrained`], with room made for it first.
    ///
    /// # Errors
    /// As [`Engine::generate_constrained`] and [`Engine::reserve`].
    pub(crate) fn write<G: TokenConstraint>(
        &mut self,
        prompts: &[Vec<u32>],
        constraints: &mut [G],
        stop: &[u32],
        options: &GenerateOptions,
        on_token: OnToken,
    ) -> Result<Vec<Vec<u32>>> {
        check(&self.config, prompts, options)?;
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(0) + options.max_new_tokens;
        self.reserve(max_batch(prompts.len()), longest)?;
        self.generate_constrained(prompts, constraints, stop, options, on_token)
    }

    /// Continues every prompt; as [`llama::generate`](crate::llama::generate()).
    ///
    /// # Errors
    /// As [`Engine::generate_constrained`].
    pub fn generate(
        &mut self,
        prompts: &[Vec<u32>],
        stop: &[u32],
        options: &GenerateOptions,
        on_token: OnToken,
    ) -> Result<Vec<Vec<u32>>> {
        self.generate_constrained(prompts, &mut vec![Unconstrained::default(); prompts.len()], stop, options, on_token)
    }

    /// Continues every prompt along its constraint; as [`llama::generate_constrained`](crate::llama::generate_constrained), with the same results. All of
    /// them go through the first adapter, where there is one.
    ///
    /// # Errors
    /// As [`Engine::generate_adapted`].
    ///
    /// # Panics
    /// As [`Engine::generate_adapted`].
    pub fn generate_constrained<G: TokenConstraint>(
        &mut self,
        prompts: &[Vec<u32>],
        constraints: &mut [G],
        stop: &[u32],
        options: &GenerateOptions,
        on_token: OnToken,
    ) -> Result<Vec<Vec<u32>>> {
        let adapters = vec![self.first_adapter(); prompts.len()];
        self.generate_adapted(prompts, &adapters, constraints, stop, options, on_token)
    }

    /// Continues every prompt along its constraint and through its own of the engine's adapters, counted from 1; 0 for none.
    ///
    /// As many prompts as the engine has rows are continued side by side; where one ends the next one begins. Prompts that begin alike
    /// share what they have in common.
    ///
    /// # Errors
    /// As [`llama::generate_constrained`](crate::llama::generate_constrained), and sequences longer than the engine has room for.
    ///
    /// # Panics
    /// Where there are more constraints or adapters than prompts, or fewer; an adapter that the engine does not have.
    pub fn generate_adapted<G: TokenConstraint>(
        &mut self,
        prompts: &[Vec<u32>],
        adapters: &[usize],
        constraints: &mut [G],
        stop: &[u32],
        options: &GenerateOptions,
        on_token: OnToken,
    ) -> Result<Vec<Vec<u32>>> {
        assert_eq!(
            [prompts.len(); 2],
            [constraints.len(), adapters.len()],
            "every prompt has a constraint and an adapter, or none"
        );
        assert!(adapters.iter().all(|adapter| *adapter <= self.adapters()), "an adapter is one of the engine's");
        check(&self.config, prompts, options)?;
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(0) + options.max_new_tokens;
        if longest > self.options.max_tokens {
            return Err(Error::bad_input("the engine")
                .expected(format!("sequences of at most {} tokens, for which it has room", self.options.max_tokens))
                .found(format!("{longest} tokens"))
                .next("make room for them, shorten the prompts, or ask for fewer new tokens")
                .into());
        }
        let waiting = (0..)
            .zip(prompts.iter().zip(adapters).zip(constraints))
            .map(|(number, ((prompt, &adapter), constraint))| Waiting {
                prompt,
                adapter,
                row: SequenceState::new(prompt, constraint, stop, number, options),
            })
            .collect();
        let mut generation = Generation {
            engine: self,
            options,
            waiting,
            begun: 0,
            live: Vec::new(),
            computing: HashSet::new(),
            flying: VecDeque::new(),
            done: vec![Vec::new(); prompts.len()],
        };
        let ended = generation.run(on_token);
        // Whatever the end: the pages are the engine's again, and what was written is the answer.
        while !generation.live.is_empty() {
            generation.retire(0);
        }
        let done = std::mem::take(&mut generation.done);
        ended.map(|()| done)
    }
}

/// All rows of a call.
struct Generation<'a, 'p, G> {
    engine: &'a mut Engine,
    options: &'a GenerateOptions,
    /// Rows that have no slot yet.
    waiting: VecDeque<Waiting<'p, G>>,
    /// How many prompts had a slot so far.
    begun: usize,
    live: Vec<Sequence<'p, G>>,
    /// Whole pages of prompts that somebody is reading: who needs them waits instead of reading them, too.
    computing: HashSet<(u64, u64)>,
    /// Steps whose answers have not come back, oldest first.
    flying: VecDeque<Flight>,
    /// The new tokens of every prompt.
    done: Vec<Vec<u32>>,
}

/// A row without a slot.
struct Waiting<'p, G> {
    prompt: &'p [u32],
    adapter: usize,
    row: SequenceState<'p, G>,
}

/// A step on its way.
struct Flight {
    pending: Pending,
    asked: Vec<Asked>,
}

/// Questions to a row on their way.
struct Asked {
    /// The prompt's number.
    number: usize,
    drafts: Vec<DraftTokens>,
    /// Where the answer to each comes, and whether the constraint gets to know what the model said of all tokens.
    answers: Vec<(usize, bool)>,
    /// What decides each.
    chances: Vec<f64>,
}

impl<G: TokenConstraint> Generation<'_, '_, G> {
    fn run(&mut self, on_token: OnToken) -> Result<()> {
        loop {
            self.admit();
            let mut said = Vec::new();
            for sequence in &mut self.live {
                let number = sequence.number;
                let mut run = Vec::new();
                sequence.row.follow(&mut |token| run.push(token))?;
                said.extend(run.iter().map(|token| (number, *token)));
                sequence.tokens.extend(run);
            }
            if said.into_iter().try_for_each(|(number, token)| on_token(number, token)).is_break() {
                return Ok(());
            }
            if self.retire_done() {
                continue;
            }
            if self.live.is_empty() {
                return Ok(());
            }
            // A row that waits for its answer would miss the step: the others wait with it.
            let waits = self.live.iter().any(Sequence::is_waiting);
            let may_fly = self.flying.len() < self.engine.options.in_flight.max(1);
            if !waits && may_fly && self.step()? {
                continue;
            }
            if self.land(on_token)?.is_break() {
                return Ok(());
            }
        }
    }

    /// Gives free slots to waiting rows.
    fn admit(&mut self) {
        while self.live.len() < self.engine.options.rows {
            let Some(Waiting { prompt, adapter, row }) = self.waiting.pop_front() else { break };
            let taken: HashSet<usize> = self.live.iter().map(|sequence| sequence.slot).collect();
            let slot = (0..).find(|slot| !taken.contains(slot)).expect("fewer rows than slots");
            self.live.push(Sequence::new(self.begun, slot, adapter, prompt, row));
            self.begun += 1;
        }
    }

    /// Takes rows that are done out of their slots; says whether there were any.
    fn retire_done(&mut self) -> bool {
        let before = self.live.len();
        for i in (0..before).rev().filter(|i| self.live[*i].row.done).collect::<Vec<_>>() {
            self.retire(i);
        }
        self.live.len() < before
    }

    fn retire(&mut self, i: usize) {
        let sequence = self.live.remove(i);
        let pages = &mut self.engine.pages;
        if sequence.begun {
            for key in keys(sequence.adapter, &sequence.tokens) {
                self.computing.remove(&key);
            }
            pages.insert_prefix(sequence.adapter, sequence.in_cache(), &sequence.table);
        }
        pages.free(sequence.table);
        self.done[sequence.number] = sequence.row.tokens;
    }

    /// Submits a step of all rows that can go on: rows that are being continued first, then prompts as far as there is room.
    fn step(&mut self) -> Result<bool> {
        let pages = &mut self.engine.pages;
        let sizes = self.engine.buffers.sizes;
        let mut room = sizes.tokens;
        let mut order: Vec<usize> = (0..self.live.len()).collect();
        order.sort_by_key(|i| self.live[*i].unread() > 1 || !self.live[*i].begun);
        let mut taken: Vec<(usize, usize, Vec<TokenSource>, bool)> = Vec::new();
        for i in order {
            let sequence = &mut self.live[i];
            if room == 0 || sequence.unread() == 0 {
                continue;
            }
            if !sequence.begun {
                // What another row is just reading is waited for.
                let unknown = pages.first_unknown(sequence.adapter, &sequence.tokens);
                if unknown.is_some_and(|key| self.computing.contains(&key)) {
                    continue;
                }
                sequence.begin(pages);
                self.computing.extend(keys(sequence.adapter, &sequence.tokens));
            }
            let position = sequence.position();
            let (sources, asks) = sequence.read(room, pages);
            room -= sources.len();
            taken.push((i, position, sources, asks));
        }
        if taken.is_empty() {
            return Ok(false);
        }

        let mut asked = Vec::new();
        let mut behind = Vec::new();
        let mut asking = taken.iter().filter(|(.., asks)| *asks).count();
        let mut slots = self.engine.options.rows..;
        let mut token = 0;
        for (i, _, sources, asks) in &mut taken {
            token += sources.len();
            if *asks {
                let (sequence, known) = (&mut self.live[*i], sources.len());
                let drafts = sequence.ask(room / asking, sources, &mut self.engine.pages);
                let drafted = sources.len() - known;
                (room, asking) = (room - drafted, asking - 1);
                behind.push(token - 1);
                asked.push(sequence.asked(drafts, &mut slots));
                token += drafted;
            }
        }
        let vocab_size = self.engine.config.vocab_size;
        let mut questions = Vec::new();
        for all in [true, false] {
            for (Asked { drafts, answers, chances, .. }, first) in asked.iter().zip(&behind) {
                let mut token = *first;
                for ((draft_tokens, &(slot, full)), &chance) in drafts.iter().zip(answers).zip(chances) {
                    if full == all {
                        let list =
                            draft_tokens.allowed.as_deref().map(|tokens| within(tokens, vocab_size)).transpose()?;
                        questions.push(LogitsRequest { token, slot, list, full, chance });
                    }
                    token += draft_tokens.tokens.len();
                }
            }
        }
        let runs: Vec<TokenSpan> = taken
            .iter()
            .map(|(i, position, sources, _)| {
                let Sequence { table, adapter, .. } = &self.live[*i];
                TokenSpan { tokens: sources, position: *position, pages: table, adapter: *adapter }
            })
            .collect();
        let pending = self.engine.step(&runs, &questions, self.options.sampling);
        if let Some(pending) = pending {
            self.flying.push_back(Flight { pending, asked });
        }
        for (i, ..) in taken {
            let sequence = &self.live[i];
            // What was read by now may be shared from the next step on.
            self.engine.pages.insert_prefix(sequence.adapter, sequence.in_cache(), &sequence.table);
            for key in keys(sequence.adapter, sequence.in_cache()) {
                self.computing.remove(&key);
            }
        }
        Ok(true)
    }

    /// Waits for the answers of the oldest step and hands them to their rows.
    fn land(&mut self, on_token: OnToken) -> Result<ControlFlow<()>> {
        let Flight { pending, asked } = self.flying.pop_front().expect("rows that wait have a step on its way");
        let answers = self.engine.runner.wait(pending).map_err(Error::Failed)?;
        for Asked { number, drafts, answers: places, .. } in asked {
            // A row that is done meanwhile has no use for it.
            let Some(sequence) = self.live.iter_mut().find(|sequence| sequence.number == number) else { continue };
            sequence.ahead -= 1;
            for (at, (DraftTokens { tokens: run, .. }, (slot, tells))) in drafts.iter().zip(places).enumerate() {
                let answer = answers[slot];
                if !answer.sound {
                    return Err(Error::Failed("the model's logits are not numbers; its weights may be damaged".into()));
                }
                if sequence.row.done {
                    break;
                }
                let mut new = vec![answer.token];
                sequence.row.append(answer.token, tells.then(|| said(&answer)).as_ref())?;
                if at > 0 {
                    // It was looked at ahead of its time.
                    sequence.row.chance();
                }
                if !run.is_empty() {
                    sequence.row.follow(&mut |token| new.push(token))?;
                }
                sequence.tokens.extend(&new);
                if new.into_iter().try_for_each(|token| on_token(number, token)).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                if !sequence.confirm(run) {
                    break;
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl<G: TokenConstraint> Sequence<'_, G> {
    /// Questions to the sequence: the first answer comes to its own slot, those to a draft's further ones to free slots.
    fn asked(&mut self, drafts: Vec<DraftTokens>, slots: &mut impl Iterator<Item = usize>) -> Asked {
        self.ahead += 1;
        let row = &mut self.row;
        let chances = std::iter::once(row.chance()).chain(row.chances_ahead()).take(drafts.len()).collect();
        let slots = std::iter::once(self.slot).chain(slots);
        let answer =
            |(draft_tokens, slot): (&DraftTokens, usize)| (slot, row.wants_to_know(draft_tokens.allowed.as_deref()));
        let answers = drafts.iter().zip(slots).map(answer).collect();
        Asked { number: self.number, drafts, answers, chances }
    }
}

fn said(answer: &SampledToken) -> TokenLogprob {
    TokenLogprob {
        log_prob: f64::from(answer.logit - answer.log_sum),
        argmax_token: answer.argmax_token,
        allowed_prob: f64::from(answer.log_sum_allowed - answer.log_sum).exp().min(1.0),
    }
}

/// Tokens of a constraint, which have to be the model's.
fn within(tokens: &[u32], vocab_size: usize) -> Result<&[u32]> {
    match tokens.iter().find(|token| **token as usize >= vocab_size) {
        None => Ok(tokens),
        Some(token) => Err(Error::bad_input("the constraint")
            .expected(format!("tokens below {vocab_size}, the model's vocabulary"))
            .found(token)
            .next("use the tokenizer that belongs to this model")
            .into()),
    }
}
