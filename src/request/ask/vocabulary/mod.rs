//! The words that every catalogue shares: those that say how things are asked for, and those that mean nothing.
//!
//! A word is here only if it always means the same.

mod modifiers;
mod neutral;
mod occasions;
mod quantities;
mod refusals;
mod wishes;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(super) use self::modifiers::is_modifier;
pub(super) use self::occasions::{is_adverb, is_occasion};
use super::amounts::{Compared, word};
use super::courtesies::COURTESIES;
use super::spelling::near_enough;
use super::tokens::Token;

/// The function of a word for the words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// A refusal of what follows, or of what stands before it at the end of a clause.
    Refuse(Refusal),
    /// A refusal of what stands before it: "horror bores me".
    Unwelcome,
    /// "the last thing I want is": a refusal of what follows "is", or of what stands before it.
    LastThing,
    /// "why", "how many": begins a question that asks for no list.
    Question,
    /// More than is good: "too scary".
    Too,
    /// Beside a refusal no rule at all: "not just comedies".
    NotOnly,
    /// "the same goes for": wanted or refused as what stands before it.
    Likewise,
    /// An allowance that is no wish: "I do not mind horror".
    Tolerated,
    /// "horror is fine".
    Fine,
    /// "only if it is funny".
    OnlyIf,
    Only,
    Every,
    Mostly,
    Little,
    Some,
    /// The part of a list that is left: "the rest dramas".
    Rest,
    Compared(Compared),
    /// A comparison that may also be a place: "over", "under".
    Beside(Compared),
    Between,
    To,
    /// Part of the list: "of them", "should be".
    Part,
    /// The words before: "of it".
    That,
    /// Titles that were taken, or that others shall be like.
    Role(TitleRole),
    /// A preference to something else.
    Prefer,
    Than,
    /// In the place of the wishes before: "comedies instead".
    Instead,
    /// In the place of the words before: "no, make that".
    Correction,
    /// A word for items: "films".
    Items,
    /// Items of any kind: "anything".
    Anything,
    And,
    Or,
    But,
    With,
    /// A word before a name; it never follows an adjective.
    Article,
    /// The speaker; a verb follows.
    Subject,
    /// "is", "are".
    Copula,
    /// A word that a description of any sort may follow: "about", "starring".
    Preposition,
    /// "about": nearly so many, or a preposition.
    About,
    /// "leave … out": a refusal only together with its second half.
    TakeOut,
    /// A verb or a phrase with one, which begins or ends a clause.
    Clause,
    /// "please", "thanks", "tonight".
    Courtesy,
    /// "more": begins a wish, and says nothing about how many.
    More,
    /// A condition or comparison that no request can state.
    Beyond,
    /// A word that means nothing.
    Filler,
}

/// The ways to refuse, by what they may be joined with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// "no": begins a wish of its own.
    No,
    /// "nothing": "no" and a word for items.
    Nothing,
    /// "not".
    Not,
    /// "non": refuses the one word that follows.
    Non,
    /// "without": may say more about what stands before it.
    Without,
    /// "except": takes out of what stands before it, whether that is wanted or refused.
    Except,
    /// "avoid": a verb or a phrase.
    Verb,
    /// "replace": what it is replaced with may follow.
    Swap,
}

/// The parts that titles play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TitleRole {
    /// Liked, or a model for the list.
    Liked,
    /// Known already.
    Seen,
    /// Wanted in the list.
    Must,
    /// To stay in the list.
    Kept,
    /// To choose from.
    Candidates,
}

/// The words of a phrase, and what it means.
type Phrase = (Vec<&'static str>, Word);

/// Phrases by their first word, the longest first.
static BY_FIRST_WORD: LazyLock<HashMap<&'static str, Vec<Phrase>>> = LazyLock::new(|| {
    let mut phrases: HashMap<&'static str, Vec<Phrase>> = HashMap::new();
    for (meaning, phrase) in phrases_of_all() {
        let words: Vec<&str> = phrase.split(' ').collect();
        phrases.entry(words[0]).or_default().push((words, meaning));
    }
    phrases.values_mut().for_each(|phrases| phrases.sort_by_key(|(words, _)| std::cmp::Reverse(words.len())));
    phrases
});

/// All phrases with their meanings.
pub(super) fn phrases_of_all() -> impl Iterator<Item = (Word, &'static str)> {
    let tables = [&refusals::REFUSALS[..], &quantities::QUANTITIES, &wishes::WISHES, &neutral::NEUTRAL];
    let courtesies = COURTESIES.iter().map(|phrases| (Word::Courtesy, *phrases));
    tables
        .into_iter()
        .flatten()
        .copied()
        .chain(courtesies)
        .flat_map(|(meaning, phrases)| phrases.split(", ").map(move |phrase| (meaning, phrase.trim())))
}

/// The meaning of the longest phrase that `tokens` begin with, and the number of its tokens.
pub(super) fn read(tokens: &[Token]) -> Option<(Word, usize)> {
    let phrases = BY_FIRST_WORD.get(word(tokens, 0)?)?;
    let begins = |words: &[&str]| words.iter().enumerate().all(|(at, expected)| word(tokens, at) == Some(expected));
    phrases.iter().find(|(words, _)| begins(words)).map(|(words, meaning)| (*meaning, words.len()))
}

/// The one phrase that a misspelt word is near enough to, with its meaning. Words that say nothing are not looked for: what is like
/// one of them may mean a lot.
pub(super) fn nearest(word: &str) -> Option<(&'static str, Word)> {
    const SHORTEST: usize = 7;
    let says_something = |meaning: &Word| {
        matches!(
            meaning,
            Word::Refuse(_) | Word::Only | Word::Mostly | Word::Compared(_) | Word::Between | Word::Role(_)
        )
    };
    let words = phrases_of_all()
        .filter(|(meaning, phrase)| says_something(meaning) && !phrase.contains(' ') && phrase.len() >= SHORTEST);
    near_enough(word, words.map(|(meaning, phrase)| (phrase, meaning)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_phrase_stands_twice_and_all_are_as_the_lexer_has_them() {
        let mut seen = Vec::new();
        for (meaning, phrase) in phrases_of_all() {
            assert_eq!(super::super::tokens::key(phrase), phrase, "{meaning:?}");
            assert!(!seen.contains(&phrase), "{phrase:?} stands twice, the second time under {meaning:?}");
            seen.push(phrase);
        }
    }
}
