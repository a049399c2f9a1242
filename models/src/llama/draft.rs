//! Drafts: guesses at what follows, which the model reads together with what is certain (Leviathan et al. 2022, arXiv 2211.17192).
//!
//! The guesses are tokens, not probabilities, and every choice is made by the number that it would have been made by anyway: what is
//! written does not change, only how many steps it takes.

/// A choice, and what is expected there.
///
/// In a draft, each choice stands behind the run of the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DraftTokens {
    /// The tokens to choose from, ascending; nothing for all.
    pub allowed: Option<Vec<u32>>,
    /// The token that is expected to be chosen, and those behind it up to the next choice. Nothing at the last choice of a draft, unless
    /// its run ends the row.
    pub tokens: Vec<u32>,
}

/// Shortens a draft to runs of `most` tokens together.
pub(crate) fn shorten(draft: &mut Vec<DraftTokens>, most: usize) {
    let mut room = most;
    let too_long = draft.iter().position(|draft_tokens| match room.checked_sub(draft_tokens.tokens.len()) {
        Some(rest) => {
            room = rest;
            false
        }
        None => true,
    });
    if let Some(last) = too_long {
        draft[last].tokens.clear();
        draft.truncate(last + 1);
    }
}

/// How many tokens a draft has.
pub(crate) fn drafted(draft: &[DraftTokens]) -> usize {
    draft.iter().map(|draft_tokens| draft_tokens.tokens.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_draft_ends_with_a_question() {
        let draft_tokens = |run: &[u32]| DraftTokens { allowed: None, tokens: run.to_vec() };
        let draft = vec![draft_tokens(&[1, 2]), draft_tokens(&[3]), draft_tokens(&[])];
        for (most, expected) in [(0, vec![0]), (1, vec![0]), (2, vec![2, 0]), (3, vec![2, 1, 0]), (9, vec![2, 1, 0])] {
            let mut shortened = draft.clone();
            shorten(&mut shortened, most);
            assert_eq!(
                shortened.iter().map(|draft_tokens| draft_tokens.tokens.len()).collect::<Vec<_>>(),
                expected,
                "{most}"
            );
            assert_eq!(drafted(&shortened), expected.iter().sum::<usize>());
        }
    }
}
