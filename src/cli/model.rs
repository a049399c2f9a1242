//! The model that a command uses, and the flags that name it.

use std::path::PathBuf;

use crate::pull::resolve_model;
use crate::recommend::answer::OutputFormat;
use crate::train::Checkpoint;
use crate::{Error, Result};

/// The flags of a language model: the run that tuned it, or the model itself with or without an adapter.
#[derive(Debug, Clone, clap::Args)]
pub struct ModelArgs {
    /// The run folder of a tuning, whose best model writes; every line of its answer then counts as an item
    #[arg(long, value_name = "RUN", conflicts_with_all = ["model", "adapter"])]
    run: Option<PathBuf>,
    /// The language model: a Hugging Face folder, a .gguf file, or a name of `tiller pull --list`
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<String>,
    /// An adapter (PEFT folder) that was tuned on that model; every line of its answer then counts as an item
    #[arg(long, value_name = "DIR", requires = "model")]
    adapter: Option<PathBuf>,
}

impl ModelArgs {
    /// The model that the flags name; `None` where they name none.
    ///
    /// # Errors
    /// A run without a model yet, a model that is neither there nor in the list of `tiller pull`.
    pub(super) fn checkpoint(&self) -> Result<Option<Checkpoint>> {
        if let Some(run) = &self.run {
            return Checkpoint::of(run).map(Some);
        }
        let with_adapter = |model| Ok(Checkpoint { model: resolve_model(model)?, adapter: self.adapter.clone() });
        self.model.as_deref().map(with_adapter).transpose()
    }

    /// The model that the flags name.
    ///
    /// # Errors
    /// No model, and those of [`ModelArgs::checkpoint`].
    pub(super) fn required_checkpoint(&self) -> Result<Checkpoint> {
        let next = "`tiller pull smollm2-135m` fetches a small one; then --model smollm2-135m";
        self.checkpoint()?.ok_or_else(|| missing(next))
    }

    /// The format of the model's unconstrained answers: a tuned model writes titles alone, others number their lines and chat.
    pub(super) fn output_format(&self) -> OutputFormat {
        if self.run.is_some() || self.adapter.is_some() { OutputFormat::Strict } else { OutputFormat::Lenient }
    }
}

/// The path of the model that `--model` names.
///
/// # Errors
/// No model, with the `next` step; one that is neither there nor in the list of `tiller pull`.
pub(super) fn required(model: Option<&str>, next: &str) -> Result<PathBuf> {
    resolve_model(model.ok_or_else(|| missing(next))?)
}

fn missing(next: &str) -> Error {
    let model = "a Hugging Face folder, a .gguf file, or a name from `tiller pull --list`";
    let expected = format!("the run folder of a tuned model, or {model}");
    Error::bad_input("--run or --model").expected(expected).found("none").next(next).into()
}
