//! A byte-level BPE tokenizer for tests, trained on the spot, that cuts text the way real ones do.

use std::collections::HashMap;

use crate::Result;
use crate::constrain::grammar::TitleTokenizer;

/// The pre-tokenization: the pieces of text that merges stay within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreTokenizer {
    /// GPT-2 and SmolLM2: a space joins the word after it, a line break stands alone.
    Words,
    /// Llama 3: as `Words`, and punctuation takes the line breaks behind it along.
    WordsAndBreaks,
    /// Llama 2: no cuts, a space added in front of any text, no merge over a space inside.
    Sentence,
    /// No cuts at all: merges reach across everything.
    Nothing,
}

/// Bytes are the tokens 0 to 255; every merge adds one.
pub struct ToyTokenizer {
    cut: PreTokenizer,
    merges: HashMap<(u32, u32), u32>,
    /// `[tokens]` The bytes of each token.
    bytes: Vec<Vec<u8>>,
}

impl ToyTokenizer {
    /// Learns `merges` merges from `corpus`, the most frequent pair first.
    pub fn train(cut: PreTokenizer, corpus: &str, merges: usize) -> Self {
        let bytes = (0..=u8::MAX).map(|byte| vec![byte]).collect();
        let mut toy = Self { cut, merges: HashMap::new(), bytes };
        let mut pieces: Vec<Vec<u32>> = toy.pieces(corpus).map(bytes_of).collect();
        for _ in 0..merges {
            let mut counts: HashMap<(u32, u32), usize> = HashMap::new();
            for pair in pieces.iter().flat_map(|piece| piece.windows(2)) {
                *counts.entry((pair[0], pair[1])).or_default() += 1;
            }
            counts.retain(|&(a, b), _| toy.may_merge(a, b));
            let Some((&pair, _)) = counts.iter().max_by_key(|&(&pair, &count)| (count, std::cmp::Reverse(pair))) else {
                break;
            };
            let token = toy.bytes.len() as u32;
            toy.merges.insert(pair, token);
            toy.bytes.push([toy.bytes[pair.0 as usize].as_slice(), &toy.bytes[pair.1 as usize]].concat());
            pieces.iter_mut().for_each(|piece| merge(piece, pair, token));
        }
        toy
    }

    /// The number of tokens.
    pub fn vocabulary(&self) -> usize {
        self.bytes.len()
    }

    /// Llama 2's tokenizer has no token with a space inside or at its end, and none with a line break.
    fn may_merge(&self, a: u32, b: u32) -> bool {
        let (a, b) = (&self.bytes[a as usize], &self.bytes[b as usize]);
        self.cut != PreTokenizer::Sentence || !(b.contains(&b' ') || a.contains(&b'\n') || b.contains(&b'\n'))
    }

    fn pieces<'a>(&self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let cut = self.cut;
        let mut rest = text;
        std::iter::from_fn(move || {
            let length = match cut {
                PreTokenizer::Sentence | PreTokenizer::Nothing => rest.len(),
                PreTokenizer::Words | PreTokenizer::WordsAndBreaks => {
                    word_length(rest, cut == PreTokenizer::WordsAndBreaks)
                }
            };
            let (piece, after) = rest.split_at(length);
            rest = after;
            (!piece.is_empty()).then_some(piece)
        })
    }
}

impl TitleTokenizer for ToyTokenizer {
    fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let text = if self.cut == PreTokenizer::Sentence { format!(" {text}") } else { text.to_owned() };
        let encode_piece = |piece: &str| {
            let mut tokens = bytes_of(piece);
            // The earliest merge that applies anywhere, until none does.
            while let Some((&pair, &token)) = tokens
                .windows(2)
                .filter_map(|pair| self.merges.get_key_value(&(pair[0], pair[1])))
                .min_by_key(|&(_, &token)| token)
            {
                merge(&mut tokens, pair, token);
            }
            tokens
        };
        Ok(self.pieces(&text).flat_map(encode_piece).collect())
    }

    fn decode(&self, tokens: &[u32]) -> Result<String> {
        let bytes: Vec<u8> = tokens.iter().flat_map(|&token| self.bytes[token as usize].clone()).collect();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(match text.strip_prefix(' ') {
            Some(without) if self.cut == PreTokenizer::Sentence => without.to_owned(),
            _ => text,
        })
    }
}

fn bytes_of(text: &str) -> Vec<u32> {
    text.bytes().map(u32::from).collect()
}

fn merge(tokens: &mut Vec<u32>, pair: (u32, u32), merged: u32) {
    let mut at = 0;
    while at + 1 < tokens.len() {
        if (tokens[at], tokens[at + 1]) == pair {
            tokens[at] = merged;
            tokens.remove(at + 1);
        }
        at += 1;
    }
}

/// The length of the first piece: ` ?letters`, ` ?one digit`, ` ?signs`, or white space up to the last of it before a word.
fn word_length(text: &str, signs_take_breaks: bool) -> usize {
    #[derive(PartialEq)]
    enum Kind {
        Letter,
        Digit,
        Space,
        Sign,
    }
    let kind = |c: char| match c {
        c if c.is_alphabetic() => Kind::Letter,
        c if c.is_numeric() => Kind::Digit,
        c if c.is_whitespace() => Kind::Space,
        _ => Kind::Sign,
    };
    let space = usize::from(text.starts_with(' '));
    let Some(first) = text[space..].chars().next().filter(|&c| kind(c) != Kind::Space) else {
        let spaces = text.len() - text.trim_start().len();
        let last = text[..spaces].char_indices().next_back().map_or(0, |(at, _)| at);
        // The last white space before a word belongs to the word, or stands alone.
        return if spaces == text.len() || last == 0 { spaces } else { last };
    };
    if kind(first) == Kind::Digit {
        return space + first.len_utf8();
    }
    let same = text[space..].find(|c| kind(c) != kind(first)).unwrap_or(text.len() - space);
    let breaks = text[space + same..].len() - text[space + same..].trim_start_matches('\n').len();
    space + same + if signs_take_breaks && kind(first) == Kind::Sign { breaks } else { 0 }
}
