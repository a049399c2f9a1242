//! Terms of people who speak, and of what they do: "she'd", "my date said he likes crime", "show my class", "a long day".

use super::{Sense, Term, TermReader};
use crate::request::ask::Gap;
use crate::request::ask::amounts::Quantity;
use crate::request::ask::lexicon::Dimension;
use crate::request::ask::vocabulary::{Refusal, TitleRole, Word, is_modifier};

/// Verbs whose object is what somebody says or thinks.
const SAYING: &str = "said, says, say, saying, thought, thinks, told, tells, telling, mentioned, mentions, reckons, reckon, decided, agreed, figured, \
    realised, realized, insists, insisted, suggested, hopes, hoped, assume, swears, promised";

impl TermReader<'_, '_> {
    pub(super) fn speech(&mut self, terms: &mut [Term]) {
        self.contracted(terms);
        self.reported(terms);
        self.shown_to(terms);
        self.described_otherwise(terms);
        self.time_to_kill(terms);
        self.one_and_the_other(terms);
        self.journeys(terms);
        self.taken_out(terms);
        self.one_list(terms);
        self.aged(terms);
    }

    /// "With three small children in the house": where the people at `at` are no kind of items, the first term of them.
    pub(super) fn people_around(&self, terms: &[Term], at: usize) -> Option<usize> {
        let described = |at: &usize| {
            matches!(
                terms[*at].sense,
                Sense::Unknown | Sense::Amount(_) | Sense::Range { vague: true, .. } | Sense::Word(Word::Article)
            )
        };
        let first = (0..at).rev().take_while(described).last().unwrap_or(at);
        let with = first.checked_sub(1).filter(|&with| terms[with].sense == Sense::Word(Word::With))?;
        let begins = with == 0 || matches!(terms[with - 1].sense, Sense::Comma | Sense::Stop);
        let behind = terms.get(at + 1).map(|next| &next.sense);
        let placed = matches!(behind, Some(Sense::Unknown | Sense::Word(Word::Preposition)));
        (begins && placed).then_some(first)
    }

    /// "for a nine-year-old": the age of somebody, and none of items.
    fn aged(&self, terms: &mut [Term]) {
        const WHOSE: [&str; 6] = ["a", "an", "my", "our", "his", "her"];
        for at in 2..terms.len() {
            let old = matches!(self.lower(&terms[at]).replace('-', " ").as_str(), "year old" | "year olds");
            let whose = WHOSE.contains(&self.lower(&terms[at - 2]).as_str());
            if old && whose && matches!(terms[at - 1].sense, Sense::Amount(_)) {
                terms[at - 1..=at].iter_mut().for_each(|term| term.sense = Sense::Unknown);
            }
        }
    }

    /// "one list": the number is none of items.
    fn one_list(&self, terms: &mut [Term]) {
        for at in 1..terms.len() {
            let one = terms[at - 1].sense == Sense::Amount(Quantity::Count(1));
            if one && matches!(self.lower(&terms[at]).as_str(), "list" | "single list") {
                terms[at - 1].sense = Sense::Word(Word::Article);
            }
        }
    }

    fn lower(&self, term: &Term) -> String {
        self.text[term.at.clone()].to_lowercase().replace('’', "'")
    }

    /// "she'd", "they've": a person and a verb.
    fn contracted(&self, terms: &mut [Term]) {
        const PEOPLE: [&str; 6] = ["he", "she", "they", "you", "it", "who"];
        for term in terms.iter_mut().filter(|term| term.sense == Sense::Unknown) {
            let text = self.lower(term);
            let contracted = text.split_once('\'').is_some_and(|(person, verb)| {
                PEOPLE.contains(&person) && matches!(verb, "s" | "d" | "ll" | "ve" | "re")
            });
            if contracted {
                term.sense = Sense::Word(Word::Subject);
            }
        }
    }

    /// "my date said he likes crime": what was said counts, unless it was not said.
    fn reported(&self, terms: &mut [Term]) {
        let saying = |text: &str| SAYING.split(", ").any(|word| word.trim() == text);
        for at in 1..terms.len() {
            if terms[at].sense != Sense::Unknown || !saying(&self.lower(&terms[at])) {
                continue;
            }
            let small = |term: &&Term| {
                matches!(self.lower(term).as_str(), "that" | "me" | "us" | "her" | "him" | "them" | "to me" | "to us")
            };
            let thinks = matches!(self.lower(&terms[at]).as_str(), "thought" | "figured" | "reckoned");
            let some =
                |term: &Term| term.sense == Sense::Word(Word::Some) || matches!(self.lower(term).as_str(), "a" | "an");
            let subject = (thinks && terms.get(at + 1).is_some_and(some))
                || terms[at + 1..].iter().find(|term| !small(term)).is_some_and(|next| {
                    next.sense == Sense::Word(Word::Subject)
                        || matches!(self.lower(next).as_str(), "that i" | "that we" | "i'm" | "we're")
                });
            let clause = terms[..at].iter().rev().take_while(|term| !matches!(term.sense, Sense::Comma | Sense::Stop));
            let denied = clause.into_iter().any(|term| matches!(term.sense, Sense::Word(Word::Refuse(_))));
            if subject && !denied {
                terms[at].sense = Sense::Word(Word::Filler);
            }
        }
    }

    /// "one loves thrillers, the other can't stand them": people.
    fn one_and_the_other(&self, terms: &mut [Term]) {
        for at in 1..terms.len() {
            let verb = matches!(
                terms[at].sense,
                Sense::Word(Word::Role(TitleRole::Liked) | Word::Prefer | Word::Refuse(Refusal::Verb))
            ) && !matches!(self.lower(&terms[at]).as_str(), "like" | "less" | "fewer" | "enough");
            let begins = at == 1 || matches!(terms[at - 2].sense, Sense::Comma | Sense::Stop | Sense::Word(Word::And));
            if verb && begins && self.lower(&terms[at - 1]) == "one" {
                terms[at - 1].sense = Sense::Word(Word::Subject);
            }
        }
    }

    /// "nine hours each way": the length of a journey, and of no item.
    fn journeys(&mut self, terms: &mut [Term]) {
        let column = self.lexicon.column(Dimension::Duration);
        for at in 0..terms.len().saturating_sub(1) {
            let Sense::Range { column: of, .. } = terms[at].sense else { continue };
            let behind = &self.text[terms[at].at.end..].trim_start().to_lowercase();
            let journey = [
                "each way",
                "away",
                "by car",
                "by train",
                "by plane",
                "on the train",
                "on the plane",
                "drive",
                "flight",
            ];
            if Some(of) == column && journey.iter().any(|words| behind.starts_with(words)) {
                self.gaps.push(Gap { at: terms[at].at.clone(), why: None });
                terms[at].sense = Sense::Lacking;
            }
        }
    }

    /// "leave crime out of my films": of the list, wherever it is called what.
    fn taken_out(&self, terms: &mut [Term]) {
        for at in 1..terms.len() {
            let clause =
                || terms[..at].iter().rev().take_while(|term| !matches!(term.sense, Sense::Comma | Sense::Stop));
            let takes = clause().any(|term| term.sense == Sense::Word(Word::TakeOut));
            let kind = matches!(terms[at - 1].sense, Sense::Kind { .. });
            if takes && kind && self.lower(&terms[at]) == "out of" {
                terms[at].sense = Sense::Word(Word::Unwelcome);
            }
        }
    }

    /// "to show my class three films": no word for items, but a verb.
    fn shown_to(&self, terms: &mut [Term]) {
        for at in 1..terms.len().saturating_sub(1) {
            let to = matches!(terms[at - 1].sense, Sense::Word(Word::To | Word::Clause | Word::Courtesy));
            let whom =
                ["my", "our", "his", "her", "him", "them", "their"].contains(&self.lower(&terms[at + 1]).as_str());
            if to && whom && terms[at].sense == Sense::Word(Word::Items) && self.lower(&terms[at]) == "show" {
                terms[at].sense = Sense::Word(Word::Clause);
            }
            // "to show my children the films of that time"
            let shown = self.lower(&terms[at - 1]) == "show";
            let mine = matches!(self.lower(&terms[at]).as_str(), "my" | "our");
            if shown && mine && matches!(terms[at + 1].sense, Sense::Kind { .. }) && at + 2 < terms.len() {
                terms[at + 1].sense = Sense::Unknown;
            }
        }
    }

    /// "after a long day", "our new neighbours": what is long or new is no item.
    fn described_otherwise(&mut self, terms: &mut [Term]) {
        let unknown = |term: &Term| term.sense == Sense::Unknown;
        for at in 1..terms.len() {
            // "we're new here", "I am old"
            let person = ["i'm", "we're", "he's", "she's", "you're", "i am", "im"]
                .contains(&self.lower(&terms[at - 1]).as_str());
            if person && matches!(terms[at].sense, Sense::Range { vague: true, .. }) {
                self.describe_no_item(&mut terms[at]);
            }
        }
        for at in 1..terms.len().saturating_sub(1) {
            let vague = matches!(terms[at].sense, Sense::Range { vague: true, .. });
            let article = matches!(terms[at - 1].sense, Sense::Word(Word::Article | Word::Preposition));
            let nouns = terms[at + 1..].iter().take_while(|term| unknown(term)).count();
            let last = self.lower(&terms[at + nouns]);
            let named = terms.get(at + 1 + nouns).is_some_and(|next| {
                matches!(next.sense, Sense::Kind { .. } | Sense::Value { .. } | Sense::Word(Word::Items))
            });
            if vague && article && nouns > 0 && !named && !is_modifier(&last) {
                self.describe_no_item(&mut terms[at]);
            }
        }
    }

    /// Takes back the stretch of numbers that a word such as "long" stands for.
    fn describe_no_item(&mut self, term: &mut Term) {
        let word = &self.text[term.at.clone()];
        if let Some(noted) = self.assumed.iter().rposition(|one| one.text == word) {
            self.assumed.remove(noted);
        }
        term.sense = Sense::Unknown;
    }

    /// "three hours to kill": nothing is refused.
    fn time_to_kill(&self, terms: &mut [Term]) {
        for at in 2..terms.len() {
            let to = terms[at - 1].sense == Sense::Word(Word::To) && self.lower(&terms[at]) == "kill";
            let time = matches!(terms[at - 2].sense, Sense::Range { .. })
                || ["time", "hours", "minutes", "evening", "night"].contains(&self.lower(&terms[at - 2]).as_str());
            if to && time {
                terms[at].sense = Sense::Word(Word::Filler);
            }
        }
    }
}
