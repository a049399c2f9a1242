//! Hand-made cases: the longest and the shortest list, a large catalogue, and what refusals say.

use std::collections::BTreeSet;

use tiller_models::tokenizer::Tokenizer;

use super::samples::Shop;
use super::toy::{PreTokenizer, ToyTokenizer};
use crate::constrain::automaton::Automaton;
use crate::constrain::grammar::{Grammar, LONGEST_LIST, TitleTokenizer, list_text};
use crate::constrain::masked::Pace;
use crate::data::{Catalogue, CategoryId, Item, ItemId};
use crate::request::{Predicate, Request, Share};
use crate::{Error, Result};

fn catalogue(titles: &[&str]) -> Catalogue {
    let item = |title: &&str| Item {
        key: title.to_string(),
        title: title.to_string(),
        categories: Vec::new(),
        attributes: Vec::new(),
    };
    Catalogue::new(titles.iter().map(item).collect(), Vec::new(), Vec::new())
}

#[test]
fn the_longest_list_and_no_longer() {
    let titles: BTreeSet<String> = (0..=LONGEST_LIST).map(|n| format!("Film {n}")).collect();
    let shop = Shop::new(&titles, &[(1, 0)], PreTokenizer::Words);
    let request = |k: usize| {
        let request = Request { k: k as u32, ..Request::default() };
        shop.constraints(&request).unwrap().prove().unwrap()
    };
    let list = shop.decode(&request(LONGEST_LIST), Pace::Jump, 7, None);
    assert_eq!(shop.toy.decode(&list.tokens[..list.tokens.len() - 1]).unwrap().lines().count(), LONGEST_LIST);
    assert!(Automaton::new(&shop.grammar, &request(LONGEST_LIST + 1)).is_err());
}

#[test]
fn one_item_is_written_without_a_single_choice() {
    let shop = Shop::new(&BTreeSet::from(["Amélie (2001)".to_owned()]), &[(1, 0)], PreTokenizer::Words);
    let request = shop.constraints(&Request { k: 1, ..Request::default() }).unwrap().prove().unwrap();
    let list = shop.decode(&request, Pace::Jump, 7, None);
    assert_eq!((list.statistics.steps, list.items), (0, vec![ItemId(1)]));
    assert_eq!(list.statistics.forced, list.tokens.len());
}

#[test]
fn refusals_say_what_is_left_and_what_would_work() {
    let titles: BTreeSet<String> = (0..6).map(|n| format!("Film {n}")).collect();
    // Films 0, 2 and 4 are C0; the others are C1.
    let shop = Shop::new(&titles, &[(1, 0), (2, 1)], PreTokenizer::Words);
    let share = |text: &str| Share::parse(text, &shop.catalogue).unwrap();
    let told = |request: Request| match shop.constraints(&request) {
        Ok(constraints) => Error::from(constraints.prove().unwrap_err()).to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        told(Request { k: 6, history: vec![ItemId(1)], ..Request::default() }),
        "the request: expected a list of 6 items, found 6 in the catalogue, 5 not in the history\n  next: ask for -k 5"
    );
    assert_eq!(
        told(Request { k: 5, shares: vec![share("C0<=20%")], ..Request::default() }),
        "the request: expected a list of 5 items with at most 20% C0, found 6 in the catalogue, no list that meets all shares\n  \
         next: ask for -k 3, or ask for at most 2 of C0"
    );
    assert_eq!(
        told(Request {
            k: 2,
            conditions: vec![Predicate::parse("year>=2001 and category=C0", &shop.catalogue).unwrap()],
            ..Request::default()
        }),
        "the request: expected a list of 2 items, found 6 in the catalogue, 0 year>=2001 and category=C0\n  next: drop one of the rules"
    );
    assert_eq!(
        told(Request { k: 2, mandatory: vec![ItemId(2)], all_in: vec![CategoryId(0)], ..Request::default() }),
        "the request: expected every mandatory item in C0, found \"Film 1\", which is not\n  next: drop the item or the rule"
    );
    assert!(told(Request::default()).contains("at least 1 item"));
}

#[test]
fn titles_that_cannot_be_written_are_named() {
    let toy = ToyTokenizer::train(PreTokenizer::Words, "", 0);
    /// A tokenizer that knows no capital letters.
    struct Small(ToyTokenizer);
    impl TitleTokenizer for Small {
        fn encode(&self, text: &str) -> Result<Vec<u32>> {
            self.0.encode(&text.to_lowercase())
        }
        fn decode(&self, tokens: &[u32]) -> Result<String> {
            self.0.decode(tokens)
        }
    }
    /// One that cannot even see them when it decodes.
    struct Blind(ToyTokenizer);
    impl TitleTokenizer for Blind {
        fn encode(&self, text: &str) -> Result<Vec<u32>> {
            self.0.encode(&text.replace('B', "A"))
        }
        fn decode(&self, tokens: &[u32]) -> Result<String> {
            if tokens.contains(&u32::from(b'A')) { Ok("1. B\n".into()) } else { self.0.decode(tokens) }
        }
    }
    let told = |titles: &[&str], tokenizer: &dyn TitleTokenizer| {
        Grammar::build(&catalogue(titles), tokenizer, 0).unwrap_err().to_string()
    };
    assert!(told(&[], &toy).contains("items to recommend"));
    assert!(told(&["two\nlines"], &toy).contains("a line break"));
    assert!(
        told(&["small", "Large"], &Small(ToyTokenizer::train(PreTokenizer::Words, "", 0)))
            .contains("the title \"Large\"")
    );
    assert!(
        told(&["x", "B", "B"], &Blind(ToyTokenizer::train(PreTokenizer::Words, "", 0)))
            .contains("\"B\" (item B) and \"B\" (item B)")
    );
}

#[test]
fn model_tokenizers_write_lists_as_they_read_them() {
    let titles = [
        "Amélie",
        "Amélie (2001)",
        "The Matrix (1999)",
        "Se7en!",
        "...",
        "'Til",
        "<|im_end|>",
        "七人の侍",
        "a  b",
        "100%",
    ];
    let catalogue = catalogue(&titles);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/tests/golden/tokenizer");
    for file in ["byte_level.json", "byte_level.gguf", "sentence_piece.json", "sentence_piece.gguf"] {
        let tokenizer = Tokenizer::from_path(&folder.join(file)).unwrap();
        let grammar = Grammar::build(&catalogue, &tokenizer, tokenizer.eos().unwrap()).unwrap();
        let list: Vec<ItemId> = catalogue.ids().collect();
        let tokens = grammar.tokens(&list).unwrap();
        let (end, tokens) = tokens.split_last().unwrap();
        assert_eq!(Some(*end), tokenizer.eos(), "{file}");
        assert_eq!(tokenizer.decode(tokens, false).unwrap(), list_text(titles), "{file}");
        assert_eq!(tokens, tokenizer.encode_plain(&list_text(titles)).unwrap(), "{file}");
    }
}
