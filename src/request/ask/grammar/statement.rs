//! Statements: an opening, a description, and what stands behind the two.

use super::StatementParser;
use super::opening::Opening;
use crate::request::ask::Assumption;
use crate::request::ask::amounts::{Compared, Quantity};
use crate::request::ask::description::ItemDescription;
use crate::request::ask::formula::{Formula, Literal};
use crate::request::ask::tree::{Head, HowMany, Joint, Statement};
use crate::request::ask::vocabulary::{Refusal, TitleRole, Word};

impl StatementParser<'_> {
    pub(super) fn statement(&mut self, joint: Joint) {
        let start = self.at;
        if let Some(reason) = self.background() {
            self.mention(reason.clone());
            self.carried = joint;
            self.at = reason.end;
            let place = self.place(start);
            return self.gap(place, Some("it says nothing about the list"));
        }
        if self.short_clause() {
            return;
        }
        let opening = self.opening();
        if let Some(class) = opening.bare {
            return self.bare_refusal(joint, class);
        }
        if let Some(why) = opening.aside {
            return self.name_clause(start, why);
        }
        if opening.over {
            let place = self.place(start);
            return self.gap(place, None);
        }
        if self.swaps_some(&opening) {
            return self.name_clause(start, None);
        }
        let mut opening = opening;
        let attached = opening.generic || !opening.amounts.is_empty() || opening.how_many.is_some();
        self.contrasts = opening.by == Some(Refusal::Not) && self.at == start + 1;
        self.speaks = opening.speaks && !opening.takes_out;
        self.counted = !opening.amounts.is_empty();
        self.numbered = matches!(opening.amounts.first(), Some((Quantity::Count(_), _)));
        self.single = opening.article;
        self.prefers = opening.prefers;
        self.tells = matches!(opening.role, Some(TitleRole::Liked | TitleRole::Seen));
        let mut description = match self.says_nothing_yet(&opening) {
            true => ItemDescription::default(),
            false => self.description(opening.refused || opening.is_zero(), opening.by, attached),
        };
        self.amount_behind(start, &mut opening, &mut description);
        if opening.not_only {
            return self.not_only(start, description);
        }
        if description.head == Head::Missing && opening.generic && opening.amounts.is_empty() {
            description.head = Head::Items;
        }
        let mut statement = Statement::new(joint);
        statement.at = self.place(start);
        statement.refused = opening.refused || description.unwelcome;
        // "about three items of comedy", but "about three films".
        statement.part = opening.part || description.part || (description.of_items && opening.compared.is_some());
        statement.of_before = opening.of_before || description.of_before;
        statement.article = opening.article || description.article;
        statement.loose = description.is_loose();
        statement.suggests = description.suggests;
        statement.nothing = opening.by == Some(Refusal::Nothing);
        statement.tolerated = opening.tolerated || description.tolerated;
        statement.titles = std::mem::take(&mut description.titles);
        // "my wife prefers dramas" says what she likes.
        let prefers = (opening.prefers && !opening.refused).then_some(TitleRole::Liked);
        statement.role = opening.role.or(description.role).or(prefers);
        statement.of = description.formula(self.reach);
        statement.head = if description.has_kind() { Head::Kind } else { description.head };
        opening.compared = opening.compared.or(description.compared);
        Self::compare_one(&mut opening, &statement);
        self.permit(start, &mut opening);
        let unknown = opening.unknown || description.unknown;
        // "one war film is enough", "up to three comedies are fine"
        if opening.amounts.len() == 1 && opening.compared.is_none() {
            let enough = description.unwelcome && self.text_of(self.at - 1).eq_ignore_ascii_case("enough");
            if enough || statement.tolerated {
                opening.compared = Some(Compared::AtMost);
                statement.refused &= !enough;
            }
        }
        opening.broken |= opening.takes_out && !description.unwelcome;
        description.broken |=
            description.judged && !statement.refused && !statement.tolerated && self.is_idle_predicate(start);
        // "keep the drama low": nobody knows how much of it.
        description.broken |= statement.role == Some(TitleRole::Kept) && description.has_kind() && description.unknown;
        if description.little && opening.amounts.is_empty() {
            opening.how_many = Some(HowMany::Little);
        }
        opening.lost |= self.is_about_somebody(start);
        opening.lost |= self.is_unclear_pair(start, &opening, &statement, unknown);
        opening.lost |= self.depends_on_condition(start, joint, &opening, &statement);
        if unknown && !statement.has_content() && opening.amounts.is_empty() && self.answers_a_question(start) {
            return self.name_with_question(statement.at);
        }
        if self.anything_else(start, &statement) {
            return;
        }
        if self.is_lost(&opening, &description, &statement, unknown) {
            self.mention(start..self.at);
            return self.gap(statement.at, None);
        }
        if opening.compared.is_some() && opening.amounts.is_empty() && !statement.has_content() {
            return self.afterthought(&opening, statement.at);
        }
        if self.is_score(start, &opening, &statement) {
            return self.score(statement.at);
        }
        if self.praises_what_was_refused(start, &statement) {
            return self.want_after_all(statement.at);
        }
        if self.is_praise_by_another(start, &statement) {
            return self.gap(statement.at, None);
        }
        // "I have never seen a western": no refusal, but a wish.
        if statement.role == Some(TitleRole::Seen) && statement.titles.is_empty() && opening.by == Some(Refusal::Not) {
            statement.refused = false;
        }
        if let (Some(_), []) = (opening.compared, opening.amounts.as_slice()) {
            // "at least comedies": no amount to compare.
            let place = self.terms[start].at.clone();
            self.gap(place, None);
        }
        let last = self.text_of(self.at.wrapping_sub(1)).to_lowercase();
        let one = opening.amounts.len() == 1 && matches!(last.as_str(), "one" | "a single one");
        if opening.refused
            && opening.speaks
            && one
            && !statement.has_content()
            && self.refuse_one_of_those(statement.at.clone())
        {
            return;
        }
        self.refer_to_mentioned(start, &opening, &mut statement);
        self.quantify(&mut statement, &opening);
        if description.only
            && let Some(HowMany::Between(Quantity::Count(low), _)) = statement.how_many
        {
            // "four to six musicals and nothing else"
            statement.how_many = Some(HowMany::Counted(Quantity::Count(low), Some(Compared::About)));
        }
        if let Some(length) = opening.list {
            let mut list = Statement::new(joint);
            list.how_many = Some(HowMany::Counted(Quantity::Count(length), None));
            (list.head, list.at) = (Head::Items, statement.at.clone());
            self.push(list);
            statement.part = true;
        }
        let marked = opening.is_marked() || description.only || self.replaces;
        if self.may_go_on_refusing(start, joint, marked, &statement) {
            return self.gap(statement.at, Some("refused too, or wanted"));
        }
        if opening.likewise && self.statements.last().is_some_and(|before| !before.refused) {
            statement.joint = Joint::Or;
        }
        self.allow_exception(&mut statement, description.except);
        let prefers = opening.prefers;
        let before = self.statements.len();
        self.push(statement);
        self.preferred_to(start, before, prefers, opening.more);
    }

    /// True behind a clause that asks for nothing, with which what follows does not go on: "well, comedies", "grandma is here, comedies".
    fn says_nothing_yet(&self, opening: &Opening) -> bool {
        let counts = opening.how_many.is_some() || !opening.amounts.is_empty() || opening.compared.is_some();
        let refuses = opening.refused || opening.takes_out || opening.not_only || opening.tolerated;
        let leads = opening.generic || opening.only || opening.prefers || opening.part || opening.role.is_some();
        let listed = opening.broken && matches!(self.word(self.at), Some(Word::And | Word::Or));
        !(counts || refuses || leads || opening.lost || listed) && self.is_boundary(self.at)
    }

    /// True for a statement of which too much was not understood to take the rest at its word.
    pub(super) fn is_lost(
        &self,
        opening: &Opening,
        description: &ItemDescription,
        statement: &Statement,
        unknown: bool,
    ) -> bool {
        let broken = opening.broken || description.broken;
        // A refusal stays one, whatever else was said; anything else may have been turned round by a word that nobody knows.
        let unsure = broken && !opening.refused && (!statement.refused || description.broken);
        let counts = !opening.amounts.is_empty() && statement.head != Head::Items;
        let lost = opening.lost || description.lost;
        let beside = opening.beside && !statement.has_content();
        let twice = matches!(opening.amounts.as_slice(), [(low, _), (high, _)] if low == high);
        // "like 7": a number is no title.
        let role = matches!(statement.role, Some(TitleRole::Liked | TitleRole::Seen)) && !statement.has_content();
        // "I watched two westerns": no wish.
        let told = statement.role == Some(TitleRole::Seen)
            && !statement.of.is_anything()
            && statement.titles.is_empty()
            && !statement.refused;
        unsure
            || lost
            || told
            || beside
            || twice
            || (role && counts)
            || (unknown && !statement.has_content() && (statement.refused || counts || opening.how_many.is_some()))
    }

    /// Puts the amount and the refusal of a statement together.
    pub(super) fn quantify(&mut self, statement: &mut Statement, opening: &Opening) {
        let compared =
            opening.compared.or(opening.only.then_some(Compared::Exactly).filter(|_| !opening.amounts.is_empty()));
        statement.how_many = match opening.amounts.as_slice() {
            [] => opening.how_many,
            [(low, _), (high, _), ..] => Some(HowMany::Between(*low, *high)),
            [(Quantity::Count(0), _)] if statement.has_content() && compared != Some(Compared::MoreThan) => {
                statement.refused = true;
                None
            }
            [(Quantity::Percent(0.0), _)] => {
                statement.refused = true;
                None
            }
            // "some three items"
            [(quantity, _)] if opening.all_but => Some(HowMany::AllBut(*quantity)),
            [(quantity, _)] if opening.how_many == Some(HowMany::Some) => {
                Some(HowMany::Counted(*quantity, Some(Compared::About)))
            }
            [(quantity, _)] => Some(HowMany::Counted(*quantity, compared)),
        };
        if !statement.refused {
            return;
        }
        match statement.how_many {
            None => {}
            // "one western, the rest anything but westerns"
            Some(HowMany::Rest) if self.wants_some_of(statement) => {
                statement.of = std::mem::replace(&mut statement.of, Formula::anything()).opposite();
                statement.refused = false;
            }
            Some(_) if Self::is_no_pair(opening) => {
                statement.how_many = Some(HowMany::Counted(Quantity::Count(1), Some(Compared::AtMost)));
                statement.refused = false;
            }
            // "exclude all films from France"
            Some(HowMany::Every) if opening.by != Some(Refusal::Not) => statement.how_many = None,
            Some(how_many) if how_many.opposite().is_some() => {
                statement.how_many = how_many.opposite();
                statement.refused = false;
            }
            // "do not give me 5 horror films" refuses them; what the number is for nobody can tell.
            Some(_) => {
                statement.how_many = None;
                for (_, at) in &opening.amounts {
                    self.gap(at.clone(), Some("an amount of what is refused"));
                }
            }
        }
    }

    /// Keeps a statement: beside the one before it, as an alternative to that, or in its place where it corrects that.
    pub(super) fn push(&mut self, mut statement: Statement) {
        if self.choice_of_counted(&statement) {
            return;
        }
        if statement.joint == Joint::Or
            && statement.has_content()
            && let Some(before) = self.statements.last_mut()
        {
            let plain = |one: &Statement| {
                one.how_many.is_none() && !one.refused && one.titles.is_empty() && !one.of.is_anything()
            };
            if plain(before) && plain(&statement) {
                before.of = Formula::any([before.of.clone(), statement.of]);
            } else {
                self.gap(statement.at, Some("an alternative to the whole description before it"));
            }
            return;
        }
        // "I like comedies and my wife likes dramas": some of either.
        let likes = |one: &Statement| {
            let kind = matches!(one.of, Formula::Is(Literal::Category(_)) | Formula::Any(_));
            let liked = one.role == Some(TitleRole::Liked) && one.titles.is_empty();
            liked && kind && one.how_many.is_none() && !one.refused && !one.tolerated
        };
        if let Some(before) = self.statements.last_mut().filter(|before| likes(before) && likes(&statement))
            && statement.joint != Joint::Correction
        {
            before.of = Formula::any([before.of.clone(), statement.of]);
            return;
        }
        if statement.joint == Joint::Correction {
            let Some(corrected) = self.corrected(statement) else { return };
            statement = corrected;
        }
        if statement.has_content() || statement.how_many.is_some() || statement.refused {
            self.statements.push(statement);
        }
    }

    /// "not only comedies but also dramas" are either; "not just comedies" is no rule.
    pub(super) fn not_only(&mut self, start: usize, first: ItemDescription) {
        if self.word(self.at) == Some(Word::But) {
            self.at += 1;
            let second = self.description(false, None, false);
            if second.has_elements() {
                let mut statement = Statement::new(Joint::Fresh);
                statement.of = Formula::any([first.formula(self.reach), second.formula(self.reach)]);
                statement.head = Head::Kind;
                statement.at = self.place(start);
                return self.statements.push(statement);
            }
        }
        let place = self.place(start);
        self.gap(place, Some("no rule about a list"));
    }

    /// "comedies to dramas" behind "prefer", "comedies than dramas": what the one is preferred to.
    /// `first` is the number of the statement that the one belongs to.
    fn preferred_to(&mut self, start: usize, first: usize, prefers: bool, more: bool) {
        let than = matches!(self.word(self.at), Some(Word::Than | Word::To))
            || (prefers && matches!(self.word(self.at), Some(Word::Beside(_))));
        if !than || !(prefers || self.word(self.at) == Some(Word::Than)) {
            return;
        }
        self.at += 1;
        let place = self.place(start);
        if self.at >= self.terms.len() {
            // "I prefer comedies to": it may be refused as well.
            self.statements.truncate(first);
            return self.gap(place, Some("a comparison"));
        }
        let nothing = self.word(self.at) == Some(Word::Refuse(Refusal::Nothing));
        if nothing && !self.clause(self.at + 1).any(|at| self.is_content(at)) {
            // "rather a drama than nothing"
            self.at += 1;
            return;
        }
        let before = self.statements.len();
        self.statement(Joint::And);
        let place = self.place(start);
        if prefers {
            self.statements[before..].iter_mut().for_each(|than| than.refused = true);
            return;
        }
        self.statements.truncate(before);
        match self.statements.last_mut() {
            Some(last) if more && !last.refused && first < before => {
                last.how_many = Some(HowMany::Mostly);
                self.assumed.push(Assumption {
                    text: self.text[place].to_owned(),
                    taken_as: "taken as more than half of the first".to_owned(),
                });
            }
            _ => {
                self.statements.truncate(first);
                self.gap(place, Some("a comparison"));
            }
        }
    }
}
