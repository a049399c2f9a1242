//! Constrained decoding: a logits mask for every step of a generation, so that the list of a language model satisfies its request.
//!
//! From `--share 'Comedy>=50%'` to a token mask:
//! 1. [`Request::compile`](crate::request::Request::compile) turns the request into sets of items and counters over them.
//! 2. [`constraints`]: the allowed items, and the counters with their bounds.
//! 3. Feasibility: [`problem`] states it, [`search`] solves it, and [`FeasibleRequest`] carries the proof that a list exists. Without a
//!    proof the request is refused, with the nearest requests that can be met ([`infeasible`]).
//! 4. [`Grammar`] and [`trie`]: the tokens of every list, with a prefix tree (trie) of the titles.
//! 5. [`Automaton`] walks both: after each token it knows the tokens that may come next ([`NextTokens`]), and the forced ones, which
//!    need no step of the model (jump-forward decoding).
//! 6. [`ListConstraint`] hands them to the engine as the logits mask. Only this file knows language models.
//!
//! [`TeacherGuide`] lets the teacher take part in every choice, by its probability mass below the children of the trie ([`LeafScores`]).
//! [`DraftModel`] adds speculative decoding with the teacher's list, [`greedy_fill`] serves recommenders without a language model, and
//! [`masked`] is the reference implementation that every engine has to agree with.
//!
//! Guarantees for every model, greedy or sampled: exactly k lines in the list format (method §3.3), every item in the catalogue, none
//! twice, none of the history, and every rule of the request. Decoding cannot reach a state without a next token.

pub mod automaton;
pub mod constraints;
mod draft;
pub mod feasible;
pub mod grammar;
mod greedy_fill;
mod guide;
mod guide_choice;
pub mod infeasible;
mod leaf_scores;
pub mod list_constraint;
pub mod masked;
pub mod mode;
pub mod problem;
pub mod search;
pub mod statistics;
pub mod trie;

#[cfg(test)]
pub(crate) mod tests;

pub use automaton::{Automaton, NextTokens};
pub use constraints::Constraints;
pub use draft::DraftModel;
pub use feasible::FeasibleRequest;
pub use grammar::{Grammar, TitleTokenizer};
pub use greedy_fill::greedy_fill;
pub use guide::{GuideWeight, TeacherGuide};
pub use guide_choice::{GuideChoice, GuideSource, WeightChoice};
pub use leaf_scores::LeafScores;
pub(crate) use leaf_scores::soft_maximum;
pub use list_constraint::{ListConstraint, MaskedBaseline};
pub use mode::Mode;
pub use statistics::ConstraintStats;
