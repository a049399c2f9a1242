//! Flags of teacher-guided decoding, and the guide weight of a run folder.

use std::path::{Path, PathBuf};

use burn::tensor::Device;

use super::{Global, values};
use crate::constrain::{GuideChoice, GuideSource, GuideWeight, WeightChoice};
use crate::data::Dataset;
use crate::evaluate::TunedGuide;
use crate::teacher::Teacher;
use crate::train::Checkpoint;
use crate::{Error, Result};

/// The flags of one guided recommender.
#[derive(Debug, Clone, clap::Args)]
pub struct GuideArgs {
    /// Guide of every choice of a constrained list [default: teacher where the model's run folder has a guide weight]
    #[arg(long, value_parser = values::guide_source(), value_name = "WHO")]
    guide: Option<GuideSource>,
    /// The model's part with --guide teacher: 0 is the teacher alone, 1 the model alone, auto what `tiller eval --tune-guide` found
    /// best for the model
    #[arg(long, default_value = "auto", value_name = "auto|W")]
    guide_weight: WeightChoice,
    /// The run folder of the teacher that guides or drafts [default: that of the guide weight, or DIR/teacher]
    #[arg(long, value_name = "RUN")]
    teacher: Option<PathBuf>,
}

/// A guide weight with the run folder of its teacher.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedGuide {
    /// The weight; `None` for the model alone.
    pub weight: Option<GuideWeight>,
    /// The weight where a guide is asked for without one.
    pub auto: Option<GuideWeight>,
    /// The run folder of the teacher.
    pub teacher: PathBuf,
}

impl GuideArgs {
    /// The guide of a model for lists about the data set in `dir`, constrained or not.
    ///
    /// # Errors
    /// A guide without constrained decoding, an automatic weight that nobody has chosen yet, a file that cannot be read.
    pub fn resolve(&self, model: ModelPath, dir: &Path, is_constrained: bool) -> Result<ResolvedGuide> {
        let choice = self.choice();
        if choice.names_teacher() && !is_constrained {
            return Err(Error::bad_input("--guide")
                .expected("constrained decoding")
                .found("--decode free, where the model writes alone")
                .next("leave it out, or decode by catalogue or strict")
                .into());
        }
        let tuned = model.tuned()?;
        let usual = tuned.as_ref().map(|tuned| tuned.weight);
        let weight = if is_constrained { choice.weight(usual, usual, || no_weight(&model))? } else { None };
        let of_weight = tuned.map(|tuned| tuned.teacher).filter(|run| run.is_dir());
        let teacher = self.teacher.clone().or(of_weight).unwrap_or_else(|| dir.join("teacher"));
        let auto = match choice.weight {
            WeightChoice::Given(weight) => Some(weight),
            WeightChoice::Auto => usual,
        };
        Ok(ResolvedGuide { weight, auto, teacher })
    }

    /// The guide that the flags name.
    pub fn choice(&self) -> GuideChoice {
        GuideChoice { source: self.guide, weight: self.guide_weight }
    }

    /// The teacher that the flags name.
    pub fn named_teacher(&self) -> Option<&Path> {
        self.teacher.as_deref()
    }
}

impl ResolvedGuide {
    /// The teacher, where it guides or `drafts`. Prints to stderr that it guides.
    ///
    /// # Errors
    /// A teacher of another catalogue, or none.
    pub fn teacher(
        &self,
        drafts: bool,
        dataset: &Dataset,
        device: &Device,
        global: &Global,
    ) -> Result<Option<Teacher>> {
        if let (Some(weight), false) = (self.weight, global.brief) {
            eprintln!("guided by {} with weight {weight}", self.teacher.display());
        }
        let is_needed = drafts || self.weight.is_some();
        is_needed.then(|| Teacher::load(&self.teacher, dataset, device)).transpose()
    }
}

impl WeightChoice {
    /// The weight for a model.
    ///
    /// # Errors
    /// An automatic weight that nobody has chosen yet, a file that cannot be read.
    pub fn resolve(self, model: &ModelPath) -> Result<GuideWeight> {
        match self {
            Self::Given(weight) => Ok(weight),
            Self::Auto => Ok(model.tuned()?.ok_or_else(|| no_weight(model))?.weight),
        }
    }
}

fn no_weight(model: &ModelPath) -> Error {
    Error::bad_input(model.place().display())
        .expected("a run folder with guide.json, the guide weight of its model")
        .found("none")
        .next("choose it with `tiller eval --tune-guide`, or give one, such as --guide-weight 0.2")
        .into()
}

/// The folders that a model comes from.
#[derive(Debug, Clone, Copy)]
pub struct ModelPath<'a> {
    /// The model.
    pub model: &'a Path,
    /// Its adapter.
    pub adapter: Option<&'a Path>,
}

impl<'a> From<&'a Checkpoint> for ModelPath<'a> {
    fn from(Checkpoint { model, adapter }: &'a Checkpoint) -> Self {
        Self { model, adapter: adapter.as_deref() }
    }
}

impl<'a> ModelPath<'a> {
    /// The guide weight in the model's run folder.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn tuned(&self) -> Result<Option<TunedGuide>> {
        Ok(self.run().map(TunedGuide::read).transpose()?.flatten())
    }

    /// The run folder, which keeps the guide weight; `None` for a model outside of one.
    pub fn run(&self) -> Option<&'a Path> {
        run_folder(self.made())
    }

    /// The path of what was trained: the adapter, or else the model.
    fn made(&self) -> &'a Path {
        self.adapter.unwrap_or(self.model)
    }

    /// The run folder, or else what was trained.
    fn place(&self) -> &'a Path {
        self.run().unwrap_or(self.made())
    }
}

/// The run folder that an adapter or a model is in.
pub fn run_folder(made: &Path) -> Option<&Path> {
    made.parent().filter(|run| run.join("config.toml").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_follows_from_the_flags_and_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let adapter = folder.path().join("adapter");
        let model = ModelPath { model: Path::new("m"), adapter: Some(&adapter) };
        let flags =
            |guide, guide_weight: &str| GuideArgs { guide, guide_weight: guide_weight.parse().unwrap(), teacher: None };
        let weight = |guide, weight: &str, is_constrained| -> Result<Option<f64>> {
            let resolved = flags(guide, weight).resolve(model, Path::new("films"), is_constrained)?;
            assert_eq!(resolved.teacher, Path::new("films/teacher"));
            Ok(resolved.weight.map(f64::from))
        };
        assert_eq!(weight(None, "auto", true).unwrap(), None);
        assert_eq!(weight(None, "0.25", true).unwrap(), Some(0.25), "a weight is enough");
        assert_eq!(weight(Some(GuideSource::None), "0.25", true).unwrap(), None);
        let error = weight(Some(GuideSource::Teacher), "auto", true).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("--tune-guide"), "{error}");
        assert_eq!(weight(Some(GuideSource::Teacher), "0.5", false).unwrap_err().exit_code(), 2);
        assert_eq!(weight(None, "auto", false).unwrap(), None);
        assert_eq!("2".parse::<WeightChoice>().unwrap_err().exit_code(), 2);
    }
}
