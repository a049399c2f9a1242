//! Perplexity on held-out conversations (I4), which shows what a tuned model has forgotten.

use tiller_models::language_model::LanguageModel;
use tiller_models::train::{ForwardOptions, Sample};

use super::evaluation::ChatPerplexity;
use crate::constrain::Grammar;
use crate::data::Dataset;
use crate::instruct::chat::Conversation;
use crate::instruct::{ExampleBuilder, ExampleConfig, ExampleSplit, sample};
use crate::run::progress::Progress;
use crate::task::TaskFamily;
use crate::teacher::Popularity;
use crate::{Error, Result};

/// Answers that are scored at once.
const BATCH: usize = 8;
/// The longest sample, in tokens.
const MOST_TOKENS: usize = 1024;

/// Returns the perplexity of answers in `conversations`, as many answers as there are conversations, in the prompts of
/// training.
///
/// # Errors
/// No conversation, a text that the tokenizer has no tokens for, a perplexity that is not finite, a device that fails.
pub fn perplexity(
    model: &LanguageModel,
    conversations: &[Conversation],
    dataset: &Dataset,
    bar: &Progress,
) -> Result<ChatPerplexity> {
    bar.set_message("perplexity of conversations");
    let grammar = Grammar::of(&model.codec.tokenizer, &dataset.catalogue)?;
    // I4 needs no teacher; popularity stands in and is never called.
    let (teacher, settings) =
        (Popularity::of(dataset), ExampleConfig { tasks: vec![TaskFamily::I4], ..ExampleConfig::default() });
    let builder = ExampleBuilder::new(dataset, &teacher, conversations, settings)?;
    let epoch = builder.epoch(ExampleSplit::Training, 0)?;
    let most = model.llama.config().max_positions.min(MOST_TOKENS);
    let examples = builder.examples(&epoch, 0..epoch.len())?;
    let samples = examples.iter().map(|(_, example)| sample(&model.codec, &grammar, example, most));
    let mut samples = samples.collect::<Result<Vec<Sample>>>()?;
    samples.sort_by_key(|sample| sample.tokens.len());

    let mut nll = 0.0;
    for batch in samples.chunks(BATCH) {
        nll += f64::from(model.llama.score(batch, &ForwardOptions::default()).nll().into_scalar::<f32>())
            * batch.len() as f64;
    }
    let perplexity = (nll / samples.len() as f64).exp();
    if !perplexity.is_finite() {
        return Err(Error::Failed(format!(
            "the perplexity of {} answers is not a finite number\n  \
             next: check the model with `tiller bench perplexity`; its training may have failed",
            samples.len()
        )));
    }
    let tokens = samples.iter().map(|sample| sample.scored.len()).sum();
    Ok(ChatPerplexity { perplexity, answers: samples.len(), tokens })
}
