//! Answers for machines and for the page: the record of `tiller recommend --json`, and why each item is in the list.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::understand::Understood;
use crate::data::{Catalogue, Item, ItemId};
use crate::recommend::record::{ItemRecord, ListRecord};
use crate::request::{CompiledRequest, CountRule, RuleKind};

/// The writer of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recommends {
    /// The language model
    Model,
    /// The teacher, which fills the list greedily under the whole request
    Teacher,
}

/// A list and who wrote it.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// The record.
    #[serde(flatten)]
    pub record: ListRecord<Understood, AnswerItem>,
    /// The writer of the list.
    pub by: Recommends,
    /// True where the model has learnt from a feedback.
    pub taught: bool,
    /// The number of tokens of the prompt; 0 for the teacher.
    pub prompt_tokens: usize,
}

/// An item of a list, with what is known about it.
#[derive(Debug, Clone, Serialize)]
pub struct AnswerItem {
    /// The record.
    #[serde(flatten)]
    pub item: ItemRecord,
    /// Its categories, broad before narrow.
    pub categories: Vec<String>,
    /// Its further columns; those without a value are left out.
    pub attributes: Map<String, Value>,
    /// Why it is there; absent while the list is being written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// Reasons for an item.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Why {
    /// Its rank among all items that are not in the history, by the teacher; 1 is the best.
    pub rank: Option<u32>,
    /// The probability that its writer gave it: of the teacher's softmax over items, or of the tokens that the model chose.
    pub probability: Option<f64>,
    /// The writer's own choice, where the request did not allow it.
    pub wanted: Option<Wanted>,
    /// The parts of the request that it counts for.
    pub counts_for: Vec<String>,
}

/// A choice that the request did not allow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Wanted {
    /// The title, or its beginning where a model was going to write one.
    pub title: String,
    /// The probability of all that was not allowed there; of the title alone, where the teacher wanted it.
    pub probability: f64,
}

impl AnswerItem {
    /// An item without its reasons.
    pub fn new(item: ItemRecord, catalogue: &Catalogue) -> Self {
        let known = item.id.as_deref().and_then(|key| catalogue.by_key(key)).map(|id| catalogue.item(id));
        Self {
            categories: known.map(|item| categories(item, catalogue)).unwrap_or_default(),
            attributes: known.map(|item| attributes(item, catalogue)).unwrap_or_default(),
            item,
            why: None,
        }
    }
}

/// The names of an item's categories.
pub fn categories(item: &Item, catalogue: &Catalogue) -> Vec<String> {
    item.categories.iter().map(|id| catalogue.categories()[id.index()].clone()).collect()
}

/// The further columns of an item, numbers as numbers.
pub fn attributes(item: &Item, catalogue: &Catalogue) -> Map<String, Value> {
    let known = catalogue.attributes().iter().zip(&item.attributes).filter(|(_, value)| !value.is_empty());
    known.map(|(name, value)| (name.clone(), typed(value))).collect()
}

/// A value of a column: a number where it is one.
fn typed(value: &str) -> Value {
    let whole = value.parse::<i64>().map(Value::from);
    whole.or_else(|_| value.parse::<f64>().map(Value::from)).unwrap_or_else(|_| value.into())
}

/// The parts of a request that an item counts for.
pub fn counts_for(item: ItemId, request: &CompiledRequest) -> Vec<String> {
    let is_wanted = |kind: RuleKind| matches!(kind, RuleKind::Category | RuleKind::Condition | RuleKind::Candidates);
    let rules = request.rules.iter().filter(|rule| is_wanted(rule.kind) && rule.items.contains(item));
    let counters = request.counters.iter().filter(|counter| counter.members.contains(item));
    let counted = counters.map(|counter| match &counter.rule {
        CountRule::Share(share) => share.to_string(),
        CountRule::Mandatory(_) => "a title to have".to_owned(),
    });
    rules.map(|rule| rule.text.clone()).chain(counted).collect()
}
