//! Ranking: every item that a request allows is scored as the next one, and the best ones are the list.
//!
//! The score of an item is the log-probability of its title behind the prompt and the first line's start: the sum over the tokens of the title,
//! its line break included. It is not divided by the number of tokens. The sum is the probability that the model writes this title and no
//! other; a mean would prefer long titles, whose last tokens follow from the first.

use std::ops::ControlFlow;

use tiller_models::generate::OnToken;

use super::{Generated, Recommender, no_proof};
use crate::Result;
use crate::constrain::{FeasibleRequest, Grammar, greedy_fill};
use crate::data::ItemId;
use crate::recommend::PreparedRequest;

impl Recommender<'_> {
    /// Returns the recommender that ranks: its lists are the items of the highest scores, as far as the request allows. They are not what
    /// the model would write, where one title follows another.
    pub fn ranking(self) -> Self {
        Self { ranks: true, ..self }
    }

    /// Returns true if the lists are rankings.
    pub fn is_ranking(&self) -> bool {
        self.ranks
    }

    /// For each request, the score of every item that it allows, in the order of ids: the log-probability of its title as the next one, in
    /// nats.
    ///
    /// # Errors
    /// A prompt that is too long, or a device that fails.
    pub fn item_scores(&self, prepared_requests: &[&PreparedRequest]) -> Result<Vec<Vec<(ItemId, f64)>>> {
        let (mut prompts, mut allowed, mut titles) = (Vec::new(), Vec::new(), Vec::new());
        for prepared in prepared_requests {
            let (grammar, request) = self.constrained(prepared)?;
            prompts.push([self.prompt(prepared)?.as_slice(), grammar.line_start(0)].concat());
            let mut items: Vec<ItemId> = request.classes().iter().flat_map(|class| class.iter()).collect();
            items.sort_unstable();
            titles.push(items.iter().filter_map(|&item| grammar.titles().tokens(item)).collect::<Vec<_>>());
            allowed.push(items);
        }
        let scores = self.model.score_continuations(&prompts, &titles)?;
        Ok(allowed.into_iter().zip(scores).map(|(items, scores)| items.into_iter().zip(scores).collect()).collect())
    }

    /// The lists of the best items.
    pub(super) fn rank(&self, prepared_requests: &[&PreparedRequest], on_token: OnToken) -> Result<Vec<Generated>> {
        let mut answers = Vec::with_capacity(prepared_requests.len());
        for (prepared, scores) in prepared_requests.iter().zip(self.item_scores(prepared_requests)?) {
            let (grammar, request) = self.constrained(prepared)?;
            let mut of_item = vec![f64::NEG_INFINITY; self.catalogue.len()];
            scores.iter().for_each(|&(item, score)| of_item[item.index() - 1] = score);
            let items = greedy_fill(&of_item.iter().map(|&score| score as f32).collect::<Vec<_>>(), request);
            let log_probs = Some(items.iter().map(|item| of_item[item.index() - 1]).collect());
            answers.push(Generated { tokens: grammar.tokens(&items)?, log_probs, ..Generated::default() });
        }
        for (number, answer) in answers.iter().enumerate() {
            if answer.tokens.iter().try_for_each(|&token| on_token(number, token)) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(answers)
    }

    /// The grammar of the lists, and the proof that one satisfies the request.
    fn constrained<'p>(&self, prepared: &'p PreparedRequest) -> Result<(&Grammar, &'p FeasibleRequest)> {
        self.grammar.as_ref().zip(prepared.feasible()).ok_or_else(|| no_proof(self.mode).into())
    }
}
