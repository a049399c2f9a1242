//! Where a training stands, on disk.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tiller_models::archive::Archive;
use tiller_models::llama::Llama;
use tiller_models::optim::AdamW;
use tiller_models::weights::{weights_of, with_weights};

use super::config::SftConfig;
use crate::data::Catalogue;
use crate::run::words::{from_words, to_words};
use crate::{Error, Result};

/// The trained weights, the optimiser and the position of the training.
pub const LAST: &str = "last.safetensors";

/// Where a training stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Steps taken. Epoch, window and place follow from it.
    pub step: u64,
    /// Tokens that these steps have read, padding left out.
    pub tokens: u64,
    /// Seconds that the training has taken, validations included.
    pub seconds: f64,
    /// The best validation so far.
    pub best: Option<Best>,
}

/// A validation that none has surpassed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The mean of NDCG@10 over the kinds of questions.
    pub ndcg: f64,
    /// The steps before it.
    pub step: u64,
}

/// Writes everything that is needed to go on.
///
/// # Errors
/// The disk is full or the folder has gone.
pub fn write(
    path: &Path,
    llama: &Llama,
    adamw: &AdamW,
    position: &Position,
    config: &SftConfig,
    catalogue: &Catalogue,
) -> Result<()> {
    let mut archive = Archive::default();
    archive.put("trained", weights_of(llama));
    adamw.save(&mut archive, "adamw");
    archive.words.insert("position".into(), to_words(position)?);
    archive.words.insert("config".into(), to_words(config)?);
    archive.words.insert("catalogue".into(), catalogue.fingerprint());
    archive.write(path)
}

/// The model in the state that [`write`] saved, with its optimiser and its position.
///
/// # Errors
/// No checkpoint, one of other settings (only its length may differ) or of another catalogue, or one that does not fit the model.
pub fn read(path: &Path, llama: Llama, config: &SftConfig, catalogue: &Catalogue) -> Result<(Llama, AdamW, Position)> {
    if !path.exists() {
        return Err(Error::bad_input(path.display())
            .expected("the checkpoint of a training")
            .found("no such file: it was stopped before its first step")
            .next("start it again without --resume")
            .into());
    }
    let mut archive = Archive::read(path)?;
    let saved: SftConfig = from_words(&archive, "config", path)?;
    if saved.as_long_as(config) != *config {
        return Err(Error::bad_input("--resume")
            .expected("the settings of the run (epochs and steps may differ)")
            .found("others")
            .next("leave out all flags but --resume, --out and --epochs or --steps")
            .into());
    }
    let (expected, found) = (catalogue.fingerprint(), archive.word("catalogue", path)?);
    if found != expected {
        return Err(Error::bad_input("--resume")
            .expected(format!("the data set of the run, of {found}"))
            .found(format!("another one, of {expected}"))
            .next("name the data set that the run was started with")
            .into());
    }
    let position = from_words(&archive, "position", path)?;
    let llama = with_weights(llama, archive.take("trained"), &path.display().to_string())?;
    let adamw = AdamW::restore(config.optimiser, &llama, &mut archive, "adamw", &llama.device(), path)?;
    Ok((llama, adamw, position))
}
