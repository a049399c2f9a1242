//! The logits of a policy at each token of an answer.

use burn::module::Module;
use burn::tensor::Tensor;
use tiller_models::download;
use tiller_models::llama::Llama;
use tiller_models::train::{ForwardOptions, Sample};

use crate::Result;

/// The logits of an answer.
#[derive(Debug, Clone)]
pub struct AnswerLogits {
    /// `[tokens, vocab]`
    logits: Vec<f32>,
    vocab: usize,
}

impl AnswerLogits {
    /// The logits `[tokens, vocab]` of an answer.
    pub fn new(logits: Vec<f32>, vocab: usize) -> Self {
        Self { logits, vocab }
    }

    /// The logits of each sample's scored tokens, without gradients; all samples are computed at once.
    ///
    /// # Errors
    /// The device fails.
    pub fn of_samples(llama: &Llama, samples: &[Sample]) -> Result<Vec<Self>> {
        let llama = llama.valid();
        let hidden = llama.hidden_of(samples, &ForwardOptions::default()); // [sum of scored, d_model]
        let logits: Tensor<2> = llama.logits(hidden); // [sum of scored, vocab]
        let vocab = logits.dims()[1];
        let logits = download(logits.flatten::<1>(0, 1), "the logits")?;
        let mut rest = &logits[..];
        let mut next = |sample: &Sample| {
            let (own, behind) = rest.split_at(sample.scored.len() * vocab);
            rest = behind;
            Self::new(own.to_vec(), vocab)
        };
        Ok(samples.iter().map(&mut next).collect())
    }

    /// The logit of `token` at token `at` of the answer.
    ///
    /// # Panics
    /// A place behind the answer, a token beyond the vocabulary.
    pub fn of(&self, at: usize, token: u32) -> f64 {
        let row = &self.logits[at * self.vocab..][..self.vocab];
        f64::from(row[token as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ppo::tests::toy::{films, write_model};

    #[test]
    fn an_answer_has_the_logits_of_its_own_rows_whatever_stands_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        write_model(&films(), folder.path());
        let llama =
            crate::train::TrainableModel::full(folder.path(), &burn::tensor::Device::flex()).unwrap().model.llama;
        let samples =
            [Sample { tokens: vec![5, 6, 7], scored: 1..3 }, Sample { tokens: vec![8, 9, 5, 6, 7], scored: 4..5 }];
        let found = AnswerLogits::of_samples(&llama, &samples).unwrap();
        for (sample, found) in samples.iter().zip(&found) {
            let alone = llama.valid().forward(&tiller_models::llama::Batch::right_padded(&[&sample.tokens])); // [1, seq, vocab]
            let [_, _, vocab] = alone.dims();
            let alone = download(alone, "the logits").unwrap();
            for (at, position) in sample.scored.clone().enumerate() {
                for token in 0..vocab {
                    let expected = f64::from(alone[(position - 1) * vocab + token]);
                    assert!((found.of(at, token as u32) - expected).abs() < 1e-4);
                }
            }
        }
    }
}
