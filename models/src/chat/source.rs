//! The places of a model's chat template.

use std::path::Path;

use serde_json::Value;

use crate::files::gguf::Gguf;
use crate::files::{json, read_text};
use crate::{Error, Result};

/// The template of the folder `path`, or of the folder in which the file `path` lies.
pub(crate) fn in_folder(path: &Path) -> Result<Option<String>> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let (own_file, settings) = (folder.join("chat_template.jinja"), folder.join("tokenizer_config.json"));
    if own_file.exists() {
        return read_text(&own_file).map(Some);
    }
    if !settings.exists() {
        return Ok(None);
    }
    let config: Value = json::read(&settings, "JSON")?;
    match &config["chat_template"] {
        Value::Null => Ok(None),
        Value::String(source) => Ok(Some(source.clone())),
        Value::Array(named) => match pick(named) {
            Some(source) => Ok(Some(source.to_owned())),
            None => Err(wrong(&settings, "a list without them")),
        },
        _ => Err(wrong(&settings, "another kind of value")),
    }
}

/// The template named "default", or else the first.
fn pick(named: &[Value]) -> Option<&str> {
    let default = named.iter().find(|entry| entry["name"] == "default").or(named.first())?;
    default["template"].as_str()
}

/// The template in the metadata of `gguf`.
pub(crate) fn in_gguf(gguf: &Gguf) -> Result<Option<String>> {
    let key = "tokenizer.chat_template";
    gguf.metadata(key).map(|_| gguf.str(key).map(str::to_owned)).transpose()
}

fn wrong(settings: &Path, found: &str) -> Error {
    Error::bad_input(format!("{}: chat_template", settings.display()))
        .expected("a template, or a list of them with \"name\" and \"template\"")
        .found(found)
        .next("fetch the file again")
        .into()
}
