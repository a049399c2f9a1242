//! Item tokens in texts: added tokens that stand for whole titles of a catalogue.
//!
//! The text of an item token is the title's part of a line of a list: a space, the title, a line break. A list therefore has one token for
//! each title, in any program that reads tokenizer.json. Titles are short words as often as not ("It", "Up"), and users' text must not
//! turn into items by chance. So a whole line of it that spells an item token gets a mark, as spellings of control tokens do; item
//! tokens come out of lists ([`Tokenizer::encode_list`]) and of titles that a request quotes ([`Tokenizer::guard_request`]) alone.

use std::collections::HashMap;
use std::ops::Range;

use ::tokenizers::AddedToken;
use serde_json::{Value, json};

use super::Tokenizer;
use super::files::{GENERATION, TOKENIZER, TokenizerFiles};
use super::guard::MARK;
use crate::{Error, Result};

/// Separators of quoted titles, for which item tokens, a line each, have no need.
const SEPARATORS: [&str; 2] = [" → ", ", "];

/// The text of the item token of `title`; `None` for a title that is no single line, or begins or ends with blanks.
fn line_of(title: &str) -> Option<String> {
    let is_line = !title.is_empty() && title.trim() == title && !title.contains(['\n', '\r']);
    is_line.then(|| format!(" {title}\n"))
}

/// The title of an item token; `None` for any other added token.
fn title_of(token: &AddedToken) -> Option<&str> {
    let title = token.content.strip_prefix(' ')?.strip_suffix('\n')?;
    Some(title).filter(|title| !token.special && line_of(title).is_some())
}

/// The titles that have item tokens.
#[derive(Debug, Default)]
pub(super) struct ItemTitles {
    ids: HashMap<String, u32>,
    /// Bytes of the longest title.
    longest: usize,
}

impl ItemTitles {
    /// The item tokens among added tokens.
    pub(super) fn among<'a>(added: impl Iterator<Item = (&'a u32, &'a AddedToken)>) -> Self {
        let ids: HashMap<String, u32> =
            added.filter_map(|(id, token)| Some((title_of(token)?.to_owned(), *id))).collect();
        Self { longest: ids.keys().map(String::len).max().unwrap_or(0), ids }
    }

    fn has(&self, title: &str) -> bool {
        title.len() <= self.longest && self.ids.contains_key(title)
    }

    /// `text` with a mark in every end of a line that spells a title. What stands before and behind the text may be a space and a line
    /// break.
    pub(super) fn hide(&self, text: &str) -> String {
        if self.ids.is_empty() {
            return text.to_owned();
        }
        let mut hidden = String::with_capacity(text.len());
        for (number, line) in text.split_inclusive('\n').enumerate() {
            let title_end = line.len() - usize::from(line.ends_with('\n'));
            let starts = line.match_indices(' ').map(|(at, _)| at + 1);
            let mut written = 0;
            for start in (number == 0).then_some(0).into_iter().chain(starts) {
                if start < title_end && self.has(&line[start..title_end]) {
                    let first = line[start..].chars().next().map_or(0, char::len_utf8);
                    hidden.push_str(&line[written..start + first]);
                    hidden.push(MARK);
                    written = start + first;
                }
            }
            hidden.push_str(&line[written..]);
        }
        hidden
    }

    /// The first title in single quotes, the longest one there: its place with the quotes, in bytes.
    fn quoted(&self, text: &str) -> Option<Range<usize>> {
        let quotes: Vec<usize> = text.match_indices('\'').map(|(at, _)| at).collect();
        quotes.iter().enumerate().find_map(|(number, &open)| {
            let closing = quotes[number + 1..].iter().take_while(|close| **close - open - 1 <= self.longest);
            let close = closing.filter(|close| self.has(&text[open + 1..**close])).last()?;
            Some(open..close + 1)
        })
    }
}

impl Tokenizer {
    /// The id of the item token of `title`.
    pub fn item_token(&self, title: &str) -> Option<u32> {
        self.items.ids.get(title).copied()
    }

    /// Returns true if some titles have item tokens.
    pub fn has_item_tokens(&self) -> bool {
        !self.items.ids.is_empty()
    }

    /// The ids of a title as [`Tokenizer::guard_request`] quotes it: its item token, or plain characters.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_title(&self, title: &str) -> Result<Vec<u32>> {
        self.item_token(title).map_or_else(|| self.encode_plain(title), |id| Ok(vec![id]))
    }

    /// The ids of a list, a line for each title: item tokens where titles have them. No control token comes out of it, and no BOS.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_list(&self, text: &str) -> Result<Vec<u32>> {
        self.encode(&self.guard_controls(text), false)
    }

    /// [`Tokenizer::guard`] for the text of a request, in which titles that stand in single quotes become item tokens. Their quotes, the
    /// space before them and the separators between them are left out.
    pub fn guard_request(&self, text: &str) -> String {
        let (mut guarded, mut rest, mut is_behind_title) = (String::with_capacity(text.len()), text, false);
        while let Some(place) = self.items.quoted(rest) {
            let between = &rest[..place.start];
            if !(is_behind_title && SEPARATORS.contains(&between)) {
                guarded.push_str(&self.guard(between.strip_suffix(' ').unwrap_or(between)));
            }
            let title = &rest[place.start + 1..place.end - 1];
            guarded.push_str(&self.guard_controls(&format!(" {title}\n")));
            (rest, is_behind_title) = (&rest[place.end..], true);
        }
        guarded.push_str(&self.guard(rest));
        guarded
    }
}

impl TokenizerFiles {
    /// These files with an item token for each of `titles`, with the ids from `first` on.
    ///
    /// # Errors
    /// A title that is no line of its own, two that are alike; a tokenizer.json that cannot be read.
    pub fn with_item_tokens(&self, titles: &[&str], first: usize) -> Result<Self> {
        let bytes = self.files.get(TOKENIZER).map(Vec::as_slice).unwrap_or_default();
        let mut json: Value = serde_json::from_slice(bytes)
            .map_err(|e| Error::bad_input(TOKENIZER).expected("a tokenizer in Hugging Face's JSON").found(e))?;
        let mut tokens = json["added_tokens"].as_array().cloned().unwrap_or_default();
        let mut ids = HashMap::new();
        for (id, title) in (first..).zip(titles) {
            let bad = |expected: &str, found: &str| {
                let next = "clean the titles in items.csv";
                Error::bad_input(format!("the title {title:?}")).expected(expected).found(found).next(next)
            };
            let content = line_of(title).ok_or_else(|| bad("one line without blanks around it", "another text"))?;
            if ids.insert(*title, id).is_some() {
                return Err(bad("one item of this title", "two").into());
            }
            tokens.push(json!({
                "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": false,
            }));
        }
        json["added_tokens"] = Value::Array(tokens);
        let mut extended = self.clone();
        extended.files.insert(TOKENIZER, json.to_string().into_bytes());
        // There is no config.json beside an adapter, which may be the only file that names stop ids.
        extended.files.entry(GENERATION).or_insert_with(|| Value::Object(self.ids().clone()).to_string().into_bytes());
        Ok(extended)
    }
}

#[cfg(test)]
mod tests;
