//! Short clauses about what stands before them: "but my mum doesn't", "I do", "but my dad loves them", "the same goes for war".

use std::ops::Range;

use super::StatementParser;
use crate::request::ask::terms::Sense;
use crate::request::ask::tree::{HowMany, Joint, Statement};
use crate::request::ask::vocabulary::{Refusal, TitleRole, Word};

/// Why neither of two opposite clauses counts.
const OPPOSED: Option<&str> = Some("wanted by one, refused by another");

/// A clause of a person and an auxiliary.
struct ShortClause {
    end: usize,
    by_speaker: bool,
    denies: bool,
}

impl StatementParser<'_> {
    /// Takes in "but my mum doesn't"; false where no such clause is here. It repeats for somebody what the clause before says, or denies
    /// it. What others deny is named. What the speaker denies of others' wishes is neither wanted nor refused.
    pub(super) fn short_clause(&mut self) -> bool {
        let Some(ShortClause { end, by_speaker, denies }) = self.read_short_clause() else { return false };
        let Some(before) = self.statements.last().filter(|before| before.has_content()) else { return false };
        let (opposed, before) = (denies != before.refused, before.at.clone());
        let start = self.at;
        self.at = end;
        let place = self.place(start);
        match (opposed, by_speaker) {
            (false, _) => {}
            (true, false) => self.gap(place, OPPOSED),
            (true, true) => {
                self.statements.pop();
                self.gap(before.start.min(place.start)..place.end, OPPOSED);
            }
        }
        true
    }

    fn read_short_clause(&self) -> Option<ShortClause> {
        let clause = self.clause(self.at);
        let person = |at: usize| {
            matches!(self.sense(at), Some(Sense::Unknown | Sense::Word(Word::Subject | Word::Article | Word::Filler)))
        };
        if self.word(clause.start) == Some(Word::Refuse(Refusal::Not)) {
            return self.read_excluded_person(clause);
        }
        // "my husband would rather not"
        let rather =
            |at: usize| self.word(at) == Some(Word::Prefer) && self.text_of(at).to_lowercase().ends_with("rather");
        let auxiliary = clause.clone().find(|&at| self.is_auxiliary(at) || rather(at))?;
        // "I'm not": the person and the auxiliary are one word.
        let contracted = auxiliary == clause.start && self.is_speaker(auxiliary);
        let subject = clause.start..auxiliary;
        let named =
            subject.clone().any(|at| matches!(self.sense(at), Some(Sense::Unknown | Sense::Word(Word::Subject))));
        if !(contracted || named) || !subject.clone().all(person) {
            return None;
        }
        let denies = self.word(auxiliary + 1) == Some(Word::Refuse(Refusal::Not));
        let behind = auxiliary + 1 + usize::from(denies)..clause.end;
        let small =
            |at: usize| matches!(self.word(at), Some(Word::Filler | Word::Courtesy | Word::Too | Word::Article));
        let by_speaker = contracted || subject.clone().any(|at| self.is_speaker(at));
        behind.clone().all(small).then_some(ShortClause { end: clause.end, by_speaker, denies })
    }

    /// "but not my wife", "not me"
    fn read_excluded_person(&self, clause: Range<usize>) -> Option<ShortClause> {
        let behind = clause.start + 1..clause.end;
        let me = |at: usize| matches!(self.text_of(at).to_lowercase().as_str(), "me" | "us");
        let possessive = matches!(self.text_of(behind.start).to_lowercase().as_str(), "my" | "our");
        let person = |at: usize| {
            me(at)
                || self.word(at) == Some(Word::Subject)
                || (possessive && matches!(self.sense(at), Some(Sense::Unknown | Sense::Word(Word::Article))))
        };
        let by_speaker = behind.clone().any(me);
        (!behind.is_empty() && behind.clone().all(person)).then_some(ShortClause {
            end: clause.end,
            by_speaker,
            denies: true,
        })
    }

    /// True for "does", "isn't", "I'm".
    fn is_auxiliary(&self, at: usize) -> bool {
        const AUXILIARIES: [&str; 18] = [
            "do", "does", "did", "is", "are", "am", "was", "were", "can", "could", "will", "would", "has", "have",
            "had", "should", "might", "may",
        ];
        let text = self.text_of(at).to_lowercase().replace('’', "'");
        let bare = text.trim_end_matches("n't").trim_end_matches("nt");
        let contracted = self.is_speaker(at) && text.contains('\'');
        matches!(self.word(at), Some(Word::Clause | Word::Copula))
            && (contracted || AUXILIARIES.contains(&bare) || matches!(bare, "ca" | "wo" | "cannot"))
    }

    /// True for "but my dad loves them" behind a refusal.
    pub(super) fn is_praise_by_another(&self, start: usize, statement: &Statement) -> bool {
        let praise = |at: usize| self.word(at) == Some(Word::Role(TitleRole::Liked)) && self.is_pronoun_object(at + 1);
        let plain = !statement.has_content() && !statement.refused && statement.how_many.is_none();
        plain && (start..self.at).any(praise) && self.statements.last().is_some_and(|before| before.refused)
    }

    /// True for "and everything sad", "and war films as well" behind a refusal: names that "and" joins to it without a word that asks for
    /// them may be refused too.
    pub(super) fn may_go_on_refusing(&self, start: usize, joint: Joint, marked: bool, statement: &Statement) -> bool {
        let joined = matches!(joint, Joint::And | Joint::Or);
        let behind_refusal = self.statements.last().is_some_and(|before| before.refused && before.has_content());
        let kind = (start..self.at).find(|&at| matches!(self.sense(at), Some(Sense::Kind { .. })));
        let noun = |at: usize| matches!(self.sense(at), Some(Sense::Kind { adjective: false, .. }));
        // "no drama and something funny", unlike "no drama and anything funny".
        let something = |at: usize| self.text_of(at).eq_ignore_ascii_case("something");
        let asserted =
            kind.is_some_and(|kind| (start..kind).any(|at| something(at) || (noun(kind) && self.asserts(at))));
        let plain = !statement.refused
            && !statement.tolerated
            && statement.titles.is_empty()
            && matches!(statement.how_many, None | Some(HowMany::Every));
        // "replace the dramas with comedies"
        let swapped = (0..start)
            .rev()
            .take_while(|&at| !self.is_boundary(at))
            .any(|at| self.word(at) == Some(Word::Refuse(Refusal::Swap)));
        joined && !swapped && behind_refusal && plain && kind.is_some() && !marked && !asserted
    }

    /// True for an adverb about a whole clause, which begins behind a refusal: "no war and definitely a comedy".
    pub(super) fn asserts(&self, at: usize) -> bool {
        const ADVERBS: &str = "maybe, perhaps, possibly, preferably, ideally, rather, absolutely, definitely, certainly, surely, \
            simply, probably, instead";
        ADVERBS.split(", ").any(|adverb| self.text_of(at).eq_ignore_ascii_case(adverb.trim()))
    }

    /// True for "not" behind an auxiliary at the end of a clause that follows a refusal: "horror can wait, drama can't" says the opposite
    /// of the clause before it.
    pub(super) fn is_ellipsis(&self, not: usize) -> bool {
        let auxiliary = matches!(self.word(not.wrapping_sub(1)), Some(Word::Clause | Word::Copula));
        let boundary = (0..not).rev().find(|&at| self.is_boundary(at));
        let goes_on = boundary.is_some_and(|at| !matches!(self.sense(at), Some(Sense::Stop)));
        let refused = self.statements.last().is_some_and(|before| before.refused);
        auxiliary && goes_on && refused && self.clause(not + 1).is_empty()
    }

    /// The place of a clause that asks for nothing: "since my kids are here, …" at the beginning of a sentence, "my dad, who is 80".
    pub(super) fn background(&self) -> Option<Range<usize>> {
        if self.is_about_person(self.at) {
            let clause = self.clause(self.at);
            let asks = |at: usize| matches!(self.word(at), Some(Word::Refuse(_) | Word::Role(_))) || self.wants(at);
            return (!clause.clone().any(asks)).then_some(clause);
        }
        // "crime or noir, whichever is cheaper"
        if self.text_of(self.at).eq_ignore_ascii_case("whichever") {
            return Some(self.clause(self.at));
        }
        const LEADS: [&str; 6] = ["since", "since i", "as", "because", "while", "whereas"];
        let start = self.at;
        let behind = start > 0 && !matches!(self.sense(start - 1), Some(Sense::Stop));
        let begins = start == 0 || self.is_boundary(start - 1) || (behind && self.is_speaker(start + 1));
        let text = self.text_of(start).to_lowercase();
        if !begins || !LEADS.contains(&text.as_str()) {
            return None;
        }
        let contracted = |text: &str| {
            let text = text.to_lowercase().replace('’', "'");
            ["it's", "its", "there's", "he's", "she's", "they're"].contains(&text.as_str())
        };
        let next = start + 1;
        let speaks = text.ends_with(" i")
            || self.word(next) == Some(Word::Subject)
            || self.is_speaker(next)
            || contracted(self.text_of(next))
            || ["it", "my", "our", "there", "the"].contains(&self.text_of(next).to_lowercase().as_str());
        let end = (start..).find(|&at| matches!(self.sense(at), None | Some(Sense::Comma | Sense::Stop)))?;
        let says_more = |at: usize| match self.sense(at) {
            Some(Sense::Range { vague, .. }) => !vague,
            Some(Sense::Word(Word::Clause)) => self.asks(at) || self.wants(at),
            Some(Sense::Word(Word::Prefer | Word::Role(_))) | Some(Sense::Titles(_)) => true,
            _ => false,
        };
        let kind = |at: usize| matches!(self.sense(at), Some(Sense::Kind { .. }));
        let ends = match self.sense(end) {
            Some(Sense::Comma) => true,
            // "…, since it's raining"
            _ => behind && !(start..end).any(kind),
        };
        let idle = speaks && ends && !(start..end).any(says_more);
        idle.then_some(start..end)
    }

    /// True for the "who" of "our parents, who do not care for war".
    pub(super) fn is_about_person(&self, who: usize) -> bool {
        let comma = who > 1 && matches!(self.sense(who - 1), Some(Sense::Comma));
        let person = |at: usize| matches!(self.sense(at), Some(Sense::Unknown | Sense::Word(Word::Subject)));
        self.text_of(who).eq_ignore_ascii_case("who") && comma && person(who - 2)
    }

    /// True for "want", "need", "would like", "looking for".
    pub(super) fn wants(&self, at: usize) -> bool {
        const VERBS: [&str; 6] = ["want", "need", "like", "love", "looking", "mood"];
        self.text_of(at).to_lowercase().split(' ').any(|word| VERBS.contains(&word.trim_end_matches('s')))
    }
}
