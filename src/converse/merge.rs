//! Merges a request into those before it: the newer one decides where the two disagree.

use crate::data::Catalogue;
use crate::request::ask::ParseResult;
use crate::request::{Predicate, Request};

/// Adds what a turn asks for. Its length counts only where it said one, and what it asks for instead takes the place of other wishes.
pub fn add(request: &mut Request, new: Request, turn: &ParseResult, catalogue: &Catalogue) {
    if turn.says_length {
        request.k = new.k;
    }
    if turn.replaces {
        request.all_in.clear();
        request.conditions.clear();
        request.shares.clear();
    }
    request.none_in.retain(|category| !turn.allowed.contains(category));
    // "Not so violent" takes nothing back that was asked for by name.
    let mut new = new;
    new.none_in.retain(|category| !(turn.suggested.contains(category) && request.all_in.contains(category)));
    request.all_in.retain(|category| !new.none_in.contains(category));
    request.none_in.retain(|category| !new.all_in.contains(category));
    request.excluded.retain(|item| !new.mandatory.contains(item));
    request.mandatory.retain(|item| !new.excluded.contains(item));
    // "Before 1980" makes way for "from the nineties"; "after 1990" and "before 2000" go together.
    let goes_with_new = |old: &Predicate| {
        let all = || new.conditions.iter().chain([old]);
        catalogue.items().iter().any(|item| all().all(|condition| condition.matches(item)))
    };
    request.conditions.retain(goes_with_new);
    // A second share of the same kind replaces the first.
    request.shares.retain(|share| !new.shares.iter().any(|newer| newer.of == share.of));
    request.all_in.extend(new.all_in);
    request.none_in.extend(new.none_in);
    request.excluded.extend(new.excluded);
    request.mandatory.extend(new.mandatory);
    request.shares.extend(new.shares);
    request.conditions.extend(new.conditions);
    tidy(request);
}

/// Says nothing twice.
fn tidy(request: &mut Request) {
    request.all_in.sort_unstable();
    request.all_in.dedup();
    request.none_in.sort_unstable();
    request.none_in.dedup();
    request.excluded.sort_unstable();
    request.excluded.dedup();
    request.mandatory.sort_unstable();
    request.mandatory.dedup();
    let mut conditions: Vec<Predicate> = Vec::new();
    for condition in request.conditions.drain(..) {
        if !conditions.contains(&condition) {
            conditions.push(condition);
        }
    }
    request.conditions = conditions;
}
