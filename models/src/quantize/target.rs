//! The writers of quantized models: tensors in their new formats, one by one.

use std::path::Path;

use serde_json::{Map, json};
use tiller_kernels::quant::{Blocks, PackedMatrix};

use super::OnTensor;
use super::metadata;
use super::summary::QuantizeSummary;
use crate::atomic::write_atomically;
use crate::files::blocks::{Format, dequantize};
use crate::files::gguf::{self, Description};
use crate::files::safetensors;
use crate::llama::config::gguf::ROPE_DIVISORS;
use crate::llama::files::naming::{Naming, is_rotated, pairs_from_halves};
use crate::llama::files::tensor_reader::TensorReader;
use crate::llama::files::write::json_with;
use crate::llama::files::{ModelFiles, WeightFiles};
use crate::tokenizer::TokenizerFiles;
use crate::{Error, Result};

/// A module's weight and the blocks that it gets.
struct Part {
    module: String,
    shape: Vec<usize>,
    blocks: Blocks,
}

impl Part {
    fn description(&self, naming: Naming) -> Description {
        let (name, shape) = (naming.tensor(&self.module), self.shape.clone());
        Description { name, shape, format: self.blocks.into() }
    }
}

/// Writes a GGUF file.
pub(super) fn gguf(source: &ModelFiles, blocks: Blocks, to: &Path, on_tensor: OnTensor) -> Result<QuantizeSummary> {
    let parts = parts(source, |columns| match columns {
        Some(columns) => fitting(blocks, columns),
        None => Blocks::F32,
    });
    let metadata = metadata::of(source, blocks)?;
    let mut tensors: Vec<Description> = parts.iter().map(|part| part.description(Naming::Gguf)).collect();
    let divisors = source.config.rope_divisors();
    tensors.extend(divisors.as_ref().map(|divisors| Description {
        name: ROPE_DIVISORS.into(),
        shape: vec![divisors.len()],
        format: Format::F32,
    }));
    let mut writer = Writer::new(source, on_tensor, parts.len())?;
    gguf::write(to, &metadata, &tensors, |i| match parts.get(i) {
        Some(part) => writer.bytes(part, Naming::Gguf),
        None => Ok(divisors.iter().flatten().flat_map(|divisor| divisor.to_le_bytes()).collect()),
    })?;
    Ok(writer.summary)
}

/// Writes a Hugging Face folder.
pub(super) fn folder(source: &ModelFiles, blocks: Blocks, to: &Path, on_tensor: OnTensor) -> Result<QuantizeSummary> {
    let parts = parts(source, |_| blocks);
    let tokenizer = match &source.weights {
        WeightFiles::Gguf(gguf) if metadata::has_tokenizer(gguf) => Some(TokenizerFiles::of_gguf(gguf)?),
        WeightFiles::Folder(_) if metadata::has_tokenizer_json(&source.place) => {
            Some(TokenizerFiles::of(&source.place)?)
        }
        _ => None,
    };
    let mut config = source.config.to_huggingface()?;
    config["torch_dtype"] = json!(if blocks == Blocks::F16 { "float16" } else { "float32" });
    let config = json_with(config, tokenizer.as_ref().map_or(&Map::new(), TokenizerFiles::ids));

    let tensors: Vec<Description> = parts.iter().map(|part| part.description(Naming::HuggingFace)).collect();
    let mut writer = Writer::new(source, on_tensor, parts.len())?;
    safetensors::write_as(&to.join("model.safetensors"), &tensors, &[("format", "pt")], |i| {
        writer.bytes(&parts[i], Naming::HuggingFace)
    })?;
    let summary = writer.summary;
    if let Some(files) = tokenizer {
        files.write(to)?;
    }
    write_atomically(&to.join("config.json"), |file| std::io::Write::write_all(file, config.as_bytes()))?;
    Ok(summary)
}

/// All weights with their blocks; `blocks` chooses them by the columns of a matrix, `None` for a vector.
fn parts(source: &ModelFiles, blocks: impl Fn(Option<usize>) -> Blocks) -> Vec<Part> {
    let part = |(module, shape): (String, Vec<usize>)| {
        let columns = shape.get(1).copied();
        Part { module, shape, blocks: blocks(columns) }
    };
    source.config.modules().into_iter().map(part).collect()
}

/// The requested blocks, or wider ones that fit into rows of `columns` columns.
fn fitting(asked: Blocks, columns: usize) -> Blocks {
    let fits = |blocks: &Blocks| columns.is_multiple_of(blocks.scheme().row_multiple());
    [asked, Blocks::Q4_1].into_iter().find(fits).unwrap_or(Blocks::F16)
}

/// Reads weights, turns them into blocks and keeps the account.
struct Writer<'a> {
    source: &'a ModelFiles,
    reader: TensorReader<'a>,
    on_tensor: OnTensor<'a>,
    count: usize,
    written: usize,
    summary: QuantizeSummary,
}

impl<'a> Writer<'a> {
    fn new(source: &'a ModelFiles, on_tensor: OnTensor<'a>, count: usize) -> Result<Self> {
        let summary = QuantizeSummary::new(source.bytes()?);
        Ok(Self { source, reader: source.reader()?, on_tensor, count, written: 0, summary })
    }

    /// The bytes of a weight, its rows in the order of the naming's files.
    fn bytes(&mut self, part: &Part, naming: Naming) -> Result<Vec<u8>> {
        let Part { module, shape, blocks } = part;
        (self.on_tensor)(module, self.written, self.count);
        self.written += 1;
        // Reading checks the shape; what is only copied is read for that, too.
        let mut values = self.reader.read(module, shape)?;
        let format = Format::from(*blocks);
        if naming == Naming::Gguf
            && let Some(gguf) = self.source.gguf()
            && gguf.format(&naming.tensor(module))? == format
        {
            let raw = gguf.raw(&naming.tensor(module))?;
            self.summary.add(module, format.to_string(), &values, raw.len(), &values);
            return Ok(raw);
        }
        let columns = shape[shape.len() - 1];
        if naming == Naming::Gguf && is_rotated(module) {
            values = pairs_from_halves(&values, self.source.config.head_dim, columns);
        }
        let packed = PackedMatrix::from_f32(blocks.scheme(), values.len() / columns, columns, &values);
        let bytes = blocks.bytes(&packed.map_err(Error::packing(module))?);
        self.summary.add(module, format.to_string(), &values, bytes.len(), &dequantize(format, &bytes));
        Ok(bytes)
    }
}
