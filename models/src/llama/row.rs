//! A row of a generation: one sequence in the making, its guide and its chances.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::generate::GenerateOptions;
use super::guide::{Guide, Next, Said};
use crate::{Error, Result};

/// One sequence in the making.
pub(crate) struct Row<'a, G> {
    guide: &'a mut G,
    stop: &'a [u32],
    options: &'a GenerateOptions,
    rng: ChaCha8Rng,
    /// The new tokens.
    pub tokens: Vec<u32>,
    /// Tokens that the model has not read yet.
    unread: Vec<u32>,
    /// Whether nothing may follow any more.
    pub done: bool,
}

impl<'a, G: Guide> Row<'a, G> {
    pub fn new(prompt: &[u32], guide: &'a mut G, stop: &'a [u32], place: u64, options: &'a GenerateOptions) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(guide.stream().unwrap_or(place));
        let done = options.max_new_tokens == 0;
        Self { guide, stop, options, rng, tokens: Vec::new(), unread: prompt.to_vec(), done }
    }

    /// For how many further tokens anything may follow, whatever they are.
    pub fn foresight(&self) -> usize {
        // A stop token ends a row, which is no reason to wait: what was computed behind it is dropped.
        self.guide.foresight()
    }

    /// How many tokens it may still gain.
    pub fn room(&self) -> usize {
        self.options.max_new_tokens - self.tokens.len()
    }

    /// What may follow now.
    pub fn next(&self) -> Next<'_> {
        self.guide.next()
    }

    /// The uniform number in [0, 1) that decides the next choice.
    pub fn chance(&mut self) -> f64 {
        self.rng.random()
    }

    /// Whether the guide gets to know what the model said of all tokens.
    pub fn wants_to_know(&self, next: Next) -> bool {
        matches!(next, Next::Any) || self.guide.listens()
    }

    /// Appends all that follows without a choice, and says it.
    pub fn follow(&mut self, say: &mut dyn FnMut(u32)) -> Result<()> {
        while !self.done {
            let Next::Run(run) = self.guide.next() else { break };
            let Some(&token) = run.first() else {
                self.done = true;
                break;
            };
            self.append(token, None)?;
            say(token);
        }
        Ok(())
    }

    /// Chooses the next token by `logits`, `[vocab_size]`, and appends it.
    pub fn choose(&mut self, logits: &[f32]) -> Result<u32> {
        let not_numbers = || Error::Failed("the model's logits are not numbers; its weights may be damaged".into());
        let uniform = self.chance();
        let next = self.guide.next();
        let token = match next {
            Next::OneOf(tokens) => {
                let theirs = allowed_logits(logits, tokens)?;
                let at = self.options.sampling.pick(&theirs, uniform).ok_or_else(not_numbers)?;
                tokens[at as usize]
            }
            Next::Any | Next::Run(_) => self.options.sampling.pick(logits, uniform).ok_or_else(not_numbers)?,
        };
        let said = self.wants_to_know(next).then(|| Said::of(logits, token, next));
        self.append(token, said.as_ref())?;
        Ok(token)
    }

    /// Appends a token and tells the guide.
    pub fn append(&mut self, token: u32, said: Option<&Said>) -> Result<()> {
        self.guide.take(token, said)?;
        self.tokens.push(token);
        self.unread.push(token);
        self.done = self.stop.contains(&token) || self.tokens.len() >= self.options.max_new_tokens;
        Ok(())
    }

    /// What the model shall read next; nothing once the row is done.
    pub fn unread(&mut self) -> Vec<u32> {
        let unread = std::mem::take(&mut self.unread);
        if self.done { Vec::new() } else { unread }
    }
}

/// The logits of `tokens`, in their order.
fn allowed_logits(logits: &[f32], tokens: &[u32]) -> Result<Vec<f32>> {
    let of = |token: &u32| {
        logits.get(*token as usize).copied().ok_or_else(|| {
            Error::bad_input("the guide")
                .expected(format!("tokens below {}, the model's vocabulary", logits.len()))
                .found(token)
                .next("use the tokenizer that belongs to this model")
                .into()
        })
    };
    tokens.iter().map(of).collect()
}
