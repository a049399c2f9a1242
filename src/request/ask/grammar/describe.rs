//! Descriptions of items, with the refusals inside them.

use super::StatementParser;
use crate::request::ask::amounts::Compared;
use crate::request::ask::description::{Element, ItemDescription, Reach, Sort};
use crate::request::ask::formula::Formula;
use crate::request::ask::terms::Sense;
use crate::request::ask::tree::{Head, Joint, Statement};
use crate::request::ask::vocabulary::{Refusal, TitleRole, Word};

impl StatementParser<'_> {
    /// The description that begins here. `attached` is true where it says more about items that stand before it.
    pub(super) fn description(&mut self, refused: bool, by: Option<Refusal>, attached: bool) -> ItemDescription {
        self.described(refused, by, attached, false)
    }

    /// The description that begins here, `nested` in another one or not.
    fn described(&mut self, refused: bool, by: Option<Refusal>, attached: bool, nested: bool) -> ItemDescription {
        let mut description = ItemDescription::default();
        while let Some(sense) = self.sense(self.at) {
            // "some comedies while we eat"
            if description.has_content() && self.background().is_some() {
                break;
            }
            let goes_on = match sense {
                _ if description.unwelcome && self.is_content(self.at) => {
                    self.name_behind_refusal();
                    true
                }
                Sense::Kind { .. } if refused && self.beside_refused(&mut description, by) => true,
                Sense::Range { .. } if self.is_figure_of_speech() => {
                    description.broken = true;
                    self.at += 1;
                    true
                }
                Sense::Comma | Sense::Word(Word::And | Word::Or) => self.goes_on(&mut description, refused),
                Sense::Stop | Sense::Amount(_) if !self.is_pronoun(self.at) => false,
                Sense::Amount(_) | Sense::Stop => {
                    self.at += 1;
                    true
                }
                Sense::Word(_) if self.topics(&mut description) => true,
                Sense::Word(_) | Sense::Kind { .. } if self.both(&mut description) => true,
                Sense::Word(word) => self.described_by(*word, &mut description, refused, by, attached),
                Sense::Unknown if self.governs(self.at) => {
                    self.name_governed(&mut description);
                    true
                }
                Sense::Unknown => {
                    self.unknown(&mut description, refused);
                    true
                }
                Sense::Lacking => {
                    description.unknown = true;
                    self.at += 1;
                    true
                }
                Sense::Titles(titles) => {
                    description.titles.push((titles.clone(), self.terms[self.at].at.clone()));
                    self.at += 1;
                    true
                }
                // "comedies without romance from the nineties": the comedies are.
                Sense::Range { .. } | Sense::Value { .. }
                    if by == Some(Refusal::Without)
                        && nested
                        && self.reach == Reach::Wide
                        && description.has_kind()
                        && description.head != Head::Items =>
                {
                    false
                }
                _ => {
                    let element = self.element(false);
                    if let Some(element) = element {
                        description.add(element);
                    }
                    true
                }
            };
            if !goes_on {
                break;
            }
        }
        description
    }

    /// The element at this place, or its opposite.
    pub(super) fn element(&mut self, opposite: bool) -> Option<Element> {
        let mut is_loose = false;
        let (of, sort) = match self.sense(self.at)? {
            Sense::Kind { of, adjective, loose } => {
                is_loose = *loose;
                (of.clone(), if *adjective { Sort::Adjective } else { Sort::Noun })
            }
            Sense::Either(of, _) => (of.clone(), Sort::Noun),
            Sense::Value { column, value } => (Formula::value(*column, value), Sort::Value(*column)),
            Sense::Range { column, of, vague } => (of.clone(), Sort::Range { column: *column, vague: *vague }),
            Sense::Condition(condition) => (Formula::condition(condition.clone()), Sort::Closed),
            _ => return None,
        };
        self.at += 1;
        let sort = if opposite && sort != Sort::Noun { Sort::Closed } else { sort };
        Some(Element { of: if opposite { of.opposite() } else { of }, sort, loose: is_loose && !opposite })
    }

    /// Takes in a word of a description; false where the description ends before it.
    pub(super) fn described_by(
        &mut self,
        word: Word,
        description: &mut ItemDescription,
        refused: bool,
        by: Option<Refusal>,
        attached: bool,
    ) -> bool {
        let content = description.has_content();
        match word {
            Word::Refuse(Refusal::Non) if !self.refuses_backwards(self.at) => {
                let start = self.at;
                self.at += 1;
                match self.element(true) {
                    Some(element) => description.add(element),
                    None => {
                        description.unknown = true;
                        self.at = (self.at + 1).min(self.terms.len());
                        let place = self.place(start);
                        self.gap(place, None);
                    }
                }
                return true;
            }
            Word::Beside(_) | Word::To | Word::Than if self.prefers => return false,
            // "replace the first with a comedy"
            Word::With | Word::Preposition if by == Some(Refusal::Swap) && content => return false,
            Word::Refuse(class) => return self.refusal_inside(class, description, refused, by, attached),
            Word::Too if refused => {}
            Word::Too => {
                let range = matches!(self.sense(self.at + 1), Some(Sense::Range { .. } | Sense::Kind { .. }));
                if !range {
                    return self.lost_word(description);
                }
                self.at += 1;
                // "the third is too old" says what the list shall not be, and only where the speaker looks.
                description.titles.clear();
                if let Some(element) = self.element(true) {
                    description.add(element);
                }
                return true;
            }
            Word::Unwelcome if content => description.unwelcome = true,
            // "dramas are the last thing tonight needs"
            Word::LastThing if content => {
                description.unwelcome = true;
                self.at = self.clause(self.at).end;
                return true;
            }
            Word::Unwelcome | Word::LastThing => return self.lost_word(description),
            Word::Copula if content && !self.is_relative(self.at) => description.judged = true,
            Word::Fine if content && self.at > 0 && self.word(self.at - 1) == Some(Word::Copula) => {
                description.tolerated = true
            }
            Word::OnlyIf if content => {
                self.at += 1;
                let only = self.description(refused, by, true);
                if only.has_elements() {
                    let condition = only.formula(self.reach);
                    let formula = description.formula(self.reach).and(condition.opposite()).opposite();
                    *description = ItemDescription::default();
                    description.add(Element { of: formula, sort: Sort::Closed, loose: false });
                } else {
                    // "as long as it isn't more than a fifth"
                    description.broken = true;
                    self.at = self.clause(self.at).end;
                }
                return true;
            }
            // "to a minimum", but not "for the next few days"
            Word::Little
                if content
                    && !self.clause(self.at + 1).any(|at| {
                        self.is_content(at) || self.is_amount(at) || matches!(self.sense(at), Some(Sense::Unknown))
                    }) =>
            {
                description.little = true
            }
            // "there isn't a musical I don't like": two noes, and nobody knows which of them counts.
            Word::Subject if content && refused && self.refuses_in_relative(self.at) => {
                description.lost = true;
                self.at = self.clause(self.at).end;
                return true;
            }
            // "three games we can afford"
            Word::Subject if content && !refused && self.relative_of_person() => return true,
            // "I'd like comedies my dad hates"
            Word::Subject if content && !refused && self.speaks && self.is_hated_by_another(self.at) => {
                description.lost = true;
                self.at = self.clause(self.at).end;
                return true;
            }
            // "war films don't bother me, romance does"
            Word::Clause | Word::Copula if content && self.repeats_allowance(self.at) => description.broken = true,
            // "no horror please we have guests", "no horror something funny": the speaker goes on.
            Word::Only | Word::Clause | Word::Subject | Word::Anything
                if content && (refused || description.unwelcome) && self.begins_wish(self.at) =>
            {
                return false;
            }
            Word::Only if content && !self.clause(self.at + 1).any(|at| self.is_content(at) || self.is_amount(at)) => {
                description.only = true
            }
            Word::Items => description.head = Head::Items,
            // "10 films, of which three are comedies": the part is what follows.
            Word::Part if self.is_amount(self.at + 1) || self.counts(self.at + 1) => return false,
            Word::Part => description.part = true,
            Word::That => description.of_before = true,
            // "hate romance love action"
            Word::Role(TitleRole::Liked) if content && refused && self.is_verb_of_love(self.at) => return false,
            Word::Role(role) => {
                let before = description.has_elements() && matches!(role, TitleRole::Must);
                if before && self.clause(self.at + 1).any(|at| self.is_content(at)) {
                    return false;
                }
                description.role = Some(role);
            }
            Word::Instead => self.replaces = true,
            // "comedies yes dramas no"
            Word::Courtesy if content && self.is_yes(self.at) && self.clause(self.at).any(|at| self.is_content(at)) => {
                return false;
            }
            // "no horror even if you pay me": what is refused on a condition is refused.
            Word::Beyond if content && (refused || description.unwelcome) && self.is_condition(self.at) => {
                self.name_clause(self.at, Some("a condition"));
                return true;
            }
            // "nothing too scary for kids": scary is refused, whoever it is for.
            Word::Preposition
                if content
                    && refused
                    && self.text_of(self.at).eq_ignore_ascii_case("for")
                    && self.clause(self.at).any(|at| matches!(self.sense(at), Some(Sense::Kind { .. }))) =>
            {
                self.name_clause(self.at, None);
                return true;
            }
            // "keep comedies in and war out"
            Word::Preposition
                if content && self.is_boundary(self.at + 1) && self.text_of(self.at).eq_ignore_ascii_case("in") =>
            {
                description.inside = true
            }
            // "under two hours because I have an early start": the reason is a clause of its own.
            Word::Filler if content && self.gives_reason(self.at) => return false,
            // "in the first three"
            Word::Beyond => {
                description.lost = true;
                self.at += usize::from(matches!(self.sense(self.at + 1), Some(Sense::Amount(_))));
            }
            Word::Tolerated if content => description.tolerated = true,
            Word::Article
                if self.text_of(self.at).eq_ignore_ascii_case("of")
                    && self.word(self.at.wrapping_sub(1)) == Some(Word::Items) =>
            {
                description.of_items = true;
            }
            // "two films: a western and a comedy"
            Word::Article
                if self.numbered
                    && !content
                    && self.word(self.at.wrapping_sub(1)) == Some(Word::Items)
                    && matches!(self.text_of(self.at).to_lowercase().as_str(), "a" | "an")
                    && matches!(self.sense(self.at + 1), Some(Sense::Kind { .. })) =>
            {
                return false;
            }
            Word::Article => {
                description.article |= !content && matches!(self.text_of(self.at).to_lowercase().as_str(), "a" | "an")
            }
            Word::With if content || attached => {
                let next = self.at + 1;
                if self.is_amount(next) || self.counts(next) {
                    return false;
                }
            }
            Word::Only | Word::Compared(_) | Word::Beside(_) | Word::About | Word::Between
                if self.is_amount(self.at) =>
            {
                return false;
            }
            // "three comedies max"
            Word::Compared(compared) if content && self.counted && compared != Compared::About => {
                description.compared = Some(compared);
            }
            // "a western at most"
            Word::Compared(compared @ (Compared::AtMost | Compared::AtLeast))
                if content && (self.single || description.article) && self.is_boundary(self.at + 1) =>
            {
                description.compared = Some(compared);
            }
            // "one comedy per decade"
            Word::Preposition if content && self.is_per_something(self.at) => {
                description.lost = true;
                self.at = self.clause(self.at).end;
                return true;
            }
            // "over" and "under" without a number say anything.
            Word::Beside(_) => {
                description.broken = true;
                return self.lost_word(description);
            }
            Word::Compared(Compared::About)
            | Word::About
            | Word::With
            | Word::Filler
            | Word::More
            | Word::Clause
            | Word::Courtesy
            | Word::Preposition
            | Word::Subject
            | Word::Copula
            | Word::Anything
            | Word::Fine
            | Word::Question
            | Word::Only => {}
            // "one film for each of us": nobody knows how many that makes.
            Word::Every if self.counted && self.shares_out(self.at) => description.lost = true,
            Word::Every if self.counted && self.is_every_so_many(self.at) => {
                description.lost = true;
                self.at = self.clause(self.at).end;
                return true;
            }
            Word::Every if content => {}
            _ => return false,
        }
        self.at += 1;
        true
    }

    /// A refusal within a description: of what stands before it, of something that it shall not be, or the next statement.
    pub(super) fn refusal_inside(
        &mut self,
        class: Refusal,
        description: &mut ItemDescription,
        refused: bool,
        by: Option<Refusal>,
        attached: bool,
    ) -> bool {
        let content = description.has_content();
        let before = self.word(self.at.wrapping_sub(1));
        if self.is_disclaimer(self.at) {
            return false;
        }
        if content && self.is_purpose(self.at) {
            self.name_clause(self.at, Some("it says nothing about the list"));
            return true;
        }
        if content && self.is_hated_by_nobody(self.at) {
            description.lost = true;
            self.at = self.clause(self.at).end;
            return true;
        }
        // "a crime not to include a western"
        if content && class == Refusal::Not && self.word(self.at + 1) == Some(Word::To) {
            description.broken = true;
            self.at = self.clause(self.at).end;
            return true;
        }
        // "no dramas unless there is nothing else"
        if content && class == Refusal::Except && self.refuses_backwards(self.at) && !self.is_boundary(self.at + 1) {
            self.name_clause(self.at, Some("a condition"));
            return true;
        }
        if self.refuses_backwards(self.at) {
            let unwelcome = self.clause(self.at + 1).any(|at| self.word(at) == Some(Word::Unwelcome));
            if content && class == Refusal::Not && self.is_ellipsis(self.at) {
                description.broken = true;
            } else if content && class == Refusal::Not && unwelcome {
                // "horror doesn't scare me"
                description.tolerated = true;
                self.at = self.clause(self.at).end;
                return true;
            } else if content {
                description.unwelcome = true;
            }
            self.at += 1;
            return content;
        }
        let only_unknown = !self.clause(self.at + 1).any(|at| self.is_content(at) || self.is_amount(at));
        if content && only_unknown && class == Refusal::Not && matches!(before, Some(Word::Copula | Word::Clause)) {
            description.broken = true;
            self.at += 1;
            return true;
        }
        let nests = match class {
            Refusal::No | Refusal::Nothing | Refusal::Verb | Refusal::Swap | Refusal::Non => false,
            Refusal::Not if refused => {
                // "no films not from the nineties", but "not from the nineties not from the eighties".
                let field = match (self.sense(self.at + 1), description.last_sort()) {
                    (Some(Sense::Range { column, .. }), Some(Sort::Range { column: last, .. })) => *column != last,
                    (Some(Sense::Value { column, .. }), Some(Sort::Value(last))) => *column != last,
                    (next, _) => matches!(next, Some(Sense::Range { .. } | Sense::Value { .. })),
                };
                field || matches!(before, Some(Word::Copula | Word::Filler | Word::Article | Word::Clause))
            }
            Refusal::Without if refused => by != Some(Refusal::Without),
            Refusal::Not | Refusal::Without | Refusal::Except => true,
        };
        if !nests || !(content || attached || refused) {
            return false;
        }
        self.nested(class, description);
        true
    }

    /// "without horror", "that are not comedies", "except from France".
    pub(super) fn nested(&mut self, class: Refusal, description: &mut ItemDescription) {
        let start = self.at;
        self.at += 1;
        while matches!(self.word(self.at), Some(Word::Refuse(Refusal::Not | Refusal::Without)))
            && !self.refuses_backwards(self.at)
        {
            self.at += 1;
        }
        let even = (self.at - start).is_multiple_of(2);
        self.around.push(description.last_names());
        let inner = self.described(true, Some(class), false, true);
        self.around.pop();
        if inner.has_elements() {
            let of = inner.formula(self.reach);
            description.suggests |= inner.is_loose();
            description.add(Element { of: if even { of } else { of.opposite() }, sort: Sort::Closed, loose: false });
        }
        if !inner.titles.is_empty() {
            // A title is no condition on items: it is left out by itself.
            let mut statement = Statement::new(Joint::And);
            statement.titles = inner.titles.clone();
            statement.refused = true;
            statement.at = self.place(start);
            self.statements.push(statement);
        }
        if !inner.has_content() && class == Refusal::Except && self.is_amount(self.at) {
            return self.exception_amount(start, description);
        }
        if !inner.has_content() {
            let place = self.place(start);
            self.gap(place, None);
            description.unknown = true;
        }
    }
}
