//! Round trip: the parser understands every prompt that tiller writes, in every wording, including those held out from training.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::films;
use super::table::{ROWS, SCOPES};
use crate::data::{Catalogue, CategoryId, ItemId};
use crate::recommend::prompt;
use crate::request::ask::{AskParser, vocabulary};
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

/// Sentences without a word that is not understood.
const SENTENCES: [&str; 9] = [
    "five comedies from the nineties, no horror",
    "at least half dramas and nothing scary please",
    "films without romance or war under 10 dollars",
    "something like Titanic but not romantic",
    "no comedies unless they are romantic",
    "mostly thrillers with a little romance",
    "two French films and three from Italy",
    "I do not want dramas, give me ten comedies instead",
    "no more than two of them from before 1980",
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
            // What is refused and counted at once is read as neither.
            shares: shares.into_iter().filter(|share: &Share| none_in.iter().all(|id| share.of != Predicate::category(*id, &films))).collect(),
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

/// Refusals of what stands at the dots.
const REFUSALS: [&str; 52] = [
    "no …",
    "not …",
    "never any …",
    "without …",
    "nothing …",
    "I don't want …",
    "I do not like …",
    "please avoid …",
    "skip the …",
    "I hate …",
    "I can't stand …",
    "I'm tired of …",
    "leave out …",
    "leave … out",
    "keep … out of it",
    "drop the …",
    "anything but …",
    "everything except …",
    "apart from …",
    "other than …",
    "free of …",
    "… is not my thing",
    "… bores me",
    "…: no",
    "… excluded",
    "… must not be in it",
    "no … please",
    "none of them …",
    "not a single …",
    "I'd rather not see …",
    "enough …",
    "too much …",
    "less …",
    "instead of …",
    "rather than …",
    "unlike …",
    "I am not in the mood for …",
    "… makes me sick",
    "zero …",
    "0% …",
    "not even one …",
    "I never want to see …",
    "nothing with …",
    "with no …",
    "minus …",
    "hold the …",
    "steer clear of …",
    "I've had enough of …",
    "… is out of the question",
    "I don't think I want …",
    "… aside",
    "all that is not …",
];

/// Words around a refusal.
const BEFORE: [&str; 9] = [
    "",
    "5 films, ",
    "ten dramas, ",
    "hello, ",
    "drama, but ",
    "please: ",
    "at least half drama, ",
    "from the nineties, ",
    "two dramas and ",
];
const BEHIND: [&str; 9] = [
    "",
    ", please",
    " and drama",
    ", at least two dramas",
    ". Thanks!",
    ", from the nineties",
    ", but drama",
    " because I have guests",
    " even if it is free",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_refused_is_never_wanted(
        refusal in select(REFUSALS.to_vec()),
        before in select(BEFORE.to_vec()),
        behind in select(BEHIND.to_vec()),
        (kind, name) in select(vec![("horror", "Horror"), ("comedies", "Comedy"), ("war films", "War"), ("sci-fi", "Sci-Fi"), ("romance", "Romance")]),
    ) {
        let films = films();
        let text = format!("{before}{}{behind}", refusal.replace('…', kind));
        let reading = AskParser::new(&films).read(&text, 10);
        let refused = films.category(name).unwrap();
        for request in std::iter::once(&reading.request).chain(&reading.other) {
            prop_assert!(!request.all_in.contains(&refused), "{text}");
            let wants = |of: &Predicate| of.to_string() == name || of.to_string().split(" and ").any(|term| term == format!("category={name}"));
            prop_assert!(!request.conditions.iter().any(wants), "{text}");
            let least = |share: &&Share| share.bound(request.k).min > 0;
            prop_assert!(!request.shares.iter().filter(least).any(|share| wants(&share.of)), "{text}");
            let refuses = request.none_in.contains(&refused) || request.shares.iter().any(|share| share.of.to_string().contains(name));
            prop_assert!(refuses, "{text}: {:?}", request.flags(&films));
        }
    }

    #[test]
    fn courtesies_around_a_sentence_change_nothing(
        (text, ..) in select(ROWS.into_iter().chain(SCOPES).collect::<Vec<_>>()),
        before in select(vec!["", "please, ", "Hello! ", "ok, ", "hi there, ", "Well, "]),
        behind in select(vec!["", ", thanks", " please", ". Thank you!", ", cheers"]),
    ) {
        let films = films();
        let asker = AskParser::new(&films);
        let (plain, wrapped) = (asker.read(text, 10), asker.read(&format!("{before}{text}{behind}"), 10));
        prop_assert_eq!(&plain, &wrapped, "{}{}{}", before, text, behind);
    }

    #[test]
    fn a_verb_that_nobody_knows_turns_no_kind_into_a_wish(
        verb in "[bcdfgklmnprstvz]{1,2}[aeiou][bdfgklmnprtvz]{1,2}(ify|ize|um)",
        before in select(vec!["", "please ", "I ", "we ", "could you ", "let's ", "5 films, ", "I'd like to ", "dramas, but "]),
        (kind, name) in select(vec![("horror", "Horror"), ("comedies", "Comedy"), ("the war films", "War"), ("romance", "Romance")]),
        behind in select(vec!["", " please", " tonight", ", thanks"]),
    ) {
        let films = films();
        let asker = AskParser::new(&films);
        // What happens to be a word, or near to one, says something.
        prop_assume!(asker.read(&verb, 10).assumed.is_empty() && asker.read(&verb, 10).not_understood.len() == 1);
        let text = format!("{before}{verb} {kind}{behind}");
        let reading = asker.read(&text, 10);
        prop_assert!(!reading.request.all_in.contains(&films.category(name).unwrap()), "{text}: {reading:?}");
        prop_assert!(reading.not_understood.iter().any(|gap| gap.text.contains(&verb)), "{text}: {reading:?}");
    }

    #[test]
    fn a_word_that_nobody_knows_is_named(text in select(SENTENCES.to_vec()), at in 0usize..12) {
        let mut words: Vec<&str> = text.split(' ').collect();
        words.insert(at.min(words.len()), "frobnicated");
        let text = words.join(" ");
        let reading = AskParser::new(&films()).read(&text, 10);
        prop_assert!(reading.not_understood.iter().any(|gap| gap.text.contains("frobnicated")), "{text}: {reading:?}");
    }

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_row_of_phrases_is_too_strange_to_read(
        phrases in vec(select(phrases()), 0..9),
    ) {
        let films = films();
        let reading = AskParser::new(&films).read(&phrases.join(" "), 10);
        prop_assert!(!reading.request.flags(&films).is_empty());
    }
}

/// Every phrase of the language, and names and signs among them.
fn phrases() -> Vec<&'static str> {
    const NAMES: [&str; 12] =
        ["comedies", "war", "funny", "violent", "Heat", "France", "1990", "$20", "half", "two", ",", "frobnicated"];
    vocabulary::phrases_of_all().map(|(_, phrase)| phrase).chain(NAMES.into_iter().cycle().take(600)).collect()
}

#[test]
fn every_wording_is_read_back() {
    let films = films();
    let base = || Request { k: 8, ..Request::default() };
    let shares = [
        "Comedy<=3",
        "Comedy>=30%",
        "Sci-Fi=3",
        "year>=2000~40%",
        "War<=30%",
        "category=Comedy|Sci-Fi=1",
        "Sci-Fi=1",
        "War~1",
        "War>=1",
        "War<=1",
    ];
    let condition = |text: &&str| Request { conditions: vec![Predicate::parse(text, &films).unwrap()], ..base() };
    let mut requests: Vec<Request> = CONDITIONS.iter().map(condition).collect();
    requests.extend(shares.iter().map(|text| Request { shares: vec![Share::parse(text, &films).unwrap()], ..base() }));
    requests.push(Request { all_in: vec![CategoryId(0)], none_in: vec![CategoryId(2)], ..base() });
    requests.push(Request {
        history: vec![ItemId(1), ItemId(4)],
        mandatory: vec![ItemId(5), ItemId(7)],
        excluded: vec![ItemId(9)],
        ..base()
    });
    let mut wrong = Vec::new();
    for request in &requests {
        for phrasing in 0..6 {
            let said = prompt::render(request, &films, phrasing).pop().unwrap().content;
            let reading = AskParser::new(&films).read(&said, 10);
            if reading.request != *request || !reading.not_understood.is_empty() {
                let flags = |request: &Request| crate::request::flags::shell(&request.flags(&films));
                wrong.push(format!(
                    "{said}\n  wanted {}\n  found  {} {:?}",
                    flags(request),
                    flags(&reading.request),
                    reading.not_understood
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
