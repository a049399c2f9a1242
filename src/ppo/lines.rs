//! Which token ends which line of an answer (method B13): found in the text that the tokens decode to, whatever the tokenizer.

use tiller_models::tokenizer::Tokenizer;

use crate::Result;
use crate::recommend::answer;

/// The text of an answer, and where its lines end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerLines {
    /// The decoded text, control tokens and the stop at the end left out.
    pub text: String,
    /// For each line that counts as an item, the token with which its text, line break included, is complete.
    pub ends: Vec<usize>,
}

impl AnswerLines {
    /// Reads an answer.
    ///
    /// # Errors
    /// Tokens that the tokenizer cannot decode.
    pub fn of(tokens: &[u32], tokenizer: &Tokenizer) -> Result<Self> {
        let mut stream = tokenizer.stream();
        let mut text = String::new();
        // [token]: how much of the text is there with it.
        let mut lengths = Vec::with_capacity(tokens.len());
        for &token in tokenizer.without_stop(tokens) {
            text.push_str(&stream.push(token)?);
            lengths.push(text.len());
        }
        text.push_str(&stream.finish()?);
        lengths.resize(tokens.len(), text.len());
        let ends = answer::line_ends(&text).map(|end| token_at(end, &lengths)).collect();
        Ok(Self { text, ends })
    }
}

/// The first token with which `end` bytes of the text are there; the last one where bytes were left over that are no character.
fn token_at(end: usize, lengths: &[usize]) -> usize {
    lengths.partition_point(|&length| length < end).min(lengths.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Catalogue;
    use crate::recommend::answer::{OutputFormat, parse};

    /// A tokenizer of single bytes, in which a letter with an accent is two tokens.
    fn bytes() -> Tokenizer {
        let folder = tempfile::tempdir().unwrap();
        // The characters that stand for bytes in byte-level tokenizers.
        let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
        let mut next = 256;
        let mut stands_for = |byte: u8| {
            let code = if printable(byte) { u32::from(byte) } else { (next, next += 1).0 };
            char::from_u32(code).unwrap().to_string()
        };
        let vocab: serde_json::Map<String, serde_json::Value> =
            (0..=255u8).map(|byte| (stands_for(byte), byte.into())).collect();
        let tokenizer = serde_json::json!({
            "version": "1.0", "added_tokens": [{ "id": 256, "content": "</s>", "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true }],
            "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
            "decoder": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
            "model": { "type": "BPE", "vocab": vocab, "merges": [] },
        });
        std::fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
        Tokenizer::from_path(folder.path()).unwrap()
    }

    #[test]
    fn a_line_ends_with_the_token_of_its_break_or_with_the_last_one() {
        let tokenizer = bytes();
        let lines = |text: &str, end: bool| {
            let mut tokens = tokenizer.encode_plain(text).unwrap();
            tokens.extend(end.then_some(256));
            AnswerLines::of(&tokens, &tokenizer).unwrap()
        };
        let whole = lines("1. Amélie\n 2. Up\n", true);
        // é is two tokens, so that the first break is the tenth.
        assert_eq!((whole.text.as_str(), whole.ends), ("1. Amélie\n 2. Up\n", vec![10, 17]));
        assert_eq!(lines("1. A\n\n 2. B", true).ends, [4, 10], "an empty line is none, and the last has no break");
        assert_eq!(lines("1. A\n 2. B", false).ends, [4, 9], "an answer that was cut off");
        assert_eq!(lines("1. A\n", true).ends, [4]);
        assert_eq!(lines("", true).ends, [0usize; 0]);
        assert_eq!(lines(" \n", true).ends, [0usize; 0]);
    }

    #[test]
    fn there_is_an_end_for_every_title_even_where_bytes_are_no_text() {
        let tokenizer = bytes();
        let tokens: Vec<u32> =
            [b"1. A\n2. ".as_slice(), &[0xc3], b"\n", &[0xc3]].concat().into_iter().map(u32::from).collect();
        let AnswerLines { text, ends } = AnswerLines::of(&tokens, &tokenizer).unwrap();
        assert_eq!(parse(&text, OutputFormat::Strict, &Catalogue::default()).len(), ends.len());
        assert!(ends.is_sorted() && *ends.last().unwrap() == tokens.len() - 1, "{ends:?}");
    }
}
