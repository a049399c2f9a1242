//! What the model says where it is asked, and no more: all logits where the constraint listens or anything may follow, else those of the
//! tokens that may.

use burn::tensor::{Int, Tensor};

use super::model::Llama;
use crate::{Error, Result};

/// A question behind a token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// The token's row among the hidden states.
    pub place: usize,
    /// The only tokens whose logits are wanted, ascending; nothing for all.
    pub list: Option<&'a [u32]>,
}

/// The answers to the questions of a step.
pub(super) struct Answers {
    vocab_size: usize,
    /// `[questions of all tokens, vocab_size]`.
    full: Vec<f32>,
    /// The tokens of all lists, ascending.
    listed: Vec<u32>,
    /// `[questions of a list, listed]`.
    of_listed: Vec<f32>,
    /// Which of the two each question is in, and its row there.
    rows: Vec<(Kind, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Full,
    Listed,
}

/// What the model says of the next token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Logits<'a> {
    /// Of every token: `[vocab_size]`.
    All(&'a [f32]),
    /// Of some: the tokens, ascending, and a logit for each.
    Some(&'a [u32], &'a [f32]),
}

impl Answers {
    /// Asks behind `hidden`, `[n, d_model]`.
    ///
    /// # Errors
    /// A device that fails.
    pub fn ask(model: &Llama, hidden: &Tensor<2>, questions: &[Question]) -> Result<Self> {
        let mut listed: Vec<u32> = questions.iter().filter_map(|question| question.list).flatten().copied().collect();
        listed.sort_unstable();
        listed.dedup();
        let vocab_size = model.config().vocab_size;
        check(&listed, vocab_size)?;

        let places = |kind: Kind| -> Vec<i32> {
            let of_kind = questions.iter().filter(|question| kind_of(question) == kind);
            of_kind.map(|question| question.place as i32).collect()
        };
        let (full, some) = (places(Kind::Full), places(Kind::Listed));
        let mut answers = Self { vocab_size, full: Vec::new(), listed, of_listed: Vec::new(), rows: Vec::new() };
        if !full.is_empty() {
            answers.full = host(model.logits(rows(hidden, &full)))?;
        }
        if !some.is_empty() {
            let asked = rows(hidden, &some);
            answers.of_listed = match model.logits_of(asked.clone(), &answers.listed) {
                Some(logits) => host(logits)?,
                None => {
                    answers.listed = (0..vocab_size as u32).collect();
                    host(model.logits(asked))?
                }
            };
        }
        let mut next = [0, 0];
        answers.rows.extend(questions.iter().map(|question| {
            let kind = kind_of(question);
            let row = &mut next[kind as usize];
            *row += 1;
            (kind, *row - 1)
        }));
        Ok(answers)
    }

    /// The answer to a question, by its number.
    pub fn get(&self, number: usize) -> Logits<'_> {
        match self.rows[number] {
            (Kind::Full, row) => Logits::All(&self.full[row * self.vocab_size..][..self.vocab_size]),
            (Kind::Listed, row) => {
                let count = self.listed.len();
                Logits::Some(&self.listed, &self.of_listed[row * count..][..count])
            }
        }
    }
}

impl<'a> Logits<'a> {
    /// Those of every token.
    ///
    /// # Errors
    /// Where only some were asked for.
    pub fn all(self) -> Result<&'a [f32]> {
        match self {
            Self::All(logits) => Ok(logits),
            Self::Some(..) => Err(Error::Failed("a constraint listens to more tokens than it has asked for".into())),
        }
    }

    /// Those of `tokens`, in their order.
    ///
    /// # Errors
    /// A token that nothing was said of.
    pub fn of(self, tokens: &[u32]) -> Result<Vec<f32>> {
        let of = |token: &u32| match self {
            Self::All(logits) => logits.get(*token as usize).copied(),
            Self::Some(known, logits) => known.binary_search(token).ok().map(|at| logits[at]),
        };
        let beyond = |token| unknown(token, "of which the model says something".into());
        tokens.iter().map(|token| of(token).ok_or_else(|| beyond(token))).collect()
    }
}

fn kind_of(question: &Question) -> Kind {
    if question.list.is_some() { Kind::Listed } else { Kind::Full }
}

/// Rows of the hidden states.
fn rows(hidden: &Tensor<2>, places: &[i32]) -> Tensor<2> {
    hidden.clone().select(0, Tensor::<1, Int>::from_data(places, &hidden.device()))
}

fn host(logits: Tensor<2>) -> Result<Vec<f32>> {
    logits.try_into_vec_as().map_err(|e| Error::Failed(format!("the device gave no logits: {e}")))
}

/// Refuses tokens, which ascend, that the model does not have.
fn check(listed: &[u32], vocab_size: usize) -> Result<()> {
    match listed.last().filter(|token| **token as usize >= vocab_size) {
        Some(token) => Err(unknown(token, format!("below {vocab_size}, the model's vocabulary"))),
        None => Ok(()),
    }
}

fn unknown(token: &u32, expected: String) -> Error {
    Error::bad_input("the constraint")
        .expected(format!("tokens {expected}"))
        .found(token)
        .next("use the tokenizer that belongs to this model")
        .into()
}
