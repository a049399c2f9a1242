//! Keeps control tokens out of users' text.
//!
//! A tokenizer looks for the spellings of control tokens in the raw text first and normalises what lies between them afterwards.
//! So a character put into such a spelling hides it from the search, and a normaliser that deletes this character restores
//! the text before it is split and merged: the spelling becomes ordinary characters, with the very ids that it would have if
//! there were no such control token. Prompts can thus be rendered and encoded in one piece, template and users' text alike.
//! (A spelling of a single character cannot be broken up; no known model has one.)

use std::collections::BTreeMap;

use ::tokenizers::normalizers::{Replace, Sequence};
use ::tokenizers::{AddedToken, AddedVocabulary, NormalizerWrapper, Tokenizer};

use super::Specials;

/// U+FDD0 is a "noncharacter": Unicode keeps it for such internal marks. A text that holds it nevertheless loses it.
const MARK: char = '\u{fdd0}';

/// The spellings that have to be broken up in users' text.
#[derive(Debug)]
pub(super) struct Guard {
    spellings: Vec<String>,
}

impl Guard {
    /// Makes `tokenizer` delete marks, and look for every control token in the raw text, before normalisation. BOS and EOS are
    /// control tokens even where the file doesn't mark them as such.
    ///
    /// Fails with the added token that doesn't keep its id.
    pub(super) fn install(tokenizer: &mut Tokenizer, specials: &Specials) -> Result<Self, String> {
        let mut added: BTreeMap<u32, AddedToken> = tokenizer.get_added_tokens_decoder().into_iter().collect();
        for id in specials.bos.iter().chain(&specials.eos) {
            let spelling = tokenizer.id_to_token(*id).unwrap_or_default();
            added.entry(*id).or_insert_with(|| AddedToken::from(spelling, true)).special = true;
        }
        added.values_mut().for_each(|token| token.normalized &= !token.special);

        tokenizer.with_added_vocabulary(AddedVocabulary::new());
        tokenizer.add_tokens(&added.values().cloned().collect::<Vec<_>>());
        for (id, token) in &added {
            match tokenizer.token_to_id(&token.content) {
                Some(got) if got == *id => {}
                got => return Err(format!("{:?} at {got:?} instead of {id}", token.content)),
            }
        }

        let delete_marks = Replace::new(MARK.to_string(), "").map_err(|e| e.to_string())?;
        let normalizers = [Some(NormalizerWrapper::from(delete_marks)), tokenizer.get_normalizer().cloned()];
        tokenizer.with_normalizer(Some(Sequence::new(normalizers.into_iter().flatten().collect())));

        let spellings = added.into_values().filter(|token| token.special).map(|token| token.content).collect();
        Ok(Self { spellings })
    }

    /// `text` with a mark after the first character of every spelling in it.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut guarded = String::with_capacity(text.len());
        for (at, character) in text.char_indices() {
            guarded.push(character);
            if self.spellings.iter().any(|spelling| text[at..].starts_with(spelling.as_str())) {
                guarded.push(MARK);
            }
        }
        guarded
    }
}
