//! Invented conversations, for experiments about forgetting that need no download: sums, opposites, and what follows what.

use crate::data::dice::Dice;
use crate::instruct::chat::Conversation;

const OPPOSITES: [(&str, &str); 16] = [
    ("hot", "cold"),
    ("tall", "short"),
    ("early", "late"),
    ("full", "empty"),
    ("open", "closed"),
    ("loud", "quiet"),
    ("rough", "smooth"),
    ("light", "heavy"),
    ("young", "old"),
    ("wide", "narrow"),
    ("rich", "poor"),
    ("near", "far"),
    ("wet", "dry"),
    ("sharp", "blunt"),
    ("first", "last"),
    ("strong", "weak"),
];

const WEEK: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// So many conversations of one to three exchanges; the same seed gives the same ones.
pub fn invent(count: usize, seed: u64) -> Vec<Conversation> {
    let mut dice = Dice::new(seed, 0);
    let conversation = |_| {
        let exchanges = 1 + dice.below(3);
        Conversation { turns: (0..exchanges).flat_map(|_| exchange(&mut dice)).collect() }
    };
    (0..count).map(conversation).collect()
}

/// A question and its answer.
fn exchange(dice: &mut Dice) -> [String; 2] {
    match dice.below(3) {
        0 => {
            let (a, b) = (dice.below(20), dice.below(20));
            [format!("What is {a} plus {b}?"), format!("{a} plus {b} is {}.", a + b)]
        }
        1 => {
            let &(one, other) = dice.pick(&OPPOSITES);
            let (word, opposite) = if dice.chance(50) { (one, other) } else { (other, one) };
            [format!("What is the opposite of {word}?"), format!("The opposite of {word} is {opposite}.")]
        }
        _ => {
            let (day, later) = (dice.below(7), 1 + dice.below(6));
            let then = WEEK[((day + later) % 7) as usize];
            let day = WEEK[day as usize];
            [format!("It is {day}. Which day is it in {later} days?"), format!("In {later} days it is {then}.")]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_answered_and_there_are_many_of_them() {
        let talk = invent(300, 1);
        assert_eq!(talk, invent(300, 1));
        assert!(talk.iter().all(|conversation| matches!(conversation.turns.len(), 2 | 4 | 6)));
        let mut questions: Vec<&String> = talk.iter().flat_map(|c| c.turns.iter().step_by(2)).collect();
        questions.sort();
        questions.dedup();
        assert!(questions.len() > 150, "{}", questions.len());
        let sum = talk.iter().flat_map(|c| c.turns.chunks(2)).find(|turns| turns[0] == "What is 3 plus 4?");
        assert!(sum.is_none_or(|turns| turns[1] == "3 plus 4 is 7."));
    }
}
