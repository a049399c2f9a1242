//! A tokenizer as its folder or its GGUF file describes it.

use std::collections::{BTreeMap, BTreeSet};

use ::tokenizers::models::bpe::BPE;
use ::tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerBuilder,
    TokenizerImpl,
};

use super::guard::{Guard, Marks, is_control, looks_like_control};
use super::pre_tokenizer::WordSplitter;

/// The tokenizer of the `tokenizers` crate, with a pre-tokenizer of our own.
pub(super) type Inner = TokenizerImpl<BPE, NormalizerWrapper, WordSplitter, PostProcessorWrapper, DecoderWrapper>;

/// Spellings of the tokens that end a turn or a text. Where one is an added token, an answer stops at it.
pub(super) const STOPS: [&str; 9] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|end_of_turn|>",
    "<end_of_turn>",
    "<|end|>",
    "</s>",
];

/// The special tokens of a source.
#[derive(Debug, Default)]
pub(super) struct Specials {
    pub(super) bos: Option<u32>,
    pub(super) pad: Option<u32>,
    /// The declared EOS first, then further stop tokens.
    pub(super) eos: Vec<u32>,
    /// True if the tokenizer by itself begins every text with BOS.
    pub(super) adds_bos: bool,
    /// `bos_token` and `eos_token` of a chat template; empty where none is named.
    pub(super) spelled: [String; 2],
}

/// The parts of a tokenizer.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) model: BPE,
    pub(super) normalizer: Option<NormalizerWrapper>,
    pub(super) pre_tokenizer: Option<PreTokenizerWrapper>,
    pub(super) decoder: Option<DecoderWrapper>,
    /// By id: tokens that are looked for in a text before it is cut into words.
    pub(super) added: BTreeMap<u32, AddedToken>,
    /// By id: tokens that are named as control tokens and may be missing among the added ones. Where plain text leads to one, it is an
    /// ordinary token, which a wrong id or name must not change.
    pub(super) named: BTreeMap<u32, AddedToken>,
    pub(super) specials: Specials,
    /// The chat template, or nothing.
    pub(super) template: String,
}

impl Source {
    /// A model and nothing else.
    pub(super) fn of_model(model: BPE) -> Self {
        Self {
            model,
            normalizer: None,
            pre_tokenizer: None,
            decoder: None,
            added: BTreeMap::new(),
            named: BTreeMap::new(),
            specials: Specials::default(),
            template: String::new(),
        }
    }

    /// The tokenizer with a guard of its control tokens, and the rows that an embedding needs for it: not for control tokens that nothing
    /// writes. The error is what was found wrong.
    pub(super) fn build(self) -> Result<(Inner, Guard, Specials, usize), String> {
        let Self { model, normalizer, pre_tokenizer, decoder, mut added, named, specials, template } = self;
        let text = |e: ::tokenizers::Error| e.to_string();
        let splitter = WordSplitter::new(pre_tokenizer.clone(), Marks::default()).map_err(text)?;
        let mut inner: Inner = TokenizerBuilder::new()
            .with_model(model)
            .with_normalizer(normalizer.clone())
            .with_pre_tokenizer(Some(splitter))
            .with_post_processor(None)
            .with_decoder(decoder)
            .build()
            .map_err(text)?;

        for (id, token) in &named {
            if !added.contains_key(id) && !is_ordinary(&inner, *id) {
                added.insert(*id, token.clone());
            }
        }
        for id in specials.bos.iter().chain(&specials.eos) {
            if let Some(token) =
                added.get_mut(id).filter(|token| named.contains_key(id) || looks_like_control(&token.content))
            {
                token.special = true;
            }
        }
        inner.add_tokens(&added.values().cloned().collect::<Vec<_>>());
        for (id, token) in &added {
            if inner.token_to_id(&token.content) != Some(*id) {
                return Err(format!("{:?} at {id}", token.content));
            }
        }

        let is_control = |(id, token): &(&u32, &AddedToken)| named.contains_key(*id) || is_control(token, &template);
        let control: BTreeSet<u32> = added.iter().filter(is_control).map(|(id, _)| *id).collect();
        let guard = Guard::new(control.iter().map(|id| (*id, &added[id])), normalizer.as_ref()).map_err(text)?;
        let marks = guard.marks(normalizer.as_ref()).map_err(text)?;
        inner.with_pre_tokenizer(Some(WordSplitter::new(pre_tokenizer, marks).map_err(text)?));
        let specials = specials.complete(&inner)?;
        let is_written = |id: &u32| {
            specials.bos == Some(*id)
                || specials.eos.contains(id)
                || !control.contains(id)
                || template.contains(&added[id].content)
        };
        let highest = inner.get_vocab(true).into_values().filter(is_written).max();
        Ok((inner, guard, specials, highest.map_or(0, |id| id as usize + 1)))
    }
}

/// Returns true if plain text leads to the token `id`, in some place of a text.
fn is_ordinary(plain: &Inner, id: u32) -> bool {
    let Ok(text) = plain.decode(&[id], false) else { return false };
    // A part of a character comes from the text that has the whole one.
    text.contains(char::REPLACEMENT_CHARACTER)
        || [text.clone(), format!("x{text}"), format!("\n{text}"), format!("{text}{text}")]
            .into_iter()
            .any(|text| plain.encode_fast(text, false).is_ok_and(|encoding| encoding.get_ids().contains(&id)))
}

impl Specials {
    /// Adds the stop tokens that the vocabulary has beside the declared ones. The error is an id that the vocabulary lacks; one for padding,
    /// which nothing uses, or for a BOS that nothing puts in front counts as none.
    fn complete(self, inner: &Inner) -> Result<Self, String> {
        let Self { bos, pad, eos: declared, adds_bos, spelled } = self;
        let added = inner.get_added_vocabulary().get_added_tokens_decoder();
        let known_stops = STOPS.iter().filter_map(|spelling| inner.token_to_id(spelling));
        let mut eos = Vec::new();
        for id in declared.into_iter().chain(known_stops.filter(|id| added.contains_key(id))) {
            if !eos.contains(&id) {
                eos.push(id);
            }
        }
        let is_token = |id: &u32| inner.id_to_token(*id).is_some();
        let (bos, pad) = (bos.filter(|id| adds_bos || is_token(id)), pad.filter(is_token));
        match eos.iter().chain(&bos).find(|id| !is_token(id)) {
            Some(id) => Err(format!("the id {id}, which it doesn't have")),
            None => Ok(Self { bos, pad, eos, adds_bos, spelled }),
        }
    }
}
