//! Probabilities of tokens as soft targets.

use tiller_models::train::TargetShare;

/// The least share of a target; what is below is left out.
const LEAST_SHARE: f64 = 1e-4;

/// The shares of tokens by their `masses`, which need not sum to 1; those of next to nothing are left out. None of no mass.
pub fn target_shares(mut masses: Vec<(u32, f64)>) -> Vec<TargetShare> {
    let total: f64 = masses.iter().map(|(_, mass)| mass).sum();
    masses.retain(|(_, mass)| *mass >= LEAST_SHARE * total);
    let kept: f64 = masses.iter().map(|(_, mass)| mass).sum();
    masses.into_iter().map(|(id, mass)| TargetShare { id, share: (mass / kept) as f32 }).collect()
}
