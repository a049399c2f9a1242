//! Lists for machines: the records that the command line prints and the server sends.

use serde::Serialize;

use super::PreparedRequest;
use super::check::{CheckedItem, Status};
use super::recommender::List;
use crate::constrain::{ConstraintStats, GuideWeight, Mode};
use crate::data::Catalogue;
use crate::request::InWords;

/// A list for machines, with the parsed text `A` of its request and the items `I`.
#[derive(Debug, Clone, Serialize)]
pub struct ListRecord<A, I> {
    /// The user's key; null where the history came by hand.
    pub user: Option<String>,
    /// The text of the request and what was understood of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask: Option<A>,
    /// The request.
    pub request: InWords,
    /// The constraint mode.
    pub decode: Mode,
    /// The model's part in the choices, where the teacher guides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guide_weight: Option<GuideWeight>,
    /// The items, in the order of the answer.
    pub items: Vec<I>,
    /// The answer as the model wrote it.
    pub text: String,
    /// The number of generated tokens.
    pub tokens: usize,
    /// Statistics of constrained decoding; null without constraints.
    pub guidance: Option<ConstraintStats>,
    /// The duration of the request's batch.
    pub seconds: f64,
    /// The text of the prompt, where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// An item of a list for machines.
#[derive(Debug, Clone, Serialize)]
pub struct ItemRecord {
    /// The item's key in the data set; null where no item has this title.
    pub id: Option<String>,
    /// The title as the answer has it.
    pub title: String,
    /// Its state.
    pub status: Status,
    /// The rule of the request that an otherwise valid item breaks.
    pub breaks: Option<String>,
    /// The log-probability of the title as the next one, in nats, in a ranking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_prob: Option<f64>,
}

impl ItemRecord {
    /// The record of an item of `catalogue`.
    pub fn new(item: &CheckedItem, catalogue: &Catalogue) -> Self {
        let id = item.item.map(|id| catalogue.item(id).key.clone());
        Self { id, title: item.title.clone(), status: item.status, breaks: item.breaks.clone(), log_prob: None }
    }
}

impl<A> ListRecord<A, ItemRecord> {
    /// The record of a list that answers `prepared`.
    pub fn new(
        user: Option<&str>,
        prepared: &PreparedRequest,
        decode: Mode,
        list: &List,
        catalogue: &Catalogue,
    ) -> Self {
        let log_prob = |place: usize| list.log_probs.as_ref().and_then(|scores| scores.get(place).copied());
        let record = |(place, item)| ItemRecord { log_prob: log_prob(place), ..ItemRecord::new(item, catalogue) };
        Self {
            user: user.map(str::to_owned),
            ask: None,
            request: prepared.request().in_words(catalogue),
            decode,
            guide_weight: None,
            items: list.items.iter().enumerate().map(record).collect(),
            text: list.text.clone(),
            tokens: list.tokens,
            guidance: list.guidance,
            seconds: list.seconds,
            prompt: None,
        }
    }
}

impl<A, I> ListRecord<A, I> {
    /// Returns the record with each item replaced by what `f` makes of it.
    pub fn map_items<J>(self, f: impl FnMut(I) -> J) -> ListRecord<A, J> {
        ListRecord {
            user: self.user,
            ask: self.ask,
            request: self.request,
            decode: self.decode,
            guide_weight: self.guide_weight,
            items: self.items.into_iter().map(f).collect(),
            text: self.text,
            tokens: self.tokens,
            guidance: self.guidance,
            seconds: self.seconds,
            prompt: self.prompt,
        }
    }
}
