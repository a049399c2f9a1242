//! How well a model still talks: its perplexity on held-out conversations (I4).

use indicatif::ProgressBar;
use tiller_models::language_model::LanguageModel;
use tiller_models::train::{ForwardOptions, Sample};

use super::result::ChatPerplexity;
use crate::Result;
use crate::constrain::Grammar;
use crate::data::Dataset;
use crate::instruct::chat::Conversation;
use crate::instruct::{ExampleBuilder, ExampleConfig, ExampleSplit, TaskFamily};
use crate::teacher::Popularity;
use crate::train::sample::sample;

/// Answers that are scored at once.
const BATCH: usize = 8;
/// The longest sample, in tokens.
const MOST_TOKENS: usize = 1024;

/// The perplexity of answers in `conversations`, as many answers as there are conversations; asked for as training asks for them.
///
/// # Errors
/// No conversation, a text that the tokenizer has no tokens for, a device that fails.
pub fn perplexity(
    model: &LanguageModel,
    conversations: &[Conversation],
    dataset: &Dataset,
    bar: &ProgressBar,
) -> Result<ChatPerplexity> {
    bar.set_message("perplexity of conversations");
    let grammar = Grammar::of(&model.codec.tokenizer, &dataset.catalogue)?;
    // I4 needs no teacher; whoever stands in for it is not asked.
    let (teacher, settings) =
        (Popularity::of(dataset), ExampleConfig { tasks: vec![TaskFamily::I4], ..ExampleConfig::default() });
    let builder = ExampleBuilder::new(dataset, &teacher, conversations, settings)?;
    let epoch = builder.epoch(ExampleSplit::Training, 0)?;
    let most = model.llama.config().max_positions.min(MOST_TOKENS);
    let examples = epoch.examples(0..epoch.len())?;
    let samples = examples.iter().map(|(_, example)| sample(&model.codec, &grammar, example, most));
    let mut samples = samples.collect::<Result<Vec<Sample>>>()?;
    samples.sort_by_key(|sample| sample.tokens.len());

    let mut nll = 0.0;
    for batch in samples.chunks(BATCH) {
        nll += f64::from(model.llama.score(batch, &ForwardOptions::default()).nll().into_scalar::<f32>())
            * batch.len() as f64;
    }
    let tokens = samples.iter().map(|sample| sample.scored.len()).sum();
    Ok(ChatPerplexity { perplexity: (nll / samples.len() as f64).exp(), answers: samples.len(), tokens })
}
