//! The length of the list: said of items of any kind, or the sum of what is counted.

use super::Resolver;
use crate::request::ask::amounts::{Compared, Quantity};
use crate::request::ask::formula::Formula;
use crate::request::ask::tree::{Head, HowMany, Joint, Statement};
use crate::request::ask::{Assumption, Gap};

impl Resolver<'_, '_> {
    /// The length of the list: what is said of items of any kind; else "ten comedies" is a list of comedies, and "three comedies and two
    /// dramas" is one of five items.
    pub(super) fn lengths(&mut self, statements: &mut Vec<Statement>) {
        let mut said: Option<u32> = None;
        let first = statements.iter().position(|one| !one.of.is_anything());
        for (at, statement) in statements.iter_mut().enumerate() {
            // "five films, two of them", but "films for tonight, five of them, mostly dramas".
            if statement.refused || (statement.part && first.is_some_and(|first| first <= at)) {
                continue;
            }
            let Some((length, compared)) = statement.how_many.and_then(length) else { continue };
            if !statement.of.is_anything() {
                continue;
            }
            match said {
                None => said = Some(length),
                Some(before) if before == length => {}
                Some(_) => self.gaps.push(Gap { at: statement.at.clone(), why: Some("another length of the list") }),
            }
            if compared.is_some_and(|compared| compared != Compared::Exactly) {
                let text = self.text[statement.at.clone()].to_owned();
                self.assumed.push(Assumption { text, taken_as: format!("taken as {length}") });
            }
            statement.how_many = None;
        }
        let leaves_rest = statements.iter().any(|one| one.how_many == Some(HowMany::Rest));
        statements.retain(Statement::has_content);
        if leaves_rest {
            // "a western, and whatever you like"
            let one = |one: &&mut Statement| one.article && one.how_many.is_none() && !one.refused;
            for one in statements.iter_mut().filter(one).filter(|one| one.head == Head::Kind) {
                one.how_many = Some(HowMany::Counted(Quantity::Count(1), Some(Compared::AtLeast)));
            }
        }
        share_comparison(statements);
        one_beside_counted(statements);
        if said.is_none() && !leaves_rest && !is_part_of_list(statements, self.text) {
            said = self.counted_length(statements);
        }
        if let Some(length) = said {
            self.request.k = length;
            self.says_length = true;
        }
    }

    /// The length that follows from counted kinds where none is said. What is counted of it without a kind of its own is a part:
    /// "four comedies, one from France".
    fn counted_length(&mut self, statements: &mut [Statement]) -> Option<u32> {
        let mut counts: Vec<(usize, u32)> =
            statements.iter().enumerate().filter_map(|(at, one)| Some((at, count(one)?))).collect();
        let (first, _) = *counts.first()?;
        if statements[first].head != Head::Missing {
            counts.retain(|(at, _)| *at == first || statements[*at].head != Head::Missing);
        }
        if let [(only, count)] = counts.as_slice() {
            if matches!(statements[*only].how_many, Some(HowMany::Counted(_, Some(_)))) {
                let text = self.text[statements[*only].at.clone()].to_owned();
                self.assumed.push(Assumption { text, taken_as: format!("taken as {count}") });
            }
            statements[*only].how_many = None;
            return Some(*count);
        }
        Some(counts.iter().fold(0, |sum: u32, (_, count)| sum.saturating_add(*count)))
    }
}

/// The length that an amount of items states, and how it was compared.
fn length(how_many: HowMany) -> Option<(u32, Option<Compared>)> {
    match how_many {
        HowMany::Counted(Quantity::Count(count), compared) => {
            let count = match compared {
                Some(Compared::MoreThan) => count.saturating_add(1),
                Some(Compared::FewerThan) => count.saturating_sub(1),
                _ => count,
            };
            Some((count, compared))
        }
        HowMany::Between(Quantity::Count(low), Quantity::Count(_)) => Some((low, Some(Compared::AtLeast))),
        _ => None,
    }
}

/// The number of items that a statement wants of a kind.
fn count(statement: &Statement) -> Option<u32> {
    match statement.how_many {
        Some(HowMany::Counted(Quantity::Count(count), None | Some(Compared::About)))
            if !statement.part && !statement.refused =>
        {
            Some(count)
        }
        _ => None,
    }
}

/// "a western and two dramas": the article beside a number counts one.
fn one_beside_counted(statements: &mut [Statement]) {
    for at in 0..statements.len() {
        let beside = at.checked_sub(1).is_some_and(|before| count(&statements[before]).is_some())
            || statements
                .get(at + 1)
                .is_some_and(|next| count(next).is_some() && matches!(next.joint, Joint::And | Joint::Comma));
        let one = &mut statements[at];
        if beside && one.article && one.how_many.is_none() && !one.refused && one.head == Head::Kind {
            one.how_many = Some(HowMany::Counted(Quantity::Count(1), None));
        }
    }
}

/// True where the first number counts a part of the list: "mostly thrillers, but three comedies", "comedies and one western". What stands
/// beside it without a number is the rest of the list.
fn is_part_of_list(statements: &mut [Statement], text: &str) -> bool {
    let Some(counted) = statements.iter().position(|one| count(one).is_some() && one.head == Head::Kind) else {
        return false;
    };
    let part = |one: &Statement| {
        one.how_many == Some(HowMany::Mostly)
            || matches!(one.how_many, Some(HowMany::Counted(Quantity::Percent(_) | Quantity::Part(..), _)))
    };
    if statements[..counted].iter().any(|one| one.head == Head::Kind && part(one)) {
        return true;
    }
    let several = statements.iter().filter(|one| count(one).is_some()).count() > 1;
    let plain =
        |one: &Statement| one.head == Head::Kind && one.how_many.is_none() && !one.refused && one.role.is_none();
    let joint = statements[counted].joint;
    let lists =
        counted > 0 && (joint == Joint::And || (joint == Joint::Comma && names_items(&statements[counted - 1], text)));
    let joined = lists && plain(&statements[counted - 1]);
    if several || !joined {
        return false;
    }
    let either = Formula::any([statements[counted - 1].of.clone(), statements[counted].of.clone()]);
    statements[counted - 1].of = either;
    true
}

/// True for "comedies", but not for "romance".
fn names_items(statement: &Statement, text: &str) -> bool {
    text[statement.at.clone()].ends_with('s')
}

/// "At least one from France and one from Japan": the comparison is that of both.
fn share_comparison(statements: &mut [Statement]) {
    for at in 1..statements.len() {
        let [.., before, one] = &mut statements[..=at] else { continue };
        if let (Some(HowMany::Counted(_, compared @ Some(_))), Some(HowMany::Counted(quantity, None))) =
            (before.how_many, one.how_many)
            && one.joint == Joint::And
            && one.head == Head::Missing
            && before.head == Head::Missing
        {
            one.how_many = Some(HowMany::Counted(quantity, compared));
        }
    }
}
