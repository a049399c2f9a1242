//! The labels of every example.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use tiller_models::tokenizer::{Tokenizer, TokenizerFiles};

use super::toy::{Toy, examples, films, many_categories, scarce};
use crate::constrain::{Constraints, Grammar};
use crate::data::{Catalogue, Dataset, ItemId};
use crate::instruct::{Example, Preset};
use crate::recommend::answer::{OutputFormat, parse};
use crate::request::Request;
use crate::task::TaskFamily;

const LISTS: [TaskFamily; 4] = [TaskFamily::I0, TaskFamily::I1, TaskFamily::I2, TaskFamily::I3];

fn worlds() -> [Dataset; 3] {
    [films(), many_categories(), scarce()]
}

/// The examples of the default recipe that ask for a list, with their requests.
fn lists(dataset: &Dataset, tasks: &[TaskFamily], seed: u64) -> Vec<(Request, Example)> {
    let examples = examples(dataset, tasks, Preset::Default, seed, 0);
    examples.into_iter().filter_map(|example| Some((example.request.clone()?, example))).collect()
}

fn is_satisfied(request: &Request, items: &[ItemId], catalogue: &Catalogue) -> bool {
    let constraints = Constraints::new(&request.compile(catalogue), catalogue).unwrap();
    let distinct: BTreeSet<_> = items.iter().collect();
    let counters = constraints.counters.iter().all(|counter| {
        let count = items.iter().filter(|&&item| counter.members.contains(item)).count() as u32;
        counter.rule.bound(request.k).missed_by(count) == 0
    });
    items.len() == request.k as usize
        && distinct.len() == items.len()
        && items.iter().all(|&item| constraints.allowed.contains(item))
        && counters
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Decoding's own reading of the request is the judge: it knows nothing of how labels are made.
    #[test]
    fn labels_satisfy_the_request_and_the_prompt_states_their_number(seed: u64) {
        for dataset in worlds() {
            for (request, example) in lists(&dataset, &LISTS, seed) {
                prop_assert!(is_satisfied(&request, &example.items, &dataset.catalogue), "{request:?}: {:?}", example.items);
                let question = &example.messages.last().unwrap().content;
                let stated = match request.k { 1 => "one title.".to_owned(), k => format!("{k} different titles.") };
                prop_assert!(question.contains(&stated), "{question}");
            }
        }
    }

    #[test]
    fn the_target_is_where_the_rule_says(seed: u64) {
        for dataset in worlds() {
            for (request, example) in lists(&dataset, &LISTS, seed) {
                let target = example.target.unwrap();
                prop_assert!(!request.history.contains(&target));
                match example.family {
                    TaskFamily::I0 | TaskFamily::I3 => prop_assert_eq!(example.items[0], target),
                    TaskFamily::I1 => prop_assert!(example.items.iter().skip(1).all(|&item| item != target)),
                    TaskFamily::I2 | TaskFamily::I4 => {}
                }
            }
        }
    }

    /// But for the target, the items of users' lists stand in the teacher's order (method B21), and no better item was left out.
    #[test]
    fn the_teacher_chooses_and_orders(seed: u64) {
        for dataset in worlds() {
            for (request, example) in lists(&dataset, &[TaskFamily::I0, TaskFamily::I1, TaskFamily::I2], seed) {
                let history = request.history.clone();
                let score = |item: ItemId| Toy::score(&history, item);
                let chosen: Vec<_> = example.items.iter().copied().filter(|item| Some(*item) != example.target).collect();
                if example.family != TaskFamily::I2 {
                    prop_assert!(chosen.is_sorted_by(|&a, &b| score(a) > score(b)));
                    let unlimited = Request { candidates: None, ..request };
                    let allowed = Constraints::new(&unlimited.compile(&dataset.catalogue), &dataset.catalogue).unwrap().allowed;
                    let others = allowed.iter().filter(|item| !example.items.contains(item) && Some(*item) != example.target);
                    let best_other = others.map(score).reduce(f32::max);
                    prop_assert!(chosen.last().is_none_or(|&last| best_other.is_none_or(|best| score(last) > best)));
                } else {
                    prop_assert!(example.items.is_sorted_by(|&a, &b| score(a) > score(b)));
                }
            }
        }
    }

    #[test]
    fn candidates_hold_the_labels_and_others_once_each(seed: u64) {
        let dataset = films();
        let lists = lists(&dataset, &[TaskFamily::I0, TaskFamily::I1, TaskFamily::I3], seed);
        let with: Vec<_> = lists.iter().filter_map(|(request, e)| Some((request.candidates.as_ref()?, e))).collect();
        prop_assert!(with.len() * 3 > lists.len() && with.len() * 3 < lists.len() * 2, "half of them");
        for (candidates, example) in with {
            prop_assert!((10..=20).contains(&candidates.len()));
            prop_assert_eq!(candidates.iter().collect::<BTreeSet<_>>().len(), candidates.len());
            prop_assert!(example.items.iter().all(|item| candidates.contains(item)));
        }
    }

    #[test]
    fn answers_parse_back_to_their_titles(seed: u64) {
        for dataset in worlds() {
            let catalogue = &dataset.catalogue;
            for (_, example) in lists(&dataset, &LISTS, seed) {
                let titles: Vec<_> = example.items.iter().map(|&item| catalogue.title(item)).collect();
                prop_assert_eq!(parse(&example.answer, OutputFormat::Strict, catalogue), titles);
            }
        }
    }

    #[test]
    fn the_history_is_a_stretch_of_training_items_that_ends_before_the_target(seed: u64) {
        let dataset = films();
        for (request, example) in lists(&dataset, &[TaskFamily::I0, TaskFamily::I1, TaskFamily::I2], seed) {
            let stretch = [&request.history[..], &[example.target.unwrap()]].concat();
            prop_assert!((2..=11).contains(&stretch.len()));
            let trains = |items: &[ItemId]| items[..items.len() - 2].windows(stretch.len()).any(|part| part == stretch);
            prop_assert!(dataset.users.iter().any(|user| trains(&user.items)));
        }
    }
}

/// Tokenizers of the sorts that Llama-2 and SmolLM2 have, from both forms of file, and one that was learnt from the examples themselves.
fn tokenizers() -> &'static [(String, Tokenizer)] {
    static ALL: LazyLock<Vec<(String, Tokenizer)>> = LazyLock::new(|| {
        let golden = |file: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/tests/golden/tokenizer").join(file);
            (file.to_owned(), Tokenizer::from_path(&path).unwrap())
        };
        let files = ["byte_level.json", "sentence_piece.json", "byte_level.gguf", "sentence_piece.gguf"];
        let folder = tempfile::tempdir().unwrap();
        let texts = lists(&films(), &LISTS, 1).into_iter().map(|(_, example)| example.answer);
        TokenizerFiles::train(texts.collect::<Vec<_>>().iter(), 400).unwrap().write(folder.path()).unwrap();
        let learnt = ("learnt".to_owned(), Tokenizer::from_path(folder.path()).unwrap());
        files.map(golden).into_iter().chain([learnt]).collect()
    });
    &ALL
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// The tokenizer writes the answer as training and constrained decoding do.
    #[test]
    fn answers_survive_the_way_through_tokens(seed: u64) {
        for dataset in worlds() {
            let catalogue = &dataset.catalogue;
            for (name, tokenizer) in tokenizers() {
                let grammar = Grammar::build(catalogue, tokenizer, tokenizer.eos().unwrap()).unwrap();
                for (_, example) in lists(&dataset, &LISTS, seed) {
                    let titles: Vec<_> = example.items.iter().map(|&item| catalogue.title(item)).collect();
                    let plain = tokenizer.encode_plain(&example.answer).unwrap();
                    for ids in [plain, grammar.tokens(&example.items).unwrap()] {
                        let text = tokenizer.decode(&ids, true).unwrap();
                        prop_assert_eq!(parse(&text, OutputFormat::Strict, catalogue), titles.clone(), "{}", name);
                    }
                }
            }
        }
    }
}

/// With enough seeds every category is asked for in every way, so that the properties above are about all of them.
#[test]
fn every_category_is_asked_for_and_against() {
    let dataset = films();
    let catalogue = &dataset.catalogue;
    let (mut wanted, mut unwanted, mut shared) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for seed in 0..20 {
        for (request, _) in lists(&dataset, &[TaskFamily::I1, TaskFamily::I2, TaskFamily::I3], seed) {
            wanted.extend(request.all_in.iter().map(|id| catalogue.categories()[id.index()].clone()));
            unwanted.extend(request.none_in.iter().map(|id| catalogue.categories()[id.index()].clone()));
            shared.extend(request.shares.iter().map(|share| share.of.to_string()));
        }
    }
    let all: BTreeSet<_> = catalogue.categories().iter().cloned().collect();
    assert_eq!(wanted, all);
    assert_eq!(unwanted, all);
    assert!(shared.is_superset(&all));
}
