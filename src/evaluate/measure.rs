//! One list against its request (method §10).

use serde::{Deserialize, Serialize};

use crate::data::{Catalogue, ItemId, ItemSet};
use crate::recommend::{CheckedItem, Status, check};
use crate::request::{Amount, CompiledRequest, Counter, Relation, RuleKind, Share};
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

/// An example as the measures read it: its compiled request, and its target.
pub struct ExampleMeasure<'a> {
    catalogue: &'a Catalogue,
    target: Option<ItemId>,
    request: &'a CompiledRequest,
    counted: Option<TcpSet>,
}

/// The items that TCP counts.
struct TcpSet {
    members: ItemSet,
    /// They are unwanted: a low TCP is good.
    is_unwanted: bool,
}

impl<'a> ExampleMeasure<'a> {
    /// The measures of lists for a request that was compiled over `catalogue`.
    pub fn new(request: &'a CompiledRequest, target: Option<ItemId>, catalogue: &'a Catalogue) -> Self {
        Self { catalogue, target, request, counted: TcpSet::of(request) }
    }

    /// Measures the titles of an answer.
    ///
    /// Titles are taken exactly; the forgiving figures come from titles that a [`super::TitleIndex`] has corrected.
    pub fn measure(&self, titles: &[impl AsRef<str>]) -> Measures {
        let request = self.request;
        let titles: Vec<&str> = titles.iter().map(AsRef::as_ref).collect();
        let first = &titles[..titles.len().min(request.k as usize)];
        let list: Vec<Option<ItemId>> = first.iter().map(|title| self.catalogue.by_title(title)).collect();
        let items: Vec<ItemId> = list.iter().flatten().copied().collect();
        let distinct: Vec<ItemId> =
            items.iter().enumerate().filter(|&(at, item)| !items[..at].contains(item)).map(|(_, &item)| item).collect();
        let valid: Vec<ItemId> = distinct.iter().filter(|item| !request.in_history(**item)).copied().collect();

        let count = |found: &dyn Fn(usize) -> bool| (0..first.len()).filter(|&at| found(at)).count() as u32;
        let (is_empty, not_existing) = (titles.is_empty(), count(&|at| list[at].is_none()));
        Measures {
            rank: list.iter().position(|item| item.is_some() && *item == self.target).map(|at| at as u32),
            tcp: self.tcp(&items, is_empty),
            tcp_distinct: self.tcp(&distinct, is_empty),
            tcp_valid: self.tcp(&valid, is_empty),
            cpa: self.cpa(&items, not_existing, is_empty),
            cpa_distinct: self.cpa(&distinct, not_existing, is_empty),
            cpa_valid: self.cpa(&valid, not_existing, is_empty),
            correct_count: titles.len() == request.k as usize,
            repeats: count(&|at| first[..at].contains(&first[at])),
            not_existing,
            in_history: request
                .keeping(&[RuleKind::History])
                .map(|fresh| items.iter().filter(|item| !fresh.contains(**item)).count() as u32),
            not_candidates: request
                .keeping(&[RuleKind::Candidates])
                .map(|candidates| count(&|at| list[at].is_none_or(|item| !candidates.contains(item)))),
            is_empty,
            constraints_met: self.is_met_by(&titles),
        }
    }

    /// The titles of an answer, checked against the request.
    pub(super) fn check(&self, titles: &[impl AsRef<str>]) -> Vec<CheckedItem> {
        check(titles.iter().map(AsRef::as_ref), self.request, self.catalogue)
    }

    /// Returns true where TCP counts an item; `None` where the request names no category, or several.
    pub(super) fn is_counted(&self, item: ItemId) -> Option<bool> {
        self.counted.as_ref().map(|counted| counted.members.contains(item))
    }

    /// TCP: the counted items over K.
    fn tcp(&self, items: &[ItemId], is_empty: bool) -> Option<f64> {
        let counted = self.counted.as_ref()?;
        if is_empty && counted.is_unwanted {
            return Some(1.0);
        }
        let count = items.iter().filter(|item| counted.members.contains(**item)).count();
        Some(count as f64 / f64::from(self.request.k.max(1)))
    }

    /// CPA: all shares are met by the method's tests, in which a hallucinated title counts against "at most".
    fn cpa(&self, items: &[ItemId], not_existing: u32, is_empty: bool) -> Option<bool> {
        let mut shares = self.request.shares().peekable();
        shares.peek()?;
        let is_met = |(counter, share): (&Counter, &Share)| {
            let (count, stated) = (counter.count(items), stated_count(share, self.request.k));
            match share.relation {
                Relation::AtMost => count + not_existing <= stated,
                Relation::AtLeast => count >= stated,
                Relation::About => count.abs_diff(stated) <= 1,
                Relation::Exactly => count == stated,
            }
        };
        Some(!is_empty && shares.all(is_met))
    }

    /// Returns true where the answer is K valid items that satisfy the request, shares as [`Share::bound`] has them.
    fn is_met_by(&self, titles: &[&str]) -> bool {
        let checked = self.check(titles);
        let items: Vec<ItemId> = checked.iter().filter_map(|checked| checked.item).collect();
        checked.iter().all(|checked| checked.status == Status::Ok) && self.request.is_satisfied_by(&items)
    }
}

impl TcpSet {
    /// The wanted items of a request, else its unwanted ones, else those of its only share.
    fn of(request: &CompiledRequest) -> Option<Self> {
        if let Some(members) = request.wanted() {
            return Some(Self { members, is_unwanted: false });
        }
        if let Some(members) = request.unwanted() {
            return Some(Self { members, is_unwanted: true });
        }
        let mut shares = request.shares();
        let (only, _) = shares.next().filter(|_| shares.next().is_none())?;
        Some(Self { members: only.members.clone(), is_unwanted: false })
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
mod agreement;
#[cfg(test)]
mod tests;
