//! Leave-one-out evaluation of a recommender with full ranking, and the protocol that its figures depend on.

use std::fmt;
use std::time::Instant;

use serde::Serialize;

use super::query::{RankQuery, Scorer};
use crate::data::Dataset;
use crate::data::protocol::{Protocol, ProtocolRules};
use crate::data::split::{NextItemCase, Split, held_out};
use crate::run::progress::Progress;
use crate::task::metric::{hit, ndcg, reciprocal_rank};
use crate::{Error, Result};

/// The lengths of list that are reported.
pub const LIST_LENGTHS: [usize; 3] = [5, 10, 20];
/// Users per batch of ranking queries.
const CHUNK: usize = 4096;

/// The protocol of a ranking evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RankingProtocol {
    /// The data set, split, users and items. The users are all with a case; each target is ranked among all items, less
    /// the user's earlier ones.
    #[serde(flatten)]
    pub base: Protocol,
    /// Users whose sequences are too short for a case; they are not counted.
    pub users_without_case: usize,
    /// The rules in words.
    #[serde(flatten)]
    pub rules: ProtocolRules,
}

impl fmt::Display for RankingProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, users_without_case, rules } = self;
        let (Protocol { users, items, .. }, ProtocolRules { masked, ties, .. }) = (base, rules);
        write!(
            f,
            "{base}, {users} users ({users_without_case} too short to take part), \
             full ranking over {items} items, {masked}, {ties}"
        )
    }
}

/// The figures for lists of one length; each is a mean over users.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AtK {
    /// The length of the list.
    pub k: usize,
    /// HR@K, the hit rate: the share of users whose target is in the list.
    pub hr: f64,
    /// NDCG@K: the mean of [`ndcg`].
    pub ndcg: f64,
    /// MRR@K: the mean of [`reciprocal_rank`].
    pub mrr: f64,
}

/// The metrics of a recommender on one split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankingEvaluation {
    /// The protocol.
    pub protocol: RankingProtocol,
    /// The figures, one for each of [`LIST_LENGTHS`].
    pub figures: Vec<AtK>,
    /// Users ranked per second, end to end.
    pub users_per_second: f64,
}

impl RankingEvaluation {
    /// The figures for lists of `k`, one of [`LIST_LENGTHS`].
    pub fn at(&self, k: usize) -> Option<AtK> {
        self.figures.iter().find(|figures| figures.k == k).copied()
    }
}

/// Ranks every user's target among all items, with the user's earlier items masked; `bar` counts the users.
///
/// # Errors
/// A data set in which no user has a case, or a device that fails.
pub fn evaluate(scorer: &impl Scorer, dataset: &Dataset, split: Split, bar: &Progress) -> Result<RankingEvaluation> {
    let cases: Vec<NextItemCase> = dataset.users.iter().filter_map(|user| held_out(user, split)).collect();
    if cases.is_empty() {
        return Err(Error::bad_input(&dataset.name)
            .expected("users with at least three items")
            .found("none")
            .next("import with --min-user 3 or more")
            .into());
    }
    let start = Instant::now();
    bar.set_total(cases.len() as u64);
    let mut ranks = Vec::with_capacity(cases.len());
    for chunk in cases.chunks(CHUNK) {
        let queries: Vec<RankQuery> = chunk
            .iter()
            .map(|case| RankQuery { history: case.history, items: std::slice::from_ref(&case.target) })
            .collect();
        ranks.extend(scorer.ranks(&queries)?.into_iter().flatten());
        bar.advance(chunk.len() as u64);
    }
    Ok(RankingEvaluation {
        protocol: RankingProtocol {
            base: Protocol { dataset: dataset.name.clone(), split, users: cases.len(), items: scorer.n_items() },
            users_without_case: dataset.users.len() - cases.len(),
            rules: ProtocolRules::of_rankings(),
        },
        figures: LIST_LENGTHS.iter().map(|&k| at_k(&ranks, k)).collect(),
        users_per_second: cases.len() as f64 / start.elapsed().as_secs_f64(),
    })
}

/// The figures for lists of `k`, from each user's rank of the target.
fn at_k(ranks: &[u32], k: usize) -> AtK {
    let in_list = |&rank: &u32| Some(rank as usize).filter(|&rank| rank < k);
    let mean =
        |metric: fn(Option<usize>) -> f64| ranks.iter().map(in_list).map(metric).sum::<f64>() / ranks.len() as f64;
    AtK { k, hr: mean(hit), ndcg: mean(ndcg), mrr: mean(reciprocal_rank) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Catalogue, Item, ItemId, User};
    use crate::teacher::Popularity;

    #[test]
    fn the_figures_are_those_of_their_definitions() {
        let figures = at_k(&[0, 1, 4, 5, 100], 5);
        assert_eq!(figures.hr, 3.0 / 5.0);
        assert!((figures.ndcg - (1.0 + 1.0 / 3f64.log2() + 1.0 / 6f64.log2()) / 5.0).abs() < 1e-12);
        assert!((figures.mrr - (1.0 + 0.5 + 0.2) / 5.0).abs() < 1e-12);
        assert_eq!(at_k(&[5], 5), AtK { k: 5, hr: 0.0, ndcg: 0.0, mrr: 0.0 });
    }

    #[test]
    fn popularity_ranks_with_the_earlier_items_masked_and_counts_who_took_part() {
        let item = |key: u32| Item {
            key: key.to_string(),
            title: key.to_string(),
            categories: Vec::new(),
            attributes: Vec::new(),
        };
        let user = |items: &[u32]| User {
            key: String::new(),
            items: items.iter().copied().map(ItemId).collect(),
            timestamps: vec![0; items.len()],
        };
        // Training items: 1 2 3, 1 2, 1. Counts: item 1 three, item 2 two, item 3 one, the others none.
        let users = vec![user(&[1, 2, 3, 4, 5]), user(&[1, 2, 6, 3]), user(&[1, 7, 2]), user(&[4])];
        let catalogue = Catalogue::new((1..=7).map(item).collect(), Vec::new(), Vec::new());
        let dataset = Dataset { name: "tiny".into(), catalogue, users };
        let evaluation = evaluate(&Popularity::of(&dataset), &dataset, Split::Test, &Progress::silent()).unwrap();
        // Target 5 after 1 2 3 4: first of 5 6 7. Target 3 after 1 2 6: first. Target 2 after 1 7: first.
        assert_eq!(evaluation.at(5), Some(AtK { k: 5, hr: 1.0, ndcg: 1.0, mrr: 1.0 }));
        let protocol = evaluation.protocol;
        assert_eq!((protocol.base.users, protocol.users_without_case, protocol.base.items), (3, 1, 7));
        // Validation. Target 4 after 1 2 3: first of 4 5 6 7. Target 6 after 1 2: behind 3 4 5. Target 7 after 1:
        // behind 2 3 4 5 6.
        let validation = evaluate(&Popularity::of(&dataset), &dataset, Split::Validation, &Progress::silent()).unwrap();
        assert_eq!(validation.at(5).unwrap().hr, 2.0 / 3.0);
        assert!((validation.at(5).unwrap().mrr - (1.0 + 0.25) / 3.0).abs() < 1e-12);
    }
}
