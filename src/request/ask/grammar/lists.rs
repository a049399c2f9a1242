//! Lists: whether a description goes on behind a comma or a conjunction.

use std::ops::Range;

use super::StatementParser;
use crate::request::ask::Assumption;
use crate::request::ask::description::{ItemDescription, Sort};
use crate::request::ask::terms::Sense;
use crate::request::ask::tree::Joint;
use crate::request::ask::vocabulary::{Refusal, Word};

impl StatementParser<'_> {
    /// Decides whether a description goes on behind a comma or conjunction, and if so takes in what follows.
    pub(super) fn goes_on(&mut self, description: &mut ItemDescription, refused: bool) -> bool {
        let start = self.at;
        let joint = self.joint();
        if self.background().is_some() {
            self.at = start;
            return false;
        }
        let first = (self.at..)
            .find(|&at| {
                !matches!(
                    self.word(at),
                    Some(Word::Article | Word::Filler | Word::More | Word::Preposition | Word::About | Word::Copula)
                )
            })
            .unwrap_or(self.at);
        let chunk = self.clause(self.at);
        let goes_on = joint != Joint::But
            && !description.unwelcome
            && !description.little
            && !description.inside
            && joint != Joint::Correction
            && joint != Joint::Fresh
            && (self.is_exception(first, description) || self.is_listed(joint, first, chunk, description, refused));
        if !goes_on || self.is_parallel(joint, first) {
            self.at = start;
            return false;
        }
        if self.is_exception(first, description) {
            self.at = first;
            self.nested(Refusal::Except, description);
            return true;
        }
        self.at = first;
        // "no subtitles, thrillers please": refused with what nobody knows, or wanted.
        let behind_unknown = matches!(self.sense(start.wrapping_sub(1)), Some(Sense::Unknown));
        if refused && joint == Joint::Comma && behind_unknown && !description.has_content() && self.is_last_kind() {
            self.name_behind_refusal();
            return true;
        }
        if refused && (self.is_contrast(joint, description) || self.is_unlike(joint, start, description)) {
            let place = self.terms[first].at.clone();
            let taken_as = "taken as a wish beside the refusal".to_owned();
            self.assumed.push(Assumption { text: self.text[place].to_owned(), taken_as });
            self.at = start;
            return false;
        }
        let other = description.is_single() || description.closed;
        description.closed = matches!(joint, Joint::And | Joint::Or);
        if refused && joint == Joint::Comma && self.is_last_kind() && other {
            let text = self.text_of(first).to_owned();
            self.assumed.push(Assumption { text, taken_as: "taken as refused too".to_owned() });
        }
        match self.sense(first) {
            Some(Sense::Titles(titles)) => {
                description.titles.push((titles.clone(), self.terms[first].at.clone()));
                self.at += 1;
            }
            Some(Sense::Unknown) => self.unknown(description, refused),
            Some(Sense::Lacking) => {
                description.unknown = true;
                self.at += 1;
            }
            Some(Sense::Word(Word::Refuse(Refusal::Non))) => {
                self.at += 1;
                match self.element(true) {
                    Some(element) => description.join(joint, element, refused),
                    None => self.at -= 1,
                }
            }
            _ => {
                let joint = if self.is_other_kind(joint, start, description) { Joint::Or } else { joint };
                if let Some(element) = self.element(false) {
                    description.join(joint, element, refused);
                }
            }
        }
        true
    }

    /// "comedies without romance or comedies with war": within a refusal, a kind that begins a description of its own rather than
    /// goes on with what is refused. It is the kind around the refusal again, or has something behind it as that kind has.
    fn is_parallel(&self, joint: Joint, first: usize) -> bool {
        let Some(around) = self.around.last().filter(|around| !around.is_empty()) else { return false };
        let Some(Sense::Kind { of, adjective: false, .. }) = self.sense(first) else { return false };
        let says_more = |at: usize| matches!(self.word(at), Some(Word::With | Word::Refuse(_)));
        let more = self.clause(first + 1).any(|at| says_more(at) || self.is_content(at));
        let alike =
            self.names_items(first) && self.clause(first + 1).any(|at| says_more(at) && !self.refuses_backwards(at));
        matches!(joint, Joint::And | Joint::Or) && ((around.contains(of) && more) || alike)
    }

    /// True for a kind with its own qualifiers or word for items behind another kind: "80s comedies and 90s dramas", "westerns and
    /// romantic films" are either, while "funny and romantic films" are both.
    fn is_other_kind(&self, joint: Joint, start: usize, description: &ItemDescription) -> bool {
        let items =
            |at: usize| self.word(at) == Some(Word::Items) && !self.text_of(at).to_lowercase().starts_with("one");
        let behind_items = description.has_elements() && items(start.wrapping_sub(1));
        let names = behind_items || !description.last_names().is_empty();
        let noun = matches!(self.sense(self.at), Some(Sense::Kind { adjective: false, .. }));
        let listed = joint != Joint::Comma || (noun && description.has_kind() && self.names_items(self.at));
        let whole = items(self.at + 1) && joint != Joint::Comma;
        names && (whole || (behind_items && noun && listed) || self.leads_noun(self.at))
    }

    /// True for a qualifier before a noun: "90s dramas".
    fn leads_noun(&self, at: usize) -> bool {
        let noun = |at: &usize| matches!(self.sense(*at), Some(Sense::Kind { adjective: false, .. }));
        let qualifies = |at: &usize| {
            let qualifier = matches!(
                self.sense(*at),
                Some(Sense::Kind { adjective: true, .. } | Sense::Range { .. } | Sense::Value { .. })
            );
            qualifier || matches!(self.word(*at), Some(Word::Filler))
        };
        let behind = (at..).find(|at| !qualifies(at)).unwrap_or(at);
        behind > at && noun(&behind)
    }

    /// "not comedies, dramas": all that follows is one kind, in the place of the other.
    fn is_contrast(&self, joint: Joint, description: &ItemDescription) -> bool {
        self.contrasts && joint == Joint::Comma && self.is_last_kind() && description.is_single()
    }

    /// "no horror, romantic comedies": what names items goes on no list of what they are of, as "no horror, war" is one, nor a list that
    /// ended: "no horror or war, comedies".
    fn is_unlike(&self, joint: Joint, comma: usize, description: &ItemDescription) -> bool {
        let last = self.clause(self.at).rev().find(|&at| self.is_content(at));
        let items = last.is_some_and(|last| self.names_items(last));
        let before = (0..comma).rev().find(|&at| self.is_content(at));
        let of_items = before.is_some_and(|before| !self.names_items(before));
        let kind = matches!(self.sense(self.at), Some(Sense::Kind { .. }));
        let ends = match self.sense(self.clause(self.at).end) {
            None | Some(Sense::Stop | Sense::Word(Word::But)) => true,
            Some(Sense::Comma) => {
                matches!(self.word(self.clause(self.at).end + 1), Some(Word::But | Word::Refuse(_)))
            }
            _ => false,
        };
        let other = description.closed || (description.is_single() && of_items);
        joint == Joint::Comma && kind && ends && items && other
    }

    /// True for a kind that ends the sentence.
    fn is_last_kind(&self) -> bool {
        matches!(self.sense(self.at), Some(Sense::Kind { .. }))
            && matches!(self.sense(self.clause(self.at).end), None | Some(Sense::Stop))
    }

    /// "no comedies, except from France".
    pub(super) fn is_exception(&self, at: usize, description: &ItemDescription) -> bool {
        let except = self.word(at) == Some(Word::Refuse(Refusal::Except));
        except && description.has_elements() && !self.refuses_backwards(at)
    }

    /// True where a clause goes on with the list before it.
    pub(super) fn is_listed(
        &self,
        joint: Joint,
        first: usize,
        chunk: Range<usize>,
        description: &ItemDescription,
        refused: bool,
    ) -> bool {
        let speaks = |at: usize| {
            matches!(
                self.word(at),
                Some(Word::Clause | Word::Courtesy | Word::Subject | Word::Role(_) | Word::Instead | Word::More)
            )
        };
        // "horror and war are out" is about both; "I like comedies and war is out" is not.
        let shares_predicate = joint == Joint::And && !self.speaks;
        let turns = |at: usize| {
            let word = self.word(at);
            if shares_predicate && matches!(word, Some(Word::Unwelcome | Word::Fine)) {
                return false;
            }
            let predicate = shares_predicate && self.word(at.wrapping_sub(1)) == Some(Word::Copula);
            let backwards = matches!(word, Some(Word::Refuse(_))) && self.refuses_backwards(at) && !predicate;
            backwards
                || matches!(
                    word,
                    Some(Word::Unwelcome | Word::Fine | Word::Only | Word::Instead | Word::Beyond | Word::Tolerated)
                )
        };
        // "'Jaws', 'Up' should not be part of the list"
        // … but "Alien was good, Aliens wasn't", "Alien, Aliens I didn't like".
        let speaker = chunk.clone().any(|at| self.word(at) == Some(Word::Subject));
        let judged = description.role.is_some() || description.judged || speaker;
        if matches!(self.sense(first), Some(Sense::Titles(_))) && !description.titles.is_empty() && !judged {
            return true;
        }
        let lead = self.at..first;
        // "no westerns, where are the comedies": a clause of its own.
        if joint == Joint::Comma && lead.clone().any(|at| self.word(at) == Some(Word::Copula) && !self.is_relative(at))
        {
            return false;
        }
        // "two comedies and a drama"
        let one = |at: usize| matches!(self.text_of(at).to_lowercase().as_str(), "a" | "an");
        if self.counted && lead.clone().any(one) {
            return false;
        }
        // "no horror, maybe a drama", "no war and definitely a comedy", "not a war film, a drama"
        let ends = matches!(self.sense(chunk.end), None | Some(Sense::Stop));
        let offers = joint == Joint::Comma && ends && !self.speaks && lead.clone().any(one);
        if refused && (lead.clone().any(|at| self.asserts(at)) || offers) {
            return false;
        }
        if chunk.clone().any(turns)
            || lead.clone().any(speaks)
            || chunk.clone().any(|at| speaks(at) && (refused || self.clause(at).any(|at| self.is_content(at))))
        {
            return false;
        }
        // "two musicals at most, otherwise comedies"
        let otherwise = |at: usize| self.text_of(at).to_lowercase().contains("otherwise");
        if self.counted && (first.saturating_sub(2)..first).any(otherwise) {
            return false;
        }
        let last = description.last_sort();
        match self.sense(first) {
            Some(_) if !description.titles.is_empty() && !description.has_elements() => false,
            Some(Sense::Unknown) if self.may_be_verb(first, false) => false,
            // "crime or noir, whichever is cheaper"
            Some(Sense::Unknown) if self.text_of(first).eq_ignore_ascii_case("whichever") => false,
            Some(Sense::Unknown | Sense::Lacking) => joint != Joint::Comma || !refused,
            Some(Sense::Word(Word::Refuse(Refusal::Non))) => !refused,
            Some(Sense::Range { .. } | Sense::Value { .. }) if joint != Joint::Comma && self.leads_noun(first) => true,
            Some(Sense::Range { column, .. }) => {
                !refused
                    || matches!(last, Some(Sort::Range { column: other, .. }) if other == *column)
                    || joint == Joint::Or
            }
            Some(Sense::Value { column, .. }) => {
                !refused || matches!(last, Some(Sort::Value(other)) if other == *column) || joint != Joint::Comma
            }
            Some(Sense::Kind { .. } | Sense::Either(..) | Sense::Condition(_)) => {
                let field = matches!(last, Some(Sort::Range { .. } | Sort::Value(_)));
                let says_more =
                    chunk.clone().any(|at| matches!(self.sense(at), Some(Sense::Range { .. } | Sense::Value { .. })));
                !refused || joint != Joint::Comma || !(field || says_more)
            }
            _ => false,
        }
    }
}
