//! A request as a conversation (method §3.1–3.2): the rules, two turns of the user, and one acknowledgement between them.

use tiller_models::chat::{Message, Role};

use super::request::{Request, Wish};
use crate::data::Catalogue;
use crate::data::split::recent;

const SYSTEM: &str = "You are an expert at recommending items from a catalogue.";

const ACKNOWLEDGEMENT: &str =
    "Understood. I will answer with a numbered list of titles, one on each line, and nothing else.";

/// What the first turn announces. Where both are given, the intention wins over the preference.
const BY_PREFERENCE: &str = "I will show you what I took so far, the newest last. \
    Learn my taste from it, then recommend items that I am likely to take next.";
const BY_INTENTION: &str = "I will tell you what I am looking for. Then recommend items that fit.";
const BY_BOTH: &str = "I will show you what I took so far, the newest last, and tell you what I am looking for. \
    Learn my taste from the one and obey the other: where they disagree, what I am looking for decides. \
    Then recommend items to me.";

/// The wordings of a wish for a category; `{}` is its name.
const MORE: [&str; 6] = [
    "I am in the mood for '{}'.",
    "Please recommend items of the kind '{}'.",
    "I would like to see more '{}'.",
    "'{}' is what I am looking for.",
    "Items in the category '{}' would suit me best.",
    "Let it be '{}' this time.",
];

/// The wordings of a wish against a category.
const LESS: [&str; 6] = [
    "I am not in the mood for '{}'.",
    "Please leave out items of the kind '{}'.",
    "I do not want to see any '{}'.",
    "'{}' is not what I am looking for.",
    "Items in the category '{}' would not suit me at all.",
    "Anything but '{}' this time.",
];

/// How many wordings a wish has; [`render`] takes any number and counts round.
pub const PHRASINGS: usize = MORE.len();

/// The conversation that asks for the request's list. `phrasing` chooses the wording of its wishes.
///
/// The prompt shows the newest items of the history ([`recent`]), oldest first.
pub fn render(request: &Request, catalogue: &Catalogue, phrasing: usize) -> Vec<Message> {
    let announcement = match (request.history.is_empty(), request.wishes.is_empty()) {
        (false, true) => BY_PREFERENCE,
        (true, _) => BY_INTENTION,
        (false, false) => BY_BOTH,
    };
    vec![
        Message::new(Role::System, SYSTEM),
        Message::new(Role::User, announcement),
        Message::new(Role::Assistant, ACKNOWLEDGEMENT),
        Message::new(Role::User, question(request, catalogue, phrasing)),
    ]
}

/// The second turn: history, wishes, length.
fn question(request: &Request, catalogue: &Catalogue, phrasing: usize) -> String {
    let mut sentences = Vec::new();
    if !request.history.is_empty() {
        let titles: Vec<_> =
            recent(&request.history).iter().map(|&item| format!("'{}'", catalogue.title(item))).collect();
        sentences.push(format!("What I took so far: {}.", titles.join(" → ")));
    }
    sentences.extend(request.wishes.iter().map(|&wish| intention(wish, catalogue, phrasing)));
    sentences.push(match request.count {
        1 => "Recommend one item.".to_owned(),
        count => format!("Recommend a list of {count} different items."),
    });
    sentences.join(" ")
}

fn intention(wish: Wish, catalogue: &Catalogue, phrasing: usize) -> String {
    let wordings = match wish {
        Wish::More(_) => MORE,
        Wish::Less(_) => LESS,
    };
    wordings[phrasing % PHRASINGS].replace("{}", &catalogue.categories()[wish.category().index()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ItemId;
    use crate::recommend::testing::catalogue;

    fn last_turn(history: impl IntoIterator<Item = u32>, wishes: &[Wish], phrasing: usize) -> String {
        let request = Request { history: history.into_iter().map(ItemId).collect(), count: 3, wishes: wishes.into() };
        render(&request, &catalogue(), phrasing).pop().unwrap().content
    }

    #[test]
    fn the_newest_ten_titles_stand_quoted_in_the_order_of_time() {
        let titles: Vec<_> = (0..12).map(|i| ItemId(i % 4 + 1)).collect();
        let asked = last_turn(titles.iter().map(|item| item.0), &[], 0);
        let shown: Vec<_> = titles[2..].iter().map(|&item| format!("'{}'", catalogue().title(item))).collect();
        assert_eq!(asked, format!("What I took so far: {}. Recommend a list of 3 different items.", shown.join(" → ")));
    }

    #[test]
    fn every_phrasing_names_the_category_and_no_two_are_alike() {
        let category = catalogue().category("Drama").unwrap();
        let mut asked: Vec<_> = (0..PHRASINGS)
            .flat_map(|phrasing| [Wish::More(category), Wish::Less(category)].map(|wish| (wish, phrasing)))
            .map(|(wish, phrasing)| last_turn([1], &[wish], phrasing))
            .collect();
        assert!(asked.iter().all(|turn| turn.contains("'Drama'") && !turn.contains("{}")));
        asked.sort();
        asked.dedup();
        assert_eq!(asked.len(), 2 * PHRASINGS);
        let more = [Wish::More(category)];
        assert_eq!(last_turn([1], &more, 0), last_turn([1], &more, PHRASINGS));
    }

    #[test]
    fn the_first_turn_announces_what_the_second_one_gives() {
        let wish = Wish::More(catalogue().category("Drama").unwrap());
        let first_turn = |history: &[ItemId], wishes: &[Wish]| {
            let request = Request { history: history.into(), count: 1, wishes: wishes.into() };
            let conversation = render(&request, &catalogue(), 0);
            assert_eq!(conversation.len(), 4);
            assert!(conversation[3].content.ends_with("Recommend one item."));
            conversation[1].content.clone()
        };
        assert_eq!(first_turn(&[ItemId(1)], &[]), BY_PREFERENCE);
        assert_eq!(first_turn(&[], &[wish]), BY_INTENTION);
        assert_eq!(first_turn(&[ItemId(1)], &[wish]), BY_BOTH);
    }
}
