//! The promises of controlled decoding, held against brute force over random catalogues, requests and models.

use std::collections::{BTreeSet, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::samples::{CUTS, Shop, kinds, random_request, titles};
use super::toy::PreTokenizer;
use crate::constrain::automaton::{Automaton, NextTokens};
use crate::constrain::grammar::{TitleTokenizer, list_text};
use crate::constrain::infeasible::Infeasible;
use crate::constrain::masked::Pace;
use crate::data::{Catalogue, CategoryId, ItemId};
use crate::request::{Amount, Bound, Relation, Request, Share};

/// The oracle of the tests: returns true where a list satisfies the request. Written independently, over the request itself.
pub fn satisfies(request: &Request, catalogue: &Catalogue, list: &[ItemId]) -> bool {
    let lies_in = |id: ItemId, category: CategoryId| catalogue.item(id).categories.contains(&category);
    let each = |id: &ItemId| {
        !request.history.contains(id)
            && !request.excluded.contains(id)
            && request.candidates.as_ref().is_none_or(|some| some.contains(id))
            && request.all_in.iter().all(|&c| lies_in(*id, c))
            && !request.none_in.iter().any(|&c| lies_in(*id, c))
            && request.conditions.iter().all(|condition| condition.matches(catalogue.item(*id)))
    };
    let share_holds = |share: &Share| {
        let count = list.iter().filter(|&&id| share.of.matches(catalogue.item(id))).count() as f64;
        let amount = match share.amount {
            Amount::Count(count) => f64::from(count),
            Amount::Percent(percent) => f64::from(request.k) * percent / 100.0,
        };
        match share.relation {
            Relation::AtMost => count <= amount + 1e-6,
            Relation::AtLeast => count >= amount - 1e-6,
            Relation::Exactly => (count - amount).abs() < 1e-6,
            Relation::About => (count - amount).abs() < 1.0 + 1e-6,
        }
    };
    list.len() == request.k as usize
        && list.iter().collect::<HashSet<_>>().len() == list.len()
        && list.iter().all(each)
        && request.mandatory.iter().all(|id| list.contains(id))
        && request.shares.iter().all(share_holds)
}

/// Every list of the request's length without repeats, in every order.
fn all_lists(catalogue: &Catalogue, k: u32) -> Vec<Vec<ItemId>> {
    let mut lists = vec![Vec::new()];
    for _ in 0..k {
        let longer = |list: &Vec<ItemId>| {
            let list = list.clone();
            let unused = catalogue.ids().filter(|id| !list.contains(id)).collect::<Vec<_>>();
            unused.into_iter().map(move |id| [list.as_slice(), &[id]].concat())
        };
        lists = lists.iter().flat_map(longer).collect();
    }
    lists
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn lists_satisfy_their_requests_and_refusals_are_right(
        titles in titles(1..8),
        kinds in kinds(),
        cut in select(CUTS.to_vec()),
        drawn in random_request(4),
        seed: u64,
    ) {
        let shop = Shop::new(&titles, &kinds, cut);
        let request = drawn.over(&shop.catalogue);
        let good: Vec<Vec<ItemId>> =
            all_lists(&shop.catalogue, request.k).into_iter().filter(|list| satisfies(&request, &shop.catalogue, list)).collect();

        let refused = match shop.constraints(&request) {
            Err(_) => true,
            Ok(constraints) => match constraints.prove() {
                Err(no) => {
                    prop_assert!(!no.undecided);
                    check_nearest(&shop, &request, &no)?;
                    true
                }
                Ok(feasible) => {
                    for temperature in [None, Some(0.7)] {
                        let jump = shop.decode(&feasible, Pace::Jump, seed, temperature);
                        let step = shop.decode(&feasible, Pace::Step, seed, temperature);
                        prop_assert!(satisfies(&request, &shop.catalogue, &jump.items));
                        prop_assert_eq!(&jump.tokens, &shop.grammar.tokens(&jump.items).unwrap());
                        prop_assert_eq!((&jump.tokens, &jump.items), (&step.tokens, &step.items));
                        prop_assert_eq!(jump.statistics.steps, jump.statistics.choices);
                        prop_assert_eq!(step.statistics.steps, step.tokens.len());
                        prop_assert_eq!(jump.statistics.removed_mass, step.statistics.removed_mass);
                        prop_assert_eq!(jump.statistics.changed, step.statistics.changed);
                    }
                    false
                }
            },
        };
        prop_assert_eq!(refused, good.is_empty());
    }

    #[test]
    fn what_may_follow_is_what_some_good_list_continues_with(
        titles in titles(1..7),
        kinds in kinds(),
        cut in select(CUTS.to_vec()),
        drawn in random_request(3),
        choices in vec(any::<Index>(), 40),
    ) {
        let shop = Shop::new(&titles, &kinds, cut);
        let request = drawn.over(&shop.catalogue);
        let Ok(constraints) = shop.constraints(&request) else { return Ok(()) };
        let Ok(feasible) = constraints.prove() else { return Ok(()) };
        let mut automaton = Automaton::new(&shop.grammar, &feasible).unwrap();
        let good: Vec<Vec<u32>> = all_lists(&shop.catalogue, request.k)
            .into_iter()
            .filter(|list| satisfies(&request, &shop.catalogue, list))
            .map(|list| shop.grammar.tokens(&list).unwrap())
            .collect();

        let mut logprob: Vec<u32> = Vec::new();
        let mut choices = choices.iter().cycle();
        while !automaton.is_done() {
            let follow: BTreeSet<u32> =
                good.iter().filter(|list| list.starts_with(&logprob)).filter_map(|list| list.get(logprob.len()).copied()).collect();
            let follow = Vec::from_iter(follow);
            match automaton.allowed() {
                NextTokens::Forced(run) => prop_assert_eq!(&follow, &run[..1]),
                NextTokens::Choice(tokens) => {
                    prop_assert!(tokens.len() > 1);
                    prop_assert_eq!(&follow, tokens);
                }
                NextTokens::Done => prop_assert!(false, "done, and not done"),
            }
            for stranger in (0..=shop.grammar.end()).filter(|token| !follow.contains(token)) {
                prop_assert!(automaton.advance(stranger).is_err());
            }
            let token = choices.next().unwrap().get(&follow);
            automaton.advance(*token).unwrap();
            logprob.push(*token);
        }
        prop_assert!(good.contains(&logprob));
        prop_assert!(automaton.advance(0).is_err());
    }

    #[test]
    fn the_tokens_of_a_list_are_its_text(titles in titles(1..8), cut in select(CUTS.to_vec()), order: u64) {
        let shop = Shop::new(&titles, &[(0, 0)], cut);
        let mut list: Vec<ItemId> = shop.catalogue.ids().collect();
        list.shuffle(&mut ChaCha8Rng::seed_from_u64(order));
        let text = list_text(list.iter().map(|&id| shop.catalogue.title(id)));
        let tokens = shop.grammar.tokens(&list).unwrap();
        let (end, tokens) = tokens.split_last().unwrap();
        prop_assert_eq!(*end, shop.grammar.end());
        prop_assert_eq!(shop.toy.decode(tokens).unwrap(), text.clone());
        if cut != PreTokenizer::Nothing {
            prop_assert_eq!(tokens, shop.toy.encode(&text).unwrap(), "not the tokenizer's own segmentation");
        }
    }
}

/// The nearest requests that an error names can be met, and there are some as long as anything is allowed.
fn check_nearest(shop: &Shop, request: &Request, no: &Infeasible) -> Result<(), TestCaseError> {
    let left = no.narrowing.last().map_or(0, |step| step.left);
    prop_assert_eq!(left > 0, no.other_k.is_some() || no.relaxed.is_some());
    if let Some(k) = no.other_k {
        let other = Request { k, ..request.clone() };
        prop_assert!(shop.constraints(&other).unwrap().prove().is_ok());
    }
    if let Some(relaxed) = &no.relaxed {
        let bound_of = |counter: usize, usual: Bound| {
            relaxed.bounds.iter().find(|(at, _)| *at == counter).map_or(usual, |(_, bound)| *bound)
        };
        let constraints = shop.constraints(&Request { k: relaxed.k, ..request.clone() }).unwrap();
        let found = all_lists(&shop.catalogue, relaxed.k).into_iter().any(|list| {
            list.iter().all(|id| constraints.allowed.contains(*id))
                && constraints.counters.iter().enumerate().all(|(at, counter)| {
                    let count = list.iter().filter(|id| counter.members.contains(**id)).count() as u32;
                    bound_of(at, counter.rule.bound(relaxed.k)).missed_by(count) == 0
                })
        });
        prop_assert!(found, "{relaxed:?} cannot be met either");
    }
    Ok(())
}
