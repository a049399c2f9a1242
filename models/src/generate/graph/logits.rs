//! The logits at the choices of a step. The whole output projection is computed only where a constraint allows every token or needs
//! log-probabilities; elsewhere the rows of the allowed tokens are enough.

use burn::tensor::{Int, Tensor};

use crate::download::download;
use crate::generate::logits::Logits;
use crate::generate::request::check_tokens;
use crate::llama::Llama;
use crate::{Error, Result};

/// The logits that a choice needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogitsAt<'a> {
    /// The row among the hidden states.
    pub(super) row: usize,
    /// The tokens whose logits are needed, ascending; `None` for all.
    pub(super) allowed: Option<&'a [u32]>,
}

/// The logits at every choice of a step.
pub(super) struct StepLogits {
    vocab_size: usize,
    /// `[choices among all tokens, vocab_size]`
    full: Vec<f32>,
    /// The allowed tokens of all other choices, ascending.
    listed: Vec<u32>,
    /// `[choices among listed tokens, listed]`
    of_listed: Vec<f32>,
    /// The matrix that holds each choice, and its row there.
    places: Vec<(Rows, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    Full,
    Listed,
}

impl StepLogits {
    /// Projects the hidden states of the choices, `[n, d_model]`, to logits.
    ///
    /// # Errors
    /// A device that fails.
    pub(super) fn compute(model: &Llama, hidden: &Tensor<2>, choices: &[LogitsAt]) -> Result<Self> {
        let mut listed: Vec<u32> = choices.iter().filter_map(|choice| choice.allowed).flatten().copied().collect();
        listed.sort_unstable();
        listed.dedup();
        let vocab_size = model.config().vocab_size;
        check_tokens(|| Error::bad_input("the constraint"), &listed, vocab_size)?;

        let rows_of = |kind: Rows| -> Vec<i32> {
            choices.iter().filter(|choice| choice.rows() == kind).map(|choice| choice.row as i32).collect()
        };
        let (full, some) = (rows_of(Rows::Full), rows_of(Rows::Listed));
        let mut step = Self { vocab_size, full: Vec::new(), listed, of_listed: Vec::new(), places: Vec::new() };
        if !full.is_empty() {
            step.full = download(model.logits(select(hidden, &full)), "the logits")?;
        }
        if !some.is_empty() {
            let selected = select(hidden, &some);
            step.of_listed = match model.logits_of(selected.clone(), &step.listed) {
                Some(logits) => download(logits, "the logits")?,
                None => {
                    step.listed = (0..vocab_size as u32).collect();
                    download(model.logits(selected), "the logits")?
                }
            };
        }
        let mut next = [0, 0];
        step.places.extend(choices.iter().map(|choice| {
            let rows = choice.rows();
            let row = &mut next[rows as usize];
            *row += 1;
            (rows, *row - 1)
        }));
        Ok(step)
    }

    /// The logits at a choice, by its number.
    pub(super) fn get(&self, number: usize) -> Logits<'_> {
        match self.places[number] {
            (Rows::Full, row) => Logits::All(&self.full[row * self.vocab_size..][..self.vocab_size]),
            (Rows::Listed, row) => {
                let count = self.listed.len();
                Logits::Some(&self.listed, &self.of_listed[row * count..][..count])
            }
        }
    }
}

impl LogitsAt<'_> {
    fn rows(&self) -> Rows {
        if self.allowed.is_some() { Rows::Listed } else { Rows::Full }
    }
}

/// Rows of the hidden states.
fn select(hidden: &Tensor<2>, rows: &[i32]) -> Tensor<2> {
    hidden.clone().select(0, Tensor::<1, Int>::from_data(rows, &hidden.device()))
}
