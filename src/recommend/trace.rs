//! The model's own choices in a list: what it would have written without the constraint.

use tiller_models::generate::{Allowed, TokenLogprob};
use tiller_models::tokenizer::Tokenizer;

use crate::Result;

/// A token that was chosen while the model's own choice was known.
#[derive(Debug, Clone, Copy)]
pub struct TracedChoice {
    /// The number of tokens before it.
    at: usize,
    logprob: TokenLogprob,
    /// True where the model's likeliest token was not allowed.
    is_changed: bool,
}

impl TracedChoice {
    /// The choice of a token behind `at` others, where `allowed` were the tokens that could follow.
    pub fn new(at: usize, logprob: TokenLogprob, allowed: Allowed) -> Self {
        let is_changed = match allowed {
            Allowed::OneOf(tokens) => tokens.binary_search(&logprob.argmax_token).is_err(),
            Allowed::Any | Allowed::Forced(_) => false,
        };
        Self { at, logprob, is_changed }
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
