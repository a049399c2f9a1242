//! Speculative decoding: the model verifies drafted tokens in the same step as the tokens that are certain
//! (Leviathan et al. 2022, arXiv 2211.17192).
//!
//! Drafts are tokens, not probabilities. Each choice uses the random number that it would use without a draft, so a draft changes the
//! number of steps and never the result.

use super::LogitBias;

/// A choice in a draft, and the tokens expected there.
///
/// Each choice follows the tokens of the choice before it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DraftTokens {
    /// The tokens allowed at this choice, ascending; `None` for all.
    pub allowed: Option<Vec<u32>>,
    /// The bias of the choice, where there is one.
    pub logit_bias: Option<LogitBias>,
    /// The expected token, then the forced tokens up to the next choice. Those of the last choice of a draft are not read.
    pub tokens: Vec<u32>,
}

/// Truncates a draft to `max_tokens` tokens in total.
pub(crate) fn truncate(draft: &mut Vec<DraftTokens>, max_tokens: usize) {
    let mut left = max_tokens;
    let too_long = draft.iter().position(|choice| match left.checked_sub(choice.tokens.len()) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    });
    if let Some(last) = too_long {
        draft[last].tokens.clear();
        draft.truncate(last + 1);
    }
}

/// The number of tokens in a draft.
pub(crate) fn drafted(draft: &[DraftTokens]) -> usize {
    draft.iter().map(|choice| choice.tokens.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_draft_ends_with_a_choice() {
        let choice = |tokens: &[u32]| DraftTokens { tokens: tokens.to_vec(), ..DraftTokens::default() };
        let draft = vec![choice(&[1, 2]), choice(&[3]), choice(&[])];
        for (most, expected) in [(0, vec![0]), (1, vec![0]), (2, vec![2, 0]), (3, vec![2, 1, 0]), (9, vec![2, 1, 0])] {
            let mut truncated = draft.clone();
            truncate(&mut truncated, most);
            assert_eq!(truncated.iter().map(|choice| choice.tokens.len()).collect::<Vec<_>>(), expected, "{most}");
            assert_eq!(drafted(&truncated), expected.iter().sum::<usize>());
        }
    }
}
