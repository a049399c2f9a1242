//! Invented conversations, for experiments about forgetting that need no download: sums, opposites, and what follows what.

use crate::data::rng::SeededRng;
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

/// Returns `count` conversations of one to three exchanges; the same seed gives the same ones.
pub fn generate(count: usize, seed: u64) -> Vec<Conversation> {
    let mut rng = SeededRng::new(seed, 0);
    let conversation = |_| {
        let exchanges = 1 + rng.below(3);
        Conversation { turns: (0..exchanges).flat_map(|_| exchange(&mut rng)).collect() }
    };
    (0..count).map(conversation).collect()
}

/// A question and its answer.
fn exchange(rng: &mut SeededRng) -> [String; 2] {
    match rng.below(3) {
        0 => {
            let (a, b) = (rng.below(20), rng.below(20));
            [format!("What is {a} plus {b}?"), format!("{a} plus {b} is {}.", a + b)]
        }
        1 => {
            let &(one, other) = rng.pick(&OPPOSITES);
            let (word, opposite) = if rng.chance(50) { (one, other) } else { (other, one) };
            [format!("What is the opposite of {word}?"), format!("The opposite of {word} is {opposite}.")]
        }
        _ => {
            let (day, later) = (rng.below(7), 1 + rng.below(6));
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
        let talk = generate(300, 1);
        assert_eq!(talk, generate(300, 1));
        assert!(talk.iter().all(|conversation| matches!(conversation.turns.len(), 2 | 4 | 6)));
        let mut questions: Vec<&String> = talk.iter().flat_map(|c| c.turns.iter().step_by(2)).collect();
        questions.sort();
        questions.dedup();
        assert!(questions.len() > 150, "{}", questions.len());
        let sum = talk.iter().flat_map(|c| c.turns.chunks(2)).find(|turns| turns[0] == "What is 3 plus 4?");
        assert!(sum.is_none_or(|turns| turns[1] == "3 plus 4 is 7."));
    }
}
