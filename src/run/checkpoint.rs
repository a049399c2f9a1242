//! Where a training of a language model stands, on disk: trained weights, the optimiser, the position, and what of the run has to be the
//! same for it to go on.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tiller_models::archive::Archive;
use tiller_models::optim::{AdamW, AdamWConfig};
use tiller_models::weights::{weights_of, with_weights};

use super::metadata::{from_metadata, to_metadata};
use crate::data::Catalogue;
use crate::{Error, Result};

/// The checkpoint from which a run is resumed.
pub const LAST: &str = "last.safetensors";

/// Settings of a training that can be stopped and resumed.
pub trait Resumable: Serialize + DeserializeOwned + PartialEq {
    /// What the trained weights are filed under.
    const WEIGHTS: &'static str;
    /// What a checkpoint is written behind at the earliest: "step".
    const UNIT: &'static str;
    /// The settings that a resumed run may change, in words.
    const LENGTH: &'static str;
    /// Their flags, in words.
    const LENGTH_FLAGS: &'static str;

    /// These settings with the length of `other`: a resumed run may be longer or shorter than it was meant to be.
    #[must_use]
    fn with_length_of(&self, other: &Self) -> Self;

    /// How steps are made of gradients.
    fn optimiser(&self) -> AdamWConfig;
}

/// Writes everything that is needed to go on.
///
/// # Errors
/// The disk is full or the folder has gone.
pub fn write<C: Resumable>(
    path: &Path,
    trained: &impl Module,
    adamw: &AdamW,
    position: &impl Serialize,
    config: &C,
    catalogue: &Catalogue,
) -> Result<()> {
    let mut archive = Archive::default();
    archive.put(C::WEIGHTS, weights_of(trained));
    adamw.save(&mut archive, "adamw");
    archive.words.insert("position".into(), to_metadata(position)?);
    archive.words.insert("config".into(), to_metadata(config)?);
    archive.words.insert("catalogue".into(), catalogue.fingerprint());
    archive.write(path)
}

/// What is trained in the state that [`write`] saved, with its optimiser and its position; `fresh` is as it was at first.
///
/// # Errors
/// No checkpoint, one of other settings (only its length may differ) or of another catalogue, or one that does not fit the model.
pub fn read<M: Module, P: DeserializeOwned, C: Resumable>(
    path: &Path,
    fresh: M,
    config: &C,
    catalogue: &Catalogue,
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
    let saved: C = from_metadata(&archive, "config", path)?;
    if saved.with_length_of(config) != *config {
        return Err(Error::bad_input("--resume")
            .expected(format!("the settings of the run ({} may differ)", C::LENGTH))
            .found("others")
            .next(format!("leave out all flags but --resume, --out and {}", C::LENGTH_FLAGS))
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
    let position = from_metadata(&archive, "position", path)?;
    let trained = with_weights(fresh, archive.take(C::WEIGHTS), &path.display().to_string())?;
    let adamw = AdamW::restore(config.optimiser(), &trained, &mut archive, "adamw", device, path)?;
    Ok((trained, adamw, position))
}
