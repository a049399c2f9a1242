//! The nearest requests that can be met, as requests.

use crate::constrain::infeasible::{Infeasible, Relaxed};
use crate::data::Catalogue;
use crate::request::{Amount, Bound, InWords, Relation, Request, Share};

/// The requests nearest to `request`, which no list satisfies: with another length, and with other shares.
pub fn nearest_requests(no: &Infeasible, request: &Request, catalogue: &Catalogue) -> Vec<InWords> {
    let shorter = no.other_k.map(|k| Request { k, ..request.clone() });
    let relaxed = no.relaxed.as_ref().and_then(|relaxed| with_shares(relaxed, request));
    shorter.into_iter().chain(relaxed).map(|request| request.in_words(catalogue)).collect()
}

/// The request with its shares relaxed; `None` where titles to have stand in the way, which no share replaces.
fn with_shares(Relaxed { k, bounds }: &Relaxed, request: &Request) -> Option<Request> {
    let mut shares: Vec<Vec<Share>> = request.shares.iter().map(|share| vec![share.clone()]).collect();
    for (counter, bound) in bounds {
        let share = shares.get_mut(*counter)?;
        *share = of_bound(&share[0], *bound, *k);
    }
    Some(Request { k: *k, shares: shares.concat(), ..request.clone() })
}

/// Shares of a kind that say no more than `bound` in a list of `k` items.
fn of_bound(share: &Share, Bound { min, max }: Bound, k: u32) -> Vec<Share> {
    let count = |relation, count| Share { of: share.of.clone(), relation, amount: Amount::Count(count) };
    match (min, max) {
        (min, max) if min == max => vec![count(Relation::Exactly, min)],
        (0, max) => vec![count(Relation::AtMost, max)],
        (min, max) if max >= k => vec![count(Relation::AtLeast, min)],
        (min, max) => vec![count(Relation::AtLeast, min), count(Relation::AtMost, max)],
    }
}
