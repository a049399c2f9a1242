//! Where a training stands, on disk.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tiller_models::archive::Archive;
use tiller_models::optim::AdamW;
use tiller_models::weights::{weights_of, with_weights};

use super::config::PpoConfig;
use super::experience::RewardScales;
use super::policy::Policy;
use super::prompts::Place;
use crate::data::Catalogue;
use crate::run::words::{from_words, to_words};
use crate::{Error, Result};

/// The trained weights of actor and critic, the optimiser and the position of the training.
pub const LAST: &str = "last.safetensors";

/// Where a training stands. All draws of an iteration follow from its number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Iterations completed.
    pub iteration: u64,
    /// Passes over the questions, with the part of the one at hand.
    pub epoch: f64,
    /// The next question.
    pub place: Place,
    /// The sizes of the rewards so far.
    pub scales: RewardScales,
    /// Seconds that the training has taken, audits included.
    pub seconds: f64,
    /// The best audit so far.
    pub best: Option<Best>,
}

/// An audit that none has surpassed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The mean list reward.
    pub reward: f64,
    /// The iterations before it.
    pub iteration: u64,
}

/// Writes everything that is needed to go on.
///
/// # Errors
/// The disk is full or the folder has gone.
pub fn write(
    path: &Path,
    policy: &Policy,
    adamw: &AdamW,
    position: &Position,
    (config, catalogue): (&PpoConfig, &Catalogue),
) -> Result<()> {
    let mut archive = Archive::default();
    archive.put("policy", weights_of(policy));
    adamw.save(&mut archive, "adamw");
    archive.words.insert("position".into(), to_words(position)?);
    archive.words.insert("config".into(), to_words(config)?);
    archive.words.insert("catalogue".into(), catalogue.fingerprint());
    archive.write(path)
}

/// The policy in the state that [`write`] saved, with its optimiser and its position; `fresh` is as the policy was at first.
///
/// # Errors
/// No checkpoint, one of other settings (only its length may differ) or of another catalogue, or one that does not fit the model.
pub fn read(
    path: &Path,
    fresh: Policy,
    config: &PpoConfig,
    catalogue: &Catalogue,
) -> Result<(Policy, AdamW, Position)> {
    if !path.exists() {
        return Err(Error::bad_input(path.display())
            .expected("the checkpoint of a training")
            .found("no such file: it was stopped before its first iteration")
            .next("start it again without --resume")
            .into());
    }
    let mut archive = Archive::read(path)?;
    let saved: PpoConfig = from_words(&archive, "config", path)?;
    if saved.as_long_as(config) != *config {
        return Err(Error::bad_input("--resume")
            .expected("the settings of the run (iterations may differ)")
            .found("others")
            .next("leave out all flags but --resume, --out and --iterations")
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
    let device = fresh.actor.device();
    let policy = with_weights(fresh, archive.take("policy"), &path.display().to_string())?;
    let adamw = AdamW::restore(config.optimiser, &policy, &mut archive, "adamw", &device, path)?;
    Ok((policy, adamw, position))
}
