//! The metadata of a GGUF file.

use std::path::Path;

use crate::Result;
use crate::chat;
use crate::files::gguf::{Gguf, Value};
use crate::llama::files::{ModelFiles, WeightFiles};
use crate::tokenizer::Tokenizer;
use tiller_kernels::quant::Blocks;

/// Keys about the origin or the layout of another file.
const NOT_CARRIED: [&str; 5] =
    ["general.alignment", "general.file_type", "general.quantization_version", "split.", "quantize."];

/// Says so that a file has weights and no words.
const NO_TOKENIZER: &str = "no_vocab";

/// The metadata of a file with matrices of `blocks`.
pub(super) fn of(source: &ModelFiles, blocks: Blocks) -> Result<Vec<(String, Value)>> {
    let own = [("general.file_type", file_type(blocks)), ("general.quantization_version", 2)];
    let own = own.map(|(key, number)| (key.to_owned(), Value::Unsigned(number)));
    let carried = match &source.weights {
        WeightFiles::Gguf(gguf) => carried(gguf),
        WeightFiles::Folder(_) => described(source)?,
    };
    Ok(carried.into_iter().chain(own).collect())
}

/// The file type of llama.cpp (`llama_ftype`), by the format of most weights.
fn file_type(blocks: Blocks) -> u64 {
    match blocks {
        Blocks::F32 => 0,
        Blocks::F16 => 1,
        Blocks::Q4_0 => 2,
        Blocks::Q4_1 => 3,
        Blocks::Q8_0 => 7,
        Blocks::Q4_K => 14,
    }
}

/// The metadata of another file, as far as they are of the model.
fn carried(gguf: &Gguf) -> Vec<(String, Value)> {
    let is_carried = |key: &str| !NOT_CARRIED.iter().any(|beginning| key.starts_with(beginning));
    let entries = gguf.entries().filter(|(key, _)| is_carried(key));
    entries.map(|(key, value)| (key.to_owned(), value.clone())).collect()
}

/// The metadata of a Hugging Face folder's model.
fn described(source: &ModelFiles) -> Result<Vec<(String, Value)>> {
    let text = |key: &str, text: &str| (key.to_owned(), Value::String(text.to_owned()));
    let mut metadata = vec![text("general.architecture", "llama")];
    let name = source.place.canonicalize().unwrap_or_else(|_| source.place.clone());
    metadata.extend(name.file_name().map(|name| text("general.name", &name.to_string_lossy())));
    metadata.extend(source.config.to_gguf());
    if !has_tokenizer_json(&source.place) {
        metadata.push(text("tokenizer.ggml.model", NO_TOKENIZER));
        return Ok(metadata);
    }
    let tokenizer = Tokenizer::from_path(&source.place)?;
    metadata.extend(tokenizer.to_gguf(source.config.vocab_size, &source.place)?);
    let template = chat::source::in_folder(&source.place)?.map(|template| tokenizer.template_for_gguf(&template));
    metadata.extend(template.map(|template| text("tokenizer.chat_template", &template)));
    Ok(metadata)
}

/// Returns true if a GGUF file has a tokenizer.
pub(super) fn has_tokenizer(gguf: &Gguf) -> bool {
    gguf.metadata("tokenizer.ggml.model").is_some_and(|model| model != &Value::String(NO_TOKENIZER.into()))
}

/// Returns true if a folder has a tokenizer.
pub(super) fn has_tokenizer_json(folder: &Path) -> bool {
    folder.join("tokenizer.json").exists()
}
