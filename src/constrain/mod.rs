//! Controlled decoding: which tokens a language model may say next, so that its list exists and obeys.
//!
//! A [`crate::request::Request`] becomes an allowed set of items and counters over sets of items ([`constraints`]). Before a
//! token is chosen, [`feasible`] proves that a list exists, or the request is refused together with its nearest neighbours that
//! can be met ([`infeasible`]). The catalogue becomes a [`Grammar`]: the tokens of every list, with a [`trie`] of the titles.
//! An [`Automaton`] walks both: it knows the tokens that may follow, and which of them follow without alternative. The model
//! only has to rank.
//!
//! Only [`list_constraint`] knows what a language model is: it makes an automaton the guide of a generation. [`masked`] is the reference that
//! every engine has to agree with.
//!
//! What is guaranteed for every model, greedy or sampled: exactly k lines in the list format (method §3.3), every item in the
//! catalogue, none twice, none of the history, and all rules of the request. The rules never give way: decoding cannot
//! reach a state without a next token.

pub mod automaton;
pub mod constraints;
mod draft;
pub mod feasible;
pub mod grammar;
mod greedy_fill;
pub mod infeasible;
pub mod list_constraint;
pub mod masked;
pub mod mode;
pub mod problem;
pub mod search;
pub mod statistics;
pub mod trie;

#[cfg(test)]
mod tests;

pub use automaton::{Automaton, NextTokens};
pub use constraints::Constraints;
pub use draft::DraftModel;
pub use feasible::FeasibleRequest;
pub use grammar::{Grammar, TitleTokenizer};
pub use greedy_fill::greedy_fill;
pub use list_constraint::{ListConstraint, MaskedBaseline};
pub use mode::Mode;
pub use statistics::ConstraintStats;
