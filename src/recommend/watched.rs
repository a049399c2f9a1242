//! Generation that somebody watches: the text while it is written, an early end where nobody waits any more, and what the model itself
//! would have chosen.

use tiller_models::generate::{Allowed, DraftTokens, LogitBias, TokenConstraint, TokenLogprob};
use tiller_models::tokenizer::Tokenizer;

use crate::Result;

/// Follows the answers of a batch while they are written.
pub trait Watcher: Sync {
    /// Takes a new piece of the answer to request `number` of the batch.
    fn text(&self, number: usize, piece: &str);

    /// Returns true once nobody waits for the answer to request `number`: its generation ends, the others go on.
    fn is_cancelled(&self, number: usize) -> bool;
}

/// A token that was chosen while the model's own choice was known.
#[derive(Debug, Clone, Copy)]
pub struct TracedChoice {
    /// The number of tokens before it.
    at: usize,
    logprob: TokenLogprob,
    /// True where the model's likeliest token was not allowed.
    is_changed: bool,
}

/// The constraint of a sequence that a [`Watcher`] follows.
pub struct WatchedConstraint<'a> {
    constraint: &'a mut dyn TokenConstraint,
    watcher: &'a dyn Watcher,
    /// The number of the request.
    number: usize,
    accepted: usize,
    choices: Vec<TracedChoice>,
    /// Set with a token only: between two tokens, `allowed` must not change its mind.
    is_cancelled: bool,
}

impl<'a> WatchedConstraint<'a> {
    /// The constraint of request `number`.
    pub fn new(constraint: &'a mut dyn TokenConstraint, watcher: &'a dyn Watcher, number: usize) -> Self {
        Self { constraint, watcher, number, accepted: 0, choices: Vec::new(), is_cancelled: false }
    }

    /// The choices whose log-probabilities are known.
    pub fn into_choices(self) -> Vec<TracedChoice> {
        self.choices
    }
}

impl TokenConstraint for WatchedConstraint<'_> {
    fn allowed(&self) -> Allowed<'_> {
        if self.is_cancelled { Allowed::Forced(&[]) } else { self.constraint.allowed() }
    }

    fn accept(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        if let Some(&logprob) = logprob {
            let is_changed = match self.constraint.allowed() {
                Allowed::OneOf(allowed) => allowed.binary_search(&logprob.argmax_token).is_err(),
                Allowed::Any | Allowed::Forced(_) => false,
            };
            self.choices.push(TracedChoice { at: self.accepted, logprob, is_changed });
        }
        self.accepted += 1;
        self.constraint.accept(token, logprob)?;
        self.is_cancelled = self.watcher.is_cancelled(self.number);
        Ok(())
    }

    fn needs_logits(&self) -> bool {
        self.constraint.needs_logits()
    }

    fn logit_bias(&self) -> Option<LogitBias> {
        self.constraint.logit_bias()
    }

    fn lookahead(&self) -> usize {
        self.constraint.lookahead()
    }

    fn draft(&mut self) -> Vec<DraftTokens> {
        self.constraint.draft()
    }

    fn stream(&self) -> Option<u64> {
        self.constraint.stream()
    }
}

/// The model's own view of one line of its answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LineTrace {
    /// The log-probability of the choices of the line, in nats; tokens without an alternative are none.
    pub log_prob: f64,
    /// The number of those choices.
    pub choices: usize,
    /// The first choice of the line that the constraint changed.
    pub changed: Option<ChangedChoice>,
}

/// A choice of the model that was not allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedChoice {
    /// The line up to the model's likeliest token, and this token.
    pub wanted: String,
    /// The probability that the model gave to tokens that were not allowed.
    pub removed: f64,
}

/// The traces of the lines of an answer, in order.
///
/// # Errors
/// As [`Tokenizer::decode`].
pub fn line_traces(tokens: &[u32], choices: &[TracedChoice], tokenizer: &Tokenizer) -> Result<Vec<LineTrace>> {
    let mut lines = vec![LineTrace::default()];
    let (mut decoder, mut line) = (tokenizer.stream(), String::new());
    let mut choices = choices.iter().peekable();
    for (at, &token) in tokens.iter().enumerate() {
        if let Some(TracedChoice { logprob, is_changed, .. }) = choices.next_if(|choice| choice.at == at) {
            let trace = lines.last_mut().expect("starts with one line");
            trace.log_prob += logprob.log_prob;
            trace.choices += 1;
            if *is_changed && trace.changed.is_none() {
                let wanted = without_number(&(line.clone() + &tokenizer.decode(&[logprob.argmax_token], true)?));
                trace.changed = Some(ChangedChoice { wanted, removed: (1.0 - logprob.allowed_prob).max(0.0) });
            }
        }
        for character in decoder.push(token)?.chars() {
            if character == '\n' {
                lines.push(LineTrace::default());
                line.clear();
            } else {
                line.push(character);
            }
        }
    }
    Ok(lines)
}

/// A line without the number in front of its title.
fn without_number(line: &str) -> String {
    let line = line.trim_start();
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.strip_prefix('.').filter(|_| rest.len() < line.len()).unwrap_or(line).trim_start().to_owned()
}
