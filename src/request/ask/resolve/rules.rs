//! Rules and shares from statements, and contradictions between statements.

use super::Resolver;
use crate::data::CategoryId;
use crate::request::ask::Gap;
use crate::request::ask::amounts::{Compared, Quantity};
use crate::request::ask::formula::{Formula, Rule};
use crate::request::ask::tree::Statement;
use crate::request::{Amount, Predicate, Relation, Share};

impl Resolver<'_, '_> {
    /// Adds a bound on the number of items that a statement describes.
    pub(super) fn add_share(&mut self, statement: &Statement, quantity: Quantity, compared: Compared) {
        let share = self.share(&statement.of, quantity, compared);
        let impossible = |share: &Share| share.bound(self.request.k).min > self.request.k;
        let why = match share {
            None => "no share can say so",
            Some(share) if impossible(&share) => "more than the list has",
            Some(share) => return self.request.shares.push(share),
        };
        self.gaps.push(Gap { at: statement.at.clone(), why: Some(why) });
    }

    /// The share of a list that fits a description; where no condition describes it, that of the others.
    fn share(&self, of: &Formula, quantity: Quantity, compared: Compared) -> Option<Share> {
        let k = self.request.k;
        if let Some(predicate) = of.predicate(self.lexicon) {
            return Some(quantity.share(predicate, compared, k));
        }
        let Share { of, relation, amount } =
            quantity.share(of.clone().opposite().predicate(self.lexicon)?, compared, k);
        let relation = match relation {
            Relation::AtMost => Relation::AtLeast,
            Relation::AtLeast => Relation::AtMost,
            same => same,
        };
        let amount = match amount {
            Amount::Count(count) => Amount::Count(k.checked_sub(count)?),
            Amount::Percent(percent) => Amount::Percent(100.0 - percent),
        };
        Some(Share { of, relation, amount })
    }

    /// Takes back shares of what is refused: "two horror films, and no horror" says neither.
    pub(super) fn contradictions(&mut self) {
        let k = self.request.k;
        let refused = self.request.none_in.clone();
        for id in refused {
            let kind = Predicate::category(id, self.lexicon.catalogue);
            let wants = |share: &Share| share.of == kind && share.bound(k).min > 0;
            if self.request.shares.iter().any(wants) {
                self.request.shares.retain(|share| share.of != kind);
                self.request.none_in.retain(|other| *other != id);
                let places = self.named.iter().filter(|(other, _)| *other == id);
                let why = Some("wanted and refused at once");
                self.gaps.extend(places.map(|(_, at)| Gap { at: at.clone(), why }));
            }
        }
    }

    /// Every item satisfies a formula.
    pub(super) fn rules(&mut self, formula: &Formula, statement: &Statement) {
        let Some(rules) = formula.rules(self.lexicon) else {
            return self.gaps.push(Gap { at: statement.at.clone(), why: Some("no condition can say so") });
        };
        let wanted: Vec<CategoryId> =
            rules.iter().filter_map(|rule| if let Rule::In(id) = rule { Some(*id) } else { None }).collect();
        for rule in rules {
            match rule {
                // "thrillers without violence"
                Rule::NotIn(id) if statement.suggests && wanted.contains(&id) => {}
                Rule::In(id) => self.category(id, true, statement),
                Rule::NotIn(id) => self.category(id, false, statement),
                Rule::Every(condition) => add_once(&mut self.request.conditions, condition),
                Rule::None(of) => {
                    let none = Share { of, relation: Relation::AtMost, amount: Amount::Count(0) };
                    add_once(&mut self.request.shares, none);
                }
            }
        }
    }

    /// Every item lies in a category, or none does. Where the text says both, neither counts: "war films without the war".
    fn category(&mut self, id: CategoryId, wanted: bool, statement: &Statement) {
        let (into, against) = match wanted {
            true => (&mut self.request.all_in, &mut self.request.none_in),
            false => (&mut self.request.none_in, &mut self.request.all_in),
        };
        let only_suggested =
            (statement.loose && statement.refused) || self.suggested.iter().any(|(ids, _)| ids.contains(&id));
        if against.contains(&id) && !only_suggested {
            against.retain(|other| *other != id);
            let places = self.named.iter().filter(|(other, _)| *other == id).map(|(_, at)| at);
            let why = Some("wanted and refused at once");
            self.gaps.extend(places.chain([&statement.at]).map(|at| Gap { at: at.clone(), why }));
            return;
        }
        self.named.push((id, statement.at.clone()));
        add_once(into, id);
    }
}

fn add_once<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}
