//! The clipped surrogate losses of PPO (J. Schulman et al. 2017, arXiv 1707.06347), token by token: `[n]` tensors in, `[n]` losses out.

use burn::tensor::Tensor;

/// max(−A · ρ, −A · clip(ρ, 1 − ε, 1 + ε)) with ρ = exp(log π − log π_old): what a token costs the policy (method §7.7).
///
/// Gradients flow through `log_probs` alone, and only where the clipping does not cut them off.
pub fn policy_loss(log_probs: Tensor<1>, old: Tensor<1>, advantages: Tensor<1>, clip: f64) -> Tensor<1> {
    let ratio = (log_probs - old).exp();
    let clipped = ratio.clone().clamp(1.0 - clip, 1.0 + clip);
    -(ratio * advantages.clone()).min_pair(clipped * advantages)
}

/// ½ · max((V − R)², (V_old + clip(V − V_old, ±ε) − R)²): what a token costs the critic (method §7.7).
pub fn value_loss(values: Tensor<1>, old: Tensor<1>, returns: Tensor<1>, clip: f64) -> Tensor<1> {
    let clipped = old.clone() + (values.clone() - old).clamp(-clip, clip);
    (values - returns.clone()).square().max_pair((clipped - returns).square()) * 0.5
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn tensor(values: &[f32]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex().autodiff())
    }

    fn host(tensor: Tensor<1>) -> Vec<f32> {
        tensor.try_into_vec_as().unwrap()
    }

    fn close(found: &[f32], expected: &[f32], tolerance: f32) {
        let equal =
            found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| (f - e).abs() <= tolerance);
        assert!(equal, "{found:?} is not {expected:?}");
    }

    #[test]
    fn every_side_of_the_policys_clip_by_hand() {
        // Ratios 1.5, 1.5, 0.5, 0.5 and 1.1, each with an advantage that the clip holds back or not.
        let log_probs = tensor(&[1.5f32, 1.5, 0.5, 0.5, 1.1].map(f32::ln)).require_grad();
        let advantages = [2.0, -2.0, 2.0, -2.0, 1.0];
        let losses = policy_loss(log_probs.clone(), tensor(&[0.0; 5]), tensor(&advantages), 0.2);
        close(&host(losses.clone()), &[-2.4, 3.0, -1.0, 1.6, -1.1], 1e-6);
        let gradients = losses.sum().backward();
        // d(−A ρ) / d log π = −A ρ where it is not cut off.
        close(&host(Tensor::from_inner(log_probs.grad(&gradients).unwrap())), &[0.0, 3.0, -1.0, 0.0, -1.1], 1e-6);
    }

    #[test]
    fn every_side_of_the_values_clip_by_hand() {
        // V_old 1: moved by 0.1 within the clip, by 0.5 towards and away from the return.
        let values = tensor(&[1.1, 1.5, 1.5]).require_grad();
        let losses = value_loss(values.clone(), tensor(&[1.0; 3]), tensor(&[2.0, 2.0, 0.0]), 0.2);
        close(&host(losses.clone()), &[0.5 * 0.81, 0.5 * 0.64, 0.5 * 2.25], 1e-6);
        let gradients = losses.sum().backward();
        close(&host(Tensor::from_inner(values.grad(&gradients).unwrap())), &[-0.9, 0.0, 1.5], 1e-6);
    }

    /// Along random directions, away from the kinks.
    #[test]
    fn gradients_agree_with_finite_differences() {
        const N: usize = 64;
        const STEP: f32 = 1e-3;
        let wave = |frequency: f32, size: f32| -> Vec<f32> {
            (0..N).map(|i| ((i as f32 + 1.0) * frequency).sin() * size).collect()
        };
        let (old, advantages) = (wave(0.7, 0.5), wave(1.3, 2.0));
        let (at, returns) = (wave(1.9, 0.9), wave(0.4, 1.5));
        type Loss = fn(Tensor<1>, Tensor<1>, Tensor<1>, f64) -> Tensor<1>;
        for (loss, target) in [(policy_loss as Loss, &advantages), (value_loss as Loss, &returns)] {
            let losses = |at: &[f32]| loss(tensor(at), tensor(&old), tensor(target), 0.2);
            let point = tensor(&at).require_grad();
            let gradients = loss(point.clone(), tensor(&old), tensor(target), 0.2).sum().backward();
            let gradient = host(Tensor::from_inner(point.grad(&gradients).unwrap()));
            let moved = |step: f32| host(losses(&at.iter().map(|x| x + step).collect::<Vec<_>>()));
            let slopes: Vec<f32> =
                moved(STEP).iter().zip(moved(-STEP)).map(|(after, before)| (after - before) / (2.0 * STEP)).collect();
            close(&gradient, &slopes, 5e-3);
            assert!(gradient.iter().filter(|g| **g != 0.0).count() > N / 4);
        }
    }
}
