//! Round trip: the parser understands every prompt that tiller writes, in every wording, including those held out from training.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::films;
use crate::data::{Catalogue, CategoryId, ItemId};
use crate::recommend::prompt;
use crate::request::ask::AskParser;
use crate::request::{Predicate, Request, Share};

/// Conditions and kinds that shares can be about.
const CONDITIONS: [&str; 6] = [
    "year>=2000",
    "year>=1990 and year<=1999",
    "price<9.5",
    "country=France|United Kingdom",
    "category=Comedy|Sci-Fi",
    "category!=Drama and country!=Italy",
];

prop_compose! {
    fn request()(k in 1u32..40, titles in subsequence((1u32..15).map(ItemId).collect::<Vec<_>>(), 0..9), cuts in [0usize..9, 0usize..9])(
        k in Just(k),
        roles in Just([cuts[0].min(cuts[1]).min(titles.len()), cuts[0].max(cuts[1]).min(titles.len())]),
        titles in Just(titles),
        categories in subsequence((0u32..12).map(CategoryId).collect::<Vec<_>>(), 0..4),
        wanted in 0usize..4,
        conditions in subsequence(CONDITIONS.to_vec(), 0..3),
        shares in vec(share(k), 0..3),
    ) -> Request {
        let films = films();
        let (all_in, none_in) = categories.split_at(wanted.min(categories.len()));
        Request {
            k,
            history: titles[..roles[0]].to_vec(),
            mandatory: titles[roles[0]..roles[1]].to_vec(),
            excluded: titles[roles[1]..].to_vec(),
            candidates: None,
            all_in: all_in.to_vec(),
            none_in: none_in.to_vec(),
            conditions: conditions.iter().map(|text| Predicate::parse(text, &films).unwrap()).collect(),
            shares,
        }
    }
}

fn share(k: u32) -> impl Strategy<Value = Share> {
    let kind = select(["Comedy", "Sci-Fi", "War", "Family"].iter().chain(&CONDITIONS).copied().collect::<Vec<_>>());
    let amount = prop_oneof![(1..=k).prop_map(|count| count.to_string()), (1u32..=100).prop_map(|p| format!("{p}%"))];
    (kind, select(vec!["<=", ">=", "=", "~"]), amount)
        .prop_map(|(kind, relation, amount)| Share::parse(&format!("{kind}{relation}{amount}"), &films()).unwrap())
        .prop_filter("no such share", move |share| is_said_as_it_is(share, k))
}

/// An exact part of a list that is no whole number of items is read as "about".
fn is_said_as_it_is(share: &Share, k: u32) -> bool {
    let bound = share.bound(k);
    share.relation != crate::request::Relation::Exactly || bound.min <= bound.max
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_prompt_of_a_request_is_read_back_as_the_request(request in request(), phrasing in 0usize..6) {
        let films = films();
        let said = prompt::render(&request, &films, phrasing).pop().unwrap().content;
        let reading = AskParser::new(&films).read(&said, 10);
        prop_assert_eq!(&reading.not_understood, &[], "{}", said);
        prop_assert_eq!(&reading.request, &request, "{}", said);
    }

    #[test]
    fn no_text_is_too_strange_to_read(
        text in "(\\PC|[\n'\"<>=%$0-9])*",
        words in vec(select("no|at least|comedies|1990|half|'|like|Heat|,|and|or|between|%|ten|the|year>=|$|20|but|only".split('|').collect::<Vec<_>>()), 0..14),
        k in weighted(0.5, 1u32..200),
    ) {
        let films = films();
        let asker = AskParser::new(&films);
        for text in [text, words.join(" ")] {
            let reading = asker.read(&text, k.unwrap_or(10));
            // Whatever came out is a request that the flags can say.
            let flags = reading.request.flags(&films);
            prop_assert!(!flags.is_empty());
            for share in &reading.request.shares {
                prop_assert_eq!(&Share::parse(&share.flag(), &films).unwrap(), share);
            }
            for condition in &reading.request.conditions {
                prop_assert_eq!(&Predicate::parse(&condition.to_string(), &films).unwrap(), condition);
            }
        }
    }
}

#[test]
fn every_item_of_a_catalogue_can_be_named() {
    let films: Catalogue = films();
    let asker = AskParser::new(&films);
    for id in films.ids() {
        let reading = asker.read(&format!("something like {}", films.title(id)), 10);
        assert_eq!(reading.request.history, [id], "{}", films.title(id));
        assert!(reading.not_understood.is_empty());
    }
}
