//! A request as a conversation (method §3.1–3.2): the rules, two turns of the user, and one acknowledgement between them.

use tiller_models::chat::{Message, MessageKind, Role};

use super::wordings::{
    ABOUT, AT_LEAST, AT_MOST, CANDIDATES, EXACTLY, EXCLUDE, LESS, MORE, MUST, PHRASINGS, Phrasings, WHERE,
};
pub use super::wordings::{HELD_OUT_PHRASINGS, TRAINING_PHRASINGS, tells_feeling};
use crate::data::split::recent;
use crate::data::{Catalogue, CategoryId, ItemId};
use crate::request::{Amount, Relation, Request, Share};

/// The rules that every conversation about the catalogue begins with.
pub const SYSTEM: &str = "You are an expert at recommending items from a catalogue.";

/// A question rather than a promise: small models repeat their own earlier promise instead of keeping it.
const ACKNOWLEDGEMENT: &str = "Of course. What should I know, and how many items would you like?";

/// The announcement of the first turn. Where both are given, the intention wins over the preference.
const BY_PREFERENCE: &str = "Please recommend items to me. I will tell you what I chose before, the newest last: \
    learn my taste from it.";
const BY_INTENTION: &str = "Please recommend items to me. I will tell you what I am looking for.";
const BY_BOTH: &str = "Please recommend items to me. I will tell you what I chose before, the newest last, and what I am \
    looking for: where the two disagree, what I am looking for decides.";

/// The conversation that asks for the request's list. `phrasing` chooses the wording; any number will do, it counts round.
///
/// The prompt shows the newest items of the history ([`recent`]), oldest first.
pub fn render(request: &Request, catalogue: &Catalogue, phrasing: usize) -> Vec<Message> {
    let announcement = match (request.history.is_empty(), request.has_intention()) {
        (false, false) => BY_PREFERENCE,
        (true, _) => BY_INTENTION,
        (false, true) => BY_BOTH,
    };
    vec![
        Message::new(Role::System, SYSTEM),
        Message::new(Role::User, announcement).of_kind(MessageKind::Opening),
        Message::new(Role::Assistant, ACKNOWLEDGEMENT).of_kind(MessageKind::Opening),
        Message::new(Role::User, question(request, catalogue, phrasing)).of_kind(MessageKind::Request),
    ]
}

/// The second turn: history, candidates, intention, length.
fn question(request: &Request, catalogue: &Catalogue, phrasing: usize) -> String {
    let say = |wording: &Phrasings| wording[phrasing % PHRASINGS];
    let kind = |wording: &Phrasings, kind: &str| say(wording).replace("{kind}", kind);
    let titles = |wording: &Phrasings, items: &[ItemId]| {
        let told = || say(wording).replace("{titles}", &quoted(items, ", ", catalogue));
        (!items.is_empty()).then(told)
    };
    let name = |category: CategoryId| catalogue.categories()[category.index()].as_str();

    let mut sentences = Vec::new();
    if !request.history.is_empty() {
        sentences.push(format!("I chose these items before: {}.", quoted(recent(&request.history), " → ", catalogue)));
    }
    sentences.extend(request.candidates.as_deref().and_then(|items| titles(&CANDIDATES, items)));
    sentences.extend(request.all_in.iter().map(|&category| kind(&MORE, name(category))));
    sentences.extend(request.none_in.iter().map(|&category| kind(&LESS, name(category))));
    sentences.extend(request.conditions.iter().map(|condition| kind(&WHERE, &condition.to_string())));
    sentences.extend(request.shares.iter().map(|share| proportion(share, phrasing)));
    sentences.extend(titles(&MUST, &request.mandatory));
    sentences.extend(titles(&EXCLUDE, &request.excluded));
    sentences.push(match request.k {
        1 => "Give me a numbered list of one title.".to_owned(),
        k => format!("Give me a numbered list of {k} different titles."),
    });
    sentences.join(" ")
}

/// The sentence for a share of the list.
fn proportion(share: &Share, phrasing: usize) -> String {
    let wording = match share.relation {
        Relation::AtMost => AT_MOST,
        Relation::AtLeast => AT_LEAST,
        Relation::Exactly => EXACTLY,
        Relation::About => ABOUT,
    };
    let amount = match share.amount {
        Amount::Percent(percent) => format!("{percent}% of the items"),
        Amount::Count(1) => "1 item".to_owned(),
        Amount::Count(count) => format!("{count} items"),
    };
    // The kind comes last: it may spell anything, `{amount}` too.
    wording[phrasing % PHRASINGS].replace("{amount}", &amount).replace("{kind}", &share.of.to_string())
}

/// Titles in quotes.
fn quoted(items: &[ItemId], between: &str, catalogue: &Catalogue) -> String {
    let titles: Vec<_> = items.iter().map(|&item| format!("'{}'", catalogue.title(item))).collect();
    titles.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::testing::catalogue;
    use crate::request::Predicate;

    const DRAMA: CategoryId = CategoryId(1);

    fn last_turn(request: &Request, phrasing: usize) -> String {
        render(request, &catalogue(), phrasing).pop().unwrap().content
    }

    #[test]
    fn the_newest_ten_titles_stand_quoted_in_the_order_of_time() {
        let titles: Vec<_> = (0..12).map(|i| ItemId(i % 4 + 1)).collect();
        let asked = last_turn(&Request { k: 3, history: titles.clone(), ..Request::default() }, 0);
        let shown: Vec<_> = titles[2..].iter().map(|&item| format!("'{}'", catalogue().title(item))).collect();
        assert_eq!(
            asked,
            format!(
                "I chose these items before: {}. Give me a numbered list of 3 different titles.",
                shown.join(" → ")
            )
        );
    }

    #[test]
    fn every_part_of_a_request_is_said_in_every_phrasing_and_no_two_are_alike() {
        let catalogue = catalogue();
        let share =
            |text: &str| Request { shares: vec![Share::parse(text, &catalogue).unwrap()], ..Request::default() };
        let condition = Predicate::parse("category=Crime|Drama", &catalogue).unwrap();
        let requests = [
            (Request { all_in: vec![DRAMA], ..Request::default() }, vec!["'Drama'"]),
            (Request { none_in: vec![DRAMA], ..Request::default() }, vec!["'Drama'"]),
            (Request { conditions: vec![condition], ..Request::default() }, vec!["category=Crime|Drama"]),
            (share("Drama<=30%"), vec!["'Drama'", "30% of the items"]),
            (share("Drama>=3"), vec!["'Drama'", "3 items"]),
            (share("Drama~50%"), vec!["'Drama'", "50% of the items"]),
            (share("Drama=1"), vec!["'Drama'", "1 item"]),
            (
                Request { mandatory: vec![ItemId(1), ItemId(2)], ..Request::default() },
                vec!["'Heat (1995)', 'Ran (1985)'"],
            ),
            (Request { excluded: vec![ItemId(2)], ..Request::default() }, vec!["'Ran (1985)'"]),
            (Request { candidates: Some(vec![ItemId(3)]), ..Request::default() }, vec!["'Up (2009)'"]),
        ];
        let mut asked = Vec::new();
        for (request, parts) in &requests {
            for phrasing in 0..PHRASINGS {
                let turn = last_turn(request, phrasing);
                assert!(parts.iter().all(|part| turn.contains(part)) && !turn.contains('{'), "{turn}");
                assert_eq!(turn, last_turn(request, phrasing + PHRASINGS));
                asked.push(turn);
            }
        }
        asked.sort();
        asked.dedup();
        assert_eq!(asked.len(), requests.len() * PHRASINGS);
    }

    #[test]
    fn the_first_turn_announces_what_the_second_one_gives() {
        let first_turn = |history: &[ItemId], wishes: &[CategoryId]| {
            let request = Request { k: 1, history: history.into(), all_in: wishes.into(), ..Request::default() };
            let conversation = render(&request, &catalogue(), 0);
            assert_eq!(conversation.len(), 4);
            assert!(conversation[3].content.ends_with("Give me a numbered list of one title."));
            conversation[1].content.clone()
        };
        assert_eq!(first_turn(&[ItemId(1)], &[]), BY_PREFERENCE);
        assert_eq!(first_turn(&[], &[DRAMA]), BY_INTENTION);
        assert_eq!(first_turn(&[ItemId(1)], &[DRAMA]), BY_BOTH);
    }
}
