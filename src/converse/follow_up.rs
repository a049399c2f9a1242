//! Turns that speak about the list just shown, and those that speak to the program.

use crate::data::ItemId;

/// A turn that is not a request of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// Another list of the same kind.
    More,
    /// More items like the one at this place.
    Like(ListPosition),
    /// Not the item at this place, for a start.
    Not(ListPosition),
    /// The item at this place is known already.
    Known(ListPosition),
    /// Items of another time.
    Aged(Age),
    /// No second parts.
    NoSequels,
    /// Take the last turn back.
    Undo,
    /// Forget every wish.
    StartOver,
    /// Say what is asked for.
    Show,
    /// Say what can be said.
    Help,
    /// Enough.
    End,
}

/// Before or after the time of the last list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// From before.
    Older,
    /// From after.
    Newer,
}

/// A place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListPosition {
    /// Counted from 0.
    At(usize),
    /// The last one, wherever that is.
    Last,
}

impl ListPosition {
    /// The item at this place of `list`.
    pub fn of(self, list: &[ItemId]) -> Option<ItemId> {
        match self {
            ListPosition::At(place) => list.get(place).copied(),
            ListPosition::Last => list.last().copied(),
        }
    }
}

const ORDINALS: [&str; 12] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth",
];

/// Parses a follow-up; `None` where the turn is a request. Every word of a follow-up has to be understood.
pub fn understand(text: &str) -> Option<FollowUp> {
    let lower = text.trim().to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '#').filter(|w| !w.is_empty()).collect();
    let content: Vec<&str> = words.iter().copied().filter(|word| !is_filler(word)).collect();
    match content.as_slice() {
        [] if lower.starts_with('?') => Some(FollowUp::Help),
        [] | ["more" | "next" | "others" | "other" | "again" | "else"] => Some(FollowUp::More),
        ["something" | "anything", "else"] | ["more", "other" | "others"] => Some(FollowUp::More),
        ["quit" | "exit" | "bye" | "goodbye" | "end" | "enough" | "stop"] => Some(FollowUp::End),
        ["help"] => Some(FollowUp::Help),
        ["show" | "status"] => Some(FollowUp::Show),
        ["undo" | "back"] | ["go" | "take", "back"] | ["take", "back", "last"] => Some(FollowUp::Undo),
        ["start", "over" | "again"] | ["reset" | "restart" | "forget"] | ["forget", "everything" | "all"] => {
            Some(FollowUp::StartOver)
        }
        ["no" | "without" | "not", "sequels" | "sequel"] => Some(FollowUp::NoSequels),
        ["older" | "earlier"] | ["something", "older" | "earlier"] => Some(FollowUp::Aged(Age::Older)),
        ["newer" | "later"] | ["more", "recent"] | ["something", "newer" | "later"] => Some(FollowUp::Aged(Age::Newer)),
        [.., _] => about_a_place(&content),
    }
}

/// Separators between the clauses of a turn.
const BETWEEN: [&str; 6] = [", but ", ", and ", ", ", "; ", " but ", " and "];

/// The changes to the last list that clauses of a turn ask for, and the rest of the turn, which is a wish. A turn of which no clause
/// asks for a change is a wish as it stands.
pub fn parts(text: &str) -> (Vec<FollowUp>, Option<String>) {
    let (mut changes, mut wish, mut rest, mut before) = (Vec::new(), String::new(), text, "");
    loop {
        let cut = BETWEEN.iter().filter_map(|between| Some((rest.find(between)?, *between))).min_by_key(|(at, _)| *at);
        let (clause, between) = cut.map_or((rest, ""), |(at, between)| (&rest[..at], between));
        match understand(clause) {
            Some(change) if change.is_change() => changes.push(change),
            _ if wish.is_empty() => wish.push_str(clause),
            _ => wish.extend([before, clause]),
        }
        (rest, before) = (&rest[clause.len() + between.len()..], between);
        if between.is_empty() {
            break;
        }
    }
    let wish = wish.trim_end_matches([',', ';', ' ']).to_owned();
    if changes.is_empty() {
        (changes, Some(text.to_owned()))
    } else {
        (changes, Some(wish).filter(|wish| !wish.is_empty()))
    }
}

impl FollowUp {
    /// Returns true where it changes the next request.
    fn is_change(self) -> bool {
        use FollowUp::{Aged, Known, Like, NoSequels, Not};
        matches!(self, Like(_) | Not(_) | Known(_) | Aged(_) | NoSequels)
    }
}

/// "more like the second", "not the third", "I know number 4".
fn about_a_place(words: &[&str]) -> Option<FollowUp> {
    let (last, before) = words.split_last()?;
    let place = place(last)?;
    match before {
        ["like" | "similar"] | ["more" | "something" | "others", "like" | "similar"] => Some(FollowUp::Like(place)),
        ["not" | "no" | "without" | "drop" | "remove" | "skip"] | ["not", "like"] | ["don't", "want" | "like"] => {
            Some(FollowUp::Not(place))
        }
        ["know" | "known" | "seen" | "saw" | "watched" | "read" | "have" | "had" | "own" | "played"] => {
            Some(FollowUp::Known(place))
        }
        _ => None,
    }
}

/// "second", "2nd", "#2", "2".
fn place(word: &str) -> Option<ListPosition> {
    if word == "last" {
        return Some(ListPosition::Last);
    }
    if let Some(place) = ORDINALS.iter().position(|ordinal| *ordinal == word) {
        return Some(ListPosition::At(place));
    }
    let digits = word.trim_start_matches('#').trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: usize = digits.parse().ok().filter(|number| *number > 0)?;
    Some(ListPosition::At(number - 1))
}

/// Words that change nothing.
fn is_filler(word: &str) -> bool {
    matches!(
        word,
        "the"
            | "a"
            | "an"
            | "some"
            | "please"
            | "one"
            | "ones"
            | "i"
            | "i've"
            | "me"
            | "give"
            | "already"
            | "bit"
            | "to"
            | "of"
            | "number"
            | "item"
            | "that"
            | "thanks"
            | "and"
            | "now"
            | "any"
            | "is"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_and_what_they_want() {
        use FollowUp::*;
        let table = [
            ("", Some(More)),
            ("more", Some(More)),
            ("Some more, please!", Some(More)),
            ("something else", Some(More)),
            ("more like the second", Some(Like(ListPosition::At(1)))),
            ("something like number 3", Some(Like(ListPosition::At(2)))),
            ("like #4", Some(Like(ListPosition::At(3)))),
            ("More like the 10th one", Some(Like(ListPosition::At(9)))),
            ("more like the last one", Some(Like(ListPosition::Last))),
            ("not the third", Some(Not(ListPosition::At(2)))),
            ("I don't like the first one", Some(Not(ListPosition::At(0)))),
            ("drop 2", Some(Not(ListPosition::At(1)))),
            ("I've seen the first one already", Some(Known(ListPosition::At(0)))),
            ("I know 5", Some(Known(ListPosition::At(4)))),
            ("older", Some(Aged(Age::Older))),
            ("something a bit newer", Some(Aged(Age::Newer))),
            ("more recent ones", Some(Aged(Age::Newer))),
            ("no sequels", Some(NoSequels)),
            ("undo", Some(Undo)),
            ("take that back", Some(Undo)),
            ("start over", Some(StartOver)),
            ("?", Some(Help)),
            ("show me", Some(Show)),
            ("thanks, bye", Some(End)),
            ("more comedies", None),
            ("comedies older than 1990", None),
            ("something like Heat", None),
            ("not the zeroth", None),
            ("like 0", None),
            ("2", None),
        ];
        for (text, wanted) in table {
            assert_eq!(understand(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_turn_of_several_clauses_is_taken_apart_and_a_request_stays_whole() {
        use FollowUp::*;
        let like = Like(ListPosition::At(1));
        for (text, changes, wish) in [
            ("more like the second, but older", vec![like, Aged(Age::Older)], None),
            ("older and no sequels", vec![Aged(Age::Older), NoSequels], None),
            ("no sequels, no horror, at least half drama", vec![NoSequels], Some("no horror, at least half drama")),
            ("comedies, but not the first", vec![Not(ListPosition::At(0))], Some("comedies")),
            ("something like Me, Myself and Irene", vec![], Some("something like Me, Myself and Irene")),
            ("comedies, thanks, bye", vec![], Some("comedies, thanks, bye")),
        ] {
            assert_eq!(parts(text), (changes, wish.map(str::to_owned)), "{text}");
        }
    }
}
