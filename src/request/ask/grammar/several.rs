//! Wishes for kinds in statements of their own.

use std::ops::Range;

use super::StatementParser;
use crate::data::CategoryId;
use crate::request::ask::formula::Formula;
use crate::request::ask::terms::Sense;
use crate::request::ask::tree::{Joint, Statement};
use crate::request::ask::vocabulary::{TitleRole, Word};

impl StatementParser<'_> {
    /// Joins kinds that statements beside each other want: "comedies please, westerns too" are either, and "I love westerns, but tonight a
    /// comedy" gives the first one up.
    pub(super) fn join_wishes(&mut self) {
        let mut statements = std::mem::take(&mut self.statements).into_iter().peekable();
        let mut joined: Vec<Statement> = Vec::new();
        while let Some(statement) = statements.next() {
            // "comedies, westerns too, but at most one": the amount is of the second.
            let counted = statements.peek().is_some_and(|next| next.how_many.is_some() && !next.has_content());
            match joined.last_mut().filter(|before| !counted && self.is_another_kind(before, &statement)) {
                None => joined.push(statement),
                Some(before) if self.replaces_before(&statement) => {
                    let place = std::mem::replace(before, statement).at;
                    self.gap(place, Some("another wish takes its place"));
                }
                Some(before) => {
                    before.of = Formula::any([before.of.clone(), statement.of]);
                    before.at = before.at.start..statement.at.end;
                }
            }
        }
        self.statements = joined;
    }

    /// True for kinds that have none in common with those of the statement before, and no "with" between the two.
    fn is_another_kind(&self, before: &Statement, statement: &Statement) -> bool {
        let (Some(kinds), Some(others)) = (self.nouns_of(statement), self.nouns_of(before)) else { return false };
        let first = self.terms_of(statement).start;
        let joint = |at: &usize| self.is_boundary(*at) || self.word(*at) == Some(Word::With);
        let with = (0..first).rev().take_while(joint).any(|at| self.word(at) == Some(Word::With));
        // "comedies without romance, but war": nothing gives a refusal up.
        let refuses = |at: usize| matches!(self.word(at), Some(Word::Refuse(_)));
        let keeps = self.replaces_before(statement) && self.terms_of(before).any(refuses);
        !others.iter().any(|other| kinds.contains(other)) && !with && !keeps
    }

    fn replaces_before(&self, statement: &Statement) -> bool {
        let terms = self.terms_of(statement);
        let also = |at: usize| self.text_of(at).to_lowercase().split(' ').any(|word| matches!(word, "also" | "too"));
        statement.joint == Joint::But && !(terms.start.saturating_sub(1)..terms.end + 1).any(also)
    }

    /// The categories of a plain wish that names kinds by nouns. What is in quotes is a rule for every item.
    fn nouns_of(&self, statement: &Statement) -> Option<Vec<CategoryId>> {
        let plain = statement.how_many.is_none() && !statement.refused && !statement.tolerated && !statement.part;
        let quoted = |at: usize| self.text_of(at).starts_with(|c: char| !c.is_alphanumeric());
        let noun = |at: usize| matches!(self.sense(at), Some(Sense::Kind { adjective: false, .. })) && !quoted(at);
        let named = statement.titles.is_empty() && statement.role.is_none_or(|role| role == TitleRole::Liked);
        let refuses = |at: &usize| matches!(self.word(*at), Some(Word::Refuse(_)));
        let mut wanted = self.terms_of(statement).take_while(|at| !refuses(at));
        (plain && named && wanted.any(noun)).then(|| statement.of.wanted())
    }

    /// The terms of a statement.
    pub(super) fn terms_of(&self, statement: &Statement) -> Range<usize> {
        let within = |at: &usize| statement.at.contains(&self.terms[*at].at.start);
        let first = (0..self.terms.len()).find(within).unwrap_or(self.terms.len());
        let end = (first..self.terms.len()).find(|at| !within(at)).unwrap_or(self.terms.len());
        first..end
    }
}
