//! The order of recommendation: higher scores first, and equal scores by item id.

use super::{ItemId, ItemSet};

/// Returns the `k` best items for which `allowed` holds, best first; fewer where fewer are allowed.
///
/// `scores` has one score per item, item 1 first.
pub fn top_k(scores: &[f32], k: usize, allowed: impl Fn(ItemId) -> bool) -> Vec<ItemId> {
    let mut best: Vec<(f32, ItemId)> = Vec::with_capacity(k.min(scores.len()));
    for (column, &score) in scores.iter().enumerate() {
        // Ids ascend, so an equal score never overtakes.
        let is_full = best.len() == k;
        if is_full && best.last().is_none_or(|&(worst, _)| score <= worst) {
            continue;
        }
        let item = ItemId(column as u32 + 1);
        if allowed(item) {
            best.truncate(k - 1);
            let place = best.partition_point(|&(better, _)| better >= score);
            best.insert(place, (score, item));
        }
    }
    best.into_iter().map(|(_, item)| item).collect()
}

/// Returns the number of items that come before `item`, without those of `masked`; a masked item comes after all others.
///
/// `scores` has one score per item, item 1 first; a rank of 0 is the best.
pub fn rank(scores: &[f32], item: ItemId, masked: &ItemSet) -> u32 {
    if masked.contains(item) {
        return (scores.len() - masked.len()) as u32;
    }
    let column = item.index() - 1;
    let score = scores[column];
    let (smaller, larger) = (&scores[..column], &scores[column + 1..]);
    let ahead = smaller.iter().filter(|&&s| s >= score).count() + larger.iter().filter(|&&s| s > score).count();
    let is_ahead = |other: ItemId| {
        let other_score = scores[other.index() - 1];
        other_score > score || (other_score == score && other < item)
    };
    (ahead - masked.iter().filter(|&other| is_ahead(other)).count()) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few distinct scores, so that ties abound.
        #[test]
        fn both_agree_with_sorting_everything(
            scores in proptest::collection::vec((0..6u8).prop_map(f32::from), 1..60),
            masked in proptest::collection::vec(any::<u32>(), 0..20),
            k in 0..70usize,
        ) {
            let n = scores.len();
            let masked: Vec<ItemId> = masked.into_iter().map(|id| ItemId(id % n as u32 + 1)).collect();
            let masked = ItemSet::from_items(n, &masked);
            let mut sorted: Vec<ItemId> = masked.clone().complement().iter().collect();
            sorted.sort_by(|a, b| scores[b.index() - 1].total_cmp(&scores[a.index() - 1]).then(a.cmp(b)));
            let expected = &sorted[..k.min(sorted.len())];
            prop_assert_eq!(top_k(&scores, k, |item| !masked.contains(item)), expected);
            for (place, &item) in sorted.iter().enumerate() {
                prop_assert_eq!(rank(&scores, item, &masked), place as u32);
            }
            for item in masked.iter() {
                prop_assert_eq!(rank(&scores, item, &masked), sorted.len() as u32);
            }
        }
    }
}
