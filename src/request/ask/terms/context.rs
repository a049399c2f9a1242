//! Terms whose sense depends on those beside them.

use super::{Sense, Term, TermReader, names};
use crate::request::ask::Gap;
use crate::request::ask::lexicon::Dimension;
use crate::request::ask::vocabulary::{Refusal, TitleRole, Word, is_modifier};

const MONTHS: [&str; 11] =
    ["january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december"];

impl TermReader<'_, '_> {
    /// Gives such terms the sense that they have here.
    pub(super) fn in_context(&mut self, terms: &mut [Term]) {
        self.also(terms);
        self.love(terms);
        self.speakers(terms);
        self.exceptions(terms);
        self.country(terms);
        self.courtesies(terms);
        self.settings(terms);
        self.typed(terms);
        self.speech(terms);
    }

    /// "that isn't also horror", "unless it's also a comedy": no joint, but a word that says nothing.
    fn also(&self, terms: &mut [Term]) {
        for at in 1..terms.len() {
            let governed = matches!(terms[at - 1].sense, Sense::Word(Word::Copula | Word::Refuse(_) | Word::OnlyIf));
            if governed && self.text[terms[at].at.clone()].eq_ignore_ascii_case("also") {
                terms[at].sense = Sense::Word(Word::Filler);
            }
        }
    }

    /// "films about love": no verb, but a kind.
    fn love(&self, terms: &mut [Term]) {
        for at in 1..terms.len() {
            let governed = matches!(terms[at - 1].sense, Sense::Word(Word::About | Word::With));
            let name = self.text[terms[at].at.clone()].to_lowercase();
            if governed && name == "love" && terms[at].sense == Sense::Word(Word::Role(TitleRole::Liked)) {
                terms[at].sense = self.lexicon.kind(&name).map_or(Sense::Unknown, names::kind_of);
            }
        }
    }

    /// "from any country but France": an exception from whatever there is.
    fn exceptions(&self, terms: &mut [Term]) {
        let whatever = |term: &Term| {
            let text = self.text[term.at.clone()].to_lowercase();
            text.starts_with("any") || text.starts_with("every") || text == "all"
        };
        let names = |term: &Term| {
            matches!(term.sense, Sense::Kind { .. } | Sense::Value { .. } | Sense::Range { .. } | Sense::Titles(_))
        };
        for but in 1..terms.len() {
            let before = terms[..but].iter().rev().take(2);
            let open = before.take_while(|term| matches!(term.sense, Sense::Unknown | Sense::Word(_))).any(whatever);
            // "everything must be French but the comedies"
            let start = terms[..but].iter().rposition(|term| matches!(term.sense, Sense::Comma | Sense::Stop));
            let first = start.map_or(0, |start| start + 1);
            let every = terms[first].sense == Sense::Word(Word::Every) && first < but;
            let kind = (but + 1..terms.len()).find(|at| !matches!(terms[*at].sense, Sense::Word(Word::Article)));
            let last = kind.is_some_and(|kind| {
                let ends = terms.get(kind + 1).is_none_or(|next| matches!(next.sense, Sense::Comma | Sense::Stop));
                matches!(terms[kind].sense, Sense::Kind { .. }) && ends
            });
            let open = open || (every && last);
            // "nothing but comedies"
            let open = open || terms[but - 1].sense == Sense::Word(Word::Refuse(Refusal::Nothing));
            let article = |term: &&Term| matches!(term.sense, Sense::Word(Word::Article | Word::Preposition));
            let named = terms[but + 1..].iter().find(|term| !article(term)).is_some_and(names);
            if terms[but].sense == Sense::Word(Word::But) && open && named {
                terms[but].sense = Sense::Word(Word::Refuse(Refusal::Except));
            }
            // "nothing from the sixties besides westerns", but "besides horror, anything": who knows.
            let besides = self.text[terms[but].at.clone()].eq_ignore_ascii_case("besides");
            let clause = terms[..but].iter().rev().take_while(|term| !matches!(term.sense, Sense::Comma | Sense::Stop));
            let refuses = |term: &Term| {
                matches!(term.sense, Sense::Word(Word::Refuse(Refusal::No | Refusal::Nothing | Refusal::Not)))
            };
            if besides && terms[but].sense == Sense::Unknown && clause.into_iter().any(refuses) {
                terms[but].sense = Sense::Word(Word::Refuse(Refusal::Except));
            }
            // "all of them comedies save one"
            let save = self.text[terms[but].at.clone()].eq_ignore_ascii_case("save");
            let behind = names(&terms[but - 1]) || terms[but - 1].sense == Sense::Word(Word::Items);
            if save && behind && terms.get(but + 1).is_some_and(|next| matches!(next.sense, Sense::Amount(_))) {
                terms[but].sense = Sense::Word(Word::Refuse(Refusal::Except));
            }
            // "except that I don't want war", "except no war": a clause of its own rather than an exception.
            let except = self.text[terms[but].at.clone()].to_lowercase();
            let except = except.starts_with("except") && !["when", "where", "if"].iter().any(|on| except.ends_with(on));
            let clause = terms.get(but + 1).is_some_and(|next| {
                let text = self.text[next.at.clone()].to_lowercase();
                let speaks = matches!(text.split(' ').next_back(), Some("i" | "we" | "i'd" | "i’d" | "i'm" | "i’m"));
                speaks || matches!(next.sense, Sense::Word(Word::Subject | Word::Refuse(_)))
            });
            if except && clause && terms[but].sense == Sense::Word(Word::Refuse(Refusal::Except)) {
                terms[but].sense = Sense::Word(Word::But);
            }
        }
    }

    /// "the kids want": people who are also a kind of items speak where a verb follows them; "we have kids" wishes for none.
    fn speakers(&self, terms: &mut [Term]) {
        let possessive = |word: &str| matches!(word, "my" | "our" | "his" | "her" | "their");
        const PEOPLE: [&str; 6] = ["kids", "children", "kid", "child", "family", "teens"];
        let text = |terms: &[Term], at: usize| self.text[terms[at].at.clone()].to_lowercase();
        for at in (1..terms.len()).filter(|&at| PEOPLE.contains(&text(terms, at).as_str())).collect::<Vec<_>>() {
            let whole = usize::from(at > 1 && matches!(text(terms, at - 1).as_str(), "whole" | "entire"));
            let whose = matches!(text(terms, at - 1 - whole).as_str(), "the" | "my" | "our");
            let verb = terms.get(at + 1).is_some_and(|next| match next.sense {
                Sense::Unknown => !is_modifier(&text(terms, at + 1)),
                Sense::Word(Word::Clause | Word::Role(_) | Word::Prefer | Word::Copula) => true,
                Sense::Word(Word::Refuse(refusal)) => matches!(refusal, Refusal::Verb | Refusal::Not),
                _ => false,
            });
            let small = |at: &usize| matches!(terms[*at].sense, Sense::Amount(_) | Sense::Word(Word::Article));
            let own = (0..at).rev().find(|at| !small(at)).is_some_and(|has| match text(terms, has).as_str() {
                "i have" => true,
                "have" | "has" | "got" | "have got" => has > 0 && terms[has - 1].sense == Sense::Word(Word::Subject),
                _ => false,
            });
            // "no kids around tonight"
            let here = ["around", "about", "here", "at", "in"];
            let near = terms.get(at + 1).is_some_and(|_| here.contains(&text(terms, at + 1).as_str()));
            let own = own || (near && terms[at - 1].sense == Sense::Word(Word::Refuse(Refusal::No)) && at == 1);
            let of = terms.get(at + 1).is_some_and(|next| self.text[next.at.clone()].eq_ignore_ascii_case("of"));
            if of && matches!(terms.get(at + 2).map(|next| &next.sense), Some(Sense::Amount(_))) {
                // "a family of five"
                terms[at].sense = Sense::Unknown;
                terms[at + 2].sense = Sense::Unknown;
            }
            if let Some(first) = self.people_around(terms, at) {
                terms[first..=at].iter_mut().for_each(|term| term.sense = Sense::Unknown);
            } else if own {
                terms[at].sense = Sense::Unknown;
            } else if whose && verb {
                terms[at].sense = Sense::Word(Word::Subject);
            } else if matches!(terms[at - 1].sense, Sense::Amount(_)) && at > 1 && possessive(&text(terms, at - 2)) {
                // "my two kids"
                terms[at - 1].sense = Sense::Word(Word::Filler);
                terms[at].sense = Sense::Word(Word::Subject);
            }
        }
    }

    /// "us comedies", "5 us films": where nobody is told to do anything, "us" is a country.
    fn country(&self, terms: &mut [Term]) {
        for at in 0..terms.len() {
            let us = self.text[terms[at].at.clone()].eq_ignore_ascii_case("us");
            let told = at.checked_sub(1).is_some_and(|before| match terms[before].sense {
                Sense::Comma | Sense::Stop | Sense::Amount(_) => false,
                Sense::Word(word) => {
                    !matches!(word, Word::And | Word::Or | Word::But | Word::Refuse(_) | Word::Article | Word::Only)
                }
                _ => true,
            });
            let names = matches!(
                terms.get(at + 1).map(|next| &next.sense),
                Some(Sense::Kind { .. } | Sense::Word(Word::Items))
            );
            if let Some(value) = self.lexicon.value("us").filter(|_| us && !told && names) {
                terms[at].sense = Sense::Value { column: value.column, value: value.value.clone() };
            }
        }
    }

    /// "we would be delighted if …": no condition.
    fn courtesies(&self, terms: &mut [Term]) {
        const PLEASURE: &str = "obliged, much obliged, chuffed, over the moon, happy, glad, grateful, delighted, pleased, thrilled, nice, great, lovely, good, wonderful, perfect, ideal, \
            cool, fantastic, appreciate it, would be nice, would be great, would be good, would be perfect, would be lovely, \
            would be ideal, would be wonderful";
        for at in 1..terms.len() {
            let before = self.text[terms[at - 1].at.clone()].to_lowercase();
            let pleased = PLEASURE.split(", ").any(|word| word.trim() == before);
            if pleased && self.text[terms[at].at.clone()].eq_ignore_ascii_case("if") {
                for term in &mut terms[at - 1..=at] {
                    term.sense = Sense::Word(Word::Clause);
                }
            }
        }
    }

    /// "movies 4 kids", "in the mood 4 a western", "sth 2 watch": digits that are typed for "for" and "to".
    fn typed(&self, terms: &mut [Term]) {
        let text = |term: &Term| self.text[term.at.clone()].to_lowercase();
        for at in 1..terms.len().saturating_sub(1) {
            let behind_items = matches!(terms[at - 1].sense, Sense::Word(Word::Items | Word::Anything));
            let next = text(&terms[at + 1]);
            let (four, two) = (text(&terms[at]) == "4", text(&terms[at]) == "2");
            let person = ["kids", "children", "family", "adults", "teens"].contains(&next.as_str());
            let verb = ["watch", "see", "play"].contains(&next.as_str());
            let article = ["a", "an", "the", "my", "me", "us"].contains(&next.as_str());
            if four && (article || (behind_items && person)) {
                terms[at].sense = Sense::Word(Word::Preposition);
            } else if behind_items && two && verb {
                terms[at].sense = Sense::Word(Word::To);
            }
        }
    }

    /// "set in the 1940s", "dramas about the sixties": no data set says where and when a story plays.
    fn settings(&mut self, terms: &mut [Term]) {
        const LEADS: [&str; 8] =
            ["set in", "set", "set during", "set around", "taking place in", "takes place in", "playing in", "about"];
        let year = self.lexicon.column(Dimension::Year);
        for at in 1..terms.len() {
            let place = match &terms[at].sense {
                Sense::Range { column, .. } => Some(*column) == year,
                Sense::Value { .. } => true,
                _ => false,
            };
            let small =
                |term: &&Term| matches!(term.sense, Sense::Word(Word::Article | Word::Preposition | Word::About));
            let lead = terms[..at].iter().rev().take_while(small).last().map(|lead| lead.at.start);
            let before = self.text[terms[at - 1].at.clone()].to_lowercase();
            if place && MONTHS.contains(&before.as_str()) {
                // "we get married in June 2026"
                self.gaps.push(Gap { at: terms[at].at.clone(), why: Some("a date") });
                terms[at].sense = Sense::Lacking;
                continue;
            }
            let Some(start) = lead.filter(|_| place) else { continue };
            let text = self.text[start..terms[at].at.start].to_lowercase();
            if LEADS.iter().any(|lead| text.strip_prefix(lead).is_some_and(|rest| rest.starts_with(' '))) {
                let why = Some("the data set does not say where or when a story is set");
                self.gaps.push(Gap { at: start..terms[at].at.end, why });
                terms[at].sense = Sense::Lacking;
            }
        }
    }
}
