//! PEFT's patterns over the names of modules.
//!
//! The keys of `rank_pattern` and `alpha_pattern` are regular expressions, and the first in the order of the file that fits the end of a
//! module's name, from a dot on, decides. A text as `target_modules` is one over the whole name.

use fancy_regex::{Regex, RegexBuilder};

/// The longest pattern, in bytes.
const MOST_BYTES: usize = 1 << 12;

/// The most patterns of a file: more than any Llama has projections.
const MOST_PATTERNS: usize = 1 << 14;

/// The most of them that are more than names, and the memory that one of these may take.
const MOST_EXPRESSIONS: usize = 512;
const MOST_COMPILED_BYTES: usize = 1 << 20;

/// Spellings that Python reads in another way, or not at all: sets within sets, flags for the rest of an expression.
const READ_OTHERWISE: [&str; 12] =
    ["[[", "&&", "--", "~~", "\\<", "\\>", "(?i)", "(?s)", "(?m)", "(?x)", "(?u)", "(?a)"];

/// A regular expression over the names of modules.
#[derive(Debug)]
pub(super) enum Pattern {
    /// A name without special characters, except that a dot stands for any character: nearly all are of this kind, and there may be one
    /// for every module.
    Name(String),
    /// Anything else, put between the start and the end of the name.
    Regex(Box<Regex>),
}

impl Pattern {
    /// A pattern of an end of a name, from a dot on, or of all of it.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub(super) fn of_end(pattern: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        match pattern.chars().all(is_plain) && !pattern.is_empty() {
            true if pattern.len() <= MOST_BYTES => Ok(Self::Name(pattern.to_owned())),
            _ => Self::compile(pattern, r"^(.*\.)?(", ")$"),
        }
    }

    /// A pattern of a whole name.
    ///
    /// # Errors
    /// As [`Pattern::of_end`].
    pub(super) fn of_name(pattern: &str) -> Result<Self, String> {
        Self::compile(pattern, "^(?:", ")$")
    }

    fn compile(pattern: &str, before: &str, after: &str) -> Result<Self, String> {
        if pattern.len() > MOST_BYTES {
            return Err(format!("a regular expression of {} bytes", pattern.len()));
        }
        if let Some(part) = READ_OTHERWISE.iter().find(|part| pattern.contains(**part)) {
            return Err(format!("{pattern:?}, in which {part} has another meaning in Python"));
        }
        // The expression by itself, so that none of its brackets closes one of ours.
        let compile = |whole: &str| {
            let compiled = RegexBuilder::new(whole).delegate_size_limit(MOST_COMPILED_BYTES).build();
            compiled.map_err(|e| format!("{pattern:?}: {e}"))
        };
        compile(pattern)?;
        Ok(Self::Regex(Box::new(compile(&format!("{before}{pattern}{after}"))?)))
    }

    /// Returns true if `name` fits.
    ///
    /// # Errors
    /// An expression that takes too many steps.
    pub(super) fn fits(&self, name: &str) -> Result<bool, String> {
        match self {
            Self::Name(end) => Ok(fits_end(end, name)),
            Self::Regex(regex) => regex.is_match(name).map_err(|e| format!("{:?}: {e}", regex.as_str())),
        }
    }
}

/// Returns true if `end` is the end of `name` from a dot on, or all of it; a dot in `end` stands for any character.
fn fits_end(end: &str, name: &str) -> bool {
    let Some(start) = name.len().checked_sub(end.len()) else { return false };
    let (before, found) = name.as_bytes().split_at(start);
    let same = |(pattern, byte): (u8, &u8)| pattern == b'.' || pattern == *byte;
    before.last().is_none_or(|byte| *byte == b'.') && end.bytes().zip(found).all(same)
}

/// Values by pattern, in the order of the file.
#[derive(Debug)]
pub(super) struct ByPattern<T>(Vec<(Pattern, T)>);

impl<T: Copy> ByPattern<T> {
    /// # Errors
    /// An expression that is none, or more of them than there can be modules.
    pub(super) fn new(entries: Vec<(String, T)>) -> Result<Self, String> {
        if entries.len() > MOST_PATTERNS {
            return Err(format!("{} patterns", entries.len()));
        }
        let (mut read, mut expressions) = (Vec::with_capacity(entries.len()), 0);
        for (pattern, value) in entries {
            let pattern = Pattern::of_end(&pattern)?;
            expressions += usize::from(matches!(pattern, Pattern::Regex(_)));
            if expressions > MOST_EXPRESSIONS {
                return Err(format!("more than {MOST_EXPRESSIONS} regular expressions"));
            }
            read.push((pattern, value));
        }
        Ok(Self(read))
    }

    /// The value of the first pattern that `name` fits.
    ///
    /// # Errors
    /// An expression that takes too many steps.
    pub(super) fn of(&self, name: &str) -> Result<Option<T>, String> {
        for (pattern, value) in &self.0 {
            if pattern.fits(name)? {
                return Ok(Some(*value));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const Q1: &str = "model.layers.1.self_attn.q_proj";
    const Q11: &str = "model.layers.11.self_attn.q_proj";

    /// The value of a name, with the values being the places of the patterns.
    fn first(patterns: &[&str], name: &str) -> Option<usize> {
        let entries = patterns.iter().enumerate().map(|(i, pattern)| ((*pattern).to_owned(), i)).collect();
        ByPattern::new(entries).unwrap().of(name).unwrap()
    }

    /// Expected values by PEFT 0.21's `get_pattern_key`.
    #[test]
    fn the_first_pattern_of_the_file_that_fits_decides() {
        assert_eq!(first(&["q_proj", "layers.1.self_attn.q_proj"], Q1), Some(0));
        assert_eq!(first(&["layers.1.self_attn.q_proj", "q_proj"], Q1), Some(0));
        assert_eq!(first(&["layers.1.self_attn.q_proj", "q_proj"], Q11), Some(1));
        assert_eq!(first(&["v_proj", "proj", "attn.q_proj"], Q1), None, "a pattern begins at a dot");
        assert_eq!(first(&["self.attn.q.proj"], Q1), Some(0), "a dot is any character");
        assert_eq!(first(&["^q_proj", r"^model\.layers\.1\..*"], Q1), Some(1));
        assert_eq!(first(&[r".*\.1\..*q_proj", "q_proj"], Q11), Some(1));
        assert_eq!(first(&["(q|v)_proj", "q_proj"], Q1), Some(0));
        assert_eq!(first(&["v_proj|q_proj"], Q1), Some(0), "an alternative stays within its brackets");
        assert_eq!(first(&[r"layers\.\d+\.self_attn\.q_proj"], Q11), Some(0));
        assert_eq!(first(&[r"layers\.[02-9]\..*", r"layers\.(?!11)\d+\..*", "q_proj$"], Q11), Some(2));
        assert_eq!(first(&["", "q_projx"], Q1), None);
        assert_eq!(first(&["lm_head"], "lm_head"), Some(0));
        assert_eq!(first(&[], Q1), None);
    }

    #[test]
    fn a_plain_name_fits_as_its_expression_does() {
        for end in ["q_proj", "attn.q_proj", "layers.1.self_attn.q_proj", "layers.1", "proj", Q1] {
            for name in [Q1, Q11, "q_proj", "lm_head", "", "x.q_proj"] {
                let expression = Pattern::compile(end, r"^(.*\.)?(", ")$").unwrap();
                assert_eq!(Pattern::of_end(end).unwrap().fits(name), expression.fits(name), "{end} {name}");
            }
        }
    }

    #[test]
    fn expressions_that_are_none_or_mean_something_else_in_python_are_refused() {
        for pattern in ["(", ")|(", "[", "*", "[[:alpha:]]", "(?i)Q_PROJ", "[a--b]", &"(a|b)".repeat(2000)] {
            assert!(Pattern::of_end(pattern).is_err() && Pattern::of_name(pattern).is_err(), "{pattern}");
        }
        assert!(Pattern::of_end(&"q".repeat(5000)).is_err());
        assert!(ByPattern::new(vec![("q_proj".to_owned(), 1); 1 << 15]).is_err());
        assert!(ByPattern::new(vec![("q_.*".to_owned(), 1); 600]).is_err());
    }

    #[test]
    fn an_expression_that_would_take_for_ever_is_an_error() {
        let slow = Pattern::of_end(r"(a*)(a*)(a*)(a*)(a*)(a*)(a*)(a*)\3b").unwrap();
        assert!(slow.fits(&"a".repeat(60)).is_err());
    }
}
