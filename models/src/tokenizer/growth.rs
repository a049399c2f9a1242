//! A bound on what the steps of a tokenizer make of a text.
//!
//! A step may write several bytes for one: a replacement, the letters of a byte-level alphabet. Steps follow each other, so sixty that double a
//! text ask for more memory than there is. Their factors are multiplied, and refused together, before any text is read.

use serde_json::Value;

/// The bytes that all steps together may make of one. SentencePiece's replacement of a space makes three, byte-level letters two.
const LARGEST: usize = 16;

/// The bytes that all steps together may put beside a text.
const LONGEST: usize = 1 << 10;

/// Checks the steps of one part of tokenizer.json ("normalizer", "pre_tokenizer" or "decoder"). The error is what was found.
pub(super) fn check(part: &Value) -> Result<(), String> {
    let Growth { factor, beside } = Growth::of(part)?;
    if factor > LARGEST {
        return Err(format!("steps that make {factor} bytes of one"));
    }
    if beside > LONGEST {
        return Err(format!("steps that put {beside} bytes beside a text"));
    }
    Ok(())
}

/// The largest growth of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Growth {
    factor: usize,
    beside: usize,
}

impl Growth {
    const NONE: Self = Self { factor: 1, beside: 0 };

    /// The growth by a step, or by a sequence of steps.
    fn of(step: &Value) -> Result<Self, String> {
        let steps = ["normalizers", "pretokenizers", "decoders"].iter().find_map(|key| step[*key].as_array());
        if let Some(steps) = steps {
            return steps.iter().try_fold(Self::NONE, |before, step| Ok(before.then(Self::of(step)?)));
        }
        let content = step["content"].as_str().unwrap_or_default().len();
        Ok(match step["type"].as_str().unwrap_or_default() {
            "ByteLevel" => Self { factor: 2, ..Self::NONE },
            "Metaspace" => Self { factor: 3, beside: 4 },
            "Prepend" => Self { beside: step["prepend"].as_str().unwrap_or_default().len(), ..Self::NONE },
            "Replace" => Self { factor: replacement(&step["pattern"], content)?, ..Self::NONE },
            _ => Self::NONE,
        })
    }

    fn then(self, next: Self) -> Self {
        let factor = self.factor.saturating_mul(next.factor);
        Self { factor, beside: self.beside.saturating_mul(next.factor).saturating_add(next.beside) }
    }
}

/// The factor of a replacement by `content` bytes. The smallest match counts as a byte, and no match as one, too.
fn replacement(pattern: &Value, content: usize) -> Result<usize, String> {
    let smallest = match (pattern["String"].as_str(), pattern["Regex"].as_str()) {
        (Some(text), _) => text.len().max(1),
        // The `tokenizers` crate takes a pattern that ran out of steps for one without matches. One in linear time never does.
        (None, Some(regex)) => match regex::Regex::new(regex) {
            Ok(_) => 1,
            Err(error) => return Err(format!("a replacement without a plain regular expression: {error}")),
        },
        (None, None) => 1,
    };
    Ok(content.div_ceil(smallest).max(1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn replace(pattern: &str, content: &str) -> Value {
        json!({ "type": "Replace", "pattern": { "String": pattern }, "content": content })
    }

    #[test]
    fn steps_that_double_a_text_are_refused_and_those_of_known_tokenizers_are_not() {
        let doubling = vec![replace("a", "aa"); 60];
        assert!(check(&json!({ "type": "Sequence", "normalizers": doubling })).unwrap_err().contains("make"));
        let byte_level = json!({ "type": "ByteLevel", "add_prefix_space": false, "use_regex": false });
        let sequence = |steps| json!({ "type": "Sequence", "pretokenizers": steps });
        assert!(check(&sequence(vec![byte_level.clone(); 40])).is_err());
        assert_eq!(check(&sequence(vec![sequence(vec![byte_level])])), Ok(()));
        let prepend = json!({ "type": "Prepend", "prepend": "▁" });
        assert_eq!(check(&json!({ "type": "Sequence", "normalizers": [prepend, replace(" ", "▁")] })), Ok(()));
        assert!(check(&json!({ "type": "Prepend", "prepend": "x".repeat(1 << 20) })).unwrap_err().contains("beside"));
        let regex = |pattern: &str| json!({ "type": "Replace", "pattern": { "Regex": pattern }, "content": "▁" });
        assert_eq!(check(&regex(" {2,}")), Ok(()));
        assert!(check(&regex(r"(a+)+(?!b)")).is_err());
        assert_eq!(check(&Value::Null), Ok(()));
    }
}
