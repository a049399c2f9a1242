//! The promises over 50,000 titles that share their words and often their beginnings.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::guarantees::satisfies;
use super::samples::{Shop, random_request};
use super::toy::PreTokenizer;
use crate::constrain::automaton::Automaton;
use crate::constrain::draft::predict_choices;
use crate::constrain::masked::Pace;
use crate::constrain::{LeafScores, greedy_fill};
use crate::request::Request;

const ITEMS: usize = 50_000;

/// Made once for all tests.
static LARGE: LazyLock<Shop> = LazyLock::new(|| {
    let words = ["Dark", "Nacht", "of", "the", "Living", "Retour", "城", "Love", "Война", "Star"];
    let title =
        |n: usize| format!("{} {} {} {n} ({})", words[n % 10], words[n / 10 % 10], words[n / 100 % 10], 1950 + n % 70);
    let titles: BTreeSet<String> = (0..ITEMS).map(title).collect();
    Shop::new(&titles, &[(1, 0), (2, 1), (5, 2), (0, 3), (7, 1)], PreTokenizer::Words)
});

#[test]
fn the_trie_stays_small() {
    let trie = LARGE.grammar.titles();
    assert_eq!(trie.leaves(), ITEMS);
    let bytes: usize = trie.arrays().iter().map(|array| size_of_val(*array)).sum();
    assert!(bytes < ITEMS * 200, "{} bytes per title", bytes / ITEMS);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn lists_satisfy_their_requests_and_a_refused_one_has_a_feasible_neighbour(drawn in random_request(30), seed: u64) {
        let Shop { catalogue, grammar, .. } = &*LARGE;
        let request = drawn.over(catalogue);
        let Ok(constraints) = LARGE.constraints(&request) else { return Ok(()) };
        match constraints.prove() {
            Ok(feasible) => {
                let [jump, step] = [Pace::Jump, Pace::Step].map(|pace| LARGE.decode(&feasible, pace, seed, None));
                prop_assert!(satisfies(&request, catalogue, &jump.items));
                prop_assert_eq!(&jump.tokens, &grammar.tokens(&jump.items).unwrap());
                prop_assert_eq!((&jump.tokens, &jump.items), (&step.tokens, &step.items));
            }
            Err(no) => {
                let left = no.narrowing.last().map_or(0, |step| step.left);
                prop_assert_eq!(left > 0, no.other_k.is_some() || no.relaxed.is_some());
                if let Some(k) = no.other_k {
                    let nearest = Request { k, ..request };
                    let list = LARGE.decode(&LARGE.constraints(&nearest).unwrap().prove().unwrap(), Pace::Jump, seed, None);
                    prop_assert!(satisfies(&nearest, catalogue, &list.items));
                }
            }
        }
    }

    #[test]
    fn a_draft_of_a_whole_list_is_the_list_that_the_scores_fill(drawn in random_request(30), seed: u64) {
        let Shop { catalogue, grammar, .. } = &*LARGE;
        let Ok(constraints) = LARGE.constraints(&drawn.over(catalogue)) else { return Ok(()) };
        let Ok(feasible) = constraints.prove() else { return Ok(()) };
        let mut automaton = Automaton::new(grammar, &feasible).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut scores: Vec<f32> = (0..ITEMS).map(|rank| rank as f32).collect();
        scores.shuffle(&mut rng);
        let list = greedy_fill(&scores, &feasible);
        let tokens = grammar.tokens(&list).unwrap();
        let of_leaf = LeafScores::new(&scores, grammar).unwrap();

        // What has no alternative comes first, and after any number of the list's own choices the draft is the rest of it.
        let choices = rng.random_range(0..4);
        let mut taken = 0;
        let mut made = 0;
        while let Some(&token) = tokens.get(taken) {
            if matches!(automaton.allowed(), crate::constrain::NextTokens::Choice(_)) {
                if made == choices {
                    break;
                }
                made += 1;
            }
            automaton.advance(token).unwrap();
            taken += 1;
        }
        let draft: Vec<u32> = predict_choices(automaton, &of_leaf, None, usize::MAX).into_iter().flat_map(|draft_tokens| draft_tokens.tokens).collect();
        prop_assert_eq!(draft, &tokens[taken..]);
    }
}
