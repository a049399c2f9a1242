//! Random shops, requests and models for the tests.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::toy::{PreTokenizer, ToyTokenizer};
use crate::Result;
use crate::constrain::automaton::Automaton;
use crate::constrain::constraints::Constraints;
use crate::constrain::feasible::FeasibleRequest;
use crate::constrain::grammar::{Grammar, list_text};
use crate::constrain::masked::{Decoded, Pace, Picker, decode};
use crate::data::{Catalogue, CategoryId, Item, ItemId};
use crate::request::{Predicate, Request, Share};

pub const CATEGORIES: u32 = 3;
pub const CUTS: [PreTokenizer; 4] =
    [PreTokenizer::Words, PreTokenizer::WordsAndBreaks, PreTokenizer::Sentence, PreTokenizer::Nothing];

/// A catalogue with its tokenizer and its grammar.
pub struct Shop {
    pub catalogue: Catalogue,
    pub toy: ToyTokenizer,
    pub grammar: Grammar,
}

impl Shop {
    pub fn new(titles: &BTreeSet<String>, kinds: &[(u8, u8)], cut: PreTokenizer) -> Self {
        let item = |(at, title): (usize, &String)| {
            let (categories, year) = kinds[at % kinds.len()];
            Item {
                key: format!("k{at}"),
                title: title.clone(),
                categories: (0..CATEGORIES).filter(|c| categories >> c & 1 == 1).map(CategoryId).collect(),
                attributes: vec![(2000 + u32::from(year)).to_string()],
            }
        };
        let items: Vec<Item> = titles.iter().enumerate().map(item).collect();
        let categories = (0..CATEGORIES).map(|c| format!("C{c}")).collect();
        let corpus = list_text(titles.iter().map(String::as_str).chain(["The Matrix (1999)", "Se7en!"]));
        let toy = ToyTokenizer::train(cut, &corpus, 60);
        let catalogue = Catalogue::new(items, categories, vec!["year".into()]);
        let grammar = Grammar::build(&catalogue, &toy, toy.vocabulary() as u32).unwrap();
        Self { catalogue, toy, grammar }
    }

    /// A model without sense: its logits depend on the last few tokens of the context and a seed.
    pub fn logits(&self, seed: u64) -> impl Fn(&[u32]) -> Vec<f32> + use<'_> {
        move |context| {
            let recent =
                context.iter().rev().take(3).fold(seed, |hash, &token| hash.rotate_left(13) ^ u64::from(token));
            let mut rng = ChaCha8Rng::seed_from_u64(recent);
            (0..=self.toy.vocabulary()).map(|_| rng.random_range(-6.0..6.0)).collect()
        }
    }

    /// The constraints of a request over the catalogue.
    pub fn constraints(&self, request: &Request) -> Result<Constraints> {
        Constraints::new(&request.compile(&self.catalogue), &self.catalogue)
    }

    pub fn decode(&self, request: &FeasibleRequest, pace: Pace, seed: u64, temperature: Option<f32>) -> Decoded {
        let automaton = Automaton::new(&self.grammar, request).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let picker = match temperature {
            None => Picker::Greedy,
            Some(temperature) => Picker::Sample { temperature, rng: &mut rng },
        };
        decode(automaton, &[1, 2, 3], pace, None, picker, self.logits(seed)).unwrap()
    }
}

/// Titles with shared beginnings, some of them beginnings of others, in several scripts.
pub fn titles(number: std::ops::Range<usize>) -> impl Strategy<Value = BTreeSet<String>> {
    let word = select(vec!["The", "Matrix", "1.", "2", "Amélie", "七人", "!", "(1999)", "and", "'s", "é"]);
    btree_set(vec(word, 1..4).prop_map(|words| words.join(" ")), number)
}

pub fn kinds() -> impl Strategy<Value = Vec<(u8, u8)>> {
    vec((0u8..1 << CATEGORIES, 0u8..4), 8)
}

/// A random request over a catalogue that is not known yet.
#[derive(Debug, Clone)]
pub struct RandomRequest {
    k: u32,
    history: Vec<Index>,
    excluded: Vec<Index>,
    mandatory: Vec<Index>,
    candidates: Option<Vec<Index>>,
    all_in: Option<u32>,
    none_in: Option<u32>,
    condition: Option<&'static str>,
    shares: Vec<String>,
}

impl RandomRequest {
    pub fn over(&self, catalogue: &Catalogue) -> Request {
        let pick = |items: &[Index]| -> Vec<ItemId> {
            items.iter().map(|index| ItemId(index.index(catalogue.len()) as u32 + 1)).collect()
        };
        Request {
            k: self.k,
            history: pick(&self.history),
            excluded: pick(&self.excluded),
            mandatory: pick(&self.mandatory),
            candidates: self.candidates.as_deref().map(pick),
            all_in: self.all_in.into_iter().map(CategoryId).collect(),
            none_in: self.none_in.into_iter().map(CategoryId).collect(),
            conditions: self.condition.iter().map(|text| Predicate::parse(text, catalogue).unwrap()).collect(),
            shares: self.shares.iter().map(|text| Share::parse(text, catalogue).unwrap()).collect(),
        }
    }
}

prop_compose! {
    pub fn random_request(longest: u32)(
        k in 1..=longest,
        history in vec(any::<Index>(), 0..3),
        excluded in vec(any::<Index>(), 0..2),
        mandatory in vec(any::<Index>(), 0..2),
        candidates in weighted(0.2, vec(any::<Index>(), 3..8)),
        all_in in weighted(0.2, 0..CATEGORIES),
        none_in in weighted(0.2, 0..CATEGORIES),
        condition in weighted(0.2, select(vec!["year>=2001", "year<2003 and category!=C1"])),
        shares in vec(share(), 0..4),
    ) -> RandomRequest {
        RandomRequest { k, history, excluded, mandatory, candidates, all_in, none_in, condition, shares }
    }
}

/// A share such as "C1<=30%" or "year>=2002~2".
fn share() -> impl Strategy<Value = String> {
    let kind = select(vec!["C0", "C1", "C2", "year>=2002"]);
    let relation = select(vec!["<=", ">=", "=", "~"]);
    let amount = prop_oneof![(0u32..4).prop_map(|count| count.to_string()), (0u32..=100).prop_map(|p| format!("{p}%"))];
    (kind, relation, amount).prop_map(|(kind, relation, amount)| format!("{kind}{relation}{amount}"))
}
