//! A tokenizer from Hugging Face files: tokenizer.json, and the files beside it about special tokens.
//!
//! As in transformers, tokenizer_config.json goes before special_tokens_map.json, and generation_config.json before config.json. The ids of
//! the latter two are stop ids and no more: they often are those of another vocabulary, and change no text.

use std::collections::BTreeMap;
use std::path::Path;

use ::tokenizers::models::bpe::BPE;
use ::tokenizers::{AddedToken, Encoding, Model, PostProcessor, PostProcessorWrapper};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::source::{Source, Specials};
use super::{growth, merges, steps};
use crate::chat::source as template_source;
use crate::files::json;
use crate::{Error, Result};

/// tokenizer.json. Padding and truncation are settings of whoever saved it; here they would silently change texts.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<Value>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    decoder: Option<Value>,
    model: Value,
}

/// Reads the tokenizer.json at `path`, or the one in the folder `path`, and its neighbours.
pub(super) fn read(path: &Path) -> Result<Source> {
    let path = if path.is_dir() { path.join("tokenizer.json") } else { path.to_path_buf() };
    let file: File = json::read(&path, "a tokenizer in Hugging Face's JSON")?;
    let model = merges::read(file.model).map_err(|found| {
        Error::bad_input(format!("{}: model", path.display()))
            .expected("a byte-pair encoding (BPE), as every Llama has")
            .found(found)
            .next("fetch the tokenizer again, or use a model of the Llama family")
    })?;

    let folder = path.parent().unwrap_or(Path::new(""));
    let neighbours = Neighbours::read(folder)?;
    let mut added = BTreeMap::new();
    for value in file.added_tokens {
        let id = value["id"].as_u64().and_then(|id| u32::try_from(id).ok());
        match id.zip(token(&value, false)) {
            Some((id, token)) => add(&mut added, id, token, &path)?,
            None => return Err(wrong(&path, "added tokens with \"id\" and \"content\"", value)),
        }
    }
    neighbours.declare(&mut added, folder)?;
    let post_processor: Option<PostProcessorWrapper> = part(file.post_processor, "post_processor", &path)?;
    let known = Known { model: &model, added: &added, neighbours: &neighbours };
    let specials = known.specials(post_processor.as_ref(), folder)?;
    let named = known.named();
    Ok(Source {
        normalizer: part(file.normalizer, "normalizer", &path)?,
        pre_tokenizer: part(file.pre_tokenizer, "pre_tokenizer", &path)?,
        decoder: part(file.decoder, "decoder", &path)?,
        template: template_source::in_folder(folder)?.unwrap_or_default(),
        named,
        specials,
        model,
        added,
    })
}

/// A part of tokenizer.json, after checks of its steps and of how large they make a text.
fn part<T: DeserializeOwned>(value: Option<Value>, key: &str, path: &Path) -> Result<Option<T>> {
    let Some(value) = value else { return Ok(None) };
    let bad = |found: String| {
        Error::bad_input(format!("{}: {key}", path.display()))
            .expected("steps of a tokenizer for texts")
            .found(found)
            .next("fetch the tokenizer again")
    };
    steps::check(&value).and_then(|()| growth::check(&value)).map_err(bad)?;
    serde_json::from_value(value).map_err(|e| bad(e.to_string()).into())
}

/// Adds a token, unless another one has its id.
fn add(added: &mut BTreeMap<u32, AddedToken>, id: u32, token: AddedToken, path: &Path) -> Result<()> {
    match added.get(&id) {
        Some(before) if before.content != token.content => Err(wrong(
            path,
            "one added token for an id",
            format!("{:?} and {:?} at {id}", before.content, token.content),
        )),
        _ => {
            added.insert(id, token);
            Ok(())
        }
    }
}

fn wrong(path: &Path, expected: &str, found: impl std::fmt::Display) -> Error {
    Error::bad_input(path.display()).expected(expected).found(found).next("fetch the tokenizer again").into()
}

/// A token as an object with flags, or as its spelling alone.
fn token(value: &Value, special: bool) -> Option<AddedToken> {
    let flag = |key: &str, default| value[key].as_bool().unwrap_or(default);
    let content = value.as_str().or_else(|| value["content"].as_str())?;
    let special = flag("special", special);
    Some(
        AddedToken::from(content, special)
            .single_word(flag("single_word", false))
            .lstrip(flag("lstrip", false))
            .rstrip(flag("rstrip", false))
            .normalized(flag("normalized", !special)),
    )
}

/// The files beside tokenizer.json; null where there is none.
struct Neighbours {
    /// tokenizer_config.json
    settings: Value,
    /// special_tokens_map.json
    map: Value,
    /// added_tokens.json
    added: Value,
    /// generation_config.json
    generation: Value,
    /// config.json
    config: Value,
}

impl Neighbours {
    fn read(folder: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            if path.exists() { json::read(&path, "JSON") } else { Ok(Value::Null) }
        };
        Ok(Self {
            settings: read("tokenizer_config.json")?,
            map: read("special_tokens_map.json")?,
            added: read("added_tokens.json")?,
            generation: read("generation_config.json")?,
            config: read("config.json")?,
        })
    }

    /// The token that is named at `key` ("eos_token"), and the file that names it.
    fn named(&self, key: &str) -> Option<(AddedToken, &'static str)> {
        let files = [(&self.settings, "tokenizer_config.json"), (&self.map, "special_tokens_map.json")];
        files.into_iter().find_map(|(values, file)| Some((control(&values[key])?, file)))
    }

    /// All tokens that are named as special ones.
    fn all_named(&self) -> Vec<AddedToken> {
        let one = ["bos_token", "eos_token", "unk_token", "pad_token"];
        let one = one.iter().filter_map(|key| self.named(key).map(|(token, _)| token));
        let lists = ["additional_special_tokens", "extra_special_tokens"];
        let lists = [&self.settings, &self.map].into_iter().flat_map(|values| lists.map(|key| &values[key]));
        let further = lists.flat_map(|list| match list {
            Value::Array(tokens) => tokens.iter().filter_map(control).collect(),
            Value::Object(tokens) => tokens.values().filter_map(control).collect(),
            _ => Vec::new(),
        });
        one.chain(further).collect()
    }

    /// Adds the tokens with ids that tokenizer.json lacks.
    fn declare(&self, added: &mut BTreeMap<u32, AddedToken>, folder: &Path) -> Result<()> {
        let (settings, legacy) = (folder.join("tokenizer_config.json"), folder.join("added_tokens.json"));
        if let Value::Object(tokens) = &self.settings["added_tokens_decoder"] {
            for (id, value) in tokens {
                match id.parse().ok().zip(token(value, false)) {
                    Some((id, token)) => add(added, id, token, &settings)?,
                    None => {
                        return Err(wrong(
                            &settings,
                            "added_tokens_decoder with ids and tokens",
                            format!("{id}: {value}"),
                        ));
                    }
                }
            }
        }
        let named = self.all_named();
        for (content, value) in self.added.as_object().into_iter().flatten() {
            let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
            let id = id.ok_or_else(|| wrong(&legacy, "an id for each token", format!("{content:?}: {value}")))?;
            let special = named.iter().any(|named| named.content == *content);
            if !added.contains_key(&id) || added[&id].content != *content {
                add(added, id, AddedToken::from(content.as_str(), special), &legacy)?;
            }
        }
        Ok(())
    }
}

/// A token that is named as a special one; an empty name is none.
fn control(value: &Value) -> Option<AddedToken> {
    token(value, true).filter(|token| !token.content.is_empty()).map(|token| AddedToken { special: true, ..token })
}

/// The tokens of a tokenizer, and what is said about them.
struct Known<'a> {
    model: &'a BPE,
    added: &'a BTreeMap<u32, AddedToken>,
    neighbours: &'a Neighbours,
}

impl Known<'_> {
    fn id(&self, spelling: &str) -> Option<u32> {
        let added = self.added.iter().find(|(_, token)| token.content == spelling).map(|(id, _)| *id);
        added.or_else(|| self.model.token_to_id(spelling))
    }

    /// By id: the tokens that are named as special ones.
    fn named(&self) -> BTreeMap<u32, AddedToken> {
        let named = self.neighbours.all_named().into_iter();
        named.filter_map(|token| Some((self.id(&token.content)?, AddedToken { normalized: false, ..token }))).collect()
    }

    fn specials(&self, post_processor: Option<&PostProcessorWrapper>, folder: &Path) -> Result<Specials> {
        let Neighbours { settings, generation, config, .. } = self.neighbours;
        // The post-processor shows what the tokenizer puts in front of nothing.
        let nothing = post_processor.and_then(|processor| processor.process(Encoding::default(), None, true).ok());
        let in_front = nothing.and_then(|nothing| nothing.get_ids().first().copied());
        let named = |key: &str| self.neighbours.named(key);
        let id = |key: &str| -> Result<Option<u32>> {
            let Some((token, file)) = named(key) else { return Ok(None) };
            let unknown = || {
                Error::bad_input(format!("{}: {key}", folder.join(file).display()))
                    .expected("a token of the vocabulary")
                    .found(format!("{:?}", token.content))
                    .next("fetch the tokenizer again; its files are of different versions")
            };
            Ok(Some(self.id(&token.content).ok_or_else(unknown)?))
        };
        let spelled =
            ["bos_token", "eos_token"].map(|key| named(key).map(|(token, _)| token.content).unwrap_or_default());
        let adds_bos = settings["add_bos_token"].as_bool();
        // A BOS that is named and no token is an error only where something would write it.
        let bos = match id("bos_token") {
            Err(_) if adds_bos != Some(true) && !self.template_writes_bos(folder)? => None,
            bos => bos?,
        };
        let numbered = |key: &str| {
            let mut found = [generation, config].map(|values| ids(&values[key])).into_iter();
            found.find(|ids| !ids.is_empty()).unwrap_or_default()
        };
        let bos = bos.or(in_front).or(numbered("bos_token_id").first().copied());
        let pad = named("pad_token").and_then(|(token, _)| self.id(&token.content));
        Ok(Specials {
            bos,
            pad: pad.or(numbered("pad_token_id").first().copied()),
            eos: id("eos_token")?.into_iter().chain(numbered("eos_token_id")).collect(),
            adds_bos: adds_bos.unwrap_or(bos.is_some() && in_front == bos),
            spelled,
        })
    }

    fn template_writes_bos(&self, folder: &Path) -> Result<bool> {
        Ok(template_source::in_folder(folder)?.is_some_and(|template| template.contains("bos_token")))
    }
}

/// One id or a list of ids.
fn ids(value: &Value) -> Vec<u32> {
    let all = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    all.iter().filter_map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok())).collect()
}
