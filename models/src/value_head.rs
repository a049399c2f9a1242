//! The value head of PPO's critic: the value of a hidden state (method §7.1).

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::random::{Normal, orthogonal_rows};

/// Width between the two projections.
const WIDTH: usize = 64;

/// v = w₂ · gelu(W₁ h + b₁) + b₂ for each hidden state h.
#[derive(Module, Debug)]
pub struct ValueHead {
    /// W₁, `[64, d_model]`.
    hidden_weight: Param<Tensor<2>>,
    /// b₁, `[64]`.
    hidden_bias: Param<Tensor<1>>,
    /// w₂, `[1, 64]`.
    value_weight: Param<Tensor<2>>,
    /// b₂, `[1]`.
    value_bias: Param<Tensor<1>>,
}

impl ValueHead {
    /// A new head for hidden states of width `d_model`: W₁ orthogonal with gain √2, w₂ with gain 1, biases zero. The same seed gives the
    /// same head on every device.
    pub fn new(d_model: usize, seed: u64, device: &Device) -> Self {
        let orthogonal = |[rows, columns]: [usize; 2], gain: f64, stream: u64| {
            let values = orthogonal([rows, columns], gain, &mut Normal::of_stream(seed, stream));
            Param::from_tensor(Tensor::from_data(TensorData::new(values, [rows, columns]), device))
        };
        Self {
            hidden_weight: orthogonal([WIDTH, d_model], 2f64.sqrt(), 0),
            hidden_bias: Param::from_tensor(Tensor::zeros([WIDTH], device)),
            value_weight: orthogonal([1, WIDTH], 1.0, 1),
            value_bias: Param::from_tensor(Tensor::zeros([1], device)),
        }
    }

    /// `[n, d_model]` to `[n]`.
    pub fn forward(&self, hidden: Tensor<2>) -> Tensor<1> {
        let wide = hidden.matmul(self.hidden_weight.val().transpose()) + self.hidden_bias.val().unsqueeze(); // [n, 64]
        let values = activation::gelu(wide).matmul(self.value_weight.val().transpose()); // [n, 1]
        values.squeeze_dim(1) + self.value_bias.val()
    }
}

/// A matrix whose rows are orthogonal, or its columns where there are more rows than columns; each of them has length `gain`.
fn orthogonal([rows, columns]: [usize; 2], gain: f64, normal: &mut Normal) -> Vec<f32> {
    if rows <= columns {
        return orthogonal_rows(rows, columns, gain, normal);
    }
    let transposed = orthogonal_rows(columns, rows, gain, normal);
    (0..rows * columns).map(|at| transposed[at % columns * rows + at / columns]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::Gradients;

    fn host(tensor: Tensor<1>) -> Vec<f32> {
        tensor.try_into_vec_as().unwrap()
    }

    #[test]
    fn a_fresh_head_is_orthogonal_whatever_its_shape() {
        let device = Device::flex();
        for d_model in [16, 64, 100] {
            let head = ValueHead::new(d_model, 7, &device);
            let weight = head.hidden_weight.val();
            let product = match d_model < WIDTH {
                true => weight.clone().transpose().matmul(weight),
                false => weight.clone().matmul(weight.transpose()),
            };
            let off = (product - Tensor::eye(d_model.min(WIDTH), &device) * 2.0).abs().max().into_scalar::<f32>();
            assert!(off < 1e-5, "off by {off} at width {d_model}");
            assert!((head.value_weight.val().square().sum().into_scalar::<f32>() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_value_is_the_formula_and_its_gradient_the_finite_difference() {
        const STEP: f32 = 1e-2;
        let device = Device::flex();
        let head = ValueHead::new(3, 5, &device).train();
        let states = |shift: f32| -> Tensor<2> {
            Tensor::from_data([[0.3 + shift, -1.0, 0.5], [2.0, 0.1, -0.7]], &device.clone().autodiff())
        };
        let [w1, w2]: [Vec<f32>; 2] =
            [&head.hidden_weight, &head.value_weight].map(|weight| weight.val().try_into_vec_as().unwrap());
        let gelu = |x: f32| 0.5 * x * (1.0 + erf(x / 2f32.sqrt()));
        let by_hand = |h: [f32; 3]| -> f32 {
            (0..WIDTH).map(|row| w2[row] * gelu((0..3).map(|i| w1[3 * row + i] * h[i]).sum())).sum()
        };
        let found = host(head.forward(states(0.0)));
        for (found, expected) in found.iter().zip([by_hand([0.3, -1.0, 0.5]), by_hand([2.0, 0.1, -0.7])]) {
            assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
        }
        // The bias moves every value alike: its gradient counts them, whatever the rest.
        let gradients = Gradients::of(head.forward(states(0.0)).sum(), &head);
        assert_eq!(host(gradients.of_weight["value_bias"].clone()), [2.0]);
        assert_eq!(gradients.of_weight.len(), 4);
        let shifted = states(0.0).require_grad();
        let slope = shifted.grad(&head.forward(shifted.clone()).sum().backward()).unwrap();
        let slope: Vec<f32> = slope.try_into_vec_as().unwrap();
        let moved = |shift: f32| host(head.forward(states(shift)))[0];
        let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        assert!((slope[0] - expected).abs() < 1e-3, "{} is not {expected}", slope[0]);
    }

    /// The error function by its series (Abramowitz and Stegun 7.1.5).
    fn erf(x: f32) -> f32 {
        let x = f64::from(x);
        let (mut term, mut sum) = (x, x);
        for n in 1..60 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        (sum * 2.0 / std::f64::consts::PI.sqrt()) as f32
    }
}
