//! Scores for many users at once.

use super::SasRec;
use super::groups::by_length;
use crate::Result;
use crate::download::download;
use crate::random::Noise;

impl SasRec {
    /// Scores all items after each history and calls `answer` with the history's position and its scores, of which
    /// the first belongs to item 1; returns the answers in the order of the histories.
    ///
    /// Only some thousand users' scores are in memory at a time.
    ///
    /// # Errors
    /// The device fails.
    pub fn answer<T: Send>(&self, histories: &[&[u32]], answer: impl Fn(usize, &[f32]) -> T + Sync) -> Result<Vec<T>> {
        let lengths: Vec<usize> = histories.iter().map(|history| history.len()).collect();
        let groups = by_length(&lengths, &self.device(), |_, group| {
            let histories: Vec<&[u32]> = group.iter().map(|&at| histories[at]).collect();
            let scores = self.scores(self.users(&histories, &mut Noise::off()));
            let scores = download(scores, "the scores")?;
            let rows = scores.chunks_exact(self.n_items());
            Ok(group.iter().zip(rows).map(|(&at, row)| (at, answer(at, row))).collect::<Vec<_>>())
        });
        let mut answers = groups.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect::<Vec<_>>();
        answers.sort_unstable_by_key(|(at, _)| *at);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }
}
