//! The systems that can be evaluated: a language model with its constraint mode, and plain recommenders.

use std::time::Instant;

use super::evaluation::Speed;
use crate::constrain::{Constraints, GuideWeight, Mode, greedy_fill};
use crate::data::{Catalogue, ItemId};
use crate::instruct::Example;
use crate::recommend::PreparedRequest;
use crate::recommend::recommender::Recommender;
use crate::request::CompiledRequest;
use crate::teacher::Scorer;
use crate::{Error, Result};

/// A query of an evaluation: one user's prompt, with its request and target.
#[derive(Debug, Clone)]
pub struct EvalQuery {
    /// The user's key.
    pub user: String,
    /// The prompt, with its request in words and its target.
    pub example: Example,
    /// Its request, compiled over the catalogue.
    pub request: CompiledRequest,
    /// All items of the user before the target, oldest first; the request's history holds the newest of them.
    pub earlier: Vec<ItemId>,
}

/// The answer of a system to a query.
#[derive(Debug, Clone, Default)]
pub struct SystemAnswer {
    /// The titles, in order.
    pub titles: Vec<String>,
    /// The text that held them; empty for a plain recommender.
    pub text: String,
}

/// A system under evaluation: it answers queries with lists of titles.
pub trait System {
    /// The name of its row.
    fn name(&self) -> &str;

    /// The constraint mode; `None` for a plain recommender.
    fn mode(&self) -> Option<Mode>;

    /// The model's part in the choices, where a teacher guides the decoding.
    fn guide_weight(&self) -> Option<GuideWeight> {
        None
    }

    /// Returns true if the lists are rankings, without the items that the user took before.
    fn is_ranking(&self) -> bool {
        false
    }

    /// Answers `queries` in their order, and tells what it took.
    ///
    /// # Errors
    /// A query that the system cannot take, or a device that fails.
    fn answer(&self, queries: &[EvalQuery]) -> Result<(Vec<SystemAnswer>, Speed)>;
}

/// A plain recommender, which fills a list greedily with its best items under the whole request ([`greedy_fill`]).
pub struct ScorerSystem<'a, S> {
    /// The name of the row.
    pub name: String,
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// The recommender.
    pub scorer: &'a S,
}

impl<S: Scorer> System for ScorerSystem<'_, S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn mode(&self) -> Option<Mode> {
        None
    }

    fn answer(&self, queries: &[EvalQuery]) -> Result<(Vec<SystemAnswer>, Speed)> {
        let start = Instant::now();
        let requests = queries.iter().map(|query| query.example.request.as_ref().ok_or_else(without_request));
        let histories = requests.map(|request| Ok(request?.history.as_slice())).collect::<Result<Vec<_>>>()?;
        let lists = self.scorer.answer(&histories, |at, scores| {
            let list = greedy_fill(scores, &Constraints::new(&queries[at].request, self.catalogue)?.prove()?);
            let titles = list.into_iter().map(|item| self.catalogue.title(item).to_owned()).collect();
            Ok(SystemAnswer { titles, text: String::new() })
        })?;
        let answers = lists.into_iter().collect::<Result<Vec<_>>>()?;
        let seconds = start.elapsed().as_secs_f64();
        let speed = Speed { lists: answers.len(), seconds, ..Speed::default() };
        Ok((answers, speed))
    }
}

/// A language model.
pub struct LlmSystem<'a> {
    /// The name of the row.
    pub name: String,
    /// The model and its constraint mode.
    pub recommender: Recommender<'a>,
    /// Lists per batch.
    pub batch: usize,
}

impl System for LlmSystem<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn mode(&self) -> Option<Mode> {
        Some(self.recommender.mode())
    }

    fn guide_weight(&self) -> Option<GuideWeight> {
        self.recommender.guide_weight()
    }

    fn answer(&self, queries: &[EvalQuery]) -> Result<(Vec<SystemAnswer>, Speed)> {
        let start = Instant::now();
        let (mut answers, mut speed) = (Vec::with_capacity(queries.len()), Speed::default());
        for batch in queries.chunks(self.batch) {
            let prepared_requests = batch.iter().map(|query| self.prepared(query)).collect::<Result<Vec<_>>>()?;
            let lists = self.recommender.recommend(&prepared_requests.iter().collect::<Vec<_>>())?;
            for list in lists {
                speed.tokens += list.tokens;
                speed.steps += list.guidance.map_or(list.tokens, |guidance| guidance.steps);
                speed.guidance.add(list.guidance.unwrap_or_default());
                let titles = list.items.into_iter().map(|item| item.title).collect();
                answers.push(SystemAnswer { titles, text: list.text });
            }
        }
        speed.lists = answers.len();
        speed.seconds = start.elapsed().as_secs_f64();
        Ok((answers, speed))
    }
}

impl LlmSystem<'_> {
    fn prepared(&self, query: &EvalQuery) -> Result<PreparedRequest> {
        let request = query.example.request.clone().ok_or_else(without_request)?;
        let (mode, catalogue) = (self.recommender.mode(), self.recommender.catalogue());
        let prepared = PreparedRequest::from_compiled(request, query.request.clone(), mode, catalogue)?;
        Ok(prepared.in_words(query.example.messages.clone()).of_user(&query.user))
    }
}

fn without_request() -> Error {
    Error::Failed("a query without a request was put to a recommender".into())
}
