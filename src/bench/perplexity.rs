//! Perplexity: exp of the mean negative log-probability (the cross-entropy) of a text's tokens.

use serde::Serialize;

use super::llm::BenchModel;
use crate::{Error, Result};

/// The perplexity of a text.
#[derive(Debug, Clone, Serialize)]
pub struct Perplexity {
    /// Tokens that were scored.
    pub tokens: usize,
    /// Their mean negative log-probability, in nats.
    pub nll: f64,
    /// exp of it.
    pub perplexity: f64,
}

/// Cuts a text's tokens into windows of so many, each of them behind `bos` where there is one; an end of one token alone is left out.
///
/// # Panics
/// A window of fewer than two tokens.
pub fn windows(tokens: &[u32], window: usize, bos: Option<u32>) -> Vec<Vec<u32>> {
    let own = window - usize::from(bos.is_some());
    assert!(own > 0 && window > 1, "a window of {window} tokens has no token to predict");
    let windows = tokens.chunks(own).map(|part| bos.into_iter().chain(part.iter().copied()).collect());
    windows.filter(|window: &Vec<u32>| window.len() > 1).collect()
}

/// The perplexity of a text in windows that know nothing of one another; every token but a window's first is scored.
///
/// `done` is told how many windows are.
///
/// # Errors
/// Windows longer than the model's context, log-probabilities that are not finite, a device that fails.
pub fn perplexity(model: &mut BenchModel, windows: &[Vec<u32>], mut done: impl FnMut(usize)) -> Result<Perplexity> {
    let (mut tokens, mut sum) = (0, 0.0);
    for (i, window) in windows.iter().enumerate() {
        let log_probs = model.0.log_probs(window)?;
        tokens += log_probs.len();
        sum -= log_probs.iter().sum::<f64>();
        done(i + 1);
    }
    let nll = sum / tokens.max(1) as f64;
    let perplexity = nll.exp();
    if !perplexity.is_finite() {
        return Err(Error::Failed(format!(
            "the perplexity is not a finite number: the mean negative log-probability is {nll}\n  \
             next: compare with --quant f32 and --device cpu; if it is the same there, the model is broken"
        )));
    }
    Ok(Perplexity { tokens, nll, perplexity })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tiller_models::generate::GraphGenerator;
    use tiller_models::language_model::Backend;
    use tiller_models::llama::Llama;

    use super::*;
    use tiller_models::presets::ModelPreset;

    #[test]
    fn windows_begin_with_bos_and_cover_the_text() {
        let tokens = [1, 2, 3, 4, 5, 6, 7];
        assert_eq!(windows(&tokens, 3, None), [vec![1, 2, 3], vec![4, 5, 6]]);
        assert_eq!(windows(&tokens, 3, Some(9)), [vec![9, 1, 2], vec![9, 3, 4], vec![9, 5, 6], vec![9, 7]]);
    }

    #[test]
    fn a_model_without_opinions_is_as_perplexed_as_its_vocabulary_is_large() {
        let config = ModelPreset::Tiny.llama();
        let vocabulary = config.vocab_size as f64;
        let llama = Llama::from_scratch(&config, 1, &Device::flex()).unwrap();
        let tokens: Vec<u32> = (0..40).map(|i| i * 31 % config.vocab_size as u32).collect();
        let mut told = Vec::new();
        let mut model = BenchModel(Backend::Graph(Box::new(GraphGenerator::new(&llama))));
        let found = perplexity(&mut model, &windows(&tokens, 16, None), |done| told.push(done)).unwrap();
        assert_eq!((found.tokens, told), (37, vec![1, 2, 3]));
        assert!((found.nll.exp() - found.perplexity).abs() < 1e-9);
        // Random weights know nothing: they can only be surer of the wrong tokens.
        assert!(found.perplexity > 0.5 * vocabulary, "{found:?}");
    }
}
