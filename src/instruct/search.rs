//! I3: items of a kind for nobody in particular, and, in reverse, the category of an item (method §4).

use tiller_models::chat::{Message, Role};

use super::chance::{Chance, Purpose};
use super::example::{Draft, Example, phrasing};
use super::kinds::Kind;
use super::task::Task;
use super::world::World;
use crate::data::{CategoryId, ItemId, ItemSet};
use crate::recommend::prompt::{SYSTEM, TRAINING_PHRASINGS};
use crate::request::Request;

/// The wordings of the reverse question, as many as a request has; `{title}` is the item.
const QUESTIONS: [&str; 6] = [
    "Which category does '{title}' belong to?",
    "What kind of item is '{title}'?",
    "Please name a category of '{title}'.",
    "In which category would I find '{title}'?",
    "Tell me what '{title}' is filed under.",
    "Where does '{title}' belong among the categories?",
];

/// An example about `item`: a third of each, generation, choice from candidates, reverse question. `None` where nothing can be asked.
pub(super) fn example(item: ItemId, world: &World, chance: &Chance) -> Option<Example> {
    let mut dice = chance.dice(Purpose::Form);
    if dice.below(3) == 0 {
        return reverse(item, world, chance);
    }
    let (request, allowed) = match dice.chance(50) {
        true => less(item, world, chance).or_else(|| more(item, world, chance)),
        false => more(item, world, chance),
    }?;
    let longest = allowed.len().min(world.rules.search_length);
    let length = 1 + chance.dice(Purpose::Count).below(longest as u64) as usize;
    let others = allowed.iter().filter(|&other| other != item).collect();
    let others = chance.dice(Purpose::Items).sample(others, length - 1);
    let draft = Draft::new(Task::I3, request, item, [&[item], &others[..]].concat());
    let draft = draft.perhaps_from_candidates(world, chance);
    Some(draft.in_words(world.catalogue, phrasing(chance, TRAINING_PHRASINGS)))
}

/// A kind that the item is of.
fn more(item: ItemId, world: &World, chance: &Chance) -> Option<(Request, ItemSet)> {
    let kind = world.kind_of(item, &mut chance.dice(Purpose::Kind))?;
    let mut request = Request::default();
    kind.require(&mut request);
    Some((request, kind.members))
}

/// A category that the item is not in.
fn less(item: ItemId, world: &World, chance: &Chance) -> Option<(Request, ItemSet)> {
    let kinds: Vec<&Kind> = world.kinds.categories.iter().filter(|kind| !kind.members.contains(item)).collect();
    if kinds.is_empty() {
        return None;
    }
    let kind = *chance.dice(Purpose::Kind).pick(&kinds);
    Some((Request { none_in: kind.categories.clone(), ..Request::default() }, kind.members.clone().complement()))
}

fn reverse(item: ItemId, world: &World, chance: &Chance) -> Option<Example> {
    let categories: &[CategoryId] = &world.catalogue.item(item).categories;
    if categories.is_empty() {
        return None;
    }
    let title = world.catalogue.title(item);
    let category = &world.catalogue.categories()[chance.dice(Purpose::Kind).pick(categories).index()];
    let question = QUESTIONS[phrasing(chance, TRAINING_PHRASINGS)].replace("{title}", title);
    Some(Example {
        task: Task::I3,
        request: None,
        messages: vec![Message::new(Role::System, SYSTEM), Message::new(Role::User, question)],
        answer: format!("'{title}' belongs to the category '{category}'."),
        target: Some(item),
        items: Vec::new(),
    })
}
