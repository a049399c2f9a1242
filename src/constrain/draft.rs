//! The draft model of speculative decoding: the teacher's list, token by token, as a draft for the language model.
//!
//! A draft continues the list from its current token, also from the middle of a title: the best item that may still follow, then the next
//! best, greedily to the end. From the first line on it is the list of [`super::greedy_fill`].

use tiller_models::generate::DraftTokens;

use super::automaton::{Automaton, NextTokens};
use super::guide::TeacherGuide;
use super::leaf_scores::LeafScores;

/// Choices of the first draft of a list.
const FIRST: usize = 4;

/// Drafts by a recommender's scores; their length adapts to how many choices the model accepts.
#[derive(Debug, Clone)]
pub struct DraftModel {
    scores: LeafScores,
    /// The number of choices of the next draft: twice as many as the last one if all were accepted, else one more than were accepted.
    reach: usize,
    /// The choices of the last draft that have not been made, the next one last.
    expected: Vec<u32>,
    /// The number of its choices that the model accepted.
    accepted: usize,
}

impl DraftModel {
    /// A draft model of these scores.
    pub fn new(scores: LeafScores) -> Self {
        Self { scores, reach: FIRST, expected: Vec::new(), accepted: 0 }
    }

    /// The draft behind the state of `automaton`: its next choices, and the position behind them, which the model decides. The choices of
    /// guided decoding carry the bias of their `guide`.
    pub fn draft(&mut self, automaton: &Automaton, guide: Option<&TeacherGuide>) -> Vec<DraftTokens> {
        let mut drafts = predict_choices(automaton.clone(), &self.scores, guide, self.reach);
        self.expected = drafts.iter().rev().filter_map(|draft_tokens| draft_tokens.tokens.first().copied()).collect();
        self.accepted = 0;
        if self.expected.is_empty() {
            drafts.clear();
        }
        drafts
    }

    /// Records the chosen token; returns `true` where the last draft had it there.
    pub fn record(&mut self, token: u32) -> bool {
        let Some(expected) = self.expected.pop() else { return false };
        if expected != token {
            self.expected.clear();
            self.reach = self.accepted + 1;
            return false;
        }
        self.accepted += 1;
        if self.expected.is_empty() {
            self.reach = 2 * self.accepted;
        }
        true
    }
}

/// Up to `most` choices by `scores`, and the allowed tokens of the choice behind them.
pub(super) fn predict_choices(
    mut ahead: Automaton,
    scores: &LeafScores,
    guide: Option<&TeacherGuide>,
    most: usize,
) -> Vec<DraftTokens> {
    let mut drafts = Vec::new();
    while let NextTokens::Choice(tokens) = ahead.allowed() {
        let list = Some(tokens.to_vec());
        let logit_bias = guide.and_then(|guide| guide.logit_bias(&ahead));
        let token = ahead.preferred(|leaf| scores.of(leaf)).filter(|_| drafts.len() < most);
        let Some(run) = token.and_then(|token| take(&mut ahead, token)) else {
            drafts.push(DraftTokens { allowed: list, logit_bias, tokens: Vec::new() });
            break;
        };
        drafts.push(DraftTokens { allowed: list, logit_bias, tokens: run });
    }
    drafts
}

/// Takes a token, and all that follows it without a choice.
fn take(automaton: &mut Automaton, token: u32) -> Option<Vec<u32>> {
    let mut run = vec![token];
    automaton.advance(token).ok()?;
    while let NextTokens::Forced(&[token, ..]) = automaton.allowed() {
        automaton.advance(token).ok()?;
        run.push(token);
    }
    Some(run)
}
