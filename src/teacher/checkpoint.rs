//! What a training leaves on disk: the best model for answering, and everything that is needed to go on.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, TensorData};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tiller_models::sasrec::{Adam, Archive, SasRec, weights_of, with_weights};

use super::config::TeacherConfig;
use super::schedule::Schedule;
use crate::data::Catalogue;
use crate::{Error, Result};

/// The model of the best validation figure.
pub const BEST: &str = "best.safetensors";
/// The model, the optimiser and the position of the training.
pub const LAST: &str = "last.safetensors";

/// Where a training stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs completed.
    pub epoch: u32,
    /// Steps taken in the epoch at hand; 0 before its validation.
    pub step: usize,
    /// The sum of the losses of this epoch's examples so far.
    pub loss: f64,
    /// The optimiser's steps.
    pub adam_steps: u32,
    /// What the validations have led to.
    pub schedule: Schedule,
}

/// A checkpoint file, read and checked against the catalogue.
pub struct Checkpoint {
    path: PathBuf,
    archive: Archive,
    n_items: usize,
    /// The settings of its run.
    pub config: TeacherConfig,
}

impl Checkpoint {
    /// Reads a checkpoint of a run on `catalogue`.
    ///
    /// # Errors
    /// No such file, a file that is cut off, or another catalogue.
    pub fn read(path: &Path, catalogue: &Catalogue) -> Result<Self> {
        if !path.exists() {
            return Err(Error::bad_input(path.display())
                .expected("the checkpoint of a trained teacher")
                .found("no such file")
                .next("train one with `tiller sasrec train DIR`, or name its run with --run")
                .into());
        }
        let archive = Archive::read(path)?;
        let expected = fingerprint(catalogue);
        let found = archive.word("catalogue", path)?;
        if found != expected {
            return Err(Error::bad_input(path.display())
                .expected(format!("a teacher of this data set's catalogue ({expected})"))
                .found(format!("one of another catalogue ({found})"))
                .next("train again with `tiller sasrec train DIR`, or name another run with --run")
                .into());
        }
        let config: TeacherConfig = parse(&archive, "config", path)?;
        config.validate()?;
        Ok(Self { path: path.to_owned(), archive, n_items: catalogue.len(), config })
    }

    /// The model.
    ///
    /// # Errors
    /// A weight that is missing or has another shape than the settings say.
    pub fn model(mut self, device: &Device) -> Result<SasRec> {
        self.take_model(device)
    }

    /// The model, the optimiser and the position, of a file written by [`write_last`].
    ///
    /// # Errors
    /// A tensor or a word that is missing or not what the settings say.
    pub fn training(mut self, device: &Device) -> Result<(SasRec, Adam, Position)> {
        let model = self.take_model(device)?;
        let position: Position = parse(&self.archive, "position", &self.path)?;
        let moments = ["first", "second"].map(|order| self.archive.take(&format!("adam.{order}")));
        let adam = Adam::resume(&model, position.adam_steps, moments, device, &self.path.display().to_string())?;
        Ok((model, adam, position))
    }

    fn take_model(&mut self, device: &Device) -> Result<SasRec> {
        let place = self.path.display().to_string();
        let weights = self.archive.take("model");
        // Checked before a model of that size is made: the sizes are only what the file says of itself.
        let found: usize = weights.values().map(TensorData::num_elements).sum();
        let expected = self.config.model.n_weights(self.n_items);
        if found < expected {
            return Err(Error::bad_input(place)
                .expected(format!("{expected} weights, as its configuration says"))
                .found(found)
                .next("the file is damaged: train again with `tiller sasrec train DIR`")
                .into());
        }
        with_weights(SasRec::new(&self.config.model, self.n_items, 0, device)?, weights, &place)
    }
}

/// Writes the best model.
///
/// # Errors
/// The disk is full or the folder has gone.
pub fn write_best(path: &Path, model: &SasRec, config: &TeacherConfig, catalogue: &Catalogue) -> Result<()> {
    archive_of(model, config, catalogue)?.write(path)
}

/// Writes everything that is needed to go on.
///
/// # Errors
/// The disk is full or the folder has gone.
pub fn write_last(
    path: &Path,
    model: &SasRec,
    adam: &Adam,
    position: &Position,
    config: &TeacherConfig,
    catalogue: &Catalogue,
) -> Result<()> {
    let mut archive = archive_of(model, config, catalogue)?;
    let [first, second] = adam.moments();
    archive.put("adam.first", first);
    archive.put("adam.second", second);
    archive.words.insert("position".into(), to_toml(position)?);
    archive.write(path)
}

fn archive_of(model: &SasRec, config: &TeacherConfig, catalogue: &Catalogue) -> Result<Archive> {
    let mut archive = Archive::default();
    archive.put("model", weights_of(model));
    archive.words.insert("config".into(), to_toml(config)?);
    archive.words.insert("catalogue".into(), fingerprint(catalogue));
    Ok(archive)
}

// TOML, because it reads every f64 back exactly as it was.
fn to_toml(value: &impl Serialize) -> Result<String> {
    toml::to_string(value).map_err(|e| Error::Failed(format!("checkpoint: {e}")))
}

fn parse<T: DeserializeOwned>(archive: &Archive, key: &str, path: &Path) -> Result<T> {
    toml::from_str(archive.word(key, path)?).map_err(|e| {
        Error::bad_input(format!("{} metadata {key}", path.display()))
            .expected("what this version of tiller writes")
            .found(e.message())
            .next("train again with this version")
            .into()
    })
}

/// What tells one catalogue from another: the number of items, and a hash of their keys in the order of their ids.
fn fingerprint(catalogue: &Catalogue) -> String {
    let mut hash = Sha256::new();
    for item in catalogue.items() {
        hash.update((item.key.len() as u64).to_le_bytes());
        hash.update(&item.key);
    }
    let digest = hash.finalize();
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{} items, {hex}", catalogue.len())
}
