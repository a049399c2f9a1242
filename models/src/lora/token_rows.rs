//! The rows of item tokens in a PEFT folder: PEFT's trainable tokens, with the tokenizer beside them.
//!
//! PEFT stores the rows themselves, not their change, so that they replace whatever the rows of a grown table begin as. Its
//! `AutoPeftModelForCausalLM` grows the tables of the model to the tokenizer that it finds in the folder.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::peft_files::{CONFIG, PREFIX, at};
use crate::files::TensorSource;
use crate::files::safetensors::Safetensors;
use crate::item_tokens::{ItemRows, ItemTokens};
use crate::tokenizer::TokenizerFiles;
use crate::{Error, Result};

/// The tensors' names, behind [`PREFIX`].
const EMBEDDING: &str = "model.embed_tokens.token_adapter.trainable_tokens_delta";
const LM_HEAD: &str = "lm_head.token_adapter.trainable_tokens_delta";

/// `trainable_token_indices`: the tokens with rows of their own, of the embedding alone or by table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "trainable_token_indices: a list of ids, or lists of ids by the name of a table")]
pub(super) enum TokenIndices {
    Embedding(Vec<usize>),
    ByTable(BTreeMap<String, Vec<usize>>),
}

impl TokenIndices {
    /// The ids of item tokens. PEFT ties the output projection to the embedding by itself where the model does.
    pub(super) fn of(rows: &ItemRows) -> Self {
        let ids: Vec<usize> = rows.ids().collect();
        match rows.lm_head {
            None => Self::Embedding(ids),
            Some(_) => Self::ByTable([("embed_tokens".to_owned(), ids.clone()), ("lm_head".to_owned(), ids)].into()),
        }
    }

    /// The first id, the number of ids, and true where the output projection has rows of its own; `None` for ids that do not follow each
    /// other, or differ between the tables.
    fn range(&self) -> Option<(usize, usize, bool)> {
        let (ids, has_head) = match self {
            Self::Embedding(ids) => (ids, false),
            Self::ByTable(tables) => match (tables.len(), tables.get("embed_tokens")?, tables.get("lm_head")) {
                (1, ids, None) => (ids, false),
                (2, ids, Some(head)) if ids == head => (ids, true),
                _ => return None,
            },
        };
        let follow_each_other = ids.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
        let first = ids.first().filter(|_| follow_each_other)?;
        first.checked_add(ids.len())?;
        Some((*first, ids.len(), has_head))
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Embedding(ids) => ids.is_empty(),
            Self::ByTable(tables) => tables.is_empty(),
        }
    }
}

/// Returns true for the names of tensors that hold rows of tokens.
pub(super) fn is_rows(tensor: &str) -> bool {
    tensor.strip_prefix(PREFIX).is_some_and(|name| [EMBEDDING, LM_HEAD].contains(&name))
}

/// The tensors of rows, with names and shapes.
pub(super) fn tensors(rows: &ItemRows) -> impl Iterator<Item = (String, [usize; 2], Vec<f32>)> {
    let tables = [(EMBEDDING, Some(&rows.embedding)), (LM_HEAD, rows.lm_head.as_ref())];
    let shape = [rows.count(), rows.d_model];
    tables.into_iter().filter_map(move |(name, values)| Some((format!("{PREFIX}{name}"), shape, values?.clone())))
}

/// Reads the rows of `indices`, and the tokenizer that stands beside them in `folder`.
///
/// # Errors
/// Rows without ids or ids without rows, ids that do not follow each other, rows of two widths, no tokenizer.
pub(super) fn read(source: &Safetensors, indices: Option<&TokenIndices>, folder: &Path) -> Result<Option<ItemTokens>> {
    let Some(indices) = indices.filter(|indices| !indices.is_empty()) else {
        let stray = source.names().into_iter().find(|tensor| is_rows(tensor));
        return stray.map_or(Ok(None), |tensor| {
            let expected = format!("{CONFIG} with its tokens, in trainable_token_indices");
            Err(at(source, &tensor).expected(expected).found("none").into())
        });
    };
    let refuse = |expected: &str, found: &str| {
        Error::bad_input(format!("{}: trainable_token_indices", folder.join(CONFIG).display()))
            .expected(expected)
            .found(found)
            .next("use an adapter of `tiller sft --item-tokens`; merge others into their model with PEFT")
    };
    let expected = "ids that follow each other, the same ones for embed_tokens and, where there is one, lm_head";
    let (first, count, has_head) = indices.range().ok_or_else(|| refuse(expected, "others"))?;
    let (embedding, d_model) = rows(source, EMBEDDING, count)?;
    let lm_head = has_head.then(|| rows(source, LM_HEAD, count)).transpose()?;
    if lm_head.as_ref().is_some_and(|(_, width)| *width != d_model) {
        return Err(refuse("rows of one width", "two widths").into());
    }
    if !folder.join("tokenizer.json").exists() {
        return Err(refuse("tokenizer.json in the same folder, with the tokens", "no such file").into());
    }
    let rows = ItemRows { first, d_model, embedding, lm_head: lm_head.map(|(rows, _)| rows) };
    Ok(Some(ItemTokens { rows, files: TokenizerFiles::of(folder)? }))
}

/// The values and the width of `count` rows.
fn rows(source: &Safetensors, name: &str, count: usize) -> Result<(Vec<f32>, usize)> {
    let tensor = format!("{PREFIX}{name}");
    match source.shape(&tensor).unwrap_or_default()[..] {
        [rows, width] if rows == count && width > 0 => Ok((source.read_f32(&tensor)?, width)),
        ref found => Err(at(source, &tensor)
            .expected(format!("a row for each of the {count} ids of {CONFIG}: trainable_token_indices"))
            .found(format!("shape {found:?}"))
            .into()),
    }
}

#[cfg(test)]
mod tests;
