//! Queries of evaluations: the requests of method §4.1.

use std::collections::{BTreeSet, HashMap};

use super::toy::{Toy, examples, films, in_part};
use crate::data::split::{Split, held_out};
use crate::data::{CategoryId, ItemId};
use crate::instruct::{Example, ExampleBuilder, ExampleConfig, ExampleSplit, Preset, QuerySpec};
use crate::recommend::prompt::{self, HELD_OUT_PHRASINGS};
use crate::request::{Amount, Relation};
use crate::task::{EvalTask, PromptWording, Task, TaskFamily};

#[test]
fn queries_ask_about_the_held_out_item_and_have_it_as_their_label() {
    let dataset = films();
    let teacher = Toy { n_items: dataset.catalogue.len() };
    let builder = ExampleBuilder::new(&dataset, &teacher, &[], ExampleConfig::default()).unwrap();
    for split in [Split::Validation, Split::Test] {
        let plain = [Task::Sequential, Task::ItemCount, Task::IncludeCategory, Task::ExcludeCategory].map(EvalTask::of);
        let shares = [EvalTask::with_share(Task::AtMost, 20), EvalTask::with_share(Task::About, 30)];
        for eval_task in plain.into_iter().chain(shares) {
            let task = eval_task.task;
            let users: Vec<usize> = (0..dataset.users.len()).collect();
            let asked = builder.queries(&QuerySpec::new(eval_task, split), &users).unwrap();
            assert_eq!(asked.len(), dataset.users.len());
            for (number, (user, (_, example))) in dataset.users.iter().zip(asked).enumerate() {
                let request = example.request.unwrap();
                let case = held_out(user, split).unwrap().truncated();
                assert_eq!((request.history.as_slice(), example.target), (case.history, Some(case.target)));
                assert_eq!((example.family, example.items), (task.family(), vec![case.target]));
                let of_target = &dataset.catalogue.item(case.target).categories;
                match task {
                    Task::Sequential => assert!(request.k == 10 && !request.has_intention()),
                    Task::ItemCount => assert_eq!(request.k as usize, 11 + number % 5),
                    Task::IncludeCategory => assert_eq!(request.all_in, of_target[of_target.len() - 1..]),
                    Task::ExcludeCategory => {
                        assert!(request.none_in.len() == 1 && !of_target.contains(&request.none_in[0]))
                    }
                    Task::AtMost | Task::AtLeast | Task::About => {
                        let share = &request.shares[0];
                        let is_of_target = share.of.matches(dataset.catalogue.item(case.target));
                        let (relation, percent) = match task {
                            Task::AtMost => (Relation::AtMost, 20.0),
                            _ => (Relation::About, 30.0),
                        };
                        assert_eq!((share.relation, share.amount), (relation, Amount::Percent(percent)));
                        assert_eq!(is_of_target, relation == Relation::About);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

/// The queries to all users, with the users' numbers.
fn ask(question: &QuerySpec) -> Vec<(usize, Example)> {
    let dataset = films();
    let teacher = Toy { n_items: dataset.catalogue.len() };
    let builder = ExampleBuilder::new(&dataset, &teacher, &[], ExampleConfig::default()).unwrap();
    builder.queries(question, &(0..dataset.users.len()).collect::<Vec<_>>()).unwrap()
}

#[test]
fn queries_beyond_the_methods_ask_what_they_say() {
    let dataset = films();
    let catalogue = &dataset.catalogue;
    for task in [Task::Candidates, Task::Condition, Task::Conjunction, Task::Except, Task::Against, Task::Overlap] {
        let asked = ask(&QuerySpec::new(EvalTask::of(task), Split::Test));
        assert!(!asked.is_empty(), "{task:?}");
        for (user, example) in asked {
            let (request, target) = (example.request.unwrap(), example.target.unwrap());
            let is_in = |item: ItemId, category: CategoryId| catalogue.item(item).categories.contains(&category);
            let deepest = catalogue.item(target).categories.last().copied();
            let known = || request.history.iter().chain([&target]);
            assert_eq!(request.k, if task == Task::Candidates { 5 } else { 10 });
            match task {
                Task::Candidates => {
                    let candidates = request.candidates.as_ref().unwrap();
                    assert_eq!((candidates.len(), candidates[user % 10]), (10, target));
                    assert!(!candidates.iter().any(|item| request.history.contains(item)));
                    assert_eq!(candidates.iter().collect::<BTreeSet<_>>().len(), 10);
                }
                Task::Condition | Task::Conjunction => {
                    assert!(request.conditions[0].matches(catalogue.item(target)));
                    assert_eq!(request.all_in.first().copied(), deepest.filter(|_| task == Task::Conjunction));
                }
                Task::Except => {
                    let (kept, left_out) = (request.all_in[0], request.none_in[0]);
                    assert!(Some(kept) == deepest && !is_in(target, left_out));
                    assert!(catalogue.members(kept).iter().any(|&item| is_in(item, left_out)), "they overlap");
                }
                Task::Against => assert!(!known().any(|&item| is_in(item, request.all_in[0]))),
                _ => {
                    assert_eq!(request.shares.len(), 2);
                    let in_both =
                        |item: &ItemId| request.shares.iter().all(|share| share.of.matches(catalogue.item(*item)));
                    assert!(catalogue.ids().any(|item| in_both(&item)));
                }
            }
        }
    }
}

#[test]
fn a_wording_is_what_its_name_says() {
    let catalogue = films().catalogue;
    for task in [Task::IncludeCategory, Task::AtMost] {
        for wording in [PromptWording::HeldOut, PromptWording::Trained, PromptWording::Ambiguous] {
            for (_, example) in ask(&QuerySpec::new(EvalTask { wording, ..EvalTask::of(task) }, Split::Test)) {
                let request = example.request.unwrap();
                let said = |phrasing| prompt::render(&request, &catalogue, phrasing) == example.messages;
                let phrasing = (0..6).find(|&phrasing| said(phrasing)).unwrap();
                assert_eq!(HELD_OUT_PHRASINGS.contains(&phrasing), wording != PromptWording::Trained);
                let tells = prompt::tells_feeling(phrasing);
                assert!(task == Task::IncludeCategory || tells == (wording == PromptWording::Ambiguous));
            }
        }
    }
}

#[test]
fn a_reference_list_decides_what_is_unwanted() {
    let catalogue = films().catalogue;
    // A list that has nothing but one category, for every second user.
    let of_one = |category: u32| catalogue.members(CategoryId(category)).to_vec();
    let references: HashMap<usize, Vec<ItemId>> = (0..40).step_by(2).map(|user| (user, of_one(1))).collect();
    let question =
        QuerySpec { references: Some(&references), ..QuerySpec::new(EvalTask::of(Task::ExcludeCategory), Split::Test) };
    let asked = ask(&question);
    assert_eq!(asked.len(), 20);
    for (user, example) in asked {
        let target = catalogue.item(example.target.unwrap());
        let unwanted = example.request.unwrap().none_in[0];
        assert!(user % 2 == 0 && (unwanted == CategoryId(1)) != target.categories.contains(&CategoryId(1)));
    }
    let unaffected = QuerySpec { task: EvalTask::of(Task::IncludeCategory), ..question };
    assert_eq!(ask(&unaffected).len(), 40);
}

#[test]
fn queries_of_users_who_are_not_there_are_left_out() {
    let dataset = films();
    let teacher = Toy { n_items: dataset.catalogue.len() };
    let builder = ExampleBuilder::new(&dataset, &teacher, &[], ExampleConfig::default()).unwrap();
    assert_eq!(
        builder
            .queries(&QuerySpec::new(EvalTask::of(Task::Sequential), Split::Test), &(38..50).collect::<Vec<_>>())
            .unwrap()
            .len(),
        2
    );
}

/// Sentences of the last turn that are about what is wanted, with the digits and quoted names taken out.
fn wordings(questions: impl Iterator<Item = String>) -> BTreeSet<String> {
    let unnamed = |question: String| {
        let mut outside = true;
        let kept = question.chars().filter(|&c| {
            outside ^= c == '\'';
            outside && !c.is_ascii_digit()
        });
        kept.collect::<String>()
    };
    questions.map(unnamed).flat_map(|q| q.split_terminator(". ").map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn validation_is_worded_as_no_training_example_is() {
    let dataset = films();
    let tasks = [TaskFamily::I1, TaskFamily::I2];
    let last_turn = |example: crate::instruct::Example| example.messages.last().unwrap().content.clone();
    let trained = (0..8).flat_map(|seed| examples(&dataset, &tasks, Preset::Default, seed, 0)).map(last_turn);
    let trained = wordings(trained);
    let settings = ExampleConfig { tasks: tasks.into(), ..ExampleConfig::default() };
    let asked = in_part(&dataset, settings, ExampleSplit::Validation, 0);
    assert_eq!(asked.len(), 2 * dataset.users.len());
    let shared: Vec<String> = wordings(asked.into_iter().map(last_turn)).intersection(&trained).cloned().collect();
    assert!(
        shared
            .iter()
            .all(|part| part.starts_with("I chose these items before") || part.starts_with("Give me a numbered list")),
        "{shared:?}"
    );
}
