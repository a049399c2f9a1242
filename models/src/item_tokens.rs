//! Item tokens: a token of its own for each title of a catalogue, in a model that was pulled for its language.
//!
//! A title of many tokens makes lists long, and spreads a choice over tokens that mostly decide nothing. An item token is one choice. Its
//! row in the embedding and in the output projection is
//!
//! ```text
//! row = weighted mean of the title's token rows  +  W · e
//! ```
//!
//! so that the model knows the item by its words before any training. e is the teacher's vector of the item and W one trained matrix for
//! all items, so that every sample moves all rows (LLaRA: Liao et al. 2023, arXiv 2312.02445; CoLLM: Zhang et al. 2023, arXiv 2310.19488).
//!
//! | part | file |
//! |---|---|
//! | the tokens in texts | `tokenizer/items.rs` |
//! | the rows on the host, before training and after it | this one |
//! | W in the graph | `llama/graph/item_projection.rs`, `llama/graph/item_tokens.rs` |
//! | a model with rows | `language_model/item_tokens.rs` |
//! | the rows in a PEFT folder | `lora/token_rows.rs` |

use crate::tokenizer::TokenizerFiles;

/// The item tokens of a model: their rows, and the tokenizer that knows them.
#[derive(Debug, Clone)]
pub struct ItemTokens {
    /// The rows.
    pub rows: ItemRows,
    /// The tokenizer and the chat template.
    pub files: TokenizerFiles,
}

/// The rows of item tokens in the tables of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemRows {
    /// The id of the first item token; those of the others follow.
    pub first: usize,
    /// Numbers of a row.
    pub d_model: usize,
    /// `[items, d_model]`
    pub embedding: Vec<f32>,
    /// `[items, d_model]`; `None` where the output projection is the embedding.
    pub lm_head: Option<Vec<f32>>,
}

/// A teacher's vector of each item, item 1 first.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemVectors {
    /// `[items, width]`
    pub values: Vec<f32>,
    /// Numbers of a vector.
    pub width: usize,
}

impl ItemVectors {
    /// The vectors, times a factor that gives them the root-mean-square length `length`. AdamW moves every number of W at the same pace,
    /// and a row by W · e: the length is the learning rate of the rows, relative to that of W.
    #[must_use]
    pub fn of_length(mut self, length: f32) -> Self {
        let vectors = (self.values.len() / self.width.max(1)).max(1) as f32;
        let mean_square = self.values.iter().map(|value| value * value).sum::<f32>() / vectors;
        if mean_square > 0.0 {
            let factor = length / mean_square.sqrt();
            self.values.iter_mut().for_each(|value| *value *= factor);
        }
        self
    }
}

impl ItemRows {
    /// The number of item tokens.
    pub fn count(&self) -> usize {
        self.embedding.len() / self.d_model.max(1)
    }

    /// The ids of the item tokens.
    pub fn ids(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.count()
    }

    /// These rows moved by `change`, `[items, d_model]`.
    pub fn moved(&self, change: &[f32]) -> Self {
        let moved = |rows: &Vec<f32>| rows.iter().zip(change).map(|(row, change)| row + change).collect();
        Self { embedding: moved(&self.embedding), lm_head: self.lm_head.as_ref().map(moved), ..*self }
    }

    /// A table of the model, `[rows, d_model]`, with these rows in their places; it grows where they lie beyond its end.
    pub(crate) fn lay_over(&self, module: &str, mut table: Vec<f32>) -> Vec<f32> {
        let rows = match (module, &self.lm_head) {
            ("lm_head", Some(rows)) => rows,
            _ => &self.embedding,
        };
        let (start, end) = (self.ids().start * self.d_model, self.ids().end * self.d_model);
        table.resize(table.len().max(end), 0.0);
        table[start..end].copy_from_slice(rows);
        table
    }
}

/// Returns true for the modules whose weights have a row for each token.
pub(crate) fn is_table(module: &str) -> bool {
    matches!(module, "model.embed_tokens" | "lm_head")
}

/// The weight of a token that every title has, and of one that is in none, are apart by this frequency: a / (a + frequency).
const FREQUENCY: f64 = 1e-3;

/// For each title, the mean of its tokens' rows in `table`, `[rows, d_model]`, weighted by how rare each token is among all titles (smooth
/// inverse frequency, S. Arora et al. 2017). What titles have in common, such as brackets, the digits of a year and articles, says little
/// of any of them and would be half of each row.
///
/// The mean keeps its own length. What all rows have in common is as large in it as in any row, so an item competes with the words as one of
/// them; scaled to the length of a row it would be larger, and every item likelier than every word.
pub(crate) fn title_rows(table: &[f32], d_model: usize, titles: &[Vec<u32>]) -> Vec<f32> {
    let mut counts = vec![0u32; table.len() / d_model.max(1)];
    titles.iter().flatten().for_each(|token| counts[*token as usize] += 1);
    let all = titles.iter().map(Vec::len).sum::<usize>().max(1) as f64;
    let weight = |token: u32| (FREQUENCY / (FREQUENCY + f64::from(counts[token as usize]) / all)) as f32;
    let mut rows = Vec::with_capacity(titles.len() * d_model);
    for title in titles {
        let mut mean = vec![0.0; d_model];
        let total: f32 = title.iter().map(|token| weight(*token)).sum();
        for token in title {
            let (share, row) = (weight(*token) / total, &table[*token as usize * d_model..][..d_model]);
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += share * value);
        }
        rows.extend(mean);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_mean_of_its_titles_tokens_by_how_rare_they_are() {
        let table = [3.0, 4.0, 0.0, 2.0, 1.0, 0.0];
        let rows = title_rows(&table, 2, &[vec![0], vec![1, 2], vec![1, 1, 0], vec![]]);
        // Of six tokens, 0 occurs twice, 1 three times and 2 once.
        let weight = |count: f32| 1e-3 / (1e-3 + count / 6.0);
        let [w0, w1, w2] = [2.0, 3.0, 1.0].map(weight);
        let second = [w2 / (w1 + w2), 2.0 * w1 / (w1 + w2)];
        let third = [3.0 * w0 / (2.0 * w1 + w0), (4.0 * w1 + 4.0 * w0) / (2.0 * w1 + w0)];
        let expected = [&[3.0, 4.0][..], &second, &third, &[0.0, 0.0]].concat();
        assert!(second[0] > 0.7, "a rare token says more: {second:?}");
        for (found, expected) in rows.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{rows:?}");
        }
    }

    #[test]
    fn rows_replace_padding_and_lie_beyond_the_end() {
        let rows = ItemRows { first: 1, d_model: 2, embedding: vec![1.0; 4], lm_head: Some(vec![2.0; 4]) };
        assert_eq!((rows.count(), rows.ids()), (2, 1..3));
        assert_eq!(rows.lay_over("model.embed_tokens", vec![0.5; 4]), [0.5, 0.5, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(rows.lay_over("lm_head", vec![0.5; 8]), [0.5, 0.5, 2.0, 2.0, 2.0, 2.0, 0.5, 0.5]);
        let moved = rows.moved(&[1.0, 0.0, 0.0, -1.0]);
        assert_eq!((moved.embedding, moved.lm_head), (vec![2.0, 1.0, 1.0, 0.0], Some(vec![3.0, 2.0, 2.0, 1.0])));
    }

    #[test]
    fn vectors_get_their_length_together() {
        let vectors = ItemVectors { values: vec![3.0, 4.0, 0.0, 1.0], width: 2 }.of_length(2.0);
        let mean_square = vectors.values.iter().map(|value| value * value).sum::<f32>() / 2.0;
        assert!((mean_square - 4.0).abs() < 1e-5 && vectors.values[0] * 4.0 == vectors.values[1] * 3.0, "{vectors:?}");
        let zero = ItemVectors { values: vec![0.0; 4], width: 2 };
        assert_eq!(zero.clone().of_length(1.0), zero);
    }
}
