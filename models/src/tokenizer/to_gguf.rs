//! A tokenizer as the metadata of a GGUF file: the way back from [`super::gguf`].
//!
//! GGUF names a splitting rule where Hugging Face writes it out, and knows no normaliser, no flags of added tokens, and three stop tokens. What
//! it cannot hold is refused, since a reader would take texts apart in another way without a word.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use ::tokenizers::{AddedToken, Model as _};
use serde::Deserialize;
use serde_json::json;

use super::gguf::{CONTROL, MERGES, NORMAL, SCORES, TOKENS, TYPES, UNKNOWN, USER_DEFINED, is_byte};
use super::source::STOPS;
use super::{Tokenizer, splits};
use crate::files::gguf::{Array, Gguf, Value};
use crate::{Error, Result};

/// A row of the embedding that stands for no token.
const UNUSED: i64 = 5;
/// A token for a single byte, spelled `<0x0A>`.
const BYTE: i64 = 6;

/// The keys of stop tokens, the declared EOS first.
const STOP_KEYS: [&str; 3] = ["eos", "eot", "eom"];

/// Texts that a reader has to give the same ids for: words, spaces, line ends, letters of many scripts, accents in two characters.
const PROBES: [&str; 6] = [
    "Hello world, it's 12345 o'clock; I'LL say we've done 3.14 or 1,000,000 times.",
    "  two   spaces,\ttabs\t\t, and  trailing  ",
    "lines\nafter\n\n  lines\r\n\r\n   and   \n \n",
    "foo_bar CamelCase (1999) [x] {y} <z> a-b a/b c++ #5 @me 50% $7 ~ ^ = ... !? .com -fi 'S 'RE",
    "naïve cafe\u{301} ½ ﬁ Ⅷ «dash» — … Привет, мир! 你好世界 안녕 שלום हिन्दी ไทย",
    "😀👍🏽 a\u{a0}b\u{200b}c\u{3000}d 12a 3b45 6 78 901234",
];

/// A byte-pair encoding as in `tokenizer.json`.
#[derive(Deserialize)]
struct Model {
    vocab: HashMap<String, u32>,
    merges: Vec<(String, String)>,
    byte_fallback: bool,
    ignore_merges: bool,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
}

impl Tokenizer {
    /// `tokenizer.ggml.*` for a model with `rows` embeddings, by which [`Tokenizer::from_gguf`] and others read this tokenizer again;
    /// `place` names it in errors.
    ///
    /// # Errors
    /// A tokenizer that a GGUF file cannot describe: another splitting rule than those with names, a normaliser, tokens that take the spaces
    /// beside them, more stop tokens than there are keys.
    pub fn to_gguf(&self, rows: usize, place: &Path) -> Result<Vec<(String, Value)>> {
        let refuse = Refusal { place };
        let model = model_of(self, refuse)?;
        self.check_flags(refuse)?;
        let mut metadata = self.vocabulary(&model, rows);
        metadata.extend(self.special_ids(&model, refuse)?);
        match model.byte_fallback {
            true => {
                metadata.push((SCORES.into(), Value::Array(Array::Float(scores(&model, rows)))));
                let prepends = self.prepends_space(refuse)?;
                metadata.push(("tokenizer.ggml.add_space_prefix".into(), Value::Bool(prepends)));
            }
            false => {
                let merges = model.merges.iter().map(|(left, right)| format!("{left} {right}")).collect();
                metadata.push((MERGES.into(), Value::Array(Array::String(merges))));
                metadata.push(("tokenizer.ggml.pre".into(), Value::String(self.rule(&model, refuse)?.into())));
            }
        }
        let read = Self::from_gguf(&Gguf::of_metadata(place, metadata.clone()))?;
        self.check_alike(&read, &model, refuse)?;
        Ok(metadata)
    }

    /// A chat template for readers that take `bos_token` and `eos_token` from the ids, whether they are named or not.
    pub(crate) fn template_for_gguf(&self, template: &str) -> String {
        let names = [("bos_token", self.bos_token(), self.bos()), ("eos_token", self.eos_token(), self.eos())];
        let by_id = |id: Option<u32>| id.and_then(|id| self.token(id)).unwrap_or_default();
        let differing =
            names.into_iter().filter(|(name, spelled, id)| template.contains(name) && by_id(*id) != *spelled);
        let set: String =
            differing.map(|(name, spelled, _)| format!("{{% set {name} = {} %}}", json!(spelled))).collect();
        // A line feed behind a tag would be taken for the tag's.
        let line_feed = if !set.is_empty() && template.starts_with('\n') { "\n" } else { "" };
        set + line_feed + template
    }

    /// Refuses flags of added tokens, which no key says.
    fn check_flags(&self, refuse: Refusal) -> Result<()> {
        match self.added().into_iter().find(|(_, token)| token.lstrip || token.rstrip || token.single_word) {
            Some((_, AddedToken { content, .. })) => {
                let found = format!("{content:?} with lstrip, rstrip or single_word");
                Err(refuse.because("tokens that leave the text beside them alone", found))
            }
            None => Ok(()),
        }
    }

    /// The name of the rule that cuts texts like this tokenizer's.
    fn rule(&self, model: &Model, refuse: Refusal) -> Result<&'static str> {
        let normalizer = self.inner.get_normalizer().map(splits::steps).unwrap_or_default();
        if !normalizer.is_empty() {
            return Err(refuse.because("no normaliser, which GGUF has no key for", json!(normalizer)));
        }
        if model.continuing_subword_prefix.is_some() || model.end_of_word_suffix.is_some() {
            return Err(refuse.because("parts of words without a prefix or suffix", "one"));
        }
        let own = self.inner.get_pre_tokenizer().and_then(|splitter| splitter.source.as_ref());
        let rule = splits::name_of(own).ok_or_else(|| {
            let expected =
                format!("a splitting rule that GGUF has a name for (tokenizer.ggml.pre), one of {}", splits::NAMES);
            refuse.because(expected, "another one")
        })?;
        if splits::ignores_merges(rule) != model.ignore_merges && !self.merges_lead_to_all(model) {
            let expected = format!(
                "ignore_merges as the splitting rule {rule} has it, which decides for tokens that no merges lead to"
            );
            return Err(refuse.because(expected, model.ignore_merges));
        }
        Ok(rule)
    }

    /// Returns true if the merges make every token, so that it is all the same whether whole words are looked up first.
    fn merges_lead_to_all(&self, Model { vocab, .. }: &Model) -> bool {
        let mut merging = self.inner.get_model().clone();
        merging.ignore_merges = false;
        vocab.iter().filter(|(_, id)| !self.is_added(**id)).all(|(text, id)| {
            merging.tokenize(text).is_ok_and(|tokens| matches!(&tokens[..], [token] if token.id == *id))
        })
    }

    /// Returns true if a text gets a space in front, as SentencePiece's usually does.
    fn prepends_space(&self, refuse: Refusal) -> Result<bool> {
        let replace = json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" });
        let prepend = json!({ "type": "Prepend", "prepend": "▁" });
        let own = self.inner.get_normalizer().map(splits::steps).unwrap_or_default();
        let cuts = self.inner.get_pre_tokenizer().is_some_and(|splitter| splitter.source.is_some());
        match own {
            own if !cuts && own == [prepend, replace.clone()] => Ok(true),
            own if !cuts && own == [replace] => Ok(false),
            _ => {
                Err(refuse.because("SentencePiece's normaliser, spaces as \"▁\" and no splitting rule", "another one"))
            }
        }
    }

    /// Compares with the tokenizer that was read again: its merges, and the ids of texts with every control token.
    fn check_alike(&self, read: &Self, model: &Model, refuse: Refusal) -> Result<()> {
        if model.byte_fallback && !have_one_order(&model.merges, &model_of(read, refuse)?.merges) {
            return Err(
                refuse.because("merges in the order of their tokens, which is all that scores say", "another order")
            );
        }
        let ids = |tokenizer: &Self, text: &str| tokenizer.encode(text, true).ok();
        let around = self.added().into_values().map(|token| format!("a {0} b{0}c", token.content));
        let probes = PROBES.map(String::from).into_iter().chain(around);
        match probes.into_iter().find(|probe| ids(self, probe) != ids(read, probe)) {
            Some(probe) => {
                Err(refuse.because("a tokenizer that a GGUF file can describe", format!("other ids for {probe:?}")))
            }
            None => Ok(()),
        }
    }

    /// Every token with its type.
    fn vocabulary(&self, model: &Model, rows: usize) -> Vec<(String, Value)> {
        let (texts, types) = (0..rows as u32).map(|id| self.entry(model, id)).unzip();
        let kind = if model.byte_fallback { "llama" } else { "gpt2" };
        vec![
            ("tokenizer.ggml.model".to_owned(), Value::String(kind.to_owned())),
            (TOKENS.to_owned(), Value::Array(Array::String(texts))),
            (TYPES.to_owned(), Value::Array(Array::Signed(types))),
        ]
    }

    /// The ids of special tokens.
    fn special_ids(&self, model: &Model, refuse: Refusal) -> Result<Vec<(String, Value)>> {
        let unknown = model.unk_token.as_ref().and_then(|token| self.token_id(token));
        let mut ids = vec![("bos", self.bos()), ("unknown", unknown), ("padding", self.pad())];
        // A reader knows the usual stop tokens by their spelling.
        let is_known = |id: u32| self.token(id).is_some_and(|text| STOPS.contains(&text.as_str()) && self.is_added(id));
        let (first, others) =
            self.eos_ids().split_first().map_or((None, &[][..]), |(first, others)| (Some(*first), others));
        let stops: Vec<u32> = first.into_iter().chain(others.iter().copied().filter(|id| !is_known(*id))).collect();
        if stops.len() > STOP_KEYS.len() {
            let expected =
                format!("at most {} stop tokens (eos_token_id), as many as GGUF has keys for", STOP_KEYS.len());
            return Err(refuse.because(expected, format!("{}: {stops:?}", stops.len())));
        }
        ids.extend(STOP_KEYS.into_iter().zip(stops.into_iter().map(Some)));
        let entry = |(key, id): (&str, Option<u32>)| {
            Some((format!("tokenizer.ggml.{key}_token_id"), Value::Unsigned(id?.into())))
        };
        let adds_bos = ("tokenizer.ggml.add_bos_token".to_owned(), Value::Bool(self.adds_bos()));
        Ok(ids.into_iter().filter_map(entry).chain([adds_bos]).collect())
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
}

/// SentencePiece's scores: of all pairs that can be joined, the one whose result scores highest comes first.
fn scores(model: &Model, rows: usize) -> Vec<f64> {
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

/// The vocabulary and the merges of a tokenizer.
fn model_of(tokenizer: &Tokenizer, refuse: Refusal) -> Result<Model> {
    let model = serde_json::to_value(tokenizer.inner.get_model()).and_then(serde_json::from_value);
    model.map_err(|e| Error::Failed(format!("{}: {e}", refuse.place.display())))
}

/// Returns true if two lists have the same merges, and those of one token together, in the same order of tokens.
fn have_one_order(a: &[(String, String)], b: &[(String, String)]) -> bool {
    let tokens = |merges: &[(String, String)]| {
        let mut tokens: Vec<String> = merges.iter().map(|(left, right)| format!("{left}{right}")).collect();
        tokens.dedup();
        tokens
    };
    let as_set = |merges: &[(String, String)]| merges.iter().cloned().collect::<HashSet<_>>();
    tokens(a) == tokens(b) && as_set(a) == as_set(b)
}

/// The refusals of a tokenizer.
#[derive(Clone, Copy)]
struct Refusal<'a> {
    place: &'a Path,
}

impl Refusal<'_> {
    fn because(self, expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Error {
        Error::bad_input(format!("{}: tokenizer", self.place.display()))
            .expected(expected)
            .found(found)
            .next("write a Hugging Face folder instead: --to f16 --out FOLDER")
            .into()
    }
}
