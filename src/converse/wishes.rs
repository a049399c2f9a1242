//! Merges a request into those before it: the newer one decides where the two disagree.

use crate::data::Catalogue;
use crate::request::{Predicate, Request};

/// Adds what a turn asks for. Its length counts only where it said one.
pub fn add(wishes: &mut Request, new: Request, says_length: bool, catalogue: &Catalogue) {
    if says_length {
        wishes.k = new.k;
    }
    wishes.all_in.retain(|category| !new.none_in.contains(category));
    wishes.none_in.retain(|category| !new.all_in.contains(category));
    wishes.excluded.retain(|item| !new.mandatory.contains(item));
    wishes.mandatory.retain(|item| !new.excluded.contains(item));
    // "Before 1980" makes way for "from the nineties"; "after 1990" and "before 2000" go together.
    let goes_with_new = |old: &Predicate| {
        let all = || new.conditions.iter().chain([old]);
        catalogue.items().iter().any(|item| all().all(|condition| condition.matches(item)))
    };
    wishes.conditions.retain(goes_with_new);
    // A second share of the same kind replaces the first.
    wishes.shares.retain(|share| !new.shares.iter().any(|newer| newer.of == share.of));
    wishes.all_in.extend(new.all_in);
    wishes.none_in.extend(new.none_in);
    wishes.excluded.extend(new.excluded);
    wishes.mandatory.extend(new.mandatory);
    wishes.shares.extend(new.shares);
    wishes.conditions.extend(new.conditions);
    tidy(wishes);
}

/// Puts a condition in the place of those on the same attribute.
pub fn replace_condition(wishes: &mut Request, condition: Predicate, attribute: &str) {
    wishes.conditions.retain(|old| !old.to_string().to_lowercase().starts_with(attribute));
    wishes.conditions.push(condition);
}

/// Says nothing twice.
pub fn tidy(wishes: &mut Request) {
    wishes.all_in.sort_unstable();
    wishes.all_in.dedup();
    wishes.none_in.sort_unstable();
    wishes.none_in.dedup();
    wishes.excluded.sort_unstable();
    wishes.excluded.dedup();
    wishes.mandatory.sort_unstable();
    wishes.mandatory.dedup();
    let mut conditions: Vec<Predicate> = Vec::new();
    for condition in wishes.conditions.drain(..) {
        if !conditions.contains(&condition) {
            conditions.push(condition);
        }
    }
    wishes.conditions = conditions;
}
