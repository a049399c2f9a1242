//! A tokenizer from the vocabulary of a GGUF file.
//!
//! Two kinds of byte-pair encoding occur. "gpt2" works on bytes written as visible characters and has its merges in a list.
//! "llama" (SentencePiece) works on characters, writes a space as `▁`, falls back to tokens for single bytes, and has scores
//! in place of merges: of the pairs that can be joined, the one whose result scores highest comes first.

use std::collections::{BTreeMap, HashMap};

use ::tokenizers::decoders::byte_fallback::ByteFallback;
use ::tokenizers::decoders::fuse::Fuse;
use ::tokenizers::decoders::sequence::Sequence as DecoderSequence;
use ::tokenizers::decoders::strip::Strip;
use ::tokenizers::models::bpe::{BPE, BpeBuilder};
use ::tokenizers::normalizers::{Prepend, Replace, Sequence};
use ::tokenizers::pre_tokenizers::byte_level::ByteLevel;
use ::tokenizers::{AddedToken, DecoderWrapper, NormalizerWrapper};

use super::guard::looks_like_control;
use super::source::{Source, Specials};
use super::splits;
use crate::chat::source as template_source;
use crate::files::TensorSource;
use crate::files::gguf::{Gguf, Value};
use crate::{Error, Result};

pub(super) const TOKENS: &str = "tokenizer.ggml.tokens";
pub(super) const TYPES: &str = "tokenizer.ggml.token_type";
pub(super) const MERGES: &str = "tokenizer.ggml.merges";
pub(super) const SCORES: &str = "tokenizer.ggml.scores";

/// Token types of GGUF.
pub(super) const NORMAL: i64 = 1;
pub(super) const UNKNOWN: i64 = 2;
pub(super) const CONTROL: i64 = 3;
pub(super) const USER_DEFINED: i64 = 4;

/// The sum of the squares of all lengths in a vocabulary: a thousand times that of Llama 2.
const LONGEST: usize = 1 << 32;

/// The space of SentencePiece.
const SPACE: &str = "▁";

/// Reads the tokenizer that `gguf` describes.
pub(super) fn read(gguf: &Gguf) -> Result<Source> {
    let vocabulary = Vocabulary::read(gguf)?;
    let (source, adds_bos) = match gguf.str("tokenizer.ggml.model")? {
        "gpt2" => byte_level(gguf, &vocabulary)?,
        "llama" => (sentence_piece(gguf, &vocabulary)?, true),
        other => {
            return Err(wrong(gguf, "tokenizer.ggml.model", "gpt2 or llama", other));
        }
    };
    // −1, with or without its sign, says that there is none.
    let id = |key: &str| -> Result<Option<u32>> {
        let key = format!("tokenizer.ggml.{key}_token_id");
        if matches!(gguf.metadata(&key), Some(Value::Signed(-1))) {
            return Ok(None);
        }
        Ok(gguf.metadata(&key).map(|_| gguf.u32(&key)).transpose()?.filter(|id| *id != u32::MAX))
    };
    let (bos, eos) = (id("bos")?, [id("eos")?, id("eot")?, id("eom")?]);
    let spelling = |id: Option<u32>| id.and_then(|id| vocabulary.texts.get(id as usize).cloned()).unwrap_or_default();
    let (added, mut named) = (vocabulary.added(), vocabulary.unmarked());
    named.extend(eos.into_iter().chain([bos]).flatten().filter_map(|id| Some((id, added.get(&id)?.clone()))));
    Ok(Source {
        added,
        named,
        specials: Specials {
            bos,
            pad: id("padding")?,
            eos: eos.into_iter().flatten().collect(),
            adds_bos: flag(gguf, "tokenizer.ggml.add_bos_token", adds_bos)?,
            spelled: [spelling(bos), spelling(eos[0])],
        },
        template: template_source::in_gguf(gguf)?.unwrap_or_default(),
        ..source
    })
}

/// The tokens' texts and types by id, and the ids by text.
struct Vocabulary<'a> {
    texts: &'a [String],
    types: Vec<i64>,
    ids: HashMap<&'a str, u32>,
}

impl<'a> Vocabulary<'a> {
    fn read(gguf: &'a Gguf) -> Result<Self> {
        let texts = gguf.strings(TOKENS)?;
        let types = match gguf.metadata(TYPES) {
            Some(_) => gguf.signed(TYPES)?.to_vec(),
            None => vec![NORMAL; texts.len()],
        };
        if types.len() != texts.len() {
            return Err(wrong(gguf, TYPES, format!("{} types, one per token", texts.len()), types.len()));
        }
        let mut ids = HashMap::with_capacity(texts.len());
        for (id, text) in (0_u32..).zip(texts) {
            if let Some(before) = ids.insert(text.as_str(), id) {
                return Err(wrong(gguf, TOKENS, "every token once", format!("{text:?} at {before} and {id}")));
            }
        }
        Ok(Self { texts, types, ids })
    }

    /// By id: the tokens that are looked for in a text before it is cut into words.
    fn added(&self) -> BTreeMap<u32, AddedToken> {
        self.tokens(|kind, _| [UNKNOWN, CONTROL, USER_DEFINED].contains(&kind))
    }

    /// By id: tokens that look like control tokens and are typed as parts of words, by a faulty export or for want of types.
    fn unmarked(&self) -> BTreeMap<u32, AddedToken> {
        self.tokens(|kind, text| kind == NORMAL && looks_like_control(text) && !is_byte(text))
    }

    fn tokens(&self, is_one: impl Fn(i64, &str) -> bool) -> BTreeMap<u32, AddedToken> {
        let all = (0..).zip(self.texts.iter().zip(&self.types));
        let some = all.filter(|(_, (text, kind))| is_one(**kind, text) && !text.is_empty());
        some.map(|(id, (text, kind))| (id, AddedToken::from(text.as_str(), *kind != USER_DEFINED).normalized(false)))
            .collect()
    }

    fn model(&self, merges: Vec<(String, String)>) -> BpeBuilder {
        let ids = self.ids.iter().map(|(text, id)| ((*text).to_owned(), *id));
        BPE::builder().vocab_and_merges(ids.collect::<::tokenizers::models::bpe::Vocab>(), merges)
    }
}

/// The tokenizer for "gpt2", and whether such a tokenizer adds BOS where the file doesn't say.
fn byte_level(gguf: &Gguf, vocabulary: &Vocabulary<'_>) -> Result<(Source, bool)> {
    let key = "tokenizer.ggml.pre";
    let pre = gguf.metadata(key).map_or(Ok("default"), |_| gguf.str(key))?;
    let rule = splits::named(pre).ok_or_else(|| wrong(gguf, key, format!("one of {}", splits::NAMES), pre))?;
    let merges = gguf.strings(MERGES)?.iter().map(|merge| match merge.split_once(' ') {
        Some((left, right)) => Ok((left.to_owned(), right.to_owned())),
        None => Err(wrong(gguf, MERGES, "two tokens with a space between", format!("{merge:?}"))),
    });
    let ignores_merges = splits::ignores_merges(pre);
    let model = vocabulary.model(merges.collect::<Result<_>>()?).ignore_merges(ignores_merges);
    let model = model.build().map_err(|e| wrong(gguf, MERGES, "merges of known tokens", e))?;
    let source = Source {
        pre_tokenizer: Some(rule.map_err(|e| wrong(gguf, key, "a valid rule", e))?),
        decoder: Some(ByteLevel::default().into()),
        ..Source::of_model(model)
    };
    Ok((source, ignores_merges))
}

/// The tokenizer for "llama".
fn sentence_piece(gguf: &Gguf, vocabulary: &Vocabulary<'_>) -> Result<Source> {
    let scores = gguf.floats(SCORES)?;
    if scores.len() != vocabulary.texts.len() {
        return Err(wrong(gguf, SCORES, format!("{} scores, one per token", vocabulary.texts.len()), scores.len()));
    }
    // Every token is cut at every place.
    let work: usize =
        vocabulary.texts.iter().map(|text| text.len().saturating_mul(text.len())).fold(0, usize::saturating_add);
    if work > LONGEST {
        return Err(wrong(gguf, TOKENS, "tokens of the length of words", "longer ones"));
    }
    let mut model = vocabulary.model(merges_by_score(vocabulary, scores)).byte_fallback(true).fuse_unk(true);
    if let Some(unknown) = vocabulary.types.iter().position(|&kind| kind == UNKNOWN) {
        model = model.unk_token(vocabulary.texts[unknown].clone());
    }
    let invalid = |e| wrong(gguf, TOKENS, "a valid vocabulary", e);
    let model = model.build().map_err(invalid)?;

    // A text begins with a space of its own, so that a word has the same ids there as in the middle.
    let space_in_front = flag(gguf, "tokenizer.ggml.add_space_prefix", true)?;
    let mut normalizers: Vec<NormalizerWrapper> = vec![Replace::new(" ", SPACE).map_err(invalid)?.into()];
    let mut decoders: Vec<DecoderWrapper> =
        vec![Replace::new(SPACE, " ").map_err(invalid)?.into(), ByteFallback::new().into(), Fuse::new().into()];
    if space_in_front {
        normalizers.insert(0, Prepend::new(SPACE.into()).into());
        decoders.push(Strip::new(' ', 1, 0).into());
    }
    let (normalizer, decoder) = (Sequence::new(normalizers).into(), DecoderSequence::new(decoders).into());
    Ok(Source { normalizer: Some(normalizer), decoder: Some(decoder), ..Source::of_model(model) })
}

/// Every way to join two normal tokens into a third one, the third's highest scores first.
fn merges_by_score(vocabulary: &Vocabulary<'_>, scores: &[f64]) -> Vec<(String, String)> {
    let is_normal = |text: &str| vocabulary.ids.get(text).is_some_and(|&id| vocabulary.types[id as usize] == NORMAL);
    let mut merges = Vec::new();
    for (text, &score) in vocabulary.texts.iter().zip(scores).filter(|(text, _)| is_normal(text)) {
        let cuts = text.char_indices().skip(1).map(|(at, _)| text.split_at(at));
        merges.extend(cuts.filter(|(left, right)| is_normal(left) && is_normal(right)).map(|pair| (score, pair)));
    }
    merges.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    merges.into_iter().map(|(_, (left, right))| (left.to_owned(), right.to_owned())).collect()
}

/// The flag at `key`, or `default` where there is none.
fn flag(gguf: &Gguf, key: &str, default: bool) -> Result<bool> {
    gguf.metadata(key).map_or(Ok(default), |_| gguf.bool(key))
}

fn wrong(gguf: &Gguf, key: &str, expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Error {
    Error::bad_input(format!("{}: key {key}", gguf.place().display()))
        .expected(expected)
        .found(found)
        .next("use the model's Hugging Face folder with its tokenizer.json")
        .into()
}

/// Returns true if a token is spelled like one for a byte.
pub(super) fn is_byte(text: &str) -> bool {
    let digits = text.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    digits.is_some_and(|digits| digits.len() == 2 && u8::from_str_radix(digits, 16).is_ok())
}
