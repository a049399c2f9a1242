//! Teacher-guided decoding: from the teacher's list to the model's, and every list between satisfies its request.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tiller_models::generate::Sampling;

use super::guarantees::satisfies;
use super::guided::{guided, logits, prompt, prove, random_llama};
use super::samples::{CUTS, Shop, kinds, random_request, titles};
use crate::constrain::masked::{Pace, Picker, decode};
use crate::constrain::{
    Automaton, DraftModel, FeasibleRequest, GuideWeight, LeafScores, ListConstraint, Mode, TeacherGuide, greedy_fill,
};
use crate::request::Request;

const RANDOM: Sampling = Sampling::Random { temperature: 1.5, top_k: 0, top_p: 1.0 };

fn weight(weight: f64) -> GuideWeight {
    GuideWeight::try_from(weight).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_weight_leads_from_the_teachers_list_to_the_models(
        titles in titles(3..8),
        kinds in kinds(),
        cut in select(CUTS.to_vec()),
        drawn in vec(random_request(4), 6),
        scores in vec(-3f32..3.0, 8),
        seed: u64,
    ) {
        let shop = Shop::new(&titles, &kinds, cut);
        let model = random_llama(shop.toy.vocabulary() + 1, seed);
        let requests: Vec<(Request, FeasibleRequest)> = drawn
            .iter()
            .map(|request| request.over(&shop.catalogue))
            .filter_map(|request| Some((request.clone(), prove(Mode::Strict, &request, &shop).ok()??)))
            .collect();
        let feasible: Vec<FeasibleRequest> = requests.iter().map(|(_, feasible)| feasible.clone()).collect();
        let leaf_scores = LeafScores::new(&scores, &shop.grammar).unwrap();
        for sampling in [Sampling::Greedy, RANDOM] {
            let by = |w: f64, change: &dyn Fn(ListConstraint<'_>) -> ListConstraint<'_>| {
                let guide = TeacherGuide::new(leaf_scores.clone(), weight(w), sampling);
                let (lists, _) = guided(&shop, &model, &feasible, &[], sampling, |list| change(list.guided_by(guide.clone())));
                lists
            };
            let (alone, _) = guided(&shop, &model, &feasible, &[], sampling, |list| list);
            prop_assert_eq!(by(1.0, &|list| list), alone, "w = 1 is the model alone");
            for w in [0.0, 0.3, 0.7] {
                let lists = by(w, &|list| list);
                prop_assert_eq!(&by(w, &|list| list.without_logprobs()), &lists);
                let draft_model = DraftModel::new(leaf_scores.clone());
                let drafted = by(w, &|list| list.drafting(draft_model.clone()).without_logprobs());
                prop_assert_eq!(&drafted, &lists, "drafts change nothing");
                for (row, ((request, feasible), tokens)) in requests.iter().zip(&lists).enumerate() {
                    let mut automaton = Automaton::new(&shop.grammar, feasible).unwrap();
                    tokens.iter().for_each(|&token| automaton.advance(token).unwrap());
                    prop_assert!(automaton.is_done() && satisfies(request, &shop.catalogue, automaton.items()));
                    if sampling != Sampling::Greedy {
                        continue;
                    }
                    let guide = TeacherGuide::new(leaf_scores.clone(), weight(w), sampling);
                    for pace in [Pace::Jump, Pace::Step] {
                        let automaton = Automaton::new(&shop.grammar, feasible).unwrap();
                        let greedy = Picker::<ChaCha8Rng>::Greedy;
                        let logits = |context: &[u32]| logits(&model, context);
                        let reference = decode(automaton, &prompt(row), pace, Some(&guide), greedy, logits).unwrap();
                        prop_assert_eq!(tokens, &reference.tokens);
                    }
                    if w == 0.0 {
                        prop_assert_eq!(automaton.items(), greedy_fill(&scores, feasible), "w = 0 is the teacher alone");
                    }
                }
            }
        }
    }
}

#[test]
fn without_the_model_a_title_is_sampled_with_the_teachers_probability() {
    let titles: BTreeSet<String> = ["The Matrix", "The Thing", "The", "Heat", "Ran"].map(str::to_owned).into();
    let shop = Shop::new(&titles, &[(1, 0), (2, 0)], CUTS[0]);
    let request = Request { k: 1, excluded: vec![shop.catalogue.by_title("Ran").unwrap()], ..Request::default() };
    let feasible = prove(Mode::Strict, &request, &shop).unwrap().unwrap();
    let scores = [0.4f32, -0.3, 1.1, 0.0, 0.7];
    let temperature = 0.8;
    let sampling = Sampling::Random { temperature, top_k: 0, top_p: 1.0 };
    let guide = TeacherGuide::new(LeafScores::new(&scores, &shop.grammar).unwrap(), weight(0.0), sampling);
    let draws = 20_000;
    let mut counts = [0; 5];
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..draws {
        let automaton = Automaton::new(&shop.grammar, &feasible).unwrap();
        let picker = Picker::Sample { temperature, rng: &mut rng };
        let logits = vec![2.0; shop.toy.vocabulary() + 1];
        let list = decode(automaton, &[1], Pace::Jump, Some(&guide), picker, |_| logits.clone()).unwrap();
        counts[list.items[0].index() - 1] += 1;
    }
    let weights = shop.catalogue.ids().map(|item| match request.excluded.contains(&item) {
        true => 0.0,
        false => f64::from(scores[item.index() - 1] / temperature).exp(),
    });
    let weights: Vec<f64> = weights.collect();
    let total: f64 = weights.iter().sum();
    for (count, weight) in counts.into_iter().zip(weights) {
        let (found, expected) = (f64::from(count) / f64::from(draws), weight / total);
        assert!((found - expected).abs() < 0.015, "{found}, expected {expected}");
    }
}
