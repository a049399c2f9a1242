//! The checkpoints of a teacher: the best model, and the state from which its training resumes.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, TensorData};
use serde::{Deserialize, Serialize};
use tiller_models::archive::Archive;
use tiller_models::optim::{AdamW, AdamWConfig};
use tiller_models::sasrec::SasRec;
use tiller_models::weights::{weights_of, with_weights};

use super::config::TeacherConfig;
use super::schedule::PlateauSchedule;
use crate::data::Catalogue;
use crate::run::metadata::{config_from_metadata, from_metadata, to_metadata};
use crate::{Error, Result};

/// The model of the best validation figure.
pub const BEST: &str = "best.safetensors";
/// The model, the optimiser and the state of the training.
pub const LAST: &str = "last.safetensors";

/// The state of a teacher's training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeacherState {
    /// Epochs completed.
    pub epoch: u32,
    /// Steps taken in the epoch at hand; 0 before its validation.
    pub step: usize,
    /// The sum of the losses of this epoch's examples so far.
    pub loss: f64,
    /// The learning-rate schedule.
    pub schedule: PlateauSchedule,
}

/// A checkpoint file, read and checked against the catalogue.
pub struct TeacherCheckpoint {
    path: PathBuf,
    archive: Archive,
    n_items: usize,
    /// The settings of its run.
    pub config: TeacherConfig,
}

impl TeacherCheckpoint {
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
        let expected = catalogue.fingerprint();
        let found = archive.word("catalogue", path)?;
        if found != expected {
            return Err(Error::bad_input(path.display())
                .expected(format!("a teacher of this data set's catalogue ({expected})"))
                .found(format!("one of another catalogue ({found})"))
                .next("train again with `tiller sasrec train DIR`, or name another run with --run")
                .into());
        }
        let config: TeacherConfig = config_from_metadata(&archive, path)?;
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

    /// The model, the optimiser and the training state, of a file written by [`write_last`].
    ///
    /// # Errors
    /// A tensor or a word that is missing or not what the settings say.
    pub fn training(mut self, device: &Device) -> Result<(SasRec, AdamW, TeacherState)> {
        let model = self.take_model(device)?;
        let state: TeacherState = from_metadata(&self.archive, "position", &self.path)?;
        let adam = AdamW::restore(AdamWConfig::adam(), &model, &mut self.archive, "adam", device, &self.path)?;
        Ok((model, adam, state))
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

/// Writes everything that is needed to resume.
///
/// # Errors
/// The disk is full or the folder has gone.
pub fn write_last(
    path: &Path,
    model: &SasRec,
    adam: &AdamW,
    state: &TeacherState,
    config: &TeacherConfig,
    catalogue: &Catalogue,
) -> Result<()> {
    let mut archive = archive_of(model, config, catalogue)?;
    adam.save(&mut archive, "adam");
    archive.words.insert("position".into(), to_metadata(state)?);
    archive.write(path)
}

fn archive_of(model: &SasRec, config: &TeacherConfig, catalogue: &Catalogue) -> Result<Archive> {
    let mut archive = Archive::default();
    archive.put("model", weights_of(model));
    archive.words.insert("config".into(), to_metadata(config)?);
    archive.words.insert("catalogue".into(), catalogue.fingerprint());
    Ok(archive)
}
