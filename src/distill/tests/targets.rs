//! The targets of the list teacher: along its own lists, along any list, and behind mistakes.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tiller_models::train::TargetShare;

use crate::constrain::tests::samples::{CUTS, Shop, kinds, random_request, titles};
use crate::constrain::tests::toy::PreTokenizer;
use crate::constrain::{Automaton, FeasibleRequest, GuideWeight, NextTokens, greedy_fill};
use crate::data::rng::SeededRng;
use crate::data::{CategoryId, ItemId};
use crate::distill::answer_logits::AnswerLogits;
use crate::distill::list_teacher::{ListTargets, ListTeacher, PolicyParts, TokenTarget};
use crate::request::{Request, Share};

/// The targets of the teacher alone.
fn targets_of(teacher: &ListTeacher, answer: &[u32]) -> ListTargets {
    teacher.targets(answer, PolicyParts::default())
}

/// The answer of a writer who always takes the likeliest target.
fn written_greedily(teacher: &ListTeacher) -> Vec<u32> {
    let mut answer = Vec::new();
    loop {
        // A token that nobody expects asks for the target in its place.
        let asked = [&answer[..], &[u32::MAX]].concat();
        let ListTargets { tokens, .. } = targets_of(teacher, &asked);
        let Some(target) = tokens.last().filter(|target| target.at == answer.len()) else { return answer };
        let best = target.shares.iter().max_by(|a, b| a.share.total_cmp(&b.share)).unwrap();
        answer.push(best.id);
    }
}

proptest! {
    #[test]
    fn the_likeliest_targets_are_the_list_that_the_scores_alone_fill(
        titles in titles(2..8),
        kinds in kinds(),
        cut in select(CUTS.to_vec()),
        drawn in random_request(4),
        scores in vec(-5i8..5, 8),
    ) {
        let shop = Shop::new(&titles, &kinds, cut);
        let Ok(constraints) = shop.constraints(&drawn.over(&shop.catalogue)) else { return Ok(()) };
        let Ok(feasible) = constraints.prove() else { return Ok(()) };
        // Distinct scores, so that the best title is also where most of the mass is.
        let scores: Vec<f32> = scores.iter().zip(0u8..).map(|(score, at)| f32::from(*score) + f32::from(at) / 16.0).collect();
        let teacher = ListTeacher::new(&shop.grammar, feasible.clone(), &scores, 1e-3);
        let expected = shop.grammar.tokens(&greedy_fill(&scores, &feasible)).unwrap();
        prop_assert_eq!(written_greedily(&teacher), expected.clone());
        prop_assert!(targets_of(&teacher, &expected).is_whole);
    }

    #[test]
    fn the_targets_of_a_list_are_what_constrained_decoding_allows(
        titles in titles(2..8),
        kinds in kinds(),
        cut in select(CUTS.to_vec()),
        drawn in random_request(4),
        choices in vec(any::<Index>(), 20),
    ) {
        let shop = Shop::new(&titles, &kinds, cut);
        let Ok(constraints) = shop.constraints(&drawn.over(&shop.catalogue)) else { return Ok(()) };
        let Ok(feasible) = constraints.prove() else { return Ok(()) };
        let (answer, allowed) = any_list(&shop, &feasible, &choices);
        let ListTargets { tokens, is_whole } =
            targets_of(&ListTeacher::new(&shop.grammar, feasible, &[0.0; 8], 1.0), &answer);
        prop_assert!(is_whole);
        let ids = |target: &TokenTarget| target.shares.iter().map(|target| target.id).collect::<Vec<_>>();
        prop_assert_eq!(tokens.iter().map(ids).collect::<Vec<_>>(), allowed);
        for (at, target) in tokens.iter().enumerate() {
            prop_assert_eq!(target.at, at);
            let sum: f32 = target.shares.iter().map(|target| target.share).sum();
            prop_assert!((sum - 1.0).abs() < 1e-5);
        }
    }
}

proptest! {
    /// (p_teacher^(1−w) · π₀^w + λ · π) / (1 + λ) over what the request allows; the logits of other tokens have no part in it.
    #[test]
    fn policies_have_their_parts_in_the_targets_over_what_is_allowed(
        titles in titles(2..8),
        kinds in kinds(),
        cut in select(CUTS.to_vec()),
        drawn in random_request(4),
        choices in vec(any::<Index>(), 20),
        scores in vec(-2f32..2.0, 8),
        seed in any::<u64>(),
        (guide_weight, constraint_weight) in (select(vec![0.0, 0.3, 1.0]), select(vec![0.0, 0.5, 2.0])),
    ) {
        let shop = Shop::new(&titles, &kinds, cut);
        let Ok(constraints) = shop.constraints(&drawn.over(&shop.catalogue)) else { return Ok(()) };
        let Ok(feasible) = constraints.prove() else { return Ok(()) };
        let (answer, _) = any_list(&shop, &feasible, &choices);
        let [reference, own] = [0, 1].map(|stream| any_logits(&shop, answer.len(), SeededRng::new(seed, stream)));
        let teacher = ListTeacher::new(&shop.grammar, feasible, &scores, 1.0);
        let parts = PolicyParts {
            reference: Some((&reference, GuideWeight::try_from(guide_weight).unwrap())),
            own: Some((&own, constraint_weight)),
        };
        for (alone, found) in targets_of(&teacher, &answer).tokens.iter().zip(teacher.targets(&answer, parts).tokens) {
            let normalised = |mass: &dyn Fn(&TargetShare) -> f64| {
                let total: f64 = alone.shares.iter().map(mass).sum();
                alone.shares.iter().map(|share| mass(share) / total).collect::<Vec<_>>()
            };
            let guided = normalised(&|of: &TargetShare| {
                f64::from(of.share).powf(1.0 - guide_weight) * (guide_weight * reference.of(alone.at, of.id)).exp()
            });
            let own = normalised(&|of: &TargetShare| own.of(alone.at, of.id).exp());
            prop_assert_eq!((found.at, found.shares.len()), (alone.at, alone.shares.len()));
            for (i, share) in found.shares.iter().enumerate() {
                prop_assert_eq!(share.id, alone.shares[i].id);
                let expected = (guided[i] + constraint_weight * own[i]) / (1.0 + constraint_weight);
                prop_assert!((f64::from(share.share) - expected).abs() < 1e-4);
            }
        }
    }
}

/// Random logits of all tokens that lists have.
fn any_logits(shop: &Shop, tokens: usize, mut rng: SeededRng) -> AnswerLogits {
    let all = shop.grammar.tokens(&shop.catalogue.ids().collect::<Vec<_>>()).unwrap();
    let vocab = 1 + all.into_iter().chain([shop.grammar.end()]).max().unwrap() as usize;
    AnswerLogits::new((0..tokens * vocab).map(|_| rng.below(4096) as f32 / 1024.0).collect(), vocab)
}

/// A list that the automaton allows, and the tokens that it allowed at each place.
fn any_list(shop: &Shop, feasible: &FeasibleRequest, choices: &[Index]) -> (Vec<u32>, Vec<Vec<u32>>) {
    let mut automaton = Automaton::new(&shop.grammar, feasible).unwrap();
    let (mut answer, mut allowed) = (Vec::new(), Vec::new());
    let mut choices = choices.iter();
    loop {
        let tokens = match automaton.allowed() {
            NextTokens::Done => return (answer, allowed),
            NextTokens::Forced(run) => vec![run[0]],
            NextTokens::Choice(tokens) => tokens.to_vec(),
        };
        let token = if tokens.len() == 1 { tokens[0] } else { tokens[choices.next().unwrap().index(tokens.len())] };
        automaton.advance(token).unwrap();
        answer.push(token);
        allowed.push(tokens);
    }
}

/// Four titles whose first tokens differ, of which the first two are of the only category.
fn shop() -> Shop {
    let titles = ["Amélie", "Heat", "Ran", "Up"].map(str::to_owned).into();
    Shop::new(&titles, &[(1, 0), (1, 0), (0, 0), (0, 0)], PreTokenizer::Words)
}

fn teacher<'a>(shop: &'a Shop, request: &Request) -> ListTeacher<'a> {
    let feasible = shop.constraints(request).unwrap().prove().unwrap();
    ListTeacher::new(&shop.grammar, feasible, &[1.0, 0.5, 0.25, 0.0], 1.0)
}

/// The first token of each title's own part of a line.
fn first_tokens(shop: &Shop) -> BTreeMap<u32, ItemId> {
    shop.catalogue.ids().map(|item| (shop.grammar.titles().tokens(item).unwrap()[0], item)).collect()
}

/// The items that each choice of an answer was among.
fn choices(shop: &Shop, targets: &ListTargets) -> Vec<Vec<u32>> {
    let firsts = first_tokens(shop);
    let items = |target: &TokenTarget| target.shares.iter().map(|target| firsts[&target.id].0).collect();
    let mut found: Vec<Vec<u32>> = targets.tokens.iter().filter(|target| target.is_choice).map(items).collect();
    found.iter_mut().for_each(|items| items.sort_unstable());
    found
}

#[test]
fn a_repeated_title_takes_a_line_and_the_teacher_goes_on_behind_it() {
    let shop = shop();
    let request = Request { k: 3, history: vec![ItemId(4)], ..Request::default() };
    let teacher = teacher(&shop, &request);
    let answer = shop.grammar.tokens(&[1, 1, 2].map(ItemId)).unwrap();
    let targets = targets_of(&teacher, &answer);
    assert!(targets.is_whole);
    assert_eq!(choices(&shop, &targets), [vec![1, 2, 3], vec![2, 3], vec![2, 3]]);
    // Of a title that is not allowed, the rest has no target; all other tokens have one.
    let rest = shop.grammar.titles().tokens(ItemId(1)).unwrap().len() - 1;
    assert!(rest > 0);
    assert_eq!(targets.tokens.len(), answer.len() - rest);
    // The first choice has the teacher's own probabilities.
    let first = targets.tokens.iter().find(|target| target.is_choice).unwrap();
    let total: f32 = [1.0f32, 0.5, 0.25].map(f32::exp).iter().sum();
    let best = first.shares.iter().map(|target| target.share).fold(0.0, f32::max);
    assert!((best - 1f32.exp() / total).abs() < 1e-6);
}

#[test]
fn a_teacher_without_a_part_may_be_as_sharp_as_it_likes() {
    let shop = shop();
    let feasible = shop.constraints(&Request { k: 2, ..Request::default() }).unwrap().prove().unwrap();
    // Of three titles the mass beside the best one's is less than the least f64.
    let teacher = ListTeacher::new(&shop.grammar, feasible, &[9.0, 0.5, 0.25, 0.0], 1e-3);
    let answer = shop.grammar.tokens(&[1, 2].map(ItemId)).unwrap();
    let logits = any_logits(&shop, answer.len(), SeededRng::new(7, 0));
    let parts = PolicyParts { reference: Some((&logits, GuideWeight::MODEL_ALONE)), own: None };
    for target in teacher.targets(&answer, parts).tokens.iter().filter(|target| target.is_choice) {
        let mass = |share: &TargetShare| logits.of(target.at, share.id).exp();
        let total: f64 = target.shares.iter().map(mass).sum();
        assert!(target.shares.len() >= 3);
        for share in &target.shares {
            assert!((f64::from(share.share) - mass(share) / total).abs() < 1e-6, "{target:?}");
        }
    }
}

#[test]
fn counters_are_kept_behind_mistakes_until_they_cannot_be_met() {
    let shop = shop();
    let share = |text: &str| vec![Share::parse(text, &shop.catalogue).unwrap()];
    // One of two has to be in C0: behind one that is not, only those are left, and a repetition ends it.
    let request = Request { k: 2, shares: share("C0>=1"), ..Request::default() };
    let of = |items: &[u32]| {
        let answer = shop.grammar.tokens(&items.iter().map(|&item| ItemId(item)).collect::<Vec<_>>()).unwrap();
        targets_of(&teacher(&shop, &request), &answer)
    };
    let targets = of(&[3, 2]);
    assert!(targets.is_whole);
    assert_eq!(choices(&shop, &targets), [vec![1, 2, 3, 4], vec![1, 2]]);
    assert!(!of(&[3, 3]).is_whole);
    // What is not allowed at all wastes a line; none of two is left for C0 = 2.
    let strict = Request { k: 2, none_in: vec![CategoryId(0)], ..Request::default() };
    let answer = shop.grammar.tokens(&[1, 3].map(ItemId)).unwrap();
    assert_eq!(choices(&shop, &targets_of(&teacher(&shop, &strict), &answer)), [vec![3, 4], vec![3, 4]]);
}

#[test]
fn what_is_no_list_ends_the_sample_with_the_token_that_should_have_stood_there() {
    let shop = shop();
    let teacher = teacher(&shop, &Request { k: 2, ..Request::default() });
    let whole = shop.grammar.tokens(&[1, 2].map(ItemId)).unwrap();
    let second = shop.grammar.line_start(0).len() + shop.grammar.titles().tokens(ItemId(1)).unwrap().len();
    for (at, expected) in [(0, whole[0]), (second, whole[second]), (whole.len() - 1, shop.grammar.end())] {
        let mut answer = whole.clone();
        answer[at] = u32::MAX;
        let ListTargets { tokens, is_whole } = targets_of(&teacher, &answer);
        let last = tokens.last().unwrap();
        assert_eq!((last.at, last.shares[0].id, last.is_choice), (at, expected, false));
        assert_eq!(is_whole, at == whole.len() - 1 && answer[at] == expected);
    }
    // A title that the catalogue does not have: the choice has its target, what follows has none.
    let mut answer = whole.clone();
    answer[shop.grammar.line_start(0).len()] = u32::MAX;
    let targets = targets_of(&teacher, &answer);
    assert_eq!((targets.tokens.len(), targets.is_whole), (shop.grammar.line_start(0).len() + 1, false));
    assert!(targets.tokens.last().unwrap().is_choice);
    // An answer that was cut off has the targets of what there is.
    let cut = targets_of(&teacher, &whole[..2]);
    assert_eq!((cut.tokens.len(), cut.is_whole), (2, false));
    assert!(targets_of(&teacher, &[]).example(&[1], &[], 0.1).is_none());
}

#[test]
fn an_example_weighs_choices_and_forced_tokens_and_knows_the_entropy_of_its_targets() {
    let shop = shop();
    let teacher = teacher(&shop, &Request { k: 1, ..Request::default() });
    let answer = shop.grammar.tokens(&[ItemId(2)]).unwrap();
    let targets = targets_of(&teacher, &answer);
    let choice = targets.tokens.iter().find(|target| target.is_choice).unwrap().clone();
    let (forced, count) = (0.25, targets.tokens.len());
    let (example, entropy) = targets.example(&[7, 8, 9], &answer, forced).unwrap();
    let total = 1.0 + forced * (count - 1) as f64;
    assert_eq!(example.tokens[3..], answer);
    for &(position, weight) in &example.weights {
        let expected = if position == 3 + choice.at { 1.0 } else { forced } / total;
        assert!((f64::from(weight) - expected).abs() < 1e-6);
    }
    let of_choice: f64 = choice.shares.iter().map(|t| f64::from(t.share)).map(|q| -q * q.ln()).sum();
    assert!((entropy - of_choice / total).abs() < 1e-9);
    assert_eq!(example.soft[&(3 + choice.at)], choice.shares);
}
