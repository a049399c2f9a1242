//! Flag values by name, for library types that know nothing of clap.

use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tiller_kernels::MatmulPrecision;
use tiller_models::presets::ModelPreset;

use crate::Error;
use crate::bench::lists::DecodeMethod;
use crate::constrain::{GuideSource, Mode};
use crate::experiment::ExperimentSize;
use crate::instruct::Preset;
use crate::plan::PlannedCommand;
use crate::ppo::hyperparameters::Baseline;
use crate::recommend::answer::OutputFormat;
use crate::reward::Level;
use crate::task::TaskFamily;
use crate::train::from_scratch::ScratchSize;

/// The families of tasks.
pub(super) fn task_family() -> impl TypedValueParser<Value = TaskFamily> {
    named([
        ("I0", "The user's next item"),
        ("I1", "A list of a category, or without one"),
        ("I2", "A list with at most, at least or about a share of a category"),
        ("I3", "Items of a category for no user in particular, and the category of an item"),
        ("I4", "Conversation, which keeps the model's ability to chat"),
    ])
}

/// The presets of sampling rules.
pub(super) fn preset() -> impl TypedValueParser<Value = Preset> {
    named([
        ("default", "The method with its open points resolved"),
        ("paper", "The authors' rules, including their quirks"),
    ])
}

/// The levels of rewards.
pub(super) fn reward_level() -> impl TypedValueParser<Value = Level> {
    named([
        ("item", "A reward at the end of every item"),
        ("list", "One reward at the end of the list"),
        ("both", "Both"),
    ])
}

/// The constraint modes.
pub(super) fn mode() -> impl TypedValueParser<Value = Mode> {
    named([
        ("free", "The model alone; each item is checked afterwards"),
        ("catalogue", "Every item exists, none repeats, none is in the history, and the list has the requested length"),
        ("strict", "All that, and every rule of the request"),
    ])
}

/// The guides of constrained lists.
pub(super) fn guide_source() -> impl TypedValueParser<Value = GuideSource> {
    named([("none", "The model alone"), ("teacher", "The model and the teacher together")])
}

/// The formats of answers.
pub(super) fn output_format() -> impl TypedValueParser<Value = OutputFormat> {
    parsed([
        PossibleValue::new("strict").alias("tuned").help("Every line is an item, as a tuned model writes them"),
        PossibleValue::new("lenient")
            .alias("general")
            .help("Only numbered lines are items; quotes and categories are ignored"),
    ])
}

/// The decoding methods of `tiller bench lists`.
pub(super) fn decode_method() -> impl TypedValueParser<Value = DecodeMethod> {
    named([
        ("masked", "Plain masked decoding: a step for each token, with all logits"),
        ("jump", "Jump-forward decoding: a step for each choice; forced tokens are appended"),
        ("fast", "Jump-forward decoding that computes only the logits of allowed tokens"),
        ("drafts", "The same with speculative decoding: the teacher's list is the draft"),
    ])
}

/// The sizes of models trained from scratch.
pub(super) fn scratch_size() -> impl TypedValueParser<Value = ScratchSize> {
    named([
        ("tiny", "Usable lists of a few hundred items after two minutes on two cores"),
        ("small", "Nearly its teacher's lists after some minutes on two cores"),
    ])
}

/// The sizes of experiments.
pub(super) fn experiment_size() -> impl TypedValueParser<Value = ExperimentSize> {
    named([
        ("quick", "The whole pipeline in a minute or two; the figures mean nothing"),
        ("minutes", "Minutes for each arm on two cores: a model trained from scratch in an invented world"),
        ("hour", "An hour or so for each arm on a GPU: SmolLM2-135M-Instruct; give it --data"),
    ])
}

/// The baselines of PPO's advantages.
pub(super) fn baseline() -> impl TypedValueParser<Value = Baseline> {
    parsed([
        PossibleValue::new("rloo").alias("group").help("The other answers to the same prompt; no critic is trained"),
        PossibleValue::new("critic").help("The value of a critic (GAE)"),
    ])
}

/// The commands whose memory is planned.
pub(super) fn planned_command() -> impl TypedValueParser<Value = PlannedCommand> {
    named([("recommend", "Writing lists"), ("sft", "Supervised fine-tuning"), ("ppo", "Alignment by rewards")])
}

/// The well-known models by their sizes.
pub(super) fn model_preset() -> impl TypedValueParser<Value = ModelPreset> {
    parsed(ModelPreset::ALL.map(ModelPreset::name))
}

/// The precisions of matrix products.
pub(super) fn matmul_precision() -> impl TypedValueParser<Value = MatmulPrecision> {
    PossibleValuesParser::from(MatmulPrecision::ALL.map(MatmulPrecision::name)).map(|name| {
        let named = |precision: &MatmulPrecision| precision.name() == name;
        MatmulPrecision::ALL.into_iter().find(named).expect("the parser refuses other names")
    })
}

/// A parser of values with these names and descriptions.
fn named<T, const N: usize>(names: [(&'static str, &'static str); N]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = Error> + Clone + Send + Sync + 'static,
{
    parsed(names.map(|(name, help)| PossibleValue::new(name).help(help)))
}

/// A parser of these values, which the type itself reads.
fn parsed<T>(values: impl Into<PossibleValuesParser>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = Error> + Clone + Send + Sync + 'static,
{
    values.into().try_map(|name| name.parse::<T>())
}
