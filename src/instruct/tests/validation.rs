//! Probes: the requests of the method's §4.1.

use std::collections::BTreeSet;

use super::toy::{Toy, examples, films, in_part};
use crate::data::split::{Split, case};
use crate::instruct::{Instructor, Part, Probe, Recipe, Settings, Task};
use crate::request::{Amount, Relation};

#[test]
fn probes_ask_about_the_held_out_item_and_have_it_as_their_label() {
    let dataset = films();
    let teacher = Toy { n_items: dataset.catalogue.len() };
    let instructor = Instructor::new(&dataset, &teacher, &[], Settings::default()).unwrap();
    for split in [Split::Validation, Split::Test] {
        for probe in
            [Probe::Sequential, Probe::ItemCount, Probe::More, Probe::Less, Probe::AtMost(20), Probe::About(30)]
        {
            let asked = instructor.probe(probe, split, 0..dataset.users.len()).unwrap();
            assert_eq!(asked.len(), dataset.users.len());
            for (number, (user, example)) in dataset.users.iter().zip(asked).enumerate() {
                let request = example.request.unwrap();
                let case = case(user, split).unwrap();
                assert_eq!((request.history.as_slice(), example.target), (case.history, Some(case.target)));
                assert_eq!((example.task, example.items), (probe.task(), vec![case.target]));
                let of_target = &dataset.catalogue.item(case.target).categories;
                match probe {
                    Probe::Sequential => assert!(request.k == 10 && !request.has_intention()),
                    Probe::ItemCount => assert_eq!(request.k as usize, 11 + number % 5),
                    Probe::More => assert_eq!(request.all_in, of_target[of_target.len() - 1..]),
                    Probe::Less => assert!(request.none_in.len() == 1 && !of_target.contains(&request.none_in[0])),
                    Probe::AtMost(_) | Probe::AtLeast(_) | Probe::About(_) => {
                        let share = &request.shares[0];
                        let is_of_target = share.of.matches(dataset.catalogue.item(case.target));
                        let (relation, percent) = match probe {
                            Probe::AtMost(_) => (Relation::AtMost, 20.0),
                            _ => (Relation::About, 30.0),
                        };
                        assert_eq!((share.relation, share.amount), (relation, Amount::Percent(percent)));
                        assert_eq!(is_of_target, relation == Relation::About);
                    }
                }
            }
        }
    }
}

#[test]
fn probes_of_users_who_are_not_there_are_left_out() {
    let dataset = films();
    let teacher = Toy { n_items: dataset.catalogue.len() };
    let instructor = Instructor::new(&dataset, &teacher, &[], Settings::default()).unwrap();
    assert_eq!(instructor.probe(Probe::Sequential, Split::Test, 38..50).unwrap().len(), 2);
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
    let tasks = [Task::I1, Task::I2];
    let last_turn = |example: crate::instruct::Example| example.messages.last().unwrap().content.clone();
    let trained = (0..8).flat_map(|seed| examples(&dataset, &tasks, Recipe::Default, seed, 0)).map(last_turn);
    let trained = wordings(trained);
    let settings = Settings { tasks: tasks.into(), ..Settings::default() };
    let asked = in_part(&dataset, settings, Part::Validation, 0);
    assert_eq!(asked.len(), 2 * dataset.users.len());
    let shared: Vec<String> = wordings(asked.into_iter().map(last_turn)).intersection(&trained).cloned().collect();
    assert!(
        shared
            .iter()
            .all(|part| part.starts_with("I chose these items before") || part.starts_with("Give me a numbered list")),
        "{shared:?}"
    );
}
