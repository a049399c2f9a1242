//! The part of a conversation that is an example: the turns up to a question, with the answer as the label.

use tiller_models::chat::{Message, Role};

use super::read::Conversation;
use crate::instruct::example::Example;
use crate::instruct::stream_key::{Purpose, StreamKey};
use crate::task::TaskFamily;

const SYSTEM: &str = "You are a helpful assistant.";

/// The longest prompt, in bytes of its turns: about 512 − 64 tokens of four bytes, the method's bound. A prompt that is
/// still too long for a model is cut where it is tokenised.
const LONGEST_PROMPT: usize = 4 * (512 - 64);

/// A random question of a random conversation. `skips_nearest` is the authors' rule of method B28.
pub(in crate::instruct) fn example(conversations: &[Conversation], stream: &StreamKey, skips_nearest: bool) -> Example {
    let mut rng = stream.rng(Purpose::Chat);
    let turns = &rng.pick(conversations).turns;
    let question = 2 * rng.below(turns.len() as u64 / 2) as usize;
    let lengths: Vec<usize> = turns.iter().map(|turn| turn.len()).collect();
    let start = *rng.pick(&starts(&lengths[..=question], skips_nearest));
    let said = turns[start..=question].iter().enumerate();
    let said = said.map(|(number, turn)| Message::new(Conversation::speaker(number), turn.as_str()));
    Example {
        family: TaskFamily::I4,
        request: None,
        messages: std::iter::once(Message::new(Role::System, SYSTEM)).chain(said).collect(),
        answer: turns[question + 1].clone(),
        target: None,
        items: Vec::new(),
    }
}

/// The turns at which a prompt that ends with the last of these may start: that question itself, however long it is, or
/// whole exchanges earlier while the prompt is short enough.
fn starts(lengths: &[usize], skips_nearest: bool) -> Vec<usize> {
    let question = lengths.len() - 1;
    let is_short = |&start: &usize| lengths[start..].iter().sum::<usize>() < LONGEST_PROMPT;
    let earlier = (0..question).rev().skip(1).step_by(2).take_while(is_short);
    std::iter::once(question).chain(earlier.skip(usize::from(skips_nearest))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_prompt_starts_with_a_question_and_goes_back_while_it_is_short() {
        assert_eq!(starts(&[5; 1], false), [0]);
        assert_eq!(starts(&[5; 7], false), [6, 4, 2, 0]);
        assert_eq!(starts(&[5; 7], true), [6, 2, 0], "the authors skip the nearest exchange");
        assert_eq!(starts(&[900, 5, 900, 5, 5], false), [4, 2]);
        assert_eq!(starts(&[5, 5, 5, 5, 9000], false), [4]);
    }

    #[test]
    fn examples_end_with_a_question_and_their_answer_follows_it() {
        let conversations: Vec<_> =
            [2, 6, 8].map(|n| Conversation { turns: (0..n).map(|n| n.to_string()).collect() }).into();
        let mut spans = BTreeSet::new();
        for number in 0..400 {
            let example = example(&conversations, &StreamKey::new(1, 1, TaskFamily::I4, number), false);
            let (system, said) = example.messages.split_first().unwrap();
            assert_eq!(system.role, Role::System);
            let numbers: Vec<usize> = said.iter().map(|message| message.content.parse().unwrap()).collect();
            assert!(said.iter().enumerate().all(|(at, message)| message.role == Conversation::speaker(at)));
            assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1) && numbers.len() % 2 == 1);
            assert_eq!(example.answer, (numbers.last().unwrap() + 1).to_string());
            spans.insert((numbers[0], numbers.len()));
        }
        let all: BTreeSet<_> = [(0, 1), (0, 3), (2, 1), (0, 5), (2, 3), (4, 1), (0, 7), (2, 5), (4, 3), (6, 1)].into();
        assert_eq!(spans, all);
    }
}
