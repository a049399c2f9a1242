//! Adapters as PEFT stores them: a folder with `adapter_config.json` and `adapter_model.safetensors`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

use super::peft_config::PeftConfig;
use super::peft_files::{CONFIG, PREFIX, WEIGHTS, at};
use super::token_rows;
use super::{Adapter, Lora, Projections};
use crate::atomic::write_atomically;
use crate::download::download;
use crate::files::TensorSource;
use crate::files::safetensors::{self, Safetensors};
use crate::{Error, Result};

const A: &str = ".lora_A.weight";
const B: &str = ".lora_B.weight";

impl Adapter {
    /// Reads the PEFT folder at `folder`, for the model that has these projections.
    ///
    /// The tensors decide which projections have an adapter; a list of targets in the configuration must agree with them.
    ///
    /// # Errors
    /// Files that are not there or damaged; a kind of adapter that would need more than low-rank parts, by key; tensors that belong to
    /// no projection, lack their partner, or have another shape or rank than model and configuration say.
    pub fn read(folder: &Path, projections: &Projections, device: &Device) -> Result<Self> {
        let config = PeftConfig::read(&folder.join(CONFIG))?;
        let source = Safetensors::open(&folder.join(WEIGHTS))?;
        let places = places(&source)?;
        config.check_targets(&places)?;

        let mut loras = BTreeMap::new();
        for name in places {
            let (rank, alpha) = (config.rank(&name)?, config.alpha(&name)?);
            let divisor = if config.rank_stabilised { (rank as f64).sqrt() } else { rank as f64 };
            let a = part(&source, format!("{PREFIX}{name}{A}"), |[rows, _]| rows == rank, rank, device)?;
            let b = part(&source, format!("{PREFIX}{name}{B}"), |[_, columns]| columns == rank, rank, device)?;
            loras.insert(name, Lora { a, b, scale: alpha / divisor });
        }
        let items = token_rows::read(&source, config.token_indices.as_ref(), folder)?;
        let PeftConfig { dropout, rank_stabilised, base_model, .. } = config;
        let adapter = Self { loras, dropout, rank_stabilised, base_model, items };
        adapter.check(projections)?;
        Ok(adapter)
    }

    /// Writes the adapter as a PEFT folder, with the tokenizer where it has item tokens; each file appears whole or not at all.
    ///
    /// # Errors
    /// I/O errors; a device that does not return the weights; an empty adapter.
    pub fn write(&self, folder: &Path) -> Result<()> {
        if self.loras.is_empty() {
            return Err(Error::Failed("the adapter has no parts to write".into()));
        }
        let mut tensors = Vec::new();
        for (name, lora) in &self.loras {
            for (suffix, weight) in [(A, lora.a.val()), (B, lora.b.val())] {
                let shape = weight.dims();
                let values = download(weight, name)?;
                tensors.push((format!("{PREFIX}{name}{suffix}"), shape, values));
            }
        }
        if let Some(items) = &self.items {
            items.files.write(folder)?;
            tensors.extend(token_rows::tensors(&items.rows));
        }
        let tensors = tensors.iter().map(|(name, shape, values)| (name.as_str(), shape.as_slice(), values.as_slice()));
        safetensors::write(&folder.join(WEIGHTS), tensors, &[("format", "pt")])?;
        let config =
            serde_json::to_string_pretty(&PeftConfig::describe(self)).expect("a JSON value is always writable");
        write_atomically(&folder.join(CONFIG), |file| writeln!(file, "{config}"))
    }
}

/// The projections that have a part in the file, each with both of its tensors.
fn places(source: &Safetensors) -> Result<BTreeSet<String>> {
    let (mut with_a, mut with_b) = (BTreeSet::new(), BTreeSet::new());
    for tensor in source.names().into_iter().filter(|tensor| !token_rows::is_rows(tensor)) {
        let module = tensor.strip_prefix(PREFIX);
        if let Some(name) = module.and_then(|m| m.strip_suffix(A)) {
            with_a.insert(name.to_owned());
        } else if let Some(name) = module.and_then(|m| m.strip_suffix(B)) {
            with_b.insert(name.to_owned());
        } else {
            let expected = format!("a name of the form {PREFIX}…{A} or {PREFIX}…{B}");
            let next = "use an adapter with nothing but LoRA weights of linear layers";
            return Err(at(source, &tensor).expected(expected).found("another").next(next).into());
        }
    }
    if let Some(lonely) = with_a.symmetric_difference(&with_b).next() {
        return Err(at(source, lonely).expected("lora_A and lora_B").found("only one of them").into());
    }
    if with_a.is_empty() {
        return Err(Error::bad_input(source.place().display()).expected("LoRA weights").found("no tensors").into());
    }
    Ok(with_a)
}

fn part(
    source: &Safetensors,
    tensor: String,
    fits: impl Fn([usize; 2]) -> bool,
    rank: usize,
    device: &Device,
) -> Result<Param<Tensor<2>>> {
    let shape = source.shape(&tensor).unwrap_or_default();
    match <[usize; 2]>::try_from(shape.as_slice()) {
        Ok(shape) if fits(shape) => {
            let values = source.read_f32(&tensor)?;
            Ok(Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device)))
        }
        _ => Err(at(source, &tensor)
            .expected(format!("a matrix of rank {rank}, by {CONFIG}"))
            .found(format!("shape {shape:?}"))
            .into()),
    }
}

#[cfg(test)]
mod tests;
