//! A projection with a frozen weight.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Dropout, Lora};

/// y = x Wᵀ, plus the low-rank part where one is attached. Clones share the weight.
#[derive(Module, Debug)]
pub struct Linear {
    /// Where it stands in the model, in Hugging Face's words: "model.layers.0.self_attn.q_proj".
    name: String,
    /// W, `[out, in]`, without gradient.
    weight: Tensor<2>,
    lora: Option<Lora>,
}

impl Linear {
    /// A projection without a low-rank part; `weight` is `[out, in]`.
    pub fn new(name: impl Into<String>, weight: Tensor<2>) -> Self {
        Self { name: name.into(), weight, lora: None }
    }

    /// Its place in the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `[out, in]`.
    pub fn shape(&self) -> [usize; 2] {
        self.weight.dims()
    }

    /// The low-rank part, if one is attached.
    pub fn lora(&self) -> Option<&Lora> {
        self.lora.as_ref()
    }

    /// Attaches, replaces or (with `None`) removes the low-rank part.
    pub fn set_lora(&mut self, lora: Option<Lora>) {
        self.lora = lora;
    }

    /// `[n, in]` to `[n, out]`, in training with `dropout` before the low-rank part.
    pub fn forward(&self, x: Tensor<2>, dropout: Option<Dropout>) -> Tensor<2> {
        let frozen = times_transposed(x.clone(), self.weight.clone());
        let Some(lora) = &self.lora else { return frozen };
        let x = match dropout {
            Some(dropout) => dropout.drop(x, &self.name),
            None => x,
        };
        frozen + lora.forward(x)
    }
}

/// Up to so many rows, [`times_transposed`] multiplies the other way round.
const FEW_ROWS: usize = 32;

/// x wᵀ for x `[n, in]` and w `[out, in]`: `[n, out]`.
///
/// On the CPU, burn's product copies its right factor into tiles first. With few rows, as in decoding, that costs more than the
/// product itself, so the small factor goes to the right: (w xᵀ)ᵀ.
fn times_transposed(x: Tensor<2>, w: Tensor<2>) -> Tensor<2> {
    if x.dims()[0] <= FEW_ROWS { w.matmul(x.transpose()).transpose() } else { x.matmul(w.transpose()) }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn few_rows_and_many_have_the_same_product() {
        let device = Device::flex();
        let wave = |step: f32, shape: [usize; 2]| {
            let values: Vec<f32> = (0..shape[0] * shape[1]).map(|i| (i as f32 * step).sin()).collect();
            Tensor::<2>::from_data(TensorData::new(values, shape), &device)
        };
        let mut linear = Linear::new("any", wave(0.7, [5, 3]));
        let (a, b) = (Param::from_tensor(wave(0.3, [2, 3])), Param::from_tensor(wave(1.1, [5, 2])));
        linear.set_lora(Some(Lora { a, b, scale: 0.5 }));
        let x = wave(0.9, [FEW_ROWS + 8, 3]);
        let many = linear.forward(x.clone(), None);
        let few = Tensor::cat(x.split(8, 0).into_iter().map(|x| linear.forward(x, None)).collect(), 0);
        assert!((many - few).abs().max().into_scalar::<f32>() < 1e-6);
    }
}
