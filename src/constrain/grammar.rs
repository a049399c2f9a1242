//! The text of a list as tokens: `1. title⏎ 2. title⏎ … n. title⏎` and the end of the sequence (method §3.3).
//!
//! A list is a chain of pieces: "1.", " title⏎", " 2.", " title⏎", … The piece before a title depends on the position alone, the
//! title's piece on the item alone, so one trie serves every line. The cut lies before the space that precedes a title because
//! tokenisers merge that space with the first word, and after the line break because some merge the break with the title's last
//! punctuation.
//!
//! Each piece is tokenised *in place*, between its neighbours, and cut out where the neighbours' own tokens are found on both
//! sides; the chain is then what the tokenizer itself makes of the whole list. A tokenizer that merges across a cut has no
//! such place: there the piece is tokenised alone, which is another spelling of the same text. Every line is decoded once to
//! prove it.
//!
//! The list is tokenised apart from the prompt before it (method §3.4), so training and decoding see the same tokens.

use rayon::prelude::*;
use tiller_models::tokenizer::Tokenizer;

use super::trie::{Clash, Trie};
use crate::data::{Catalogue, ItemId};
use crate::run::progress::Progress;
use crate::{Error, Result};

/// The longest list of a request.
pub const LONGEST_LIST: usize = 100;

/// A tokenizer as decoding sees it.
pub trait TitleTokenizer: Sync {
    /// The tokens of a text as plain characters: no special token around them, and none for what spells one.
    ///
    /// # Errors
    /// A text that has no tokens.
    fn encode(&self, text: &str) -> Result<Vec<u32>>;

    /// The text of tokens.
    ///
    /// # Errors
    /// Tokens that have no text.
    fn decode(&self, tokens: &[u32]) -> Result<String>;
}

/// All lists over a catalogue, as a language model writes them.
#[derive(Debug, Clone)]
pub struct Grammar {
    /// `[LONGEST_LIST]` The tokens before each title: "1.", " 2.", " 3.", …
    starts: Vec<Vec<u32>>,
    titles: Trie,
    /// The most tokens that a title has.
    longest_title: usize,
    end: u32,
}

/// The text of a list of titles, without the end of the sequence.
pub fn list_text<'a>(titles: impl IntoIterator<Item = &'a str>) -> String {
    titles.into_iter().enumerate().map(|(at, title)| format!("{}{}", line_start(at), line_rest(title))).collect()
}

/// The text before the title at position `at`, counted from 0.
fn line_start(at: usize) -> String {
    let space = if at == 0 { "" } else { " " };
    format!("{space}{}.", at + 1)
}

/// The title's own part of its line.
fn line_rest(title: &str) -> String {
    format!(" {title}\n")
}

impl Grammar {
    /// All lists over `catalogue` in the tokens of a model.
    ///
    /// # Errors
    /// A tokenizer that has no end of the sequence, or that cannot write the titles: see [`Grammar::build`].
    pub fn of(tokenizer: &Tokenizer, catalogue: &Catalogue) -> Result<Self> {
        let end = tokenizer.eos().ok_or_else(|| {
            Error::bad_input("the tokenizer")
                .expected("a token that ends the sequence")
                .found("none")
                .next("take a model whose tokenizer has one, such as an instruct model; `recommend --decode free` does without")
        })?;
        Self::build(catalogue, tokenizer, end)
    }

    /// Tokenises every title of `catalogue`; `end` is the token that ends the sequence.
    ///
    /// # Errors
    /// An empty catalogue, a title with a line break, one whose tokens do not decode to itself, two whose tokens are alike.
    pub fn build(catalogue: &Catalogue, tokenizer: &dyn TitleTokenizer, end: u32) -> Result<Self> {
        if catalogue.is_empty() {
            return Err(Error::bad_input("the catalogue")
                .expected("items to recommend")
                .found("none")
                .next("import a data set")
                .into());
        }
        // Every further line starts behind another one; any title will do for that.
        let line = list_text([catalogue.title(ItemId(1))]);
        let behind = tokenizer.encode(&line)?;
        let further = (1..LONGEST_LIST).map(|at| piece(tokenizer, &line, &behind, &line_start(at)));
        let starts: Vec<Vec<u32>> =
            std::iter::once(tokenizer.encode(&line_start(0))).chain(further).collect::<Result<_>>()?;

        let progress = Progress::start("titles", catalogue.len() as u64, "titles");
        let tokenise = |id| {
            progress.advance(1);
            Ok((id, title_tokens(catalogue.title(id), tokenizer, &starts[0], &starts[1])?))
        };
        let ids: Vec<ItemId> = catalogue.ids().collect();
        let titles: Result<Vec<(ItemId, Vec<u32>)>> = ids.into_par_iter().map(tokenise).collect();
        progress.finish();
        let titles = titles?;
        let longest_title = titles.iter().map(|(_, tokens)| tokens.len()).max().unwrap_or(0);
        let titles = Trie::build(titles).map_err(|clash| alike(clash, catalogue))?;
        let grammar = Self { starts, titles, longest_title, end };
        grammar.prove_starts(catalogue, tokenizer)?;
        Ok(grammar)
    }

    /// The tokens before the title at position `at`, counted from 0 and below [`LONGEST_LIST`].
    pub fn line_start(&self, at: usize) -> &[u32] {
        &self.starts[at]
    }

    /// The trie of the titles, each with its leading space and its line break.
    pub fn titles(&self) -> &Trie {
        &self.titles
    }

    /// Room for any list of `k` items with its end, in tokens.
    pub fn longest(&self, k: usize) -> usize {
        self.starts.iter().take(k).map(|start| start.len() + self.longest_title).sum::<usize>() + 1
    }

    /// The token that ends the sequence.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// The tokens of a whole list with its end: what decoding can produce, and so what training should show.
    ///
    /// # Errors
    /// More than [`LONGEST_LIST`] items, or one that the catalogue does not hold.
    pub fn tokens(&self, items: &[ItemId]) -> Result<Vec<u32>> {
        Ok(self.path(items)?.into_iter().map(|(token, _)| token).collect())
    }

    /// The tokens of [`Grammar::tokens`], each with `true` where the titles leave a choice and `false` where the token is forced: line
    /// starts, the rest of a title that is clear already, and the end.
    ///
    /// # Errors
    /// As [`Grammar::tokens`].
    pub fn path(&self, items: &[ItemId]) -> Result<Vec<(u32, bool)>> {
        check_length(items.len())?;
        let mut path = Vec::new();
        for (&item, start) in items.iter().zip(&self.starts) {
            let title = self.titles.path(item).ok_or_else(|| {
                Error::bad_input("the list")
                    .expected(format!("items 1 to {}", self.titles.leaves()))
                    .found(format!("item {}", item.0))
            })?;
            path.extend(start.iter().map(|&token| (token, false)));
            path.extend(title);
        }
        path.push((self.end, false));
        Ok(path)
    }

    /// Decodes one list with every position in it.
    fn prove_starts(&self, catalogue: &Catalogue, tokenizer: &dyn TitleTokenizer) -> Result<()> {
        let title = catalogue.title(ItemId(1));
        let tokens = self.tokens(&[ItemId(1); LONGEST_LIST])?;
        let (wanted, found) = (list_text([title; LONGEST_LIST]), tokenizer.decode(&tokens[..tokens.len() - 1])?);
        if found != wanted {
            return Err(Error::bad_input("the tokenizer")
                .expected(format!("numbered lines that decode to {wanted:?}"))
                .found(format!("{found:?}"))
                .next("use the tokenizer of a text-generating model")
                .into());
        }
        Ok(())
    }
}

/// Refuses a list that is too long to decode.
///
/// # Errors
/// More than [`LONGEST_LIST`] items.
pub fn check_length(k: usize) -> Result<()> {
    if k > LONGEST_LIST {
        let longest = format!("at most {LONGEST_LIST} items");
        return Err(Error::bad_input("-k").expected(longest).found(k).next("ask for a shorter list").into());
    }
    Ok(())
}

/// The tokens of " title⏎" on the first line, before a second one; `first` and `second` are the starts of these lines.
fn title_tokens(title: &str, tokenizer: &dyn TitleTokenizer, first: &[u32], second: &[u32]) -> Result<Vec<u32>> {
    let bad = |expected: &str, found: String| -> Error {
        let next = "clean the title in items.csv, or use another tokenizer";
        Error::bad_input(format!("the title {title:?}")).expected(expected).found(found).next(next).into()
    };
    if title.contains(['\n', '\r']) {
        return Err(bad("one line", "a line break".into()));
    }
    let line = list_text([title]);
    let both = tokenizer.encode(&format!("{line}{}", line_start(1)));
    let both = both.map_err(|error| bad("a text that the tokenizer can write", error.to_string()))?;
    let tokens = match both.strip_prefix(first).and_then(|rest| rest.strip_suffix(second)) {
        Some(in_place) => in_place.to_vec(),
        None => piece(tokenizer, &line_start(0), first, &line_rest(title))?,
    };
    let decoded = tokenizer.decode(&[first, &tokens].concat())?;
    if decoded != line {
        return Err(bad("tokens that decode to it", format!("{decoded:?}")));
    }
    Ok(tokens)
}

/// The tokens of `text` behind `before`, whose own tokens are `behind`; alone where these change under what follows them.
fn piece(tokenizer: &dyn TitleTokenizer, before: &str, behind: &[u32], text: &str) -> Result<Vec<u32>> {
    let together = tokenizer.encode(&format!("{before}{text}"))?;
    together.strip_prefix(behind).map_or_else(|| tokenizer.encode(text), |piece| Ok(piece.to_vec()))
}

fn alike(Clash(a, b): Clash, catalogue: &Catalogue) -> Error {
    Error::bad_input("the titles")
        .expected("different tokens for each")
        .found(format!(
            "{:?} (item {}) and {:?} (item {}), which the tokenizer cannot tell apart",
            catalogue.title(a),
            catalogue.item(a).key,
            catalogue.title(b),
            catalogue.item(b).key,
        ))
        .next("rename one of them in items.csv")
        .into()
}
