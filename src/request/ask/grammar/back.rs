//! Corrections, refusals, praise and scores of the statements before, without a name of their own.

use std::ops::Range;

use super::StatementParser;
use super::opening::Opening;
use crate::request::ask::Assumption;
use crate::request::ask::amounts::Quantity;
use crate::request::ask::terms::Sense;
use crate::request::ask::tree::{Head, HowMany, Joint, Statement};
use crate::request::ask::vocabulary::{Refusal, TitleRole, Word};

impl StatementParser<'_> {
    /// "no" alone: a refusal of what stands before it, a correction of it, or nothing.
    pub(super) fn bare_refusal(&mut self, joint: Joint, class: Refusal) {
        let start = self.at;
        let end = self.clause(self.at).end;
        self.at = end;
        if class == Refusal::Not && self.not_both(start..end) {
            return;
        }
        // "westerns, and I am tired of them", but not "my daughter can't stand them"
        let speaker = (0..start).rev().take_while(|&at| !self.is_boundary(at)).any(|at| self.is_speaker(at));
        // "three comedies, no more, no fewer"
        let place = self.place(start);
        let limits = matches!(self.text[place].to_lowercase().as_str(), "no more" | "no fewer" | "no less");
        if limits && self.statements.last().is_some_and(|before| before.how_many.is_some()) {
            return;
        }
        let person = matches!(self.text_of(start).to_lowercase().as_str(), "nobody" | "no one");
        let of_those = class == Refusal::Verb && speaker && (start..end).any(|at| self.is_pronoun_object(at));
        // "as long as nobody gets shot" says so of no kind.
        if (person && start + 1 < end) || !of_those && !matches!(class, Refusal::No | Refusal::Not | Refusal::Nothing) {
            let place = self.place(start);
            return self.gap(place, None);
        }
        if joint == Joint::Or || !self.statements.last().is_some_and(Statement::has_content) {
            return;
        }
        let answers = class == Refusal::No && joint == Joint::Fresh;
        let goes_on = matches!(self.sense(end), Some(Sense::Comma)) && end + 1 < self.terms.len();
        let says_more = |at: usize| self.is_content(at) || self.is_amount(at);
        let goes_on = goes_on && self.clause(end + 1).any(says_more);
        if goes_on && (answers || joint != Joint::Fresh) && !self.refuses_backwards(end) {
            // "comedies, no, dramas", "comedies. No: dramas."
            self.at = end + 1;
            (self.means, self.revokes) = (false, false);
            return self.statement(Joint::Correction);
        }
        if let Some(before) = self.statements.last_mut() {
            before.refuse();
        }
    }

    /// A statement that corrects the one before it: it takes its place, with what it leaves unsaid. A wish and a refusal of different
    /// things both count: "comedies, no wait, no horror".
    pub(super) fn corrected(&mut self, statement: Statement) -> Option<Statement> {
        let Some(before) = self.statements.pop() else {
            self.replaces |= self.revokes;
            return Some(statement);
        };
        if before.refused != statement.refused && before.of != statement.of && statement.has_content() {
            let unclear = before.refused && self.means;
            self.statements.push(before);
            if unclear {
                // "no comedies, I mean dramas"
                self.gap(statement.at, Some("it may correct a refusal"));
                return None;
            }
            return Some(statement);
        }
        let how_many = statement.how_many.or(before.how_many.filter(|_| !statement.refused));
        if !statement.has_content() {
            return Some(Statement { how_many, joint: Joint::Comma, ..before });
        }
        let head = if statement.head == Head::Missing { before.head } else { statement.head };
        let of = if statement.refused { statement.of } else { before.of.corrected_by(statement.of) };
        Some(Statement { how_many, head, of, joint: Joint::Comma, ..statement })
    }

    /// True behind a question mark: "westerns? hard pass".
    pub(super) fn answers_a_question(&self, start: usize) -> bool {
        let asked = self.statements.last().is_some_and(|before| {
            // "do you have westerns? We've got to get up early": a request, which its speaker does not answer.
            let within = |at: &usize| before.at.contains(&self.terms[*at].at.start);
            let request = (0..start).filter(within).any(|at| self.asks(at) || self.is_request(at));
            before.has_content() && !before.refused && !request
        });
        // "… My dad is 72" answers nothing.
        let by_other = self.word(start) == Some(Word::Article) && self.text_of(start).to_lowercase().starts_with('m')
            || (self.word(start) == Some(Word::Subject) && !self.is_speaker(start));
        asked
            && !by_other
            && matches!(self.sense(start.wrapping_sub(1)), Some(Sense::Stop))
            && self.text_of(start - 1) == "?"
    }

    /// Names an answer that nobody understands, and what it answers.
    pub(super) fn name_with_question(&mut self, answer: Range<usize>) {
        let question = self.statements.pop().map_or(answer.start, |asked| asked.at.start);
        self.gap(question..answer.end, Some("an answer that may be a no"));
    }

    /// "…, no more and no fewer": a comparison of the amount before it.
    pub(super) fn afterthought(&mut self, opening: &Opening, at: Range<usize>) {
        match self.statements.last_mut().map(|last| &mut last.how_many) {
            Some(Some(HowMany::Counted(_, compared))) => *compared = opening.compared,
            _ => self.gap(at, None),
        }
    }

    /// True for "war films 2 out of 10": a score of the films rather than a part of the list.
    pub(super) fn is_score(&self, start: usize, opening: &Opening, statement: &Statement) -> bool {
        let of_ten = matches!(opening.amounts.as_slice(), [(Quantity::Part(_, 5 | 10 | 20 | 100), _)]);
        let follows = start > 0 && !self.is_boundary(start - 1) && !statement.has_content();
        let said_first = opening.speaks_behind_amount && statement.has_content();
        of_ten && !statement.part && (follows || said_first)
    }

    /// Names a score with what it is about, which is neither a wish nor a refusal.
    pub(super) fn score(&mut self, at: Range<usize>) {
        let about = self.statements.pop().filter(|before| before.at.end <= at.start);
        let start = about.map_or(at.start, |about| about.at.start);
        self.gap(start..at.end, Some("a score"));
    }

    /// True for "but I love it" behind "my wife hates horror".
    pub(super) fn praises_what_was_refused(&self, start: usize, statement: &Statement) -> bool {
        let speaks = |text: &str| matches!(text.to_lowercase().as_str(), "i" | "we" | "i'd" | "i’d");
        let by_speaker = (start..self.at).any(|at| self.word(at) == Some(Word::Subject) && speaks(self.text_of(at)));
        let praise = (start..self.at).any(|at| {
            let pronoun = self.is_pronoun_object(at + 1);
            (self.word(at) == Some(Word::Role(TitleRole::Liked)) && pronoun && at + 1 < self.at)
                || (self.word(at) == Some(Word::Clause) && self.text_of(at).eq_ignore_ascii_case("like it"))
        });
        let plain = !statement.has_content() && !statement.refused && statement.how_many.is_none();
        plain && by_speaker && praise && self.statements.last().is_some_and(|before| before.refused)
    }

    /// The speaker wants what the statement before refuses for somebody else.
    pub(super) fn want_after_all(&mut self, at: Range<usize>) {
        if let Some(before) = self.statements.last_mut() {
            before.refused = false;
            let taken_as = "taken as a wish for what stands before it".to_owned();
            self.assumed.push(Assumption { text: self.text[at].to_owned(), taken_as });
        }
    }
}
