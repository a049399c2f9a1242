//! One training example, and the steps that every task takes from its labels to it.

use serde_json::{Value, json};
use tiller_models::chat::Message;

use super::builder_context::BuilderContext;
use super::stream_key::{Purpose, StreamKey};
use crate::data::{Catalogue, ItemId};
use crate::recommend::{answer, prompt};
use crate::request::{CompiledRequest, Request};
use crate::task::TaskFamily;

/// A training example: a conversation, and the answer that the language model learns to give.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The task family.
    pub family: TaskFamily,
    /// The request that the conversation makes; none in free conversation and in questions about one item.
    pub request: Option<Request>,
    /// The conversation up to the user's last turn.
    pub messages: Vec<Message>,
    /// The assistant's next turn, in the trained form (method §3.3).
    pub answer: String,
    /// The user's next item, or the item that the question is about.
    pub target: Option<ItemId>,
    /// The items of the answer, in order.
    pub items: Vec<ItemId>,
}

impl Example {
    /// Compiles the request over `catalogue`. An example without one asks for as many items as its answer holds.
    pub fn compile(&self, catalogue: &Catalogue) -> CompiledRequest {
        match &self.request {
            Some(request) => request.compile(catalogue),
            None => Request { k: self.items.len() as u32, ..Request::default() }.compile(catalogue),
        }
    }

    /// Returns a JSON object: task, messages, answer, the request in words, and items by their keys.
    pub fn in_words(&self, catalogue: &Catalogue) -> Value {
        let key = |item: &ItemId| catalogue.item(*item).key.as_str();
        let message = |message: &Message| json!({ "role": message.role.name(), "content": message.content });
        json!({
            "task": self.family,
            "messages": self.messages.iter().map(message).collect::<Vec<_>>(),
            "answer": self.answer,
            "target": self.target.as_ref().map(key),
            "items": self.items.iter().map(key).collect::<Vec<_>>(),
            "request": self.request.as_ref().map(|request| request.in_words(catalogue)),
        })
    }
}

/// A request and its labels, before a phrasing is chosen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ExampleDraft {
    pub family: TaskFamily,
    pub request: Request,
    pub target: ItemId,
    pub items: Vec<ItemId>,
}

impl ExampleDraft {
    /// A request for as many items as there are labels.
    pub fn new(family: TaskFamily, request: Request, target: ItemId, items: Vec<ItemId>) -> Self {
        Self { family, request: Request { k: items.len() as u32, ..request }, target, items }
    }

    /// Restricts the request to candidates in half of the cases (method §4): the labels and random other items, in random
    /// order.
    pub fn perhaps_from_candidates(mut self, shared: &BuilderContext, stream: &StreamKey) -> Self {
        let mut rng = stream.rng(Purpose::Candidates);
        if rng.chance(50) {
            return self;
        }
        let sizes = &shared.rules.candidates;
        let size = sizes.start() + rng.below((sizes.end() - sizes.start() + 1) as u64) as usize;
        let is_other = |item: &ItemId| !self.items.contains(item) && !self.request.history.contains(item);
        let others =
            rng.sample(shared.catalogue.ids().filter(is_other).collect(), size.saturating_sub(self.items.len()));
        let mut candidates = [&self.items[..], &others].concat();
        rng.shuffle(&mut candidates);
        self.request.candidates = Some(candidates);
        self
    }

    /// Renders the example in one of the phrasings.
    pub fn in_words(self, catalogue: &Catalogue, phrasing: usize) -> Example {
        Example {
            family: self.family,
            messages: prompt::render(&self.request, catalogue, phrasing),
            answer: answer::render(self.items.iter().map(|&item| catalogue.title(item))),
            request: Some(self.request),
            target: Some(self.target),
            items: self.items,
        }
    }
}

/// Draws one of some phrasings.
pub(super) fn phrasing(stream: &StreamKey, phrasings: impl IntoIterator<Item = usize>) -> usize {
    let phrasings: Vec<usize> = phrasings.into_iter().collect();
    *stream.rng(Purpose::Phrasing).pick(&phrasings)
}

/// Moves the target to the front, if it is among the items.
pub(super) fn target_first(items: &mut [ItemId], target: ItemId) {
    if let Some(place) = items.iter().position(|&item| item == target) {
        items[..=place].rotate_right(1);
    }
}
