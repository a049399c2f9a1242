//! The list automaton as the token constraint of a language model: the logits mask of constrained decoding.

use tiller_models::generate::{Allowed, DraftTokens, LogitBias, TokenConstraint, TokenLogprob};
use tiller_models::tokenizer::Tokenizer;

use super::automaton::{Automaton, NextTokens};
use super::draft::DraftModel;
use super::grammar::TitleTokenizer;
use super::guide::TeacherGuide;
use super::statistics::ConstraintStats;
use crate::Result;

/// The constraint on one list that is being generated, with statistics of its effect on the model's own choices.
#[derive(Debug, Clone)]
pub struct ListConstraint<'a> {
    automaton: Automaton<'a>,
    statistics: ConstraintStats,
    stream: Option<u64>,
    guide: Option<TeacherGuide>,
    draft_model: Option<DraftModel>,
    /// Questions of the current step that have not been answered.
    open: usize,
    needs_logits: bool,
}

impl<'a> ListConstraint<'a> {
    /// A constraint that follows `automaton`.
    pub fn new(automaton: Automaton<'a>) -> Self {
        let statistics = ConstraintStats::default();
        Self { automaton, statistics, stream: None, guide: None, draft_model: None, open: 0, needs_logits: true }
    }

    /// Returns the constraint with a stream of random numbers of its own, for sampling.
    pub fn drawing_from(self, stream: u64) -> Self {
        Self { stream: Some(stream), ..self }
    }

    /// Returns the constraint with a teacher that takes part in every choice (guided decoding).
    pub fn guided_by(self, guide: TeacherGuide) -> Self {
        Self { guide: Some(guide), ..self }
    }

    /// Returns the constraint with a draft model, for speculative decoding.
    pub fn drafting(self, draft_model: DraftModel) -> Self {
        Self { draft_model: Some(draft_model), ..self }
    }

    /// Returns the constraint without statistics of the model's own choices: only the logits of allowed tokens are computed.
    pub fn without_logprobs(self) -> Self {
        Self { needs_logits: false, ..self }
    }

    /// The list so far.
    pub fn automaton(&self) -> &Automaton<'a> {
        &self.automaton
    }

    /// The statistics so far.
    pub fn statistics(&self) -> ConstraintStats {
        self.statistics
    }
}

impl TokenConstraint for ListConstraint<'_> {
    fn allowed(&self) -> Allowed<'_> {
        match self.automaton.allowed() {
            NextTokens::Forced(run) => Allowed::Forced(run),
            NextTokens::Choice(tokens) => Allowed::OneOf(tokens),
            NextTokens::Done => Allowed::Forced(&[]),
        }
    }

    fn accept(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        match self.automaton.allowed() {
            NextTokens::Choice(tokens) => {
                self.statistics.count(logprob, tokens);
                self.statistics.steps += usize::from(self.open == 0);
                self.open = self.open.saturating_sub(1);
                let accepted = self.draft_model.as_mut().is_some_and(|draft_model| draft_model.record(token));
                self.statistics.confirmed += usize::from(accepted);
                if !accepted {
                    self.open = 0;
                }
            }
            _ => self.statistics.forced += 1,
        }
        self.automaton.advance(token)
    }

    fn needs_logits(&self) -> bool {
        self.needs_logits
    }

    fn logit_bias(&self) -> Option<LogitBias> {
        self.guide.as_ref()?.logit_bias(&self.automaton)
    }

    fn draft(&mut self) -> Vec<DraftTokens> {
        let Some(draft_model) = &mut self.draft_model else { return Vec::new() };
        let draft = draft_model.draft(&self.automaton, self.guide.as_ref());
        self.statistics.steps += usize::from(!draft.is_empty());
        self.statistics.drafted += draft.iter().filter(|draft_tokens| !draft_tokens.tokens.is_empty()).count();
        self.open = draft.len();
        draft
    }

    fn stream(&self) -> Option<u64> {
        self.stream
    }
}

/// Plain masked decoding, which everything faster is measured against: the model is asked before every token, also where only one may
/// follow.
#[derive(Debug, Clone)]
pub struct MaskedBaseline<'a>(pub ListConstraint<'a>);

impl TokenConstraint for MaskedBaseline<'_> {
    fn allowed(&self) -> Allowed<'_> {
        match self.0.allowed() {
            Allowed::Forced(run) => run.get(..1).map_or(Allowed::Forced(run), Allowed::OneOf),
            next => next,
        }
    }

    fn accept(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        let before = self.0.statistics.choices;
        self.0.accept(token, logprob)?;
        self.0.statistics.steps += usize::from(self.0.statistics.choices == before);
        Ok(())
    }

    fn needs_logits(&self) -> bool {
        self.0.needs_logits
    }

    fn logit_bias(&self) -> Option<LogitBias> {
        self.0.logit_bias()
    }

    fn stream(&self) -> Option<u64> {
        self.0.stream
    }
}

/// Titles are item tokens or plain characters: whatever they spell, no control token comes out of them.
impl TitleTokenizer for Tokenizer {
    fn encode(&self, text: &str) -> Result<Vec<u32>> {
        self.encode_list(text)
    }

    fn decode(&self, tokens: &[u32]) -> Result<String> {
        self.decode(tokens, false)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::constrain::Grammar;
    use crate::data::{Catalogue, Item, ItemId};

    #[test]
    fn titles_smuggle_no_control_tokens() {
        for file in ["byte_level.json", "sentence_piece.json"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/tests/golden/tokenizer").join(file);
            let tokenizer = Tokenizer::from_path(&path).unwrap();
            let titles = ["<|im_end|> (1999)", "</s>", "Heat (1995)", "<s>x", "Amélie"];
            let item = |title: &&str| Item { key: title.to_string(), title: title.to_string(), ..Item::default() };
            let catalogue = Catalogue::new(titles.iter().map(item).collect(), Vec::new(), Vec::new());
            let end = tokenizer.eos().unwrap_or(0);
            let grammar = Grammar::build(&catalogue, &tokenizer, end).unwrap();
            for id in catalogue.ids() {
                let tokens = grammar.titles().tokens(id).unwrap();
                assert!(
                    !tokens.iter().any(|token| tokenizer.eos_ids().contains(token)),
                    "{file} {}",
                    catalogue.title(id)
                );
            }
            let list: Vec<ItemId> = catalogue.ids().collect();
            let tokens = grammar.tokens(&list).unwrap();
            assert!(tokens.len() <= grammar.longest(list.len()));
        }
    }
}
