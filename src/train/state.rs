//! The state of a training, as its checkpoint stores it.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::memory;

/// A training after some of its steps; `P` is its position in the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainState<P> {
    /// Steps taken; in PPO, iterations.
    #[serde(alias = "iteration")]
    pub step: u64,
    /// Seconds that the training has taken, validations included.
    pub seconds: f64,
    /// The best validation so far.
    pub best: Option<Best>,
    /// Bytes that micro-batches are fitted into, so that a resumed training splits its steps as before; `None` where no system tells.
    #[serde(default)]
    pub memory: Option<u64>,
    /// The position in the data.
    #[serde(flatten)]
    pub position: P,
}

/// The best validation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The mean of NDCG@10 over the tasks; in PPO, of the list reward.
    #[serde(alias = "ndcg", alias = "reward")]
    pub score: f64,
    /// The steps before it.
    #[serde(alias = "iteration")]
    pub step: u64,
}

impl<P> TrainState<P> {
    /// The bytes that micro-batches may take: those of the first start, or what is free now if that is less.
    pub fn memory_budget(&mut self, device: &Device) -> Option<u64> {
        let free = memory::budget(device);
        self.memory = self.memory.map(|first| free.map_or(first, |free| first.min(free))).or(free);
        self.memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Tokens {
        tokens: u64,
    }

    #[test]
    fn states_of_earlier_releases_are_read() {
        let best = Some(Best { score: 0.5, step: 4 });
        let expected = TrainState { step: 6, seconds: 1.5, best, memory: None, position: Tokens { tokens: 9 } };
        for text in [
            r#"{"step":6,"tokens":9,"seconds":1.5,"best":{"ndcg":0.5,"step":4}}"#,
            r#"{"iteration":6,"tokens":9,"seconds":1.5,"best":{"reward":0.5,"iteration":4}}"#,
        ] {
            assert_eq!(serde_json::from_str::<TrainState<Tokens>>(text).unwrap(), expected);
        }
        let text = serde_json::to_string(&expected).unwrap();
        assert_eq!(serde_json::from_str::<TrainState<Tokens>>(&text).unwrap(), expected);
    }

    #[test]
    fn a_resumed_training_has_the_memory_of_its_first_start() {
        let mut state = TrainState::<Tokens>::default();
        let first = state.memory_budget(&Device::flex()).unwrap();
        assert_eq!(state.memory, Some(first));
        state.memory = Some(1 << 20);
        assert_eq!(state.memory_budget(&Device::flex()), Some(1 << 20));
    }
}
