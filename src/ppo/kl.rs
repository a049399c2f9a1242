//! The KL divergence of a policy from its reference model, estimated from the log-probabilities of the tokens that it chose.
//!
//! Both estimators are of KL(π ‖ π_ref) where the token was drawn from π (J. Schulman, "Approximating KL divergence", 2020).

/// k1 = log π − log π_ref: right on average, of either sign. What the penalty of every token is made of (method §7.6).
pub fn k1(log_prob: f64, reference: f64) -> f64 {
    log_prob - reference
}

/// k3 = r − 1 − log r with r = π_ref / π: right on average too, never negative, and steadier while the policies are near each other. What is
/// logged, and what ends the epochs of an iteration.
pub fn k3(log_prob: f64, reference: f64) -> f64 {
    let log_ratio = reference - log_prob;
    log_ratio.exp_m1() - log_ratio
}

/// r_t = reward_t − β · k1_t: what every token earns with the penalty for leaving the reference policy (method §7.6).
pub fn penalised(rewards: &[f64], log_probs: &[f32], references: &[f32], beta: f64) -> Vec<f64> {
    let tokens = rewards.iter().zip(log_probs).zip(references);
    tokens.map(|((reward, &lp), &reference)| reward - beta * k1(lp.into(), reference.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_tokens_by_hand() {
        // π 0.5, 0.25, 0.9; π_ref 0.25, 0.5, 0.9.
        let log_probs = [0.5f32, 0.25, 0.9].map(f32::ln);
        let references = [0.25f32, 0.5, 0.9].map(f32::ln);
        let ln2 = std::f64::consts::LN_2;
        let of = |estimate: fn(f64, f64) -> f64| {
            log_probs.iter().zip(&references).map(|(&lp, &r)| estimate(lp.into(), r.into())).collect::<Vec<_>>()
        };
        let close = |found: &[f64], expected: [f64; 3]| {
            assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-6), "{found:?} is not {expected:?}");
        };
        close(&of(k1), [ln2, -ln2, 0.0]);
        close(&of(k3), [0.5 - 1.0 + ln2, 2.0 - 1.0 - ln2, 0.0]);
        close(&penalised(&[1.0, 0.0, -1.0], &log_probs, &references, 0.3), [1.0 - 0.3 * ln2, 0.3 * ln2, -1.0]);
    }

    #[test]
    fn both_estimators_have_the_divergence_as_their_mean() {
        let (policy, reference) = ([0.7f64, 0.2, 0.1], [0.3f64, 0.3, 0.4]);
        let divergence: f64 = policy.iter().zip(reference).map(|(p, r)| p * (p / r).ln()).sum();
        for estimate in [k1, k3] {
            let mean: f64 = policy.iter().zip(reference).map(|(p, r)| p * estimate(p.ln(), r.ln())).sum();
            assert!((mean - divergence).abs() < 1e-12, "{mean} is not {divergence}");
        }
    }
}
