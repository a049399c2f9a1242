//! The pre-tokenizers of byte-level tokenizers, which cut a text into words before bytes are merged, by the names that GGUF files use
//! (`tokenizer.ggml.pre`). The regular expressions are part of those models: another cut gives other ids.

use ::tokenizers::pre_tokenizers::byte_level::ByteLevel;
use ::tokenizers::pre_tokenizers::digits::Digits;
use ::tokenizers::pre_tokenizers::sequence::Sequence;
use ::tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use ::tokenizers::{PreTokenizerWrapper, SplitDelimiterBehavior};
use serde::Serialize;
use serde_json::Value;

/// The names with their rules in [`named`], for messages.
pub(super) const NAMES: &str = "default, gpt-2, smollm, starcoder, refact, command-r, llama-bpe, llama3, qwen2";

/// One name of each rule.
const RULES: [&str; 5] = ["smollm", "llama-bpe", "qwen2", "gpt-2", "default"];

/// English contractions, words, numbers and signs, each with one space before it (GPT-2).
const GPT_2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// GPT-2, but with contractions in any case, digits in groups of up to three, and line ends as words (Llama 3).
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Llama 3, but with every digit alone (Qwen 2).
const QWEN_2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The default without a rule in the file: signs, GPT-2's words, numbers, and threes of digits, one after the other.
const DEFAULT: [&str; 4] = [r"[\p{P}\$\+<=>\^~\|]+", GPT_2, r"\p{N}+", r"[0-9][0-9][0-9]"];

/// The rule of the name `pre`, if it is known.
pub(super) fn named(pre: &str) -> Option<Result<PreTokenizerWrapper, ::tokenizers::Error>> {
    let single_digits = || PreTokenizerWrapper::from(Digits::new(true));
    let rules: Result<Vec<_>, _> = match pre {
        "default" => DEFAULT.into_iter().map(split).collect(),
        "gpt-2" => split(GPT_2).map(|words| vec![words]),
        "smollm" | "starcoder" | "refact" | "command-r" => split(GPT_2).map(|words| vec![single_digits(), words]),
        "llama-bpe" | "llama3" => split(LLAMA_3).map(|words| vec![words]),
        "qwen2" => split(QWEN_2).map(|words| vec![words]),
        _ => return None,
    };
    // At last, bytes become visible characters, the alphabet of these vocabularies.
    let bytes = ByteLevel::new(false, true, false).into();
    Some(rules.map(|rules| Sequence::new(rules.into_iter().chain([bytes]).collect()).into()))
}

/// Returns true for rules under which a word that is a token is not merged: for some tokens of Llama 3, no sequence of merges leads to them.
pub(super) fn ignores_merges(pre: &str) -> bool {
    matches!(pre, "llama-bpe" | "llama3")
}

/// The name of the rule that cuts texts exactly like `pre_tokenizer`.
pub(super) fn name_of(pre_tokenizer: Option<&PreTokenizerWrapper>) -> Option<&'static str> {
    let own = steps(pre_tokenizer?);
    RULES.into_iter().find(|rule| matches!(named(rule), Some(Ok(named)) if steps(&named) == own))
}

/// The steps of a pre-tokenizer or a normaliser, sequences within sequences one after the other, each in its one spelling.
pub(super) fn steps(part: &impl Serialize) -> Vec<Value> {
    let mut steps = Vec::new();
    add_steps(serde_json::to_value(part).unwrap_or_default(), &mut steps);
    steps
}

fn add_steps(mut step: Value, steps: &mut Vec<Value>) {
    for key in ["pretokenizers", "normalizers"] {
        if let Some(Value::Array(parts)) = step.get_mut(key).map(Value::take) {
            return parts.into_iter().for_each(|part| add_steps(part, steps));
        }
    }
    if step["type"] == "ByteLevel" {
        // Offsets are not used. Its own expression is GPT-2's.
        step["trim_offsets"] = true.into();
        if step["use_regex"] == true {
            step["use_regex"] = false.into();
            steps.extend(split(GPT_2).ok().and_then(|words| serde_json::to_value(words).ok()));
        }
    }
    steps.push(step);
}

fn split(pattern: &str) -> Result<PreTokenizerWrapper, ::tokenizers::Error> {
    Ok(Split::new(SplitPattern::Regex(pattern.into()), SplitDelimiterBehavior::Isolated, false)?.into())
}
