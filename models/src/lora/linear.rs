//! A projection.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use tiller_kernels::MatmulPrecision;
use tiller_kernels::cross_entropy::{CrossEntropy, SoftTargets};
use tiller_kernels::matmul::PackedWeight;

use super::weight::{PackedProjection, ProjectionWeight};
use super::{Lora, RowDropout};
use crate::{Error, Result};

/// y = x Wᵀ, plus the low-rank part where one is attached. Clones share the weight.
#[derive(Module, Debug)]
pub struct Linear {
    /// Its place in the model, by Hugging Face's names: "model.layers.0.self_attn.q_proj".
    name: String,
    weight: ProjectionWeight,
    lora: Option<Lora>,
    /// Of the products of many rows on a CPU.
    #[module(skip)]
    precision: MatmulPrecision,
}

impl Linear {
    /// A projection without a low-rank part; `weight` is `[out, in]`, and frozen.
    pub fn new(name: impl Into<String>, weight: Tensor<2>) -> Self {
        let weight = ProjectionWeight::Dense(Param::from_tensor(weight).set_require_grad(false));
        Self { name: name.into(), weight, lora: None, precision: MatmulPrecision::F32 }
    }

    /// A projection whose weight stays packed.
    pub fn packed(name: impl Into<String>, weight: PackedWeight) -> Self {
        let weight = ProjectionWeight::Packed(PackedProjection { weight });
        Self { name: name.into(), weight, lora: None, precision: MatmulPrecision::F32 }
    }

    /// Its place in the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `[out, in]`.
    pub fn shape(&self) -> [usize; 2] {
        self.weight.shape()
    }

    /// W, `[out, in]`, where it is not packed.
    pub fn dense(&self) -> Option<Tensor<2>> {
        match &self.weight {
            ProjectionWeight::Dense(weight) => Some(weight.val()),
            ProjectionWeight::Packed(_) => None,
        }
    }

    /// W, where it is packed.
    pub(crate) fn packed_weight(&self) -> Option<&PackedWeight> {
        match &self.weight {
            ProjectionWeight::Dense(_) => None,
            ProjectionWeight::Packed(PackedProjection { weight }) => Some(weight),
        }
    }

    /// The low-rank part, if one is attached.
    pub fn lora(&self) -> Option<&Lora> {
        self.lora.as_ref()
    }

    /// Attaches, replaces or (with `None`) removes the low-rank part.
    pub fn set_lora(&mut self, lora: Option<Lora>) {
        self.lora = lora;
    }

    /// Sets the precision of products on a CPU. Those of few rows, as in decoding, stay f32.
    pub fn set_matmul_precision(&mut self, precision: MatmulPrecision) {
        self.precision = precision;
    }

    /// The projection to these outputs alone, in their order; `None` where the weight is packed.
    pub(crate) fn rows(&self, rows: &[u32]) -> Option<Self> {
        let weight = self.dense()?;
        let places: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &weight.device());
        let mut chosen = Self::new(&self.name, weight.select(0, places.clone()));
        chosen.lora = self.lora.as_ref().map(|lora| Lora {
            a: lora.a.clone(),
            b: Param::from_tensor(lora.b.val().select(0, places)),
            scale: lora.scale,
        });
        Some(chosen)
    }

    /// `[n, in]` to `[n, out]`, in training with `dropout` before the low-rank part.
    pub fn forward(&self, x: Tensor<2>, dropout: Option<&RowDropout>) -> Tensor<2> {
        let Some(lora) = &self.lora else { return self.weight.linear(x, self.precision) };
        let dropped = dropout.map(|dropout| dropout.drop(x.clone(), &self.name));
        self.weight.lora_linear(x, lora, dropped, self.precision)
    }

    /// Scores `targets` by what [`Linear::forward`] gives as logits, which are never whole: `[n]` each.
    pub fn cross_entropy(&self, x: Tensor<2>, targets: &SoftTargets, dropout: Option<&RowDropout>) -> CrossEntropy {
        let low_rank = self.lora.as_ref().map(|lora| {
            let x = match dropout {
                Some(dropout) => dropout.drop(x.clone(), &self.name),
                None => x.clone(),
            };
            [lora.narrow(x), lora.b.val()]
        });
        self.weight.cross_entropy(x, low_rank, targets, self.precision)
    }

    /// [`Linear::cross_entropy`] of the logits x Wᵀ + u bᵀ, for a projection without a low-rank part of its own.
    pub(crate) fn cross_entropy_with(
        &self,
        x: Tensor<2>,
        factors: [Tensor<2>; 2],
        targets: &SoftTargets,
    ) -> CrossEntropy {
        self.weight.cross_entropy(x, Some(factors), targets, self.precision)
    }

    /// The projection with its low-rank part folded into the weight: W + scale · B A, frozen.
    ///
    /// # Errors
    /// A low-rank part over a packed weight, which could not hold the sum.
    pub fn merged(&self) -> Result<Self> {
        match (&self.lora, &self.weight) {
            (None, _) => Ok(self.clone()),
            (Some(lora), ProjectionWeight::Dense(weight)) => {
                let change = lora.b.val().matmul(lora.a.val()) * lora.scale; // [out, in]
                Ok(Self::new(&self.name, (weight.val() + change).without_autodiff()))
            }
            (Some(_), ProjectionWeight::Packed(_)) => Err(Error::bad_input(&self.name)
                .expected("a weight of 32-bit floats to fold the adapter into")
                .found("a packed one")
                .next("load the base without packing it; the merged model can be packed afterwards")
                .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use tiller_kernels::matmul::FEW_ROWS;
    use tiller_kernels::quant::{self, QuantScheme};

    use super::*;

    fn wave(step: f32, shape: [usize; 2]) -> Tensor<2> {
        let values: Vec<f32> = (0..shape[0] * shape[1]).map(|i| (i as f32 * step).sin()).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn lora() -> Lora {
        Lora { a: Param::from_tensor(wave(0.3, [2, 3])), b: Param::from_tensor(wave(1.1, [5, 2])), scale: 0.5 }
    }

    fn largest(tensor: Tensor<2>) -> f32 {
        tensor.abs().max().into_scalar()
    }

    #[test]
    fn few_rows_and_many_have_the_same_product() {
        let mut linear = Linear::new("any", wave(0.7, [5, 3]));
        linear.set_lora(Some(lora()));
        let x = wave(0.9, [FEW_ROWS + 8, 3]);
        let many = linear.forward(x.clone(), None);
        let few = Tensor::cat(x.split(8, 0).into_iter().map(|x| linear.forward(x, None)).collect(), 0);
        assert!(largest(many - few) < 1e-6);
    }

    #[test]
    fn some_outputs_are_those_of_the_whole_projection() {
        let mut linear = Linear::new("any", wave(0.7, [5, 3]));
        linear.set_lora(Some(lora()));
        let x = wave(0.9, [4, 3]);
        let some = linear.rows(&[4, 1]).unwrap().forward(x.clone(), None);
        let all = linear.forward(x, None);
        let expected = Tensor::cat(vec![all.clone().narrow(1, 4, 1), all.narrow(1, 1, 1)], 1);
        assert!(largest(some - expected) < 1e-6);
    }

    #[test]
    fn a_merged_projection_does_the_same_without_its_part() {
        let mut linear = Linear::new("any", wave(0.7, [5, 3]));
        linear.set_lora(Some(lora()));
        let merged = linear.merged().unwrap();
        assert!(merged.lora().is_none());
        let x = wave(0.9, [4, 3]);
        assert!(largest(merged.forward(x.clone(), None) - linear.forward(x, None)) < 1e-6);

        let values: Vec<f32> = linear.dense().unwrap().try_into_vec_as().unwrap();
        let packed = quant::PackedMatrix::from_f32(QuantScheme::F16, 5, 3, &values).unwrap();
        let mut packed = Linear::packed("any", PackedWeight::upload(&packed, &Device::flex()).unwrap());
        assert!(packed.merged().is_ok(), "there is nothing to fold in");
        packed.set_lora(Some(lora()));
        assert!(packed.merged().unwrap_err().to_string().contains("without packing"));
    }
}
