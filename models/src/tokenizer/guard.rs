//! Keeps control tokens out of users' text.
//!
//! A tokenizer looks for the spellings of control tokens first, in the raw text or in the normalised one, and merges characters between them
//! afterwards. So a mark put into such a spelling hides it from the search, and taking the marks out again before the text is cut into words
//! restores it: the spelling becomes ordinary characters, with the very ids that it would have if there were no such control token. Prompts
//! can thus be rendered and encoded in one piece, template and users' text alike.
//!
//! A template may change a text before it is encoded, and so make a spelling of what was none, as by writing it in small letters.
//! [`Guard::isolate`] is for that: with marks between all characters, no spelling holds one of them.
//!
//! A control token is what its file marks so, and also what only looks or is used like one: files forget the mark. Added tokens that are
//! neither, such as words of a domain, stay tokens in users' text.

use std::collections::{BTreeSet, HashMap};

use ::tokenizers::normalizer::Range;
use ::tokenizers::normalizers::byte_level::ByteLevel;
use ::tokenizers::{AddedToken, NormalizedString, Normalizer, NormalizerWrapper, Result};
use fancy_regex::{Regex, escape};

/// The mark. U+FDD0 is a "noncharacter": Unicode keeps it for such internal use. A text that holds it nevertheless loses it.
pub(super) const MARK: char = '\u{fdd0}';

/// Stand-ins for spellings of a single character, in which there is no room for a mark: noncharacters, too.
const STAND_INS: std::ops::RangeInclusive<char> = '\u{fdd1}'..='\u{fdef}';

/// Returns true if an added token is a control token by its looks, or because the chat template writes it.
pub(super) fn is_control(token: &AddedToken, template: &str) -> bool {
    let content = token.content.as_str();
    let is_visible = content.chars().any(|c| !c.is_whitespace());
    token.special || looks_like_control(content) || is_visible && template.contains(content)
}

/// Returns true for "<|im_start|>", "</s>", "[INST]" and the like.
pub(super) fn looks_like_control(content: &str) -> bool {
    let is_within = |open, close| content.starts_with(open) && content.ends_with(close);
    content.chars().count() > 2
        && (is_within('<', '>') || is_within('[', ']'))
        && content.chars().any(char::is_alphanumeric)
        && !content.contains(char::is_whitespace)
}

/// The spellings that have to be broken up in users' text.
#[derive(Debug)]
pub(super) struct Guard {
    ids: BTreeSet<u32>,
    /// By their first character.
    spellings: HashMap<char, Vec<String>>,
    stand_ins: HashMap<char, char>,
    /// The spellings that are looked for in normalised text.
    normalized: Vec<String>,
}

impl Guard {
    /// A guard against `control` tokens; those that are looked for in normalised text are normalised by `normalizer`.
    pub(super) fn new<'a>(
        control: impl Iterator<Item = (u32, &'a AddedToken)>,
        normalizer: Option<&NormalizerWrapper>,
    ) -> Result<Self> {
        let (ids, spellings, stand_ins) = (BTreeSet::new(), HashMap::new(), HashMap::new());
        let mut guard = Self { ids, spellings, stand_ins, normalized: Vec::new() };
        let mut free = STAND_INS;
        for (id, token) in control {
            guard.ids.insert(id);
            let content = token.content.as_str();
            let mut characters = content.chars();
            let Some(first) = characters.next() else { continue };
            if characters.next().is_none() {
                let stand_in = free.next().ok_or("too many control tokens of a single character")?;
                guard.stand_ins.insert(first, stand_in);
            } else {
                guard.spellings.entry(first).or_default().push(content.to_owned());
            }
            if let Some(normalizer) = normalizer.filter(|_| token.normalized) {
                let mut text = NormalizedString::from(content);
                normalizer.normalize(&mut text)?;
                guard.normalized.push(text.get().to_owned());
            }
        }
        guard.normalized.retain(|spelling| !spelling.is_empty());
        Ok(guard)
    }

    /// The control tokens among `ids`, in order.
    pub(super) fn control<'a>(&'a self, ids: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        ids.iter().copied().filter(|id| self.ids.contains(id))
    }

    /// The marks as they stand in a text behind `normalizer`.
    pub(super) fn marks(&self, normalizer: Option<&NormalizerWrapper>) -> Result<Marks> {
        let normalize = |text: String, normalizer: Option<&NormalizerWrapper>| -> Result<String> {
            let mut text = NormalizedString::from(text);
            normalizer.map_or(Ok(()), |normalizer| normalizer.normalize(&mut text))?;
            Ok(text.get().to_owned())
        };
        // A normaliser may write bytes as letters.
        let letters = NormalizerWrapper::from(ByteLevel::new());
        let alphabet =
            Some(&letters).filter(|_| !normalize(MARK.into(), normalizer).is_ok_and(|text| text.contains(MARK)));
        let stand_ins = self.stand_ins.iter().map(|(character, stand_in)| (*stand_in, character.to_string()));
        let marks = stand_ins.chain([(MARK, String::new())]).map(|(mark, content)| {
            let mark = normalize(mark.into(), alphabet)?;
            Ok(Mark { regex: Regex::new(&escape(&mark))?, mark, content: normalize(content, alphabet)? })
        });
        marks.collect::<Result<_>>().map(Marks)
    }

    /// `text` with a mark after the first character of every spelling in it, and stand-ins for spellings of one character.
    pub(super) fn apply(&self, text: &str, normalizer: Option<&NormalizerWrapper>) -> String {
        let mut guarded = String::with_capacity(text.len());
        for (at, character) in text.char_indices() {
            guarded.push(self.stand_ins.get(&character).copied().unwrap_or(character));
            let here = self.spellings.get(&character);
            if here.is_some_and(|spellings| spellings.iter().any(|spelling| text[at..].starts_with(spelling.as_str())))
            {
                guarded.push(MARK);
            }
        }
        match normalizer {
            Some(normalizer) if !self.normalized.is_empty() => self.apply_normalized(guarded, normalizer),
            _ => guarded,
        }
    }

    /// `text` with marks around each of its characters but white space, and stand-ins for spellings of one character.
    pub(super) fn isolate(&self, text: &str) -> String {
        let mut isolated = String::with_capacity(text.len() * 5);
        for character in text.chars() {
            if character.is_whitespace() {
                isolated.push(character);
                continue;
            }
            if !isolated.ends_with(MARK) {
                isolated.push(MARK);
            }
            isolated.push(self.stand_ins.get(&character).copied().unwrap_or(character));
            isolated.push(MARK);
        }
        isolated
    }

    /// `text` with marks in what becomes a spelling only once it is normalised, such as one in capitals.
    fn apply_normalized(&self, text: String, normalizer: &NormalizerWrapper) -> String {
        let mut normalized = NormalizedString::from(text.as_str());
        if normalizer.normalize(&mut normalized).is_err() {
            // Encoding gives the error.
            return text;
        }
        let spelled = normalized.get();
        let begins = |at: usize| self.normalized.iter().any(|spelling| spelled[at..].starts_with(spelling.as_str()));
        let firsts = spelled.char_indices().filter(|(at, _)| begins(*at));
        let ends = firsts.filter_map(|(at, first)| {
            normalized.convert_offsets(Range::Normalized(at..at + first.len_utf8())).map(|original| original.end)
        });
        let mut guarded = text.clone();
        for end in ends.collect::<BTreeSet<usize>>().into_iter().rev().filter(|end| text.is_char_boundary(*end)) {
            guarded.insert(end, MARK);
        }
        guarded
    }
}

/// All marks as they stand in normalised text.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<Mark>);

#[derive(Debug)]
struct Mark {
    mark: String,
    regex: Regex,
    /// The text in its place.
    content: String,
}

impl Marks {
    /// Takes the marks out of `text`.
    pub(super) fn remove(&self, text: &mut NormalizedString) -> Result<()> {
        for Mark { mark, regex, content } in &self.0 {
            if text.get().contains(mark) {
                text.replace(regex, content)?;
            }
        }
        Ok(())
    }
}
