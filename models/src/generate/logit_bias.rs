//! Logit bias: scores from outside the model take part in a choice.

use crate::{Error, Result};

/// The bias of a choice among listed tokens: the score of a token is `weight · logit + bias`.
///
/// Greedy decoding takes the highest score; sampling draws from softmax(score / temperature), so neither needs scores that are normalised.
/// Log-probabilities ([`TokenLogprob`](super::TokenLogprob)) stay those of the model alone. A weight of 1 and biases of 0 leave every choice
/// as it is, to the bit.
#[derive(Debug, Clone, PartialEq)]
pub struct LogitBias {
    /// The factor of the logits.
    pub weight: f32,
    /// One bias for each allowed token, in their order.
    pub biases: Vec<f32>,
}

impl LogitBias {
    /// The scores of the allowed tokens.
    ///
    /// # Errors
    /// Another number of biases than of tokens.
    pub(crate) fn scores(&self, logits: &[f32]) -> Result<Vec<f32>> {
        self.check(logits.len())?;
        Ok(logits.iter().zip(&self.biases).map(|(logit, bias)| self.weight * logit + bias).collect())
    }

    /// Checks that there is a bias for each of the allowed tokens.
    ///
    /// # Errors
    /// Another number of biases than of tokens.
    pub(crate) fn check(&self, tokens: usize) -> Result<()> {
        match self.biases.len() {
            biases if biases == tokens => Ok(()),
            biases => Err(Error::Failed(format!("a constraint gave {biases} biases for {tokens} allowed tokens"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_the_weighted_logit_and_the_bias() {
        let bias = LogitBias { weight: 0.25, biases: vec![0.0, -1.0, 2.0] };
        assert_eq!(bias.scores(&[4.0, 8.0, -4.0]).unwrap(), [1.0, 1.0, 1.0]);
        assert!(bias.scores(&[1.0]).is_err(), "a bias for each token");
        let none = LogitBias { weight: 1.0, biases: vec![-0.0, 0.0] };
        assert_eq!(none.scores(&[0.1, -3.7]).unwrap(), [0.1, -3.7]);
    }
}
