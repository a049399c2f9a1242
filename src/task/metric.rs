//! The metrics by name (method §10), and the formulas of those that look at one ranked target: HR, NDCG and MRR.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A metric of a list. Reports give its mean over lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Metric {
    /// HR@K, the hit rate: the target is in the list.
    HR,
    /// NDCG@K: [`ndcg`] of the target.
    NDCG,
    /// MRR@K: [`reciprocal_rank`] of the target.
    MRR,
    /// TCP@K: the part of the list that is in the request's category. High is good for +C, low for −C.
    TCP,
    /// TCP@K with each item counted once (method B18).
    TCPDistinct,
    /// TCP@K of valid items alone, which are what rewards count (method §8.2).
    TCPValid,
    /// CPA: the shares are met.
    CPA,
    /// CPA with each item counted once (method B18).
    CPADistinct,
    /// CPA of valid items alone.
    CPAValid,
    /// The answer has as many titles as were asked for.
    CorrectCount,
    /// Repeated items per list.
    RepeatItem,
    /// Hallucinated items per list: titles that no item of the catalogue has.
    NonExist,
    /// Items per list that are in the history.
    InHistory,
    /// Titles per list that are not among the candidates.
    NotInCandidates,
    /// The answer has no title at all.
    Empty,
    /// The list satisfies the whole request: its length, its items and every constraint.
    #[serde(rename = "Obeyed", alias = "ConstraintsMet")]
    ConstraintsMet,
}

impl Metric {
    /// All metrics, in the order of tables.
    pub const ALL: [Metric; 16] = [
        Metric::HR,
        Metric::NDCG,
        Metric::MRR,
        Metric::TCP,
        Metric::TCPDistinct,
        Metric::TCPValid,
        Metric::CPA,
        Metric::CPADistinct,
        Metric::CPAValid,
        Metric::CorrectCount,
        Metric::RepeatItem,
        Metric::NonExist,
        Metric::InHistory,
        Metric::NotInCandidates,
        Metric::Empty,
        Metric::ConstraintsMet,
    ];

    /// Returns true for the metrics that count format errors, of which low is good.
    pub fn counts_errors(self) -> bool {
        use Metric::{Empty, InHistory, NonExist, NotInCandidates, RepeatItem};
        matches!(self, RepeatItem | NonExist | InHistory | NotInCandidates | Empty)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The discount of DCG: log₂(position + 2), by which a gain at `position` (from 0) is divided.
pub fn discount(position: usize) -> f64 {
    (position as f64 + 2.0).log2()
}

/// The hit rate of one target at `rank` of the list (from 0): 1, or 0 where the list does not hold it.
pub fn hit(rank: Option<usize>) -> f64 {
    f64::from(u8::from(rank.is_some()))
}

/// NDCG with one relevant item at `rank` of the list (from 0): 1 / log₂(rank + 2), or 0 where the list does not hold it.
pub fn ndcg(rank: Option<usize>) -> f64 {
    rank.map_or(0.0, |rank| 1.0 / discount(rank))
}

/// The reciprocal rank of one target at `rank` of the list (from 0): 1 / (rank + 1), or 0 where the list does not hold it.
pub fn reciprocal_rank(rank: Option<usize>) -> f64 {
    rank.map_or(0.0, |rank| 1.0 / (rank as f64 + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formulas_are_those_of_their_definitions() {
        let ranks = [Some(0), Some(1), Some(4), None];
        assert_eq!(ranks.map(hit), [1.0, 1.0, 1.0, 0.0]);
        assert_eq!(ranks.map(ndcg), [1.0, 1.0 / 3f64.log2(), 1.0 / 6f64.log2(), 0.0]);
        assert_eq!(ranks.map(reciprocal_rank), [1.0, 0.5, 0.2, 0.0]);
    }
}
