//! Advantages: the excess of each token's return over its baseline, by GAE with a critic or by RLOO without one.
//!
//! Token t earns r_t; V_t is what is expected before it. With discount γ, the return from t on is G_t = r_t + γ · G_{t+1}. With a critic every
//! token discounts; among a group of answers every item does.

/// Generalised advantage estimates (J. Schulman et al. 2015, arXiv 1506.02438) of one trajectory, after which nothing is expected:
/// δ_t = r_t + γ · V_{t+1} − V_t and A_t = δ_t + γ · λ · A_{t+1}. A + V is what the values shall learn.
///
/// # Panics
/// Where there are more rewards than values.
pub fn gae(rewards: &[f64], values: &[f64], gamma: f64, lambda: f64) -> Vec<f64> {
    let mut advantages = vec![0.0; rewards.len()];
    let (mut next_value, mut next_advantage) = (0.0, 0.0);
    for t in (0..rewards.len()).rev() {
        let surprise = rewards[t] + gamma * next_value - values[t];
        next_advantage = surprise + gamma * lambda * next_advantage;
        next_value = values[t];
        advantages[t] = next_advantage;
    }
    advantages
}

/// The return from every token on, where only items discount: an item's tokens have what it earns from them on, and γ times what the
/// items after it earn. `starts` holds the tokens at which items begin.
fn returns_by_item(rewards: &[f64], starts: &[usize], gamma: f64) -> Vec<f64> {
    let mut returns = rewards.to_vec();
    for t in (1..returns.len()).rev() {
        let discount = if starts.binary_search(&t).is_ok() { gamma } else { 1.0 };
        returns[t - 1] += discount * returns[t];
    }
    returns
}

/// Advantages without a critic (method B14): the return from a token on, less the mean return that the other answers to the same
/// question have from the same item on (as RLOO, Ahmadian et al. 2024, arXiv 2402.14740, but with a baseline for each item).
///
/// What an item is worth hardly depends on what comes after it, but its return does: a list of ten sums up the chances of all ten. So γ
/// discounts from item to item, and an item's own reward stands out.
///
/// `starts` holds, for each answer, the tokens at which its items begin, in order; the first is 0. Of an answer that has fewer items, the
/// return from its last item on counts, which is what it has for having ended there. A single answer has no others to compare with: its
/// advantages are its returns.
///
/// # Panics
/// Where there are more answers than `starts`, or an answer without tokens.
pub fn rloo(rewards: &[Vec<f64>], starts: &[Vec<usize>], gamma: f64) -> Vec<Vec<f64>> {
    let returns: Vec<Vec<f64>> =
        rewards.iter().zip(starts).map(|(rewards, starts)| returns_by_item(rewards, starts, gamma)).collect();
    // [answer][item]: what the answer still earns when the item begins.
    let of_item: Vec<Vec<f64>> = returns
        .iter()
        .zip(starts)
        .map(|(returns, starts)| starts.iter().filter_map(|&start| returns.get(start)).copied().collect())
        .collect();
    let from = |answer: usize, item: usize| of_item[answer][item.min(of_item[answer].len() - 1)];
    let advantages = |answer: usize| {
        let others = || (0..rewards.len()).filter(move |&other| other != answer);
        let baselines: Vec<f64> = (0..of_item[answer].len())
            .map(|item| others().map(|other| from(other, item)).sum::<f64>() / others().count().max(1) as f64)
            .collect();
        let baseline = |token: usize| baselines[starts[answer].partition_point(|&start| start <= token) - 1];
        returns[answer].iter().enumerate().map(|(token, value)| value - baseline(token)).collect()
    };
    (0..rewards.len()).map(advantages).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: &[f64], expected: &[f64]) {
        let equal = found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-12);
        assert!(equal, "{found:?} is not {expected:?}");
    }

    /// The example of method §16.5: three tokens, γ 0.99, λ 1.
    #[test]
    fn three_tokens_by_hand() {
        let (rewards, values) = ([0.5, 0.0, 2.0], [1.0, 0.8, 1.5]);
        // A₂ = 2 − 1.5; A₁ = 0 + 0.99·1.5 − 0.8 + 0.99·0.5; A₀ = 0.5 + 0.99·0.8 − 1 + 0.99·A₁.
        close(&gae(&rewards, &values, 0.99, 1.0), &[1.4602, 1.18, 0.5]);
        // With λ = 1, A + V is the return: 2, 1.98, 0.5 + 0.99·1.98.
        close(&gae(&rewards, &[0.0; 3], 0.99, 1.0), &[2.4602, 1.98, 2.0]);
        // With λ = 0, only the next value counts.
        close(&gae(&rewards, &values, 0.99, 0.0), &[0.292, 0.685, 0.5]);
        // With λ = 0.5: A₁ = 0.685 + 0.495·0.5, A₀ = 0.292 + 0.495·A₁.
        close(&gae(&rewards, &values, 0.99, 0.5), &[0.292 + 0.495 * 0.9325, 0.9325, 0.5]);
    }

    proptest! {
        #[test]
        fn the_estimate_is_the_weighted_sum_of_all_surprises(
            tokens in prop::collection::vec((-3.0f64..3.0, -3.0f64..3.0), 1..20), gamma in 0.0f64..1.0, lambda in 0.0f64..1.0,
        ) {
            let (rewards, values): (Vec<f64>, Vec<f64>) = tokens.into_iter().unzip();
            let surprise = |t: usize| rewards[t] + gamma * values.get(t + 1).unwrap_or(&0.0) - values[t];
            let sum = |t: usize| (t..rewards.len()).map(|l| (gamma * lambda).powi((l - t) as i32) * surprise(l)).sum::<f64>();
            let found = gae(&rewards, &values, gamma, lambda);
            for (t, found) in found.into_iter().enumerate() {
                prop_assert!((found - sum(t)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn rloo_compares_answers_item_by_item() {
        // Two items of two tokens and one of two; the third answer has a single item.
        let rewards = [vec![0.0, 1.0, 0.0, 4.0], vec![0.0, 0.5, 0.0, 1.0], vec![0.0, 2.0]];
        let starts = [vec![0, 2], vec![0, 2], vec![0]];
        let found = rloo(&rewards, &starts, 1.0);
        // Returns at the items: 5, 4 | 1.5, 1 | 2, and so on.
        close(&found[0], &[5.0 - 1.75, 5.0 - 1.75, 4.0 - 1.5, 4.0 - 1.5]);
        close(&found[1], &[1.5 - 3.5, 1.5 - 3.5, 1.0 - 3.0, 1.0 - 3.0]);
        close(&found[2], &[2.0 - 3.25, 2.0 - 3.25]);
        // γ lies between the two items alone: 1 + 4 / 2 and 4.
        close(&rloo(&rewards[..1], &starts[..1], 0.5)[0], &[3.0, 3.0, 4.0, 4.0]);
        close(&rloo(&rewards[..2], &starts[..2], 0.0)[0], &[1.0 - 0.5, 1.0 - 0.5, 4.0 - 1.0, 4.0 - 1.0]);
        assert!(rloo(&[], &[], 1.0).is_empty());
    }

    #[test]
    fn one_reward_at_the_end_is_the_plain_leave_one_out() {
        let rewards = [vec![0.0, 0.0, 3.0], vec![0.0, 1.0], vec![0.0, 0.0, 5.0]];
        let starts = [vec![0], vec![0], vec![0]];
        let found = rloo(&rewards, &starts, 1.0);
        close(&found[0], &[0.0; 3]);
        close(&found[1], &[-3.0; 2]);
        close(&found[2], &[3.0; 3]);
    }
}
