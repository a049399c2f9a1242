//! Lists made by hand, and what holds for every list.

use proptest::prelude::*;
use tiller_models::chat::Message;

use super::*;
use crate::data::{CategoryId, Item};
use crate::instruct::Example;
use crate::request::{Predicate, Request};
use crate::task::TaskFamily;

/// Items A to L: A to D are comedies, C to F dramas; A to F are old, G to L new; nobody knows how old L is.
fn catalogue() -> Catalogue {
    let item = |n: u8| {
        let (comedy, drama) = ((0..4).contains(&n), (2..6).contains(&n));
        let categories = [comedy.then_some(CategoryId(0)), drama.then_some(CategoryId(1))];
        Item {
            key: n.to_string(),
            title: char::from(b'A' + n).to_string(),
            categories: categories.into_iter().flatten().collect(),
            attributes: vec![[if n < 6 { "1990" } else { "2020" }, ""][usize::from(n == 11)].into()],
        }
    };
    Catalogue::new((0..12).map(item).collect(), vec!["Comedy".into(), "Drama".into()], vec!["year".into()])
}

fn item(letter: char) -> ItemId {
    ItemId(letter as u32 - 'A' as u32 + 1)
}

/// An example for `k` items after A, with B as the target.
fn example(k: u32, change: impl FnOnce(&mut Request)) -> Example {
    let mut request = Request { k, history: vec![item('A')], ..Request::default() };
    change(&mut request);
    let messages: Vec<Message> = Vec::new();
    Example {
        family: TaskFamily::I0,
        request: Some(request),
        messages,
        answer: String::new(),
        target: Some(item('B')),
        items: vec![item('B')],
    }
}

/// Measures an answer of one letter per title; a small letter is no title.
fn of(answer: &str, example: &Example) -> Measures {
    let titles: Vec<String> = answer.chars().map(String::from).collect();
    let catalogue = catalogue();
    ExampleMeasure::new(&example.compile(&catalogue), example.target, &catalogue).measure(&titles)
}

fn with_share(k: u32, share: &str) -> Example {
    example(k, |request| request.shares = vec![Share::parse(share, &catalogue()).unwrap()])
}

#[test]
fn the_target_counts_where_it_first_stands_among_the_first_k() {
    let three = example(3, |_| {});
    let figures =
        |answer: &str| [Metric::HR, Metric::NDCG, Metric::MRR].map(|metric| of(answer, &three).value(metric).unwrap());
    assert_eq!(figures("BCD"), [1.0, 1.0, 1.0]);
    assert_eq!(figures("CBB"), [1.0, 1.0 / 3f64.log2(), 0.5]);
    assert_eq!(figures("xxB"), [1.0, 0.5, 1.0 / 3.0]);
    assert_eq!(figures("CDEB"), [0.0; 3], "too late");
    assert_eq!(figures(""), [0.0; 3]);
}

#[test]
fn faults_of_form_are_counted_per_list_among_the_first_k() {
    let faults = |answer: &str| {
        let measures = of(answer, &example(4, |_| {}));
        (measures.correct_count, measures.repeats, measures.not_existing, measures.in_history)
    };
    assert_eq!(faults("BCDE"), (true, 0, 0, Some(0)));
    assert_eq!(faults("BCB"), (false, 1, 0, Some(0)), "too short");
    assert_eq!(faults("BCDEBxA"), (false, 0, 0, Some(0)), "too long, and the rest is not looked at");
    assert_eq!(faults("xxxA"), (true, 2, 3, Some(1)), "what does not exist repeats, too");
    assert_eq!(faults("AAAA"), (true, 3, 0, Some(4)), "the history counts again");
    let of_nobody = example(4, |request| request.history.clear());
    assert_eq!(of("AAAA", &of_nobody).in_history, None);
}

#[test]
fn candidates_are_counted_where_there_are_any() {
    let chosen = example(3, |request| request.candidates = Some(vec![item('B'), item('C')]));
    assert_eq!(of("BDx", &chosen).not_candidates, Some(2));
    assert_eq!(of("BDx", &example(3, |_| {})).not_candidates, None);
}

#[test]
fn tcp_is_about_what_is_wanted_or_else_unwanted_or_else_shared() {
    let tcp = |answer: &str, example: &Example| {
        let measures = of(answer, example);
        (measures.tcp, measures.tcp_distinct)
    };
    let more = example(4, |request| request.all_in = vec![CategoryId(0)]);
    assert_eq!(tcp("BCGH", &more), (Some(0.5), Some(0.5)));
    assert_eq!(tcp("BBBG", &more), (Some(0.75), Some(0.25)), "once counted as three, once as one");
    assert_eq!(tcp("BC", &more), (Some(0.5), Some(0.5)), "over K, however short the list is");
    assert_eq!(tcp("xGHIBC", &more), (Some(0.0), Some(0.0)), "not beyond K");
    let both = example(4, |request| request.all_in = vec![CategoryId(0), CategoryId(1)]);
    assert_eq!(tcp("BCDE", &both), (Some(0.5), Some(0.5)), "an intersection");

    let less = example(4, |request| request.none_in = vec![CategoryId(1)]);
    assert_eq!(tcp("BCDG", &less), (Some(0.5), Some(0.5)));
    assert_eq!(tcp("", &less), (Some(1.0), Some(1.0)), "no answer is the worst answer");
    assert_eq!(tcp("", &more), (Some(0.0), Some(0.0)));

    let attribute = example(4, |request| {
        request.conditions = vec![Predicate::parse("year>=2000", &catalogue()).unwrap()];
    });
    assert_eq!(tcp("GHLB", &attribute), (Some(0.5), Some(0.5)), "an unknown year is not promised to be late");
    let conjunction = example(4, |request| {
        request.all_in = vec![CategoryId(0)];
        request.conditions = vec![Predicate::parse("year<2000", &catalogue()).unwrap()];
    });
    assert_eq!(tcp("BEGH", &conjunction), (Some(0.25), Some(0.25)));

    assert_eq!(tcp("BCGH", &with_share(4, "Comedy<=50%")), (Some(0.5), Some(0.5)));
    assert_eq!(tcp("BCGH", &example(4, |_| {})), (None, None));
}

#[test]
fn of_valid_items_none_is_of_the_history_or_comes_again() {
    let more = example(4, |request| request.all_in = vec![CategoryId(0)]);
    let measures = of("ABBC", &more);
    assert_eq!((measures.tcp, measures.tcp_distinct, measures.tcp_valid), (Some(1.0), Some(0.75), Some(0.5)));
    let measures = of("ABBG", &with_share(4, "Comedy>=2"));
    assert_eq!((measures.cpa, measures.cpa_distinct, measures.cpa_valid), (Some(true), Some(true), Some(false)));
}

#[test]
fn cpa_by_the_methods_tests() {
    let cpa = |answer: &str, share: &str, k| {
        let measures = of(answer, &with_share(k, share));
        (measures.cpa.unwrap(), measures.cpa_distinct.unwrap())
    };
    for share in ["Comedy<=50%", "Comedy<=2"] {
        assert_eq!(cpa("BCGH", share, 4), (true, true));
        assert_eq!(cpa("BCDG", share, 4), (false, false));
        assert_eq!(cpa("BBBG", share, 4), (false, true), "repeats count, and do not");
        assert_eq!(cpa("BxGH", share, 4), (true, true));
        assert_eq!(cpa("BxxG", share, 4), (false, false), "what does not exist may be a comedy");
        assert_eq!(cpa("", share, 4), (false, false), "no answer keeps no promise");
    }
    for share in ["Comedy>=50%", "Comedy>=2"] {
        assert_eq!(cpa("BCDG", share, 4), (true, true));
        assert_eq!(cpa("BBGH", share, 4), (true, false));
        assert_eq!(cpa("BGHI", share, 4), (false, false));
    }
    for share in ["Comedy~50%", "Comedy~2"] {
        assert_eq!(cpa("BGHI", share, 4), (true, true));
        assert_eq!(cpa("BCDG", share, 4), (true, true));
        assert_eq!(cpa("GHIJ", share, 4), (false, false));
        assert_eq!(cpa("ABCD", share, 4), (false, false));
        assert_eq!(cpa("BBBB", share, 4), (false, true));
    }
    assert_eq!(cpa("BCGH", "Comedy=2", 4), (true, true));
    assert_eq!(cpa("BGHI", "Comedy=2", 4), (false, false));
    assert_eq!(cpa("BCGHIJK", "Comedy>=30%", 7), (true, true), "30 % of 7 is rounded down to 2");
    assert_eq!(of("BC", &example(4, |_| {})).cpa, None);

    let two_shares = example(4, |request| {
        request.shares = ["Comedy>=2", "Drama<=1"].map(|share| Share::parse(share, &catalogue()).unwrap()).into();
    });
    let measures = |answer| of(answer, &two_shares);
    assert_eq!((measures("BCGH").cpa, measures("CDGH").cpa), (Some(true), Some(false)), "all of them");
    assert_eq!(measures("BCGH").tcp, None, "which of them?");
}

#[test]
fn a_list_satisfies_its_request_if_nothing_at_all_is_wrong_with_it() {
    let satisfies = |answer: &str, change: &dyn Fn(&mut Request)| of(answer, &example(3, change)).constraints_met;
    let plain = |_: &mut Request| {};
    assert!(satisfies("BCD", &plain));
    for wrong in ["", "BC", "BCDE", "BCC", "BCx", "BCA"] {
        assert!(!satisfies(wrong, &plain), "{wrong}");
    }
    assert!(satisfies("BCD", &|request| request.all_in = vec![CategoryId(0)]));
    assert!(!satisfies("BCE", &|request| request.all_in = vec![CategoryId(0)]));
    assert!(!satisfies("BCE", &|request| request.none_in = vec![CategoryId(1)]));
    assert!(!satisfies("BCD", &|request| request.excluded = vec![item('C')]));
    assert!(!satisfies("BCD", &|request| request.mandatory = vec![item('C'), item('E')]));
    assert!(!satisfies("BCD", &|request| request.candidates = Some(vec![item('B'), item('C')])));
    let share = |request: &mut Request| request.shares = vec![Share::parse("Drama>=50%", &catalogue()).unwrap()];
    assert!(satisfies("BCD", &share) && !satisfies("BCG", &share), "a half of three is two");
}

#[test]
fn a_question_about_one_item_asks_for_its_answer() {
    let about = Example { request: None, ..example(1, |_| {}) };
    let measures = of("B", &about);
    assert!(
        measures.rank.is_some() && measures.correct_count && measures.tcp.is_none() && measures.in_history.is_none()
    );
}

proptest! {
    #[test]
    fn what_holds_for_every_list(answer in "[A-Lx-z]{0,14}", k in 1..12u32, share in "(Comedy|Drama)(<=|>=|~|=)(30%|2)", wants in any::<bool>()) {
        let example = match wants {
            true => example(k, |request| request.all_in = vec![CategoryId(1)]),
            false => with_share(k, &share),
        };
        let measures = of(&answer, &example);
        let looked_at = answer.len().min(k as usize) as u32;
        prop_assert!(measures.repeats + u32::from(looked_at > 0) <= looked_at.max(1));
        prop_assert!(measures.not_existing <= looked_at && measures.in_history.unwrap() <= looked_at);
        prop_assert!(measures.tcp_valid <= measures.tcp_distinct && measures.tcp_distinct <= measures.tcp);
        prop_assert!(measures.tcp.unwrap() <= 1.0);
        prop_assert_eq!(measures.rank.map(|rank| rank as usize), answer.chars().take(k as usize).position(|c| c == 'B'));
        for metric in Metric::ALL {
            prop_assert!(measures.value(metric).is_none_or(|figure| (0.0..=f64::from(k)).contains(&figure)), "{}", metric);
        }
        // What is behind the list's length changes nothing but the count.
        let longer = of(&format!("{answer}z"), &example);
        if answer.len() >= k as usize {
            prop_assert_eq!(Measures { correct_count: measures.correct_count, constraints_met: measures.constraints_met, ..longer.clone() }, measures.clone());
            prop_assert!(!longer.correct_count && !longer.constraints_met);
        }
        // The order decides nothing but the rank.
        let backwards: String = answer.chars().take(k as usize).collect::<Vec<_>>().into_iter().rev().collect();
        if answer.len() <= k as usize {
            prop_assert_eq!(Measures { rank: measures.rank, ..of(&backwards, &example) }, measures.clone());
        }
        // A list that satisfies its request has no fault, and meets the method's tests, too.
        if measures.constraints_met {
            prop_assert!(measures.correct_count && !measures.is_empty);
            prop_assert_eq!((measures.repeats, measures.not_existing, measures.in_history), (0, 0, Some(0)));
            prop_assert!(measures.cpa != Some(false) && (!wants || measures.tcp == Some(1.0)));
        }
    }
}
