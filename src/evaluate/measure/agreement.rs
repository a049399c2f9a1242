//! The readers of a compiled request agree: constrained decoding, the check of a list, the measures and the rewards.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::constrain::Constraints;
use crate::constrain::tests::guarantees::satisfies;
use crate::constrain::tests::samples::{Shop, kinds, random_request, titles};
use crate::constrain::tests::toy::PreTokenizer;
use crate::reward::{RewardRules, Targets};
use crate::task::Control;

/// The constraints of decoding, applied to a finished list.
fn meets(constraints: &Constraints, list: &[ItemId]) -> bool {
    let is_new = |(at, item): (usize, &ItemId)| !list[..at].contains(item) && constraints.allowed.contains(*item);
    let is_met = |counter: &Counter| counter.rule.bound(constraints.k).missed_by(counter.count(list)) == 0;
    list.len() == constraints.k as usize
        && list.iter().enumerate().all(is_new)
        && constraints.counters.iter().all(is_met)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn decoding_check_measures_and_rewards_agree(
        titles in titles(3..8),
        kinds in kinds(),
        drawn in random_request(4),
        picks in vec(any::<Index>(), 0..6),
    ) {
        let shop = Shop::new(&titles, &kinds, PreTokenizer::Words);
        let catalogue = &shop.catalogue;
        let request = drawn.over(catalogue);
        let compiled = request.compile(catalogue);
        let list: Vec<ItemId> = picks.iter().map(|pick| ItemId(pick.index(catalogue.len()) as u32 + 1)).collect();
        let names: Vec<&str> = list.iter().map(|&item| catalogue.title(item)).collect();
        let expected = satisfies(&request, catalogue, &list);

        let constraints = Constraints::new(&compiled, catalogue);
        prop_assert_eq!(constraints.as_ref().is_ok_and(|constraints| meets(constraints, &list)), expected);

        let checked = check(names.iter().copied(), &compiled, catalogue);
        let is_clean = checked.iter().all(|line| line.status == Status::Ok && line.breaks.is_none());
        let has_mandatory = request.mandatory.iter().all(|item| list.contains(item));
        prop_assert_eq!(is_clean && has_mandatory && list.len() == request.k as usize, expected);

        prop_assert_eq!(ExampleMeasure::new(&compiled, None, catalogue).measure(&names).constraints_met, expected);

        let targets = Targets::of(&compiled);
        for item in catalogue.ids() {
            let keeps = targets.targets.iter().all(|target| match target.control {
                Control::Include => target.members.contains(item),
                Control::Exclude => !target.members.contains(item),
                Control::AtMost | Control::AtLeast | Control::About => true,
            });
            prop_assert_eq!(keeps, compiled.broken_rule(item).is_none());
            if let Ok(constraints) = &constraints {
                prop_assert_eq!(keeps && !request.history.contains(&item), constraints.allowed.contains(item));
            }
        }
        // Rewards take "about" without its tolerance.
        let is_exact = !request.shares.iter().any(|share| share.relation == Relation::About);
        if expected && is_exact {
            let score = targets.list_score(&targets.counts(list.iter().copied()), &RewardRules::default());
            prop_assert!(score.is_none_or(|score| score == 1.0), "{score:?}");
        }
    }
}
