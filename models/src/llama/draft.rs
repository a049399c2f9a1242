//! Drafts: guesses at what follows, which the model reads together with what is certain (Leviathan et al. 2022, arXiv 2211.17192).
//!
//! The guesses are tokens, not probabilities, and every choice is made by the number that it would have been made by anyway: what is
//! written does not change, only how many steps it takes.

/// A choice, and what is expected there.
///
/// In a draft, each choice stands behind the run of the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guess {
    /// The tokens to choose from, ascending; nothing for all.
    pub list: Option<Vec<u32>>,
    /// The token that is expected to be chosen, and those behind it up to the next choice. Nothing at the last choice of a draft, unless
    /// its run ends the row.
    pub run: Vec<u32>,
}

/// Shortens a draft to runs of `most` tokens together.
pub(crate) fn shorten(draft: &mut Vec<Guess>, most: usize) {
    let mut room = most;
    let too_long = draft.iter().position(|guess| match room.checked_sub(guess.run.len()) {
        Some(rest) => {
            room = rest;
            false
        }
        None => true,
    });
    if let Some(last) = too_long {
        draft[last].run.clear();
        draft.truncate(last + 1);
    }
}

/// How many tokens a draft has.
pub(crate) fn drafted(draft: &[Guess]) -> usize {
    draft.iter().map(|guess| guess.run.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_draft_ends_with_a_question() {
        let guess = |run: &[u32]| Guess { list: None, run: run.to_vec() };
        let draft = vec![guess(&[1, 2]), guess(&[3]), guess(&[])];
        for (most, expected) in [(0, vec![0]), (1, vec![0]), (2, vec![2, 0]), (3, vec![2, 1, 0]), (9, vec![2, 1, 0])] {
            let mut shortened = draft.clone();
            shorten(&mut shortened, most);
            assert_eq!(shortened.iter().map(|guess| guess.run.len()).collect::<Vec<_>>(), expected, "{most}");
            assert_eq!(drafted(&shortened), expected.iter().sum::<usize>());
        }
    }
}
