//! Cuts a text into words before their pieces are merged.
//!
//! Two things are done here that the `tokenizers` crate does not do: the marks of the [guard](super::guard) are taken out, after added tokens
//! were looked for; and a splitting rule that takes too many steps is an error, where the crate leaves the rest of the text uncut.

use ::tokenizers::pattern::Invert;
use ::tokenizers::pre_tokenizers::PreTokenizerWrapper;
use ::tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use ::tokenizers::{PreTokenizedString, PreTokenizer, Result, SplitDelimiterBehavior};
use fancy_regex::{Regex, RegexBuilder, escape};

use super::guard::Marks;

/// Steps back that a rule may take for one word; the known rules take a few for each character that they look at.
const STEPS: usize = 10_000_000;

/// The pre-tokenizer of a source, without marks and without silent failures.
#[derive(Debug)]
pub(super) struct WordSplitter {
    /// The pre-tokenizer of the source.
    pub(super) source: Option<PreTokenizerWrapper>,
    steps: Vec<Step>,
    marks: Marks,
}

#[derive(Debug)]
enum Step {
    Split { regex: Regex, behavior: SplitDelimiterBehavior, invert: bool },
    Other(PreTokenizerWrapper),
}

impl WordSplitter {
    /// The pre-tokenizer `source` behind the removal of `marks`.
    pub(super) fn new(source: Option<PreTokenizerWrapper>, marks: Marks) -> Result<Self> {
        let mut steps = Vec::new();
        if let Some(source) = &source {
            Step::add(source, &mut steps)?;
        }
        Ok(Self { source, steps, marks })
    }
}

impl Step {
    /// The steps of `source`, sequences within sequences one after the other.
    fn add(source: &PreTokenizerWrapper, steps: &mut Vec<Self>) -> Result<()> {
        match source {
            PreTokenizerWrapper::Sequence(sequence) => {
                sequence.as_ref().iter().try_for_each(|step| Self::add(step, steps))?;
            }
            PreTokenizerWrapper::Split(Split { pattern, behavior, invert, .. }) => {
                let pattern = match pattern {
                    SplitPattern::String(text) => escape(text).into_owned(),
                    SplitPattern::Regex(regex) => regex.clone(),
                };
                let regex = RegexBuilder::new(&pattern).backtrack_limit(STEPS).build()?;
                steps.push(Self::Split { regex, behavior: *behavior, invert: *invert });
            }
            other => steps.push(Self::Other(other.clone())),
        }
        Ok(())
    }
}

impl PreTokenizer for WordSplitter {
    fn pre_tokenize(&self, text: &mut PreTokenizedString) -> Result<()> {
        text.normalize(|text| self.marks.remove(text))?;
        for step in &self.steps {
            match step {
                Step::Other(other) => other.pre_tokenize(text)?,
                Step::Split { regex, behavior, invert: false } => {
                    text.split(|_, text| text.split(regex, *behavior))?;
                }
                Step::Split { regex, behavior, invert: true } => {
                    text.split(|_, text| text.split(Invert(regex), *behavior))?;
                }
            }
        }
        Ok(())
    }
}
