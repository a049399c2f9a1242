//! The metrics by name (method §10), each a number per list.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::measure::Measures;

/// A figure of a list; the mean of it over lists is what is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Metric {
    /// HR@K: the target is in the list.
    HR,
    /// NDCG@K: 1 / log2(rank + 2) of the target, from rank 0.
    NDCG,
    /// 1 / (rank + 1) of the target.
    MRR,
    /// TCP@K: the part of the list that is of the request's kind. Of +C it should be high, of −C low.
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
    /// Repeated titles per list.
    RepeatItem,
    /// Titles per list that no item has.
    NonExist,
    /// Items per list that are in the history.
    InHistory,
    /// Titles per list that are none of the candidates'.
    NotInCandidates,
    /// The answer has no title at all.
    Empty,
    /// The list is all that was asked for: its length, its items, and every rule.
    #[serde(rename = "Obeyed")]
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

    /// The figure of a list; `None` where its request says nothing about it.
    pub fn of(self, measures: &Measures) -> Option<f64> {
        let gain = |gain: fn(f64) -> f64| Some(measures.rank.map_or(0.0, |rank| gain(rank.into())));
        let truth = |holds: bool| Some(f64::from(u8::from(holds)));
        match self {
            Metric::HR => gain(|_| 1.0),
            Metric::NDCG => gain(|rank| 1.0 / (rank + 2.0).log2()),
            Metric::MRR => gain(|rank| 1.0 / (rank + 1.0)),
            Metric::TCP => measures.tcp,
            Metric::TCPDistinct => measures.tcp_distinct,
            Metric::TCPValid => measures.tcp_valid,
            Metric::CPA => measures.cpa.and_then(truth),
            Metric::CPADistinct => measures.cpa_distinct.and_then(truth),
            Metric::CPAValid => measures.cpa_valid.and_then(truth),
            Metric::CorrectCount => truth(measures.correct_count),
            Metric::RepeatItem => Some(measures.repeats.into()),
            Metric::NonExist => Some(measures.not_existing.into()),
            Metric::InHistory => measures.in_history.map(f64::from),
            Metric::NotInCandidates => measures.not_candidates.map(f64::from),
            Metric::Empty => truth(measures.is_empty),
            Metric::ConstraintsMet => truth(measures.constraints_met),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
