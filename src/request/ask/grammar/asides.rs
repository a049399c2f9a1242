//! Clauses that neither want nor refuse anything, and the rest of clauses whose refusal is over. All of it is named.

use std::ops::Range;

use super::StatementParser;
use crate::request::ask::Assumption;
use crate::request::ask::amounts::{Compared, Quantity};
use crate::request::ask::description::{ItemDescription, Sort};
use crate::request::ask::terms::Sense;
use crate::request::ask::tree::{HowMany, Joint, Statement};
use crate::request::ask::vocabulary::{Refusal, Word};

/// Words that say more of what stands before them, and nothing else of a list.
const PRAISE: &str =
    "good, great, nice, decent, best, top, better, favourite, favorite, popular, the best, for me, for us";

impl StatementParser<'_> {
    /// True for "not that I dislike dramas": a clause about what the speaker does not say.
    pub(super) fn is_disclaimer(&self, at: usize) -> bool {
        let text = |at: usize| self.text_of(at).to_lowercase();
        let that = text(at + 1);
        let speaks =
            |at: usize| self.word(at) == Some(Word::Subject) || self.is_speaker(at) || text(at).starts_with("there");
        let speaker = matches!(that.as_str(), "that i" | "that we") || (that == "that" && speaks(at + 2));
        // "not even in comedies"
        let even = that == "even" && matches!(self.word(at + 2), Some(Word::Preposition | Word::With));
        self.word(at) == Some(Word::Refuse(Refusal::Not)) && (speaker || even)
    }

    /// True for "I", "I'm", "we've": the person who asks.
    pub(super) fn is_speaker(&self, at: usize) -> bool {
        const SPEAKERS: [&str; 11] = ["i", "i'm", "im", "i've", "i'd", "i'll", "we", "we're", "we've", "we'd", "we'll"];
        let text = self.text_of(at).to_lowercase().replace('’', "'");
        SPEAKERS.contains(&text.split(' ').next().unwrap_or_default())
    }

    /// True for a word before the reason of a wish or a refusal.
    pub(super) fn gives_reason(&self, at: usize) -> bool {
        // "not because of war" refuses the reason.
        let refused = self.word(at.wrapping_sub(1)) == Some(Word::Refuse(Refusal::Not));
        !refused && matches!(self.text_of(at).to_lowercase().as_str(), "because" | "cos" | "coz" | "bc")
    }

    /// True for "none that are both": a refusal of what stands before it under a condition that nobody knows.
    pub(super) fn refuses_some_before(&self, at: usize) -> bool {
        let clause = self.clause(at + 1);
        let bare = matches!(self.word(at), Some(Word::Refuse(Refusal::No | Refusal::Nothing)));
        bare && clause.clone().any(|at| self.word(at) == Some(Word::Copula) && self.is_relative(at))
    }

    /// Names the clause that began at `start` up to its end.
    pub(super) fn name_clause(&mut self, start: usize, why: Option<&'static str>) {
        self.at = self.clause(self.at).end;
        let place = self.place(start);
        self.gap(place, why);
    }

    /// Names the names behind a refusal that is over: "keep war out of it comedies". They may be refused too, or wanted.
    pub(super) fn name_behind_refusal(&mut self) {
        let start = self.at;
        self.name_clause(start, Some("refused too, or wanted"));
    }

    /// Takes in a kind right beside another one in a refusal; false where they are one thing, as in "no romantic comedies".
    ///
    /// "no horror action or sci-fi" is a list. "no war comedies" are those that are both. Elsewhere, as in "without war comedies" and
    /// "no crime drama", the second may be refused with the first, refused too, or wanted: the first is refused, and the second named.
    pub(super) fn beside_refused(&mut self, description: &mut ItemDescription, by: Option<Refusal>) -> bool {
        let noun = |at: usize| matches!(self.sense(at), Some(Sense::Kind { adjective: false, .. }));
        let of_items = self.names_items(self.at);
        let beside = self.at > 0 && noun(self.at) && noun(self.at - 1) && !self.names_items(self.at - 1);
        if !beside || description.last_sort() != Some(Sort::Noun) {
            return false;
        }
        let listed = matches!(self.word(self.at + 1), Some(Word::And | Word::Or)) && self.is_content(self.at + 2);
        if listed && !of_items {
            if let Some(element) = self.element(false) {
                description.join(Joint::Or, element, true);
            }
            return true;
        }
        let compound = of_items && !matches!(by, Some(Refusal::Without | Refusal::Except));
        if !compound {
            self.name_behind_refusal();
        }
        !compound
    }

    /// True for a word that begins a wish of its own behind a refusal: "no horror only comedies", "instead of dramas I'd like crime".
    pub(super) fn begins_wish(&self, at: usize) -> bool {
        let names = self.clause(at + 1).any(|at| self.is_content(at));
        let text = self.text_of(at).to_lowercase();
        let speaker = ["i'd ", "i’d ", "id ", "i would ", "i want ", "we'd ", "we’d ", "we want "];
        match self.word(at) {
            Some(Word::Only) => names,
            Some(Word::Clause) => self.asks(at) || (names && speaker.iter().any(|start| text.starts_with(start))),
            Some(Word::Subject | Word::Anything) => true,
            _ => false,
        }
    }

    /// True for "westerns are so last year", "documentaries are that much": a predicate without a word that praises.
    pub(super) fn is_idle_predicate(&self, start: usize) -> bool {
        let is = (start..self.at).rev().find(|&at| self.word(at) == Some(Word::Copula) && !self.is_relative(at));
        let Some(is) = is.filter(|&is| (start..is).any(|at| self.is_content(at))) else { return false };
        let behind = is + 1..self.at;
        let idle = |at: usize| {
            matches!(self.word(at), Some(Word::Filler | Word::Article | Word::Courtesy | Word::Preposition))
        };
        let praises = |at: usize| PRAISE.split(", ").any(|word| self.text_of(at).eq_ignore_ascii_case(word));
        let says = |at: usize| self.word(at) == Some(Word::Filler) || self.intensifies(at);
        behind.clone().all(idle) && behind.clone().any(says) && !behind.clone().any(praises)
    }

    /// True for a point in time behind "is so": "westerns are so last year".
    pub(super) fn is_figure_of_speech(&self) -> bool {
        self.intensifies(self.at.wrapping_sub(1)) && self.word(self.at.wrapping_sub(2)) == Some(Word::Copula)
    }

    fn intensifies(&self, at: usize) -> bool {
        matches!(self.text_of(at).to_lowercase().as_str(), "so" | "very" | "really" | "such" | "totally")
    }

    /// True for "I don't like" behind what is refused, unless it has an object of its own: "no horror, I hate it".
    pub(super) fn refuses_in_relative(&self, at: usize) -> bool {
        let clause = self.clause(at + 1);
        let refuses = |at: usize| matches!(self.word(at), Some(Word::Refuse(Refusal::Not | Refusal::Verb)));
        clause.clone().any(refuses) && !clause.clone().any(|at| self.is_content(at) || self.is_pronoun_object(at))
    }

    /// True for "my dad hates" behind a wish: nobody knows whether it says which of them, or that there shall be none.
    pub(super) fn is_hated_by_another(&self, subject: usize) -> bool {
        let refuses = |at: usize| matches!(self.word(at), Some(Word::Refuse(Refusal::Not | Refusal::Verb)));
        !self.is_speaker(subject) && self.clause(subject + 1).any(refuses)
    }

    /// True for the "nobody" of "some westerns so that nobody gets bored".
    pub(super) fn is_purpose(&self, nobody: usize) -> bool {
        let person = matches!(self.text_of(nobody).to_lowercase().as_str(), "nobody" | "no one");
        person && !self.is_boundary(nobody + 1) && self.word(nobody.wrapping_sub(1)) == Some(Word::Courtesy)
    }

    /// True for the "nobody" of "comedies that nobody hates": two noes, and nobody knows whether they make a yes.
    pub(super) fn is_hated_by_nobody(&self, nobody: usize) -> bool {
        let person = matches!(self.text_of(nobody).to_lowercase().as_str(), "nobody" | "no one");
        person && self.clause(nobody + 1).any(|at| self.word(at) == Some(Word::Refuse(Refusal::Verb)))
    }

    /// True for the refusal of "you didn't show me any dramas", "there were no westerns": a complaint about a list.
    pub(super) fn complains(&self, refusal: usize) -> bool {
        let start = (0..refusal).rev().find(|&at| self.is_boundary(at)).map_or(0, |at| at + 1);
        let text = |at: usize| self.text_of(at).to_lowercase();
        let past =
            |at: usize| ["was", "were", "did", "have"].iter().any(|verb| text(at).trim_end_matches("n't") == *verb);
        let before = (start..=refusal).any(past);
        match text(start).as_str() {
            "you" | "youve" | "you've" | "you’ve" => before || text(refusal) == "never",
            "there" => before,
            _ => {
                // "I promised that there won't be any horror"
                let future = (start..=refusal)
                    .any(|at| ["won", "will", "would", "should"].iter().any(|verb| text(at).starts_with(verb)));
                let there = !future && (start..refusal).any(|at| text(at).starts_with("there"));
                there && (start..refusal).any(|at| matches!(self.sense(at), Some(Sense::Unknown)))
            }
        }
    }

    /// True for "whatever you like", "up to you".
    pub(super) fn leaves_choice(&self, at: usize) -> bool {
        let text = self.text_of(at).to_lowercase();
        ["up to ", "your ", "you ", "whatever you"].iter().any(|start| text.starts_with(start))
    }

    /// True for "love" rather than "like" before a kind: no preposition, but a verb.
    pub(super) fn is_verb_of_love(&self, at: usize) -> bool {
        let kind = |at: usize| matches!(self.sense(at), Some(Sense::Kind { .. }));
        let verb = ["lov", "ador", "enjoy"].iter().any(|stem| self.text_of(at).to_lowercase().starts_with(stem));
        verb && self.clause(at + 1).any(kind)
    }

    /// True for "does" at the end of a clause behind one that allows something: it repeats a predicate that was denied.
    pub(super) fn repeats_allowance(&self, at: usize) -> bool {
        let allowed = self.statements.last().is_some_and(|before| before.tolerated);
        allowed && self.is_content(at.wrapping_sub(1)) && self.clause(at + 1).is_empty()
    }

    /// The amount of an exception from a refusal, "no drama except one"; names the exception where it is one of something else.
    pub(super) fn exception_amount(&mut self, start: usize, description: &mut ItemDescription) {
        let last = if self.is_second_end(self.at + 2) { self.at + 2 } else { self.at };
        let amount = match self.sense(last) {
            Some(Sense::Amount(quantity)) => Some(*quantity),
            _ => None,
        };
        let more =
            self.clause(last + 1).any(|at| self.is_content(at) || matches!(self.sense(at), Some(Sense::Unknown)));
        self.at = last;
        match amount.filter(|_| !more) {
            Some(quantity) => {
                description.except = Some(quantity);
                self.at = self.clause(last).end;
            }
            None => {
                // "romance, as long as it isn't more than a fifth"
                description.broken |= self.text_of(start).to_lowercase().starts_with("as long");
                self.name_clause(start, None);
            }
        }
    }

    /// A refusal with an exception that only says how many: "no drama except one" allows one.
    pub(super) fn allow_exception(&mut self, statement: &mut Statement, except: Option<Quantity>) {
        let Some(quantity) = except else { return };
        if !statement.refused && statement.how_many == Some(HowMany::Every) {
            // "all of them comedies except one"
            statement.how_many = Some(HowMany::AllBut(quantity));
            return;
        }
        if !statement.refused || statement.how_many.is_some() {
            return self.gap(statement.at.clone(), Some("an exception"));
        }
        statement.refused = false;
        statement.part = true;
        statement.how_many = Some(HowMany::Counted(quantity, Some(Compared::AtMost)));
    }

    /// "I don't want one": refuses what the statement before is about. False where nothing stands before it.
    pub(super) fn refuse_one_of_those(&mut self, at: Range<usize>) -> bool {
        let Some(before) = self.statements.last_mut().filter(|before| before.has_content()) else { return false };
        before.refuse();
        before.tolerated = false;
        let taken_as = "taken as a refusal of what stands before it".to_owned();
        self.assumed.push(Assumption { text: self.text[at].to_owned(), taken_as });
        true
    }
}
