//! Turns that speak about the list just shown, and those that speak to the program.

use crate::data::ItemId;

/// What a turn wants, where it is no wish of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// Another list of the same kind.
    More,
    /// More items like the one at this place.
    Like(Place),
    /// Not the item at this place, for a start.
    Not(Place),
    /// The item at this place is known already.
    Known(Place),
    /// Items of another time.
    Aged(Age),
    /// No second parts.
    NoSequels,
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
pub enum Place {
    /// Counted from 0.
    At(usize),
    /// The last one, wherever that is.
    Last,
}

impl Place {
    /// The item at this place of `list`.
    pub fn of(self, list: &[ItemId]) -> Option<ItemId> {
        match self {
            Place::At(place) => list.get(place).copied(),
            Place::Last => list.last().copied(),
        }
    }
}

const ORDINALS: [&str; 12] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth",
];

/// What a turn wants, or `None` where it is a wish. Only turns of which every word is understood count.
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
        ["start", "over" | "again"] | ["reset" | "restart" | "forget"] | ["forget", "everything" | "all"] => {
            Some(FollowUp::StartOver)
        }
        ["no" | "without" | "not", "sequels" | "sequel"] => Some(FollowUp::NoSequels),
        ["older" | "earlier"] | ["something", "older" | "earlier"] => Some(FollowUp::Aged(Age::Older)),
        ["newer" | "later"] | ["more", "recent"] | ["something", "newer" | "later"] => Some(FollowUp::Aged(Age::Newer)),
        [.., _] => about_a_place(&content),
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
fn place(word: &str) -> Option<Place> {
    if word == "last" {
        return Some(Place::Last);
    }
    if let Some(place) = ORDINALS.iter().position(|ordinal| *ordinal == word) {
        return Some(Place::At(place));
    }
    let digits = word.trim_start_matches('#').trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: usize = digits.parse().ok().filter(|number| *number > 0)?;
    Some(Place::At(number - 1))
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
            ("more like the second", Some(Like(Place::At(1)))),
            ("something like number 3", Some(Like(Place::At(2)))),
            ("like #4", Some(Like(Place::At(3)))),
            ("More like the 10th one", Some(Like(Place::At(9)))),
            ("more like the last one", Some(Like(Place::Last))),
            ("not the third", Some(Not(Place::At(2)))),
            ("I don't like the first one", Some(Not(Place::At(0)))),
            ("drop 2", Some(Not(Place::At(1)))),
            ("I've seen the first one already", Some(Known(Place::At(0)))),
            ("I know 5", Some(Known(Place::At(4)))),
            ("older", Some(Aged(Age::Older))),
            ("something a bit newer", Some(Aged(Age::Newer))),
            ("more recent ones", Some(Aged(Age::Newer))),
            ("no sequels", Some(NoSequels)),
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
}
