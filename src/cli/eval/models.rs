//! The language models of an evaluation: their names, guides and recommenders.

use std::path::{Path, PathBuf};

use tiller_models::generate::{GenerateOptions, Sampling};
use tiller_models::language_model::InferenceModel;

use super::Args;
use crate::cli::guide::{ModelPath, run_folder};
use crate::constrain::{GuideSource, GuideWeight, Mode, WeightChoice};
use crate::data::Catalogue;
use crate::data::input::file_name;
use crate::pull::resolve_model;
use crate::recommend::answer::OutputFormat;
use crate::recommend::recommender::{Recommender, enough_tokens};
use crate::train::Checkpoint;
use crate::{Error, Result};

/// A language model to evaluate.
pub struct EvaluatedModel<'a> {
    /// The name of its rows.
    pub name: &'a str,
    /// Its folders.
    pub path: ModelPath<'a>,
    /// The guides of its constrained lists; `None`, the model alone, comes first.
    guides: Vec<Option<WeightChoice>>,
}

impl EvaluatedModel<'_> {
    /// The guide weights of its lists in a mode, each a row: `None`, the model alone, comes first. Two that a label shows alike, such as
    /// `auto` and the weight that it stands for, are one row.
    ///
    /// # Errors
    /// A guide weight that cannot be read.
    pub fn guide_weights(&self, mode: Mode) -> Result<Vec<Option<GuideWeight>>> {
        let mut weights: Vec<Option<GuideWeight>> = Vec::new();
        for guide in self.guides(mode) {
            let weight = guide.map(|choice| choice.resolve(&self.path)).transpose()?;
            let shown = |weight: &Option<GuideWeight>| weight.map(|weight| weight.to_string());
            if !weights.iter().any(|other| shown(other) == shown(&weight)) {
                weights.push(weight);
            }
        }
        Ok(weights)
    }

    /// The guides of its lists in a mode.
    pub fn guides(&self, mode: Mode) -> &[Option<WeightChoice>] {
        if mode == Mode::Free { &[None] } else { &self.guides }
    }
}

/// The models that the flags name: those of runs, or one with and without adapters. Each has the name of its rows.
///
/// # Errors
/// A run without a model yet, a model that is neither there nor in the list of `tiller pull`.
pub fn checkpoints(args: &Args) -> Result<Vec<(String, Checkpoint)>> {
    let name = |path: &Path| file_name(run_folder(path).unwrap_or(path));
    let Some(model) = &args.model else {
        return args.run.iter().map(|run| Ok((file_name(run), Checkpoint::of(run)?))).collect();
    };
    let path = resolve_model(model)?;
    let with = |adapter: Option<&PathBuf>| Checkpoint { model: path.clone(), adapter: adapter.cloned() };
    let base = (name(Path::new(model)), with(None));
    let base = Some(base).filter(|_| args.with_base || args.adapter.is_empty());
    let adapters = args.adapter.iter().map(|adapter| (name(adapter), with(Some(adapter))));
    Ok(base.into_iter().chain(adapters).collect())
}

/// The models with their guides.
///
/// # Errors
/// `--tune-guide` or an automatic guide weight where no run folder is.
pub fn models<'a>(args: &Args, checkpoints: &'a [(String, Checkpoint)]) -> Result<Vec<EvaluatedModel<'a>>> {
    let evaluated = |(name, checkpoint): &'a (String, Checkpoint)| {
        let path = ModelPath::from(checkpoint);
        Ok(EvaluatedModel { name, path, guides: guides(args, &path)? })
    };
    let models = checkpoints.iter().map(evaluated).collect::<Result<Vec<_>>>()?;
    if args.tune_guide && models.iter().all(|model| model.path.run().is_none()) {
        return Err(Error::bad_input("--tune-guide")
            .expected("a model or an adapter in a run folder, which keeps its guide weight")
            .found("no config.toml beside it")
            .next("tune the model first, or leave it out and give --guide-weight 0.2")
            .into());
    }
    Ok(models)
}

/// The guides of a model's constrained lists.
fn guides(args: &Args, path: &ModelPath) -> Result<Vec<Option<WeightChoice>>> {
    let is_tuned_here = args.tune_guide && path.run().is_some();
    let has_weight = is_tuned_here || !args.guide_weight.is_empty() || path.tuned()?.is_some();
    let sources: &[GuideSource] = match args.guide.as_slice() {
        [] if has_weight => &[GuideSource::None, GuideSource::Teacher],
        [] => &[GuideSource::None],
        sources => sources,
    };
    let weights: &[WeightChoice] =
        if args.guide_weight.is_empty() { &[WeightChoice::Auto] } else { &args.guide_weight };
    let mut guides = Vec::new();
    if sources.contains(&GuideSource::None) {
        guides.push(None);
    }
    if sources.contains(&GuideSource::Teacher) {
        if !is_tuned_here {
            // An automatic weight that does not exist is missed before anything is computed.
            weights.iter().try_for_each(|weight| weight.resolve(path).map(drop))?;
        }
        guides.extend(weights.iter().copied().map(Some));
    }
    Ok(guides)
}

/// The recommender of a model in a mode.
///
/// # Errors
/// As [`Recommender::new`].
pub fn recommender<'a>(
    args: &Args,
    (model, adapter): (&'a InferenceModel, Option<&Path>),
    catalogue: &'a Catalogue,
    mode: Mode,
) -> Result<Recommender<'a>> {
    let options = GenerateOptions {
        max_new_tokens: args.max_new_tokens.map_or(enough_tokens(args.k + 5), |tokens| tokens as usize),
        sampling: Sampling::Greedy,
        seed: 0,
    };
    let is_tuned = adapter.is_some() || !args.run.is_empty();
    let usual = if is_tuned { OutputFormat::Strict } else { OutputFormat::Lenient };
    Recommender::new(model, catalogue, args.format.unwrap_or(usual), options, mode)
}
