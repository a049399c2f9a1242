//! The time and the memory that a training takes.

use std::time::Instant;

use super::ProcessMemory;

/// The time that a training has taken, over all processes that it ran in.
#[derive(Debug)]
pub struct TrainingClock {
    started: Instant,
    /// Seconds that earlier processes of this training have taken.
    before: f64,
    /// Tokens and seconds of this process's steps.
    trained: (u64, f64),
    /// The memory of this process.
    pub memory: ProcessMemory,
}

impl TrainingClock {
    /// A clock that goes on after `before` seconds.
    pub fn after(before: f64) -> Self {
        Self { started: Instant::now(), before, trained: (0, 0.0), memory: ProcessMemory::default() }
    }

    /// Seconds since the training began, resumed parts added up.
    pub fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }

    /// Takes in a step that has computed so many tokens; gives its tokens per second.
    pub fn step(&mut self, tokens: u64, since: Instant) -> f64 {
        let seconds = since.elapsed().as_secs_f64();
        self.trained.0 += tokens;
        self.trained.1 += seconds;
        tokens as f64 / seconds
    }

    /// Tokens per second over this process's steps, validations left out.
    pub fn tokens_per_second(&self) -> f64 {
        let (tokens, seconds) = self.trained;
        if tokens == 0 { 0.0 } else { tokens as f64 / seconds }
    }
}
