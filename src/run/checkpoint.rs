//! Checkpoints of language model training: trained weights, optimizer state, training state, and the settings that a
//! resumed run must share.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tiller_models::archive::Archive;
use tiller_models::optim::{AdamW, AdamWConfig};
use tiller_models::weights::{weights_of, with_weights};

use super::metadata::{config_from_metadata, from_metadata, to_metadata};
use crate::{Error, Result};

/// The checkpoint that a run resumes from.
pub const LAST: &str = "last.safetensors";

/// Settings of a resumable training run.
pub trait Resumable: Serialize + DeserializeOwned + PartialEq {
    /// The archive key of the trained weights.
    const WEIGHTS: &'static str;
    /// The unit after which the first checkpoint is written: "step".
    const UNIT: &'static str;
    /// The names of the settings that a resumed run may change.
    const LENGTH: &'static str;
    /// The names of their flags.
    const LENGTH_FLAGS: &'static str;

    /// These settings with the length of `other`: a resumed run may be longer or shorter than planned.
    #[must_use]
    fn with_length_of(&self, other: &Self) -> Self;

    /// The optimizer's settings.
    fn optimiser(&self) -> AdamWConfig;
}

/// Writes a checkpoint; `catalogue` is the fingerprint of the data set's catalogue.
///
/// # Errors
/// The disk is full or the folder has gone.
pub fn write<C: Resumable>(
    path: &Path,
    trained: &impl Module,
    adamw: &AdamW,
    position: &impl Serialize,
    config: &C,
    catalogue: &str,
) -> Result<()> {
    let mut archive = Archive::default();
    archive.put(C::WEIGHTS, weights_of(trained));
    adamw.save(&mut archive, "adamw");
    archive.words.insert("position".into(), to_metadata(position)?);
    archive.words.insert("config".into(), to_metadata(config)?);
    archive.words.insert("catalogue".into(), catalogue.to_owned());
    archive.write(path)
}

/// Reads a checkpoint of [`write`]: the trained module, its optimizer and the training state. `fresh` is the module
/// before training.
///
/// # Errors
/// No checkpoint; one of other settings (only the length may differ) or of another catalogue; one that does not fit the
/// model.
pub fn read<M: Module, P: DeserializeOwned, C: Resumable>(
    path: &Path,
    fresh: M,
    config: &C,
    catalogue: &str,
    device: &Device,
) -> Result<(M, AdamW, P)> {
    if !path.exists() {
        return Err(Error::bad_input(path.display())
            .expected("the checkpoint of a training")
            .found(format!("no such file: it was stopped before its first {}", C::UNIT))
            .next("start it again without --resume")
            .into());
    }
    let mut archive = Archive::read(path)?;
    let saved: C = config_from_metadata(&archive, path)?;
    if saved.with_length_of(config) != *config {
        return Err(Error::bad_input("--resume")
            .expected(format!("the settings of the run ({} may differ)", C::LENGTH))
            .found("others")
            .next(format!("leave out all flags but --resume, --out and {}", C::LENGTH_FLAGS))
            .into());
    }
    let found = archive.word("catalogue", path)?;
    if found != catalogue {
        return Err(Error::bad_input("--resume")
            .expected(format!("the data set of the run, of {found}"))
            .found(format!("another one, of {catalogue}"))
            .next("name the data set that the run was started with")
            .into());
    }
    let position = from_metadata(&archive, "position", path)?;
    let trained = with_weights(fresh, archive.take(C::WEIGHTS), &path.display().to_string())?;
    let adamw = AdamW::restore(config.optimiser(), &trained, &mut archive, "adamw", device, path)?;
    Ok((trained, adamw, position))
}
