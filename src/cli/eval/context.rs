//! The evaluation of one language model: its perplexity, its guide weight, and its lists in every mode.

use std::path::Path;

use tiller_kernels::OpenDevice;
use tiller_models::language_model::{InferenceModel, LanguageModel};

use super::Args;
use super::models::{EvaluatedModel, recommender};
use crate::Result;
use crate::cli::guide::ModelPath;
use crate::cli::recommend::DraftSource;
use crate::constrain::Mode;
use crate::data::Dataset;
use crate::evaluate::{EvalConfig, Evaluator, FullRanking, LlmSystem, TunedGuide, perplexity};
use crate::instruct::chat::Conversation;
use crate::run::progress::{self, Progress};
use crate::teacher::Teacher;

/// The parts of an evaluation that all its models have in common.
pub struct EvalContext<'a> {
    /// The flags.
    pub args: &'a Args,
    /// The settings.
    pub config: &'a EvalConfig,
    /// The data set.
    pub dataset: &'a Dataset,
    /// The teacher and its run folder.
    pub teacher: (&'a Teacher, &'a Path),
    /// The device.
    pub open: &'a OpenDevice,
}

impl EvalContext<'_> {
    /// Evaluates a model: its perplexity on `talk`, and the lists of all its rows.
    ///
    /// # Errors
    /// A model that cannot be read, a prompt longer than its context, a device that fails.
    pub fn evaluate(
        &self,
        evaluated: &EvaluatedModel,
        talk: Option<&[Conversation]>,
        evaluator: &mut Evaluator<Teacher>,
        bar: &Progress,
    ) -> Result<()> {
        let Self { args, dataset, open, teacher: (teacher, _), .. } = *self;
        let (catalogue, ModelPath { model: path, adapter }) = (&dataset.catalogue, evaluated.path);
        let score =
            |talk: &[Conversation]| perplexity(&LanguageModel::load(path, adapter, &open.device)?, talk, dataset, bar);
        let chat = talk.map(score).transpose()?;
        let model = InferenceModel::load(path, adapter, args.storage.options(), &open.device)?;
        let drafts = args.draft == Some(DraftSource::Teacher);
        let system = |mode, drafts| -> Result<LlmSystem> {
            let recommender = recommender(args, (&model, adapter), catalogue, mode)?;
            let recommender = if drafts { recommender.drafting(teacher) } else { recommender };
            Ok(LlmSystem { name: evaluated.name.to_owned(), recommender, batch: usize::from(args.batch) })
        };
        if let (true, Some(run)) = (args.tune_guide, evaluated.path.run()) {
            self.tune(system(Mode::Strict, drafts)?, run)?;
        }
        for &mode in &args.decode {
            let mut system = system(mode, drafts)?;
            for guide_weight in evaluated.guide_weights(mode)? {
                if let Some(weight) = guide_weight {
                    system.recommender = system.recommender.guided_by(teacher, weight);
                }
                evaluator.evaluate(&system, chat, bar)?;
            }
        }
        if args.rank {
            let mut system = system(Mode::Strict, false)?;
            system.recommender = system.recommender.ranking();
            evaluator.evaluate(&FullRanking { system, catalogue }, chat, bar)?;
        }
        Ok(())
    }

    /// Chooses the guide weight of a model and writes it into its run folder.
    fn tune(&self, system: LlmSystem, run_of_model: &Path) -> Result<()> {
        let (name, (teacher, run)) = (system.name.clone(), self.teacher);
        let settings = TunedGuide::settings(self.config);
        let trials = Evaluator::new(self.dataset, teacher, settings, self.open.description.clone())?;
        let tuned = TunedGuide::choose(system, (teacher, run), trials)?;
        tuned.write(run_of_model)?;
        progress::notice(&format!("{name}: {tuned}"));
        Ok(())
    }
}
