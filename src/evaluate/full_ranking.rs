//! Full rankings, the protocol of the literature: all items but those that the user took before compete for the next place.
//!
//! A list of the other rows leaves out the history that its prompt shows. A ranking also leaves out what is older, so that its HR@K and
//! NDCG@K compare with those of other work.

use super::evaluation::Speed;
use super::system::{EvalQuery, System, SystemAnswer};
use crate::Result;
use crate::constrain::Mode;
use crate::data::{Catalogue, ItemSet};

/// The full rankings of a system that lists items by their scores.
pub struct FullRanking<'a, S> {
    /// The system.
    pub system: S,
    /// The catalogue.
    pub catalogue: &'a Catalogue,
}

impl<S: System> System for FullRanking<'_, S> {
    fn name(&self) -> &str {
        self.system.name()
    }

    fn mode(&self) -> Option<Mode> {
        None
    }

    fn is_ranking(&self) -> bool {
        true
    }

    fn answer(&self, queries: &[EvalQuery]) -> Result<(Vec<SystemAnswer>, Speed)> {
        self.system.answer(&queries.iter().map(|query| masked(query, self.catalogue)).collect::<Vec<_>>())
    }
}

/// The query without the items that the user took before. It stays as it is where no list would be left.
fn masked(query: &EvalQuery, catalogue: &Catalogue) -> EvalQuery {
    let request = query.request.without(&ItemSet::from_items(catalogue.len(), &query.earlier));
    match Mode::Strict.prove(&request, catalogue) {
        Ok(_) => EvalQuery { request, ..query.clone() },
        Err(_) => query.clone(),
    }
}
