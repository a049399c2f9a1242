//! The tables of method §8 and method §16.4, worked by hand.

use super::toy::{asked, item, letters, list, reward, with_share};
use crate::data::{CategoryId, ItemId};
use crate::request::{Predicate, Request};
use crate::reward::{
    RankScore, RewardQuery, RewardRules, ShareRule, ShortfallFn, Surplus, Targets, compute_rewards, ideal, rank_score,
};
use crate::teacher::Scorer;

const A: CategoryId = CategoryId(0);

fn close(found: &[f64], expected: &[f64]) {
    let equal = found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 5e-4);
    assert!(equal, "{found:?} is not {expected:?}");
}

/// τ of every item of a list.
fn taus(request: &Request, titles: &str, shares: ShareRule) -> Vec<f64> {
    let rules = RewardRules { shares, alpha: 0.0, ..RewardRules::default() };
    reward(request, None, titles, &rules).items
}

/// q of a list.
fn q(request: &Request, titles: &str, rules: RewardRules) -> f64 {
    reward(request, None, titles, &RewardRules { alpha: 0.0, list_weight: 1.0, ..rules }).list
}

#[test]
fn the_ideal_sum_is_the_methods_table() {
    let table = [
        1.0, 1.3981, 1.6481, 1.8336, 1.9832, 2.1101, 2.2212, 2.3207, 2.4113, 2.4949, 2.5727, 2.6457, 2.7147, 2.7802,
        2.8427,
    ];
    let found: Vec<f64> = (1..=15).map(ideal).collect();
    close(&found, &table);
    assert_eq!(ideal(0), 0.0);
}

#[test]
fn ranks_score_below_the_target() {
    let rules = RewardRules::default();
    let of = |rank| rank_score(false, rank, 12, &rules);
    close(&[of(0), of(1), of(9), rank_score(true, 9, 12, &rules)], &[0.6309, 0.5, 0.2789, 1.0]);
    let linear = RewardRules { rank_score: RankScore::Linear, ..rules };
    close(&[rank_score(false, 0, 12, &linear), rank_score(false, 9, 12, &linear)], &[1.0, 0.25]);
}

#[test]
fn every_error_costs_the_penalty_and_good_items_their_rank() {
    let request = Request { history: vec![item("B6")], ..asked(4) };
    let titles = "A2 nope A2 B6 A1";
    let found = reward(&request, Some("A1"), titles, &RewardRules::default());
    // A2 has rank 1; then not-exist, repeat, in-history, and the target as a surplus line.
    close(&found.items, &[0.5, -1.0, -1.0, -1.0, -1.0]);
    // Σ s′ = 0.5 − 4, and the target is not in the list that was asked for.
    close(&[found.list], &[10.0 * 0.5 * -3.5 / 1.8336]);
    close(&[reward(&request, Some("A1"), titles, &RewardRules::paper()).list], &[found.list]);
    // One more surplus line costs the list nothing, or as much as the first, or the sum ends at −B(4).
    let longer = format!("{titles} A3");
    let of = |surplus| reward(&request, None, &longer, &RewardRules { surplus, ..RewardRules::default() }).list;
    close(&[of(Surplus::Once)], &[found.list]);
    close(&[of(Surplus::Each)], &[10.0 * 0.5 * -4.5 / 1.8336]);
    close(&[of(Surplus::Clamp)], &[-5.0]);
    let forgiving = RewardRules { penalty: 0.0, ..RewardRules::default() };
    close(&reward(&request, Some("A1"), titles, &forgiving).items, &[0.5, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn the_target_and_then_the_teachers_best_in_order_is_the_ideal_list() {
    // The target B6 has rank 11, so that it occupies none of the ranks 0 to 3.
    let rules = RewardRules::default();
    let of = |target, titles| reward(&asked(5), Some(target), titles, &rules).list;
    close(&[of("B6", "B6 A1 A2 A3 A4")], &[10.0]);
    let occupied = of("A1", "A1 A2 A3 A4 A5");
    assert!(occupied < 9.99 && occupied > 9.0, "{occupied}: the target's own rank is missing in the list");
    // Second place: s′ = 0.6309 + 1 / log₂3 + …, and q = 1 / log₂3.
    let rest = 0.5 / 2.0 + 0.4307 / 5f64.log2() + 0.3869 / 6f64.log2();
    let sum = 0.6309 + 0.6309 + rest;
    close(&[of("B6", "A1 B6 A2 A3 A4")], &[10.0 * (0.5 * sum / 1.9832 + 0.5 * 0.6309)]);
    let without: f64 = 0.6309 + 0.5 / 3f64.log2() + 0.4307 / 2.0;
    close(&[of("B6", "A1 A2 A3")], &[10.0 * 0.5 * (without - 2.0) / 1.9832]);
    assert_eq!(reward(&asked(5), Some("B6"), "A1 A2 A3", &rules).missing, -2.0);
    let lenient = RewardRules { missing: false, ..rules };
    close(&[reward(&asked(5), Some("B6"), "A1 A2 A3", &lenient).list], &[10.0 * 0.5 * without / 1.9832]);
}

#[test]
fn a_kind_is_rewarded_inside_and_an_unwanted_one_outside() {
    let rules = RewardRules::default();
    let more = Request { all_in: vec![A], ..asked(4) };
    let less = Request { none_in: vec![A], ..asked(4) };
    let titles = "A1 B1 A2";
    assert_eq!(taus(&more, titles, ShareRule::Marginal), [1.0, 0.0, 1.0]);
    assert_eq!(taus(&less, titles, ShareRule::Authors), [0.0, 1.0, 0.0]);
    // +C: 1 / (4 − 2 + 1); −C: 1 / (4 − 1 + 1).
    close(&[q(&more, titles, rules.clone()), q(&less, titles, rules.clone())], &[1.0 / 3.0, 0.25]);
    // α s + (1 − α) τ with s = 1 / log₂ 3, 1 / log₂ 9, 0.5.
    close(&reward(&more, None, titles, &rules).items, &[0.8155, 0.1577, 0.75]);
    // Of the six items of A, three are in the history: two of the three that are left are missing by one.
    let taken = Request { history: ["A4", "A5", "A6"].map(item).into(), ..more };
    close(&[q(&taken, titles, rules)], &[0.5]);
}

#[test]
fn the_authors_shares_by_hand() {
    use ShareRule::Authors;
    // At most 2 of 5: the second A is already 0, and past three others everything is ½.
    assert_eq!(taus(&with_share(5, "A<=2"), "A1 A2 A3 B1 B2", Authors), [0.5, 0.0, 0.0, 1.0, 1.0]);
    assert_eq!(taus(&with_share(5, "A<=2"), "B1 B2 B3 B4 A1", Authors), [1.0, 1.0, 1.0, 0.5, 0.5]);
    // At least 2 of 5: past two of A everything is ½; before, the third other is 0.
    assert_eq!(taus(&with_share(5, "A>=2"), "A1 A2 A3 B1 B2", Authors), [1.0, 1.0, 0.5, 0.5, 0.5]);
    assert_eq!(taus(&with_share(5, "A>=2"), "B1 B2 B3 A1 B4", Authors), [0.5, 0.5, 0.0, 1.0, 0.0]);
    // About 2 of 5: others are ½ before the second A and 1 after it, however many.
    assert_eq!(taus(&with_share(5, "A~2"), "A1 B1 A2 A3 B2", Authors), [1.0, 0.5, 1.0, 0.0, 1.0]);
    assert_eq!(taus(&with_share(5, "A~2"), "B1 B2 B3 B4 A1", Authors), [0.5, 0.5, 0.5, 0.0, 1.0]);
}

#[test]
fn marginal_shares_by_hand() {
    use ShareRule::Marginal;
    // At most 2 of 5: three others are needed, two of A allowed.
    assert_eq!(taus(&with_share(5, "A<=2"), "A1 A2 A3 B1 B2", Marginal), [0.5, 0.5, 0.0, 1.0, 1.0]);
    assert_eq!(taus(&with_share(5, "A<=2"), "B1 B2 B3 B4 A1", Marginal), [1.0, 1.0, 1.0, 0.5, 0.5]);
    // At least 2 of 5: two of A needed, three others allowed.
    assert_eq!(taus(&with_share(5, "A>=2"), "A1 A2 A3 B1 B2", Marginal), [1.0, 1.0, 0.5, 0.5, 0.5]);
    assert_eq!(taus(&with_share(5, "A>=2"), "B1 B2 B3 B4 A1", Marginal), [0.5, 0.5, 0.5, 0.0, 1.0]);
    // About 2 of 5: two and three are needed, nothing else is allowed.
    assert_eq!(taus(&with_share(5, "A~2"), "A1 B1 A2 A3 B2", Marginal), [1.0, 1.0, 1.0, 0.0, 1.0]);
    assert_eq!(taus(&with_share(5, "A=2"), "B1 B2 B3 B4 A1", Marginal), [1.0, 1.0, 1.0, 0.0, 1.0]);
}

/// From what a breach scores to 1, everything lies where it lay between 0 and 1.
#[test]
fn a_breach_may_cost_what_an_error_costs() {
    let harsh = RewardRules { violation_score: -1.0, alpha: 0.0, ..RewardRules::default() };
    let of = |request: &Request, titles: &str| reward(request, None, titles, &harsh).items;
    assert_eq!(of(&with_share(5, "A<=2"), "A1 A2 A3 B1 B1"), [0.0, 0.0, -1.0, 1.0, -1.0]);
    assert_eq!(of(&with_share(5, "A>=2"), "B1 B2 B3 B4 A1"), [0.0, 0.0, 0.0, -1.0, 1.0]);
    let mild = RewardRules { violation_score: -0.5, shares: ShareRule::Authors, ..harsh.clone() };
    let items = reward(&with_share(5, "A<=2"), None, "A1 A2 B1 B2", &mild).items;
    assert_eq!(items, [0.25, -0.5, 1.0, 1.0]);
    // The list is worth what it was: a breach leaves a gap there.
    let request = with_share(5, "A<=2");
    let lenient = RewardRules { violation_score: 0.0, ..harsh.clone() };
    let list = |rules: &RewardRules| reward(&request, None, "A1 A2 A3 B1 B2", rules).list;
    assert_eq!(list(&harsh), list(&lenient));
}

#[test]
fn a_missed_share_scores_by_how_far() {
    let ours = RewardRules::default;
    let three_of_five = "A1 A2 A3 B1 B2";
    for (share, gap) in [("A<=3", 0), ("A<=1", 2), ("A>=3", 0), ("A>=5", 2), ("A~3", 0), ("A~2", 1), ("A~5", 2)] {
        let request = with_share(5, share);
        let by_hand = 1.0 / f64::from(gap + 1);
        close(&[q(&request, three_of_five, ours()), q(&request, three_of_five, RewardRules::paper())], &[by_hand; 2]);
        let logarithmic = RewardRules { shortfall_fn: ShortfallFn::Logarithmic, ..ours() };
        let linear = RewardRules { shortfall_fn: ShortfallFn::Linear, ..ours() };
        close(&[q(&request, three_of_five, logarithmic)], &[1.0 / f64::from(gap + 2).log2()]);
        close(&[q(&request, three_of_five, linear)], &[1.0 - f64::from(gap) / 5.0]);
    }
    // An empty list has no A; by the authors' rule that is "at most one of them".
    assert_eq!(q(&with_share(5, "A<=1"), "", RewardRules::paper()), 1.0);
    close(&[q(&with_share(5, "A<=1"), "", ours())], &[0.2]);
    // Rounded down as the method does: about half of five are two, and at least half are three.
    assert_eq!(q(&with_share(5, "A~50%"), "A1 A2 B1 B2 B3", ours()), 1.0);
    assert_eq!(q(&with_share(5, "A>=50%"), "A1 A2 B1 B2 B3", ours()), 0.5);
}

#[test]
fn kinds_may_be_conditions_and_conjunctions() {
    let condition = |text: &str| Predicate::parse(text, &letters()).unwrap();
    let both = Request { all_in: vec![A], conditions: vec![condition("year>=2004")], ..asked(2) };
    assert_eq!(taus(&both, "A4 B5 A1", ShareRule::Marginal), [1.0, 0.0, -1.0]);
    assert_eq!(
        taus(&with_share(4, "year>=2004 and category=A >= 1"), "A3 B4 A6", ShareRule::Marginal),
        [0.5, 0.5, 1.0]
    );
    // Two demands at once are averaged: B only (0, 1), at most one after 2004 (½, 0 after it).
    let two = Request { all_in: vec![CategoryId(1)], ..with_share(4, "year>=2004<=1") };
    assert_eq!(taus(&two, "A5 B5 B1", ShareRule::Marginal), [0.25, 0.5, 1.0]);
}

#[test]
fn items_by_name_are_demands_too() {
    let must = Request { mandatory: vec![item("A1"), item("B1")], ..asked(3) };
    assert_eq!(taus(&must, "A1 A2 A3", ShareRule::Marginal), [1.0, 0.5, 0.0]);
    let without = Request { excluded: vec![item("A1")], none_in: vec![CategoryId(1)], ..asked(3) };
    assert_eq!(taus(&without, "A1 A2 B3", ShareRule::Marginal), [0.0, 1.0, 0.0]);
    let among = Request { candidates: Some(vec![item("A1"), item("B1")]), ..asked(3) };
    assert_eq!(taus(&among, "A1 A2 B1", ShareRule::Marginal), [1.0, 0.0, 1.0]);
    close(&[q(&among, "A1 A2 B1", RewardRules::default())], &[1.0]);
}

#[test]
fn weights_scale_and_nothing_asked_earns_nothing() {
    let twice = RewardRules { item_weight: 2.0, list_weight: 100.0, ..RewardRules::default() };
    let found = reward(&asked(1), Some("A1"), "A1", &twice);
    assert_eq!((found.items, found.list), (vec![2.0], 100.0));
    assert_eq!(reward(&asked(0), None, "", &twice).list, 0.0);
}

/// Ranks items backwards: B6 first.
struct Backwards;

impl Scorer for Backwards {
    fn n_items(&self) -> usize {
        12
    }

    fn answer<T: Send>(
        &self,
        histories: &[&[ItemId]],
        answer: impl Fn(usize, &[f32]) -> T + Sync,
    ) -> crate::Result<Vec<T>> {
        let scores: Vec<f32> = (1..=12).map(|item| item as f32).collect();
        Ok((0..histories.len()).map(|at| answer(at, &scores)).collect())
    }
}

#[test]
fn the_teacher_ranks_without_the_history() {
    let request = Request { history: vec![item("B6")], ..asked(3) };
    let list = list(&request, "nope B4 B5");
    let compiled = request.compile(&letters());
    let answer = RewardQuery { request: &compiled, history: &request.history, target: None, list: &list };
    let judged = compute_rewards(&[answer, answer], &Backwards, &letters(), &RewardRules::default()).unwrap();
    close(&judged[1].items, &[-1.0, 0.5, 0.6309]);
    assert_eq!(judged[0], judged[1]);
    assert_eq!(Targets::of(&compiled).targets, []);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let good = RewardRules::default();
    assert!(good.validate().is_ok() && RewardRules::paper().validate().is_ok());
    for (key, rules) in [
        ("reward.alpha", RewardRules { alpha: 1.5, ..good.clone() }),
        ("reward.item_weight", RewardRules { item_weight: f64::NAN, ..good.clone() }),
        ("reward.list_weight", RewardRules { list_weight: -1.0, ..good.clone() }),
        ("reward.penalty", RewardRules { penalty: 0.5, ..good.clone() }),
        ("reward.violation_score", RewardRules { violation_score: -1.5, ..good }),
    ] {
        let error = rules.validate().unwrap_err();
        assert!(error.to_string().starts_with(key) && error.exit_code() == 2, "{error}");
    }
}
