//! A small world: invented films, popularity as the teacher, and a model that knows nothing yet.

use std::path::Path;

use burn::tensor::Device;
use tiller_models::language_model::LanguageModel;
use tiller_models::llama::{Llama, LlamaConfig};
use tiller_models::memory::ComputeDevice;
use tiller_models::presets::ModelPreset;
use tiller_models::tokenizer::TokenizerFiles;

use crate::constrain::Grammar;
use crate::data::Dataset;
use crate::data::synth::{self, generate};
use crate::instruct::{ExampleBuilder, ExampleConfig};
use crate::ppo::PpoConfig;
use crate::ppo::memory::PpoMemory;
use crate::ppo::prompts::{EpisodeCursor, PromptEncoder};
use crate::ppo::rollout::Prompt;
use crate::ppo::update::PpoUpdater;
use crate::recommend::prompt;
use crate::request::Request;
use crate::task::{Task, TaskFamily};
use crate::teacher::Popularity;

/// Thirty films and twenty people.
pub fn films() -> Dataset {
    generate(&synth::SynthConfig { users: 20, items: 30, length: 8, seed: 3 }, "films").unwrap().0
}

/// A model with random weights, whose tokenizer has learnt the titles.
pub fn model(dataset: &Dataset) -> LanguageModel {
    model_on(&Device::flex(), dataset)
}

/// [`model`] on some device.
pub fn model_on(device: &Device, dataset: &Dataset) -> LanguageModel {
    let folder = tempfile::tempdir().unwrap();
    write_model(dataset, folder.path());
    LanguageModel::load(folder.path(), None, device).unwrap()
}

/// Writes [`model`] into a folder.
pub fn write_model(dataset: &Dataset, folder: &Path) {
    let catalogue = &dataset.catalogue;
    let talk = prompt::render(&Request { k: 5, ..Request::default() }, catalogue, 0);
    let titles = catalogue.ids().map(|item| catalogue.title(item).to_owned());
    let files = TokenizerFiles::train(titles.chain(talk.into_iter().map(|turn| turn.content)), 400).unwrap();
    files.write(folder).unwrap();
    let config = LlamaConfig {
        vocab_size: 400,
        d_model: 16,
        d_ff: 24,
        n_layers: 1,
        n_heads: 2,
        n_kv_heads: 1,
        head_dim: 8,
        max_positions: 1024,
        rms_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: tiller_models::llama::RopeScaling::None,
        tied_embeddings: true,
    };
    Llama::from_scratch(&config, 1, &Device::flex()).unwrap().write(folder).unwrap();
}

/// Questions about everybody.
pub fn builder<'a>(dataset: &'a Dataset, teacher: &'a Popularity) -> ExampleBuilder<'a, Popularity> {
    let settings =
        ExampleConfig { tasks: vec![TaskFamily::I0, TaskFamily::I1, TaskFamily::I2], ..ExampleConfig::default() };
    ExampleBuilder::new(dataset, teacher, &[], settings).unwrap()
}

/// Few and short answers.
pub fn config() -> PpoConfig {
    let mut config = PpoConfig { iterations: 4, ..PpoConfig::default() };
    config.rollout.prompts = 3;
    config.rollout.samples = 2;
    config.learning.minibatch = 4;
    config.learning.batch = Some(3);
    config.actor.rank = 2;
    config.critic.rank = 2;
    config.validation.users = 2;
    config.validation.every = 2;
    config
}

/// An updater at some learning rate, without supervised examples.
pub fn updater(config: &PpoConfig, lr: f64) -> PpoUpdater<'_> {
    let device = ComputeDevice::of(&Device::flex());
    let micro_batcher = PpoMemory::new(ModelPreset::Tiny.llama(), config, device).unwrap().micro_batcher(None);
    let (learning, divergence_guard) = (&config.learning, &config.divergence_guard);
    PpoUpdater { learning, divergence_guard, lr, ptx_examples: &[], micro_batcher }
}

/// The first prompts of an episode.
pub fn prompts(dataset: &Dataset, model: &LanguageModel, count: usize) -> Vec<Prompt> {
    let (teacher, grammar) =
        (Popularity::of(dataset), Grammar::of(&model.codec.tokenizer, &dataset.catalogue).unwrap());
    let encoder = PromptEncoder { model, grammar: &grammar, catalogue: &dataset.catalogue, max_tokens: 1024 };
    EpisodeCursor::default().next(&builder(dataset, &teacher), &Task::TRAINED, &encoder, count).unwrap().0
}
