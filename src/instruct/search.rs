//! I3, item search: items of a filter for no user in particular, and, in reverse, the category of an item (method §4).

use tiller_models::chat::{Message, MessageKind, Role};

use super::builder_context::BuilderContext;
use super::example::{Example, ExampleDraft, phrasing};
use super::item_filter::ItemFilter;
use super::stream_key::{Purpose, StreamKey};
use crate::data::{CategoryId, ItemId, ItemSet};
use crate::recommend::answer;
use crate::recommend::prompt::{SYSTEM, TRAINING_PHRASINGS};
use crate::request::Request;
use crate::task::TaskFamily;

/// The phrasings of the reverse question, as many as a request has; `{title}` is the item.
const QUESTIONS: [&str; 6] = [
    "Which category does '{title}' belong to?",
    "What kind of item is '{title}'?",
    "Please name a category of '{title}'.",
    "In which category would I find '{title}'?",
    "Tell me what '{title}' is filed under.",
    "Where does '{title}' belong among the categories?",
];

/// The phrasings of the question for an item by its title, in free text: the answer is the item itself.
const NAMES: [&str; 6] = [
    "Give me the item {title} and no other.",
    "I am looking for {title}. Which item is it?",
    "Find {title} in the catalogue.",
    "Please put {title} on my list, alone.",
    "Which item is called {title}?",
    "Show me {title}.",
];

/// An example about `item`: generation, choice from candidates and reverse question, a third each; where items are asked for by their
/// titles, that in half of the cases. `None` where nothing can be asked.
pub(super) fn example(item: ItemId, shared: &BuilderContext, stream: &StreamKey) -> Option<Example> {
    let mut rng = stream.rng(Purpose::Form);
    if shared.by_title && rng.chance(50) {
        return Some(by_title(item, shared, stream));
    }
    if rng.below(3) == 0 {
        return reverse(item, shared, stream);
    }
    let (request, allowed) = match rng.chance(50) {
        true => exclude(item, shared, stream).or_else(|| include(item, shared, stream)),
        false => include(item, shared, stream),
    }?;
    let longest = allowed.len().min(shared.rules.search_length);
    let length = 1 + stream.rng(Purpose::Count).below(longest as u64) as usize;
    let others = allowed.iter().filter(|&other| other != item).collect();
    let others = stream.rng(Purpose::Items).sample(others, length - 1);
    let draft = ExampleDraft::new(TaskFamily::I3, request, item, [&[item], &others[..]].concat());
    let draft = draft.perhaps_from_candidates(shared, stream);
    Some(draft.in_words(shared.catalogue, phrasing(stream, TRAINING_PHRASINGS)))
}

/// A filter that the item satisfies.
fn include(item: ItemId, shared: &BuilderContext, stream: &StreamKey) -> Option<(Request, ItemSet)> {
    let filter = shared.filter_of(item, &mut stream.rng(Purpose::Filter))?;
    let mut request = Request::default();
    filter.require(&mut request);
    Some((request, filter.members))
}

/// A category that the item is not in.
fn exclude(item: ItemId, shared: &BuilderContext, stream: &StreamKey) -> Option<(Request, ItemSet)> {
    let others: Vec<&ItemFilter> =
        shared.filters.categories.iter().filter(|category| !category.members.contains(item)).collect();
    if others.is_empty() {
        return None;
    }
    let category = *stream.rng(Purpose::Filter).pick(&others);
    let request = Request { none_in: category.categories.clone(), ..Request::default() };
    Some((request, category.members.clone().complement()))
}

/// The item of a title.
fn by_title(item: ItemId, shared: &BuilderContext, stream: &StreamKey) -> Example {
    let title = shared.catalogue.title(item);
    let question = NAMES[phrasing(stream, TRAINING_PHRASINGS)].replace("{title}", title);
    Example {
        family: TaskFamily::I3,
        request: None,
        messages: vec![Message::new(Role::System, SYSTEM), Message::new(Role::User, question)],
        answer: answer::render([title]),
        target: Some(item),
        items: vec![item],
    }
}

fn reverse(item: ItemId, shared: &BuilderContext, stream: &StreamKey) -> Option<Example> {
    let categories: &[CategoryId] = &shared.catalogue.item(item).categories;
    if categories.is_empty() {
        return None;
    }
    let title = shared.catalogue.title(item);
    let category = &shared.catalogue.categories()[stream.rng(Purpose::Filter).pick(categories).index()];
    let question = QUESTIONS[phrasing(stream, TRAINING_PHRASINGS)].replace("{title}", title);
    Some(Example {
        family: TaskFamily::I3,
        request: None,
        messages: vec![
            Message::new(Role::System, SYSTEM),
            Message::new(Role::User, question).of_kind(MessageKind::Request),
        ],
        answer: format!("'{title}' belongs to the category '{category}'."),
        target: Some(item),
        items: Vec::new(),
    })
}
