//! A tokenizer from Hugging Face files: tokenizer.json, and the files beside it about special tokens.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::Specials;
use crate::files::json;
use crate::{Error, Result};

/// Reads the tokenizer.json at `path`, or the one in the folder `path`, and its neighbours.
pub(super) fn read(path: &Path) -> Result<(::tokenizers::Tokenizer, Specials)> {
    let path = if path.is_dir() { path.join("tokenizer.json") } else { path.to_path_buf() };
    // The `tokenizers` crate panics over what is no JSON inside a decoder.
    let _: IgnoredAny = json::read(&path, "a tokenizer in Hugging Face's JSON")?;
    let tokenizer: ::tokenizers::Tokenizer = json::read(&path, "a tokenizer in Hugging Face's JSON")?;
    check_ids(&tokenizer, &path)?;
    let specials = read_specials(&tokenizer, path.parent().unwrap_or(Path::new("")))?;
    Ok((tokenizer, specials))
}

/// The `tokenizers` crate gives an added token the next free id, whatever id the file says.
fn check_ids(tokenizer: &::tokenizers::Tokenizer, path: &Path) -> Result<()> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        added_tokens: Vec<Added>,
    }
    #[derive(Deserialize)]
    struct Added {
        id: u32,
        content: String,
    }
    let File { added_tokens } = json::read(path, "a list of added tokens")?;
    match added_tokens.iter().find(|added| tokenizer.token_to_id(&added.content) != Some(added.id)) {
        None => Ok(()),
        Some(Added { id, content }) => Err(Error::bad_input(path.display())
            .expected("added tokens at the ids that follow the vocabulary")
            .found(format!("{content:?} at {id}"))
            .next("fetch the tokenizer again")
            .into()),
    }
}

fn read_specials(tokenizer: &::tokenizers::Tokenizer, folder: &Path) -> Result<Specials> {
    let settings = read_if_there(&folder.join("tokenizer_config.json"))?;
    let others = [read_if_there(&folder.join("generation_config.json"))?, read_if_there(&folder.join("config.json"))?];

    let named = |key: &str| spelling(&settings[key]).and_then(|text| tokenizer.token_to_id(text));
    let numbered = |key: &str| others.iter().flat_map(|other| ids(&other[key])).collect::<Vec<_>>();
    // Without a setting, the post-processor shows what the tokenizer puts in front: encode nothing, and see.
    let in_front = tokenizer.encode_fast("", true).ok().and_then(|nothing| nothing.get_ids().first().copied());

    let bos = named("bos_token").or(in_front).or(numbered("bos_token_id").first().copied());
    Ok(Specials {
        bos,
        pad: named("pad_token").or(numbered("pad_token_id").first().copied()),
        eos: named("eos_token").into_iter().chain(numbered("eos_token_id")).collect(),
        adds_bos: settings["add_bos_token"].as_bool().unwrap_or(bos.is_some() && in_front == bos),
    })
}

/// The JSON at `path`, or null where there is no such file.
fn read_if_there(path: &Path) -> Result<Value> {
    if path.exists() { json::read(path, "JSON") } else { Ok(Value::Null) }
}

/// A token is written as its spelling, or as an object that has it as `content`.
fn spelling(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token["content"].as_str())
}

/// One id or a list of ids.
fn ids(value: &Value) -> Vec<u32> {
    let all = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    all.iter().filter_map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok())).collect()
}
