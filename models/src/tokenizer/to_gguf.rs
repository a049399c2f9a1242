//! A tokenizer as the metadata of a GGUF file: the way back from [`super::gguf`].
//!
//! GGUF names a rule for cutting texts where Hugging Face writes it out. So each name is tried: the tokenizer that a reader would build
//! by it has to give the same ids for texts with everything that such rules differ in.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::Tokenizer;
use super::gguf::{CONTROL, MERGES, NORMAL, SCORES, TOKENS, TYPES, UNKNOWN, USER_DEFINED};
use crate::files::gguf::{Array, Gguf, Value};
use crate::{Error, Result};

/// A row of the embedding that stands for no token.
const UNUSED: i64 = 5;
/// A token for a single byte, spelled `<0x0A>`.
const BYTE: i64 = 6;

/// One name of each rule in [`super::splits`].
const RULES: [&str; 5] = ["smollm", "llama-bpe", "qwen2", "gpt-2", "default"];

/// Contractions in both cases, runs of spaces, digits and signs, line ends, letters of many scripts.
const PROBES: [&str; 8] = [
    "Hello world, it's 12345 o'clock; I'LL say we've done 3.14 or 1,000,000 times.",
    "  two   spaces,\ttabs\t\t, and  trailing  ",
    "lines\nafter\n\n  lines\r\n\r\n   and   \n \n",
    "foo_bar CamelCase (1999) [x] {y} <z> a-b a/b c++ #5 @me 50% $7 ~ ^ = ... !? -- \"quoted\" 'S 'RE",
    "naïve café über Ångström ½ ²³ Ⅷ «dash» — …",
    "Привет, мир! 你好世界 こんにちは 안녕 שלום العربية हिन्दी ไทย",
    "😀👍🏽 a\u{a0}b\u{200b}c\u{3000}d",
    "12a 3b45 6 78 901234 x1y22z333",
];

/// A byte-pair encoding as in `tokenizer.json`.
#[derive(Deserialize)]
struct Model {
    vocab: HashMap<String, u32>,
    merges: Vec<(String, String)>,
    byte_fallback: bool,
    unk_token: Option<String>,
}

impl Tokenizer {
    /// `tokenizer.ggml.*` for a model with `rows` embeddings, by which [`Tokenizer::from_gguf`] and others read this tokenizer again;
    /// `place` names it in errors.
    ///
    /// # Errors
    /// A tokenizer that cuts texts by a rule that has no name in GGUF.
    pub fn to_gguf(&self, rows: usize, place: &Path) -> Result<Vec<(String, Value)>> {
        let model: Model = serde_json::to_value(self.inner.get_model())
            .and_then(serde_json::from_value)
            .map_err(|e| Error::Failed(format!("{}: {e}", place.display())))?;
        let mut metadata = self.vocabulary(&model, rows);
        let variants: Vec<(String, Value)> = match model.byte_fallback {
            true => {
                metadata.push((SCORES.into(), Value::Array(Array::Float(self.scores(&model, rows)))));
                [true, false].map(|flag| ("tokenizer.ggml.add_space_prefix".into(), Value::Bool(flag))).into()
            }
            false => {
                let merges = model.merges.iter().map(|(left, right)| format!("{left} {right}")).collect();
                metadata.push((MERGES.into(), Value::Array(Array::String(merges))));
                RULES.map(|rule| ("tokenizer.ggml.pre".into(), Value::String(rule.into()))).into()
            }
        };
        for variant in variants {
            let metadata: Vec<_> = metadata.iter().cloned().chain([variant]).collect();
            let read = Self::from_gguf(&Gguf::of_metadata(place, metadata.clone()))?;
            if PROBES.iter().all(|probe| self.reads_like(&read, probe)) {
                return Ok(metadata);
            }
        }
        Err(Error::bad_input(format!("{}: tokenizer", place.display()))
            .expected(format!("texts cut by a rule that GGUF has a name for, such as {}", RULES.join(", ")))
            .found("another rule")
            .next("write a Hugging Face folder instead: --to f16 --out FOLDER")
            .into())
    }

    fn reads_like(&self, other: &Self, text: &str) -> bool {
        let ids = |tokenizer: &Self| tokenizer.encode(text, true).ok();
        ids(self) == ids(other)
    }

    /// Every token with its type, and the ids of special ones.
    fn vocabulary(&self, model: &Model, rows: usize) -> Vec<(String, Value)> {
        let (texts, types) = (0..rows as u32).map(|id| self.entry(model, id)).unzip();
        let kind = if model.byte_fallback { "llama" } else { "gpt2" };
        let mut metadata = vec![
            ("tokenizer.ggml.model".to_owned(), Value::String(kind.to_owned())),
            (TOKENS.to_owned(), Value::Array(Array::String(texts))),
            (TYPES.to_owned(), Value::Array(Array::Signed(types))),
        ];
        let unknown = model.unk_token.as_ref().and_then(|token| self.token_id(token));
        for (key, id) in [
            ("tokenizer.ggml.bos_token_id", self.bos()),
            ("tokenizer.ggml.eos_token_id", self.eos()),
            ("tokenizer.ggml.eot_token_id", self.eos_ids().get(1).copied()),
            ("tokenizer.ggml.unknown_token_id", unknown),
            ("tokenizer.ggml.padding_token_id", self.pad()),
        ] {
            metadata.extend(id.map(|id| (key.to_owned(), Value::Unsigned(id.into()))));
        }
        metadata.push(("tokenizer.ggml.add_bos_token".to_owned(), Value::Bool(self.specials.adds_bos)));
        metadata
    }

    /// The text and the type of the token `id`.
    fn entry(&self, model: &Model, id: u32) -> (String, i64) {
        let Some(text) = self.token(id) else { return (format!("[PAD{id}]"), UNUSED) };
        let added = self.inner.get_added_vocabulary().get_added_tokens_decoder().get(&id);
        let kind = match added {
            _ if model.unk_token.as_ref() == Some(&text) => UNKNOWN,
            Some(token) if token.special => CONTROL,
            Some(_) => USER_DEFINED,
            None if model.byte_fallback && is_byte(&text) => BYTE,
            None => NORMAL,
        };
        (text, kind)
    }

    /// SentencePiece's scores: of all pairs that can be joined, the one whose result scores highest comes first.
    fn scores(&self, model: &Model, rows: usize) -> Vec<f64> {
        let mut scores = vec![0.0; rows];
        for id in model.vocab.values().filter(|id| (**id as usize) < rows) {
            // Below all that merges lead to.
            scores[*id as usize] = -((model.merges.len() + rows) as f64);
        }
        for (rank, (left, right)) in model.merges.iter().enumerate().rev() {
            if let Some(&id) = model.vocab.get(&format!("{left}{right}")).filter(|id| (**id as usize) < rows) {
                scores[id as usize] = -(rank as f64);
            }
        }
        scores
    }
}

/// Returns true if a token is spelled like one for a byte.
fn is_byte(text: &str) -> bool {
    let digits = text.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    digits.is_some_and(|digits| digits.len() == 2 && u8::from_str_radix(digits, 16).is_ok())
}
