//! One list against its request (method §10).

use serde::{Deserialize, Serialize};

use crate::data::{Catalogue, ItemId};
use crate::instruct::Example;
use crate::recommend::{Status, check};
use crate::request::{Amount, Relation, Request, Share};
use crate::task::Metric;
use crate::task::metric::{hit, ndcg, reciprocal_rank};

/// The measures of one list. K is the number of items asked for, O the first K titles of the answer.
///
/// Where the method counts a repeated item again, `…_distinct` counts it once (method B18), and `…_valid` also leaves out
/// the items of the history, as rewards do (method §8.2). An answer without any title is a failure (method B16): its CPA is
/// missed, and its TCP is the worst there is, 0 of what is wanted and 1 of what is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// The rank of the target in O, from 0.
    pub rank: Option<u32>,
    /// TCP@K: the items of O in the request's category, over K; `None` where the request names none, or several.
    pub tcp: Option<f64>,
    /// TCP@K of distinct items.
    pub tcp_distinct: Option<f64>,
    /// TCP@K of valid items: distinct ones that the history does not hold.
    pub tcp_valid: Option<f64>,
    /// CPA: all shares of the request are met; `None` where it has none.
    pub cpa: Option<bool>,
    /// CPA of distinct items.
    pub cpa_distinct: Option<bool>,
    /// CPA of valid items.
    pub cpa_valid: Option<bool>,
    /// The answer has K titles.
    pub correct_count: bool,
    /// Repeated items: titles of O that stood in it before.
    pub repeats: u32,
    /// Hallucinated items: titles of O that no item has.
    pub not_existing: u32,
    /// Items of O in the history; `None` without a history.
    pub in_history: Option<u32>,
    /// Titles of O that are not among the candidates; `None` without candidates.
    pub not_candidates: Option<u32>,
    /// The answer has no title at all.
    pub is_empty: bool,
    /// The list satisfies the request: K valid items, and every constraint met.
    #[serde(rename = "obeyed")]
    pub constraints_met: bool,
}

impl Measures {
    /// Returns the value of a metric; `None` where the request says nothing about it.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        let rank = self.rank.map(|rank| rank as usize);
        let truth = |holds: bool| Some(f64::from(u8::from(holds)));
        match metric {
            Metric::HR => Some(hit(rank)),
            Metric::NDCG => Some(ndcg(rank)),
            Metric::MRR => Some(reciprocal_rank(rank)),
            Metric::TCP => self.tcp,
            Metric::TCPDistinct => self.tcp_distinct,
            Metric::TCPValid => self.tcp_valid,
            Metric::CPA => self.cpa.and_then(truth),
            Metric::CPADistinct => self.cpa_distinct.and_then(truth),
            Metric::CPAValid => self.cpa_valid.and_then(truth),
            Metric::CorrectCount => truth(self.correct_count),
            Metric::RepeatItem => Some(self.repeats.into()),
            Metric::NonExist => Some(self.not_existing.into()),
            Metric::InHistory => self.in_history.map(f64::from),
            Metric::NotInCandidates => self.not_candidates.map(f64::from),
            Metric::Empty => truth(self.is_empty),
            Metric::ConstraintsMet => truth(self.constraints_met),
        }
    }
}

/// Measures the titles of an answer against the example's request and target.
///
/// Titles are taken exactly; the forgiving figures come from titles that a [`super::TitleIndex`] has corrected. An example
/// without a request (a question about one item) asks for as many items as its answer holds.
pub fn measure(titles: &[impl AsRef<str>], example: &Example, catalogue: &Catalogue) -> Measures {
    let plain = || Request { k: example.items.len() as u32, ..Request::default() };
    let request = example.request.clone().unwrap_or_else(plain);
    let titles: Vec<&str> = titles.iter().map(AsRef::as_ref).collect();
    let first = &titles[..titles.len().min(request.k as usize)];
    let list: Vec<Option<ItemId>> = first.iter().map(|title| catalogue.by_title(title)).collect();
    let items: Vec<ItemId> = list.iter().flatten().copied().collect();
    let distinct: Vec<ItemId> =
        items.iter().enumerate().filter(|&(at, item)| !items[..at].contains(item)).map(|(_, &item)| item).collect();
    let valid: Vec<ItemId> = distinct.iter().filter(|item| !request.history.contains(item)).copied().collect();

    let count = |found: &dyn Fn(usize) -> bool| (0..first.len()).filter(|&at| found(at)).count() as u32;
    let not_existing = count(&|at| list[at].is_none());
    let asked = RequestMeasure { request: &request, catalogue, is_empty: titles.is_empty() };
    Measures {
        rank: list.iter().position(|item| item.is_some() && *item == example.target).map(|at| at as u32),
        tcp: asked.tcp(&items),
        tcp_distinct: asked.tcp(&distinct),
        tcp_valid: asked.tcp(&valid),
        cpa: asked.cpa(&items, not_existing),
        cpa_distinct: asked.cpa(&distinct, not_existing),
        cpa_valid: asked.cpa(&valid, not_existing),
        correct_count: titles.len() == request.k as usize,
        repeats: count(&|at| first[..at].contains(&first[at])),
        not_existing,
        in_history: (!request.history.is_empty())
            .then(|| items.iter().filter(|item| request.history.contains(item)).count() as u32),
        not_candidates: request
            .candidates
            .as_ref()
            .map(|candidates| count(&|at| list[at].is_none_or(|item| !candidates.contains(&item)))),
        is_empty: titles.is_empty(),
        constraints_met: asked.is_met_by(&titles),
    }
}

/// Returns true where TCP counts an item; `None` where the request names no category, or several.
pub(super) fn is_of_kind(item: ItemId, request: &Request, catalogue: &Catalogue) -> Option<bool> {
    let asked = RequestMeasure { request, catalogue, is_empty: false };
    asked.kind().map(|kind| asked.is_of(kind, item))
}

/// The items that TCP counts.
#[derive(Clone, Copy)]
enum TcpSet<'a> {
    /// Items that satisfy the request's categories and conditions.
    Wanted,
    /// Items of unwanted categories.
    Unwanted,
    /// Items of the request's only share.
    Shared(&'a Share),
}

/// A request, as the measures read it.
struct RequestMeasure<'a> {
    request: &'a Request,
    catalogue: &'a Catalogue,
    /// The answer has no title.
    is_empty: bool,
}

impl RequestMeasure<'_> {
    fn kind(&self) -> Option<TcpSet<'_>> {
        let Request { all_in, none_in, conditions, shares, .. } = self.request;
        if !(all_in.is_empty() && conditions.is_empty()) {
            return Some(TcpSet::Wanted);
        }
        if !none_in.is_empty() {
            return Some(TcpSet::Unwanted);
        }
        let [share] = shares.as_slice() else { return None };
        Some(TcpSet::Shared(share))
    }

    fn is_of(&self, kind: TcpSet, item: ItemId) -> bool {
        match kind {
            TcpSet::Wanted => self.is_wanted(item),
            TcpSet::Unwanted => self.is_unwanted(item),
            TcpSet::Shared(share) => share.of.matches(self.catalogue.item(item)),
        }
    }

    /// TCP: the counted items over K.
    fn tcp(&self, items: &[ItemId]) -> Option<f64> {
        let kind = self.kind()?;
        let count = items.iter().filter(|&&item| self.is_of(kind, item)).count();
        match kind {
            TcpSet::Unwanted if self.is_empty => Some(1.0),
            _ => Some(count as f64 / f64::from(self.request.k.max(1))),
        }
    }

    /// CPA: all shares are met by the method's tests, in which a hallucinated title counts against "at most".
    fn cpa(&self, items: &[ItemId], not_existing: u32) -> Option<bool> {
        let Request { k, shares, .. } = self.request;
        let is_met = |share: &Share| {
            let (count, stated) = (self.count(share, items), stated_count(share, *k));
            match share.relation {
                Relation::AtMost => count + not_existing <= stated,
                Relation::AtLeast => count >= stated,
                Relation::About => count.abs_diff(stated) <= 1,
                Relation::Exactly => count == stated,
            }
        };
        (!shares.is_empty()).then(|| !self.is_empty && shares.iter().all(is_met))
    }

    /// Returns true where the answer is K valid items that meet every constraint, shares as [`Share::bound`] has them.
    fn is_met_by(&self, titles: &[&str]) -> bool {
        let Request { k, excluded, mandatory, candidates, shares, .. } = self.request;
        let checked = check(titles.iter().copied(), &self.request.compile(self.catalogue), self.catalogue);
        let items: Vec<ItemId> = checked.iter().filter_map(|checked| checked.item).collect();
        let keeps_to_itself = |&item: &ItemId| {
            self.is_wanted(item)
                && !self.is_unwanted(item)
                && !excluded.contains(&item)
                && candidates.as_ref().is_none_or(|candidates| candidates.contains(&item))
        };
        checked.len() == *k as usize
            && checked.iter().all(|checked| checked.status == Status::Ok)
            && items.iter().all(keeps_to_itself)
            && mandatory.iter().all(|item| items.contains(item))
            && shares.iter().all(|share| share.bound(*k).missed_by(self.count(share, &items)) == 0)
    }

    fn count(&self, share: &Share, items: &[ItemId]) -> u32 {
        items.iter().filter(|&&item| share.of.matches(self.catalogue.item(item))).count() as u32
    }

    fn is_wanted(&self, item: ItemId) -> bool {
        let item = self.catalogue.item(item);
        let Request { all_in, conditions, .. } = self.request;
        all_in.iter().all(|category| item.categories.contains(category))
            && conditions.iter().all(|condition| condition.matches(item))
    }

    fn is_unwanted(&self, item: ItemId) -> bool {
        self.catalogue.item(item).categories.iter().any(|category| self.request.none_in.contains(category))
    }
}

/// The count that a share states in a list of `k`: the method rounds down (method §4.1).
fn stated_count(share: &Share, k: u32) -> u32 {
    match share.amount {
        Amount::Count(count) => count,
        // Half a millionth keeps 30 % of 10 at 3.
        Amount::Percent(percent) => (f64::from(k) * percent / 100.0 + 5e-7) as u32,
    }
}

#[cfg(test)]
mod tests;
