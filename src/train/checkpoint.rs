//! The tuned model of a run.

use std::path::{Path, PathBuf};

use toml::Table;

use super::trainable_model::{ADAPTER, MODEL};
use crate::pull::resolve_model;
use crate::run::folder::RunFolder;
use crate::{Error, Result};

/// A tuned model: the folder or file of the model itself, and the adapter beside it where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// A Hugging Face folder or a .gguf file.
    pub model: PathBuf,
    /// A PEFT folder for that model.
    pub adapter: Option<PathBuf>,
}

impl Checkpoint {
    /// The best model of a run so far: the run's own where it has trained all weights, or else its adapter and the model that its
    /// configuration names under `model`.
    ///
    /// # Errors
    /// No run there, one that has not been validated yet, or one whose model is gone.
    pub fn of(run: &Path) -> Result<Self> {
        let config = RunFolder::stored_config(run)?;
        let text = std::fs::read_to_string(&config).map_err(Error::io(&config, "read"))?;
        let not_a_training = |found: String| {
            let next = "name the run folder of `tiller sft`";
            Error::bad_input(config.display()).expected("the configuration of a training").found(found).next(next)
        };
        let table: Table = text.parse().map_err(|e: toml::de::Error| not_a_training(e.to_string()))?;
        let is_full = table.get("full").and_then(|full| full.as_bool()).unwrap_or(false);
        let (folder, weights) =
            if is_full { (MODEL, "model.safetensors") } else { (ADAPTER, "adapter_model.safetensors") };
        let folder = run.join(folder);
        if folder.join(weights).exists() {
            if is_full {
                return Ok(Self { model: folder, adapter: None });
            }
            let name = table.get("model").and_then(|model| model.as_str());
            let name = name.ok_or_else(|| not_a_training("no key `model`".into()))?;
            return Ok(Self { model: base_model(name, run)?, adapter: Some(folder) });
        }
        Err(Error::bad_input(folder.display())
            .expected(weights)
            .found("no such file")
            .next("train with `tiller sft` until its first validation at least")
            .into())
    }
}

/// The model that the configuration of a run names. A relative path that is not found where the program runs is looked for in the folders
/// above the run, so that runs are read from anywhere and keep their models when all are moved together.
fn base_model(name: &str, run: &Path) -> Result<PathBuf> {
    let is_path = Path::new(name).components().count() > 1;
    resolve_model(name).or_else(|error| {
        let run = std::path::absolute(run).map_err(Error::io(run, "find"))?;
        match run.ancestors().skip(1).map(|folder| folder.join(name)).find(|path| path.exists()) {
            Some(path) => resolve_model(&path.to_string_lossy()),
            None if is_path => Err(Error::bad_input(format!("{}, key model", run.join("config.toml").display()))
                .expected("the model that the run began with")
                .found(format!("no {name} here or above the run"))
                .next("put it back, or name the model and the adapter with --model and --adapter")
                .into()),
            None => Err(error),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapters_model_is_found_from_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let (run, model) = (folder.path().join("demo/ppo"), folder.path().join("demo/sft/model"));
        std::fs::create_dir_all(run.join(ADAPTER)).unwrap();
        std::fs::write(run.join(ADAPTER).join("adapter_model.safetensors"), "").unwrap();
        std::fs::write(run.join("config.toml"), "model = \"demo/sft/model\"").unwrap();
        let error = Checkpoint::of(&run).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("config.toml, key model"), "{error}");
        std::fs::create_dir_all(&model).unwrap();
        assert_eq!(Checkpoint::of(&run).unwrap(), Checkpoint { model, adapter: Some(run.join(ADAPTER)) });
    }
}
