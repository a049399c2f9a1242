//! Sentences as clauses: each says how much is wanted of one description.

use std::ops::Range;

use super::amounts::{Compared, Quantity};
use super::marks::Mark;
use super::pieces::{Piece, PieceKind};

/// The joint between a clause and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// It does not.
    Fresh,
    Comma,
    And,
    Or,
}

/// Some pieces that say one thing.
#[derive(Debug, Clone)]
pub(super) struct Clause<'a> {
    pub joint: Joint,
    pub pieces: Vec<&'a Piece>,
}

/// The sentences of some pieces, each in clauses.
pub(super) fn sentences(pieces: &[Piece]) -> Vec<Vec<Clause<'_>>> {
    let ends = |piece: &Piece| matches!(piece.what, PieceKind::Stop);
    pieces.split(ends).map(clauses).filter(|clauses| !clauses.is_empty()).collect()
}

/// Cuts a sentence at its commas and conjunctions, and where the next thing begins.
fn clauses(sentence: &[Piece]) -> Vec<Clause<'_>> {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut clause = Clause { joint: Joint::Fresh, pieces: Vec::new() };
    for (at, piece) in sentence.iter().enumerate() {
        let joint = match &piece.what {
            // "…, no more and no fewer" still belongs to what stands before it.
            PieceKind::Comma if is_afterthought(&sentence[at + 1..]) => continue,
            PieceKind::Comma => Joint::Comma,
            PieceKind::Mark(Mark::And) => Joint::And,
            PieceKind::Mark(Mark::Or) => Joint::Or,
            PieceKind::Mark(Mark::But) => Joint::Fresh,
            _ => {
                let second = matches!(piece.what, PieceKind::Amount(_)) && clause.has_amount_of_its_own();
                if second || (begins_anew(piece) && clause.has_content() && content_ahead(&sentence[at..])) {
                    clauses.push(std::mem::replace(&mut clause, Clause { joint: Joint::Fresh, pieces: Vec::new() }));
                }
                clause.pieces.push(piece);
                continue;
            }
        };
        // Of ", and" and ", but" the later word decides.
        let ended = std::mem::replace(&mut clause, Clause { joint, pieces: Vec::new() });
        if !ended.pieces.is_empty() {
            clauses.push(ended);
        }
    }
    clauses.push(clause);
    clauses.retain(|clause| !clause.pieces.is_empty());
    joined(clauses)
}

/// Puts together what a comma or an "and" only lists: titles, and the two ends of "between 3 and 5".
fn joined(clauses: Vec<Clause>) -> Vec<Clause> {
    let mut joined: Vec<Clause> = Vec::new();
    for clause in clauses {
        let goes_on = clause.joint != Joint::Fresh;
        match joined.last_mut() {
            Some(last) if goes_on && (last.lists_titles_with(&clause) || last.has_one_end()) => {
                last.pieces.extend(clause.pieces);
            }
            _ => joined.push(clause),
        }
    }
    joined
}

/// Returns true where a comparison follows that has no amount of its own.
fn is_afterthought(rest: &[Piece]) -> bool {
    let compares = rest.first().is_some_and(|piece| matches!(piece.what, PieceKind::Mark(Mark::Compared(_))));
    compares && rest.get(1).is_none_or(|next| matches!(next.what, PieceKind::Comma))
}

fn begins_anew(piece: &Piece) -> bool {
    match &piece.what {
        PieceKind::Amount(_) => true,
        PieceKind::Mark(mark) => matches!(
            mark,
            Mark::Not
                | Mark::Little
                | Mark::Only
                | Mark::Mostly
                | Mark::Some
                | Mark::Compared(_)
                | Mark::Between
                | Mark::Taken
                | Mark::Must
                | Mark::Candidates
                | Mark::With
        ),
        _ => false,
    }
}

/// Returns true where something requested stands ahead, before the next joint, understood or not.
fn content_ahead(pieces: &[Piece]) -> bool {
    let joint =
        |piece: &&Piece| !matches!(piece.what, PieceKind::Comma | PieceKind::Mark(Mark::And | Mark::Or | Mark::But));
    let says_something = |piece: &Piece| piece.is_content() || matches!(piece.what, PieceKind::Unknown);
    pieces.iter().take_while(joint).any(says_something)
}

impl Piece {
    fn is_content(&self) -> bool {
        matches!(
            self.what,
            PieceKind::Kind(_)
                | PieceKind::Value(_)
                | PieceKind::Span(_)
                | PieceKind::Condition(_)
                | PieceKind::Title(_)
                | PieceKind::Either(..)
        )
    }
}

impl Clause<'_> {
    /// Returns true where it names something that can be requested.
    pub fn has_content(&self) -> bool {
        self.pieces.iter().any(|piece| piece.is_content())
    }

    pub fn has(&self, mark: Mark) -> bool {
        self.pieces.iter().any(|piece| matches!(piece.what, PieceKind::Mark(other) if other == mark))
    }

    /// Returns true where part of it was not understood.
    pub fn has_unknown(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece.what, PieceKind::Unknown))
    }

    /// Returns true where it continues a list of kinds. Behind a comma it may name kinds alone; behind an "and" or "or" it may also say more
    /// about them, yet "no horror and comedies from the nineties" asks for comedies.
    pub fn goes_on_after(&self, refusal: bool) -> bool {
        let kinds = |piece: &&Piece| {
            let a_kind = matches!(piece.what, PieceKind::Kind(_) | PieceKind::Value(_) | PieceKind::Either(..));
            a_kind || matches!(piece.what, PieceKind::Mark(Mark::Items | Mark::Article))
        };
        let more = |piece: &&Piece| matches!(piece.what, PieceKind::Span(_) | PieceKind::Condition(_));
        let may_say_more = self.joint == Joint::Or || (self.joint == Joint::And && !refusal);
        self.joint != Joint::Fresh
            && self.has_content()
            && self.pieces.iter().all(|piece| kinds(piece) || (may_say_more && more(piece)))
    }

    /// Returns true where this clause and the next are one list of titles whose role only one of the two states.
    fn lists_titles_with(&self, next: &Clause) -> bool {
        let named = |clause: &Clause| {
            clause.pieces.iter().any(|piece| matches!(piece.what, PieceKind::Title(_) | PieceKind::Either(..)))
        };
        let plain = |piece: &&Piece| {
            matches!(
                piece.what,
                PieceKind::Title(_)
                    | PieceKind::Either(..)
                    | PieceKind::Mark(Mark::Items | Mark::Article | Mark::Filler | Mark::To)
            )
        };
        let only_names = |clause: &Clause| clause.pieces.iter().all(&plain);
        named(self) && named(next) && (only_names(self) || only_names(next))
    }

    /// Returns true where it has a complete amount, as in "five films: two comedies".
    fn has_amount_of_its_own(&self) -> bool {
        let open = matches!(self.pieces.last().map(|piece| &piece.what), Some(PieceKind::Mark(Mark::To)));
        !self.amounts().is_empty() && !self.has(Mark::Between) && !open
    }

    /// "between 3", which waits for its other end.
    fn has_one_end(&self) -> bool {
        self.has(Mark::Between) && !self.has_content()
    }

    /// The amounts, in order.
    pub fn amounts(&self) -> Vec<Quantity> {
        let amount = |piece: &&Piece| match piece.what {
            PieceKind::Amount(quantity) => Some(quantity),
            _ => None,
        };
        self.pieces.iter().filter_map(amount).collect()
    }

    /// The comparison of the amount.
    pub fn compared(&self) -> Option<Compared> {
        let said = self.pieces.iter().find_map(|piece| match piece.what {
            PieceKind::Mark(Mark::Compared(compared)) => Some(compared),
            _ => None,
        });
        let implied = || match () {
            () if self.has(Mark::Only) => Some(Compared::Exactly),
            // "some three items"
            () if self.has(Mark::Some) => Some(Compared::About),
            () => None,
        };
        said.or_else(implied)
    }

    /// The bytes of the text that it takes.
    pub fn place(&self) -> Range<usize> {
        let start = self.pieces.first().map_or(0, |piece| piece.at.start);
        start..self.pieces.last().map_or(start, |piece| piece.at.end)
    }
}
