//! The tokens of an example, as a language model learns from them.

use tiller_models::language_model::TextCodec;
use tiller_models::train::Sample;

use super::example::Example;
use crate::Result;
use crate::constrain::Grammar;

/// Tokenises an example: the prompt as generation encodes it, then the answer as constrained decoding would write it.
///
/// The sample has `most` tokens at most. An answer keeps the first half of them at most, and the prompt the last of the
/// rest (method §3.4).
///
/// # Errors
/// A conversation that the template refuses, a text that the tokenizer has no tokens for.
pub fn sample(codec: &TextCodec, grammar: &Grammar, example: &Example, most: usize) -> Result<Sample> {
    let answer = if example.items.is_empty() {
        let mut answer = codec.tokenizer.encode_plain(&example.answer)?;
        answer.push(grammar.end());
        answer
    } else {
        grammar.tokens(&example.items)?
    };
    Ok(join(&codec.encode_chat(&example.messages)?, &answer, most))
}

fn join(prompt: &[u32], answer: &[u32], most: usize) -> Sample {
    let answer = &answer[..answer.len().min(most / 2)];
    let prompt = &prompt[prompt.len().saturating_sub(most - answer.len())..];
    Sample { tokens: [prompt, answer].concat(), scored: prompt.len()..prompt.len() + answer.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_loses_its_beginning_and_an_answer_its_end() {
        let of = |prompt: u32, answer: u32, most: usize| {
            let prompt: Vec<u32> = (0..prompt).collect();
            let answer: Vec<u32> = (100..100 + answer).collect();
            let Sample { tokens, scored } = join(&prompt, &answer, most);
            (tokens[..scored.start].to_vec(), tokens[scored].to_vec())
        };
        assert_eq!(of(3, 2, 8), (vec![0, 1, 2], vec![100, 101]));
        assert_eq!(of(9, 2, 8), (vec![3, 4, 5, 6, 7, 8], vec![100, 101]));
        assert_eq!(of(2, 9, 8), (vec![0, 1], vec![100, 101, 102, 103]));
        assert_eq!(of(9, 9, 8), (vec![5, 6, 7, 8], vec![100, 101, 102, 103]));
    }
}
