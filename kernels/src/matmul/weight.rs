//! A frozen weight matrix on a device of burn.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::layout::WeightLayout;
use crate::device::gpu_of;
use crate::quant::{PackError, PackedMatrix, QuantScheme};

/// A weight matrix `[out, in]` that takes no gradient.
///
/// On a GPU it stays packed. On the CPU it is unpacked to f32 once: burn's matrix product is several times
/// faster than a kernel that dequantizes on the fly, for 4 bytes a weight instead of about half a byte.
#[derive(Debug, Clone)]
pub struct PackedWeight {
    pub(crate) values: Values,
    pub(crate) layout: WeightLayout,
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // a model has hundreds of weights: a kilobyte beside each is nothing
pub(crate) enum Values {
    /// The words of [`PackedMatrix`].
    Packed { quants: Tensor<1, Int>, scales: Tensor<1, Int> },
    /// `[out, in]`
    Dense(Tensor<2>),
}

impl PackedWeight {
    /// Copies a packed matrix to `device`.
    ///
    /// # Errors
    /// Quants beyond the largest binding of the device, e.g. 128 MiB on an adapter that offers no more than
    /// WebGPU promises.
    pub fn upload(packed: &PackedMatrix, device: &Device) -> Result<Self, PackError> {
        let layout = WeightLayout::of(packed);
        // The weight is a constant of every graph, so it needs no autodiff.
        let device = device.clone().without_autodiff();
        let values = match gpu_of(&device) {
            None => {
                Values::Dense(Tensor::from_data(TensorData::new(packed.to_f32(), [layout.rows, layout.cols]), &device))
            }
            Some(gpu) => {
                layout.fits(&gpu)?;
                Values::Packed { quants: words(packed.quants(), &device), scales: words(packed.scales(), &device) }
            }
        };
        Ok(PackedWeight { values, layout })
    }

    /// Requires f32 factors for products with the weight on every device. Otherwise they are f16, with f32
    /// sums, where the device has cooperative matrices: 11 bits of each factor, and at most 65504 of x.
    pub fn exact(self) -> Self {
        PackedWeight { layout: WeightLayout { exact: true, ..self.layout }, ..self }
    }

    /// Copies the matrix back to the host.
    ///
    /// # Errors
    /// A read-back that fails.
    pub fn download(&self) -> Result<PackedMatrix, String> {
        let WeightLayout { scheme, rows, cols, .. } = self.layout;
        match &self.values {
            Values::Dense(weight) => {
                let values: Vec<f32> = weight.clone().try_into_vec_as().map_err(|e| format!("{e}"))?;
                PackedMatrix::from_f32(scheme, rows, cols, &values).map_err(|e| e.to_string())
            }
            Values::Packed { quants, scales } => {
                let words = |words: &Tensor<1, Int>| -> Result<Vec<u32>, String> {
                    let signed: Vec<i32> = words.clone().try_into_vec_as().map_err(|e| format!("{e}"))?;
                    Ok(signed.into_iter().map(i32::cast_unsigned).collect())
                };
                Ok(PackedMatrix::of_words(scheme, [rows, cols], words(quants)?, words(scales)?))
            }
        }
    }

    /// The weights as floats, `[out, in]`, where they are unpacked: on a CPU.
    pub fn unpacked(&self) -> Option<Tensor<2>> {
        match &self.values {
            Values::Dense(weight) => Some(weight.clone()),
            Values::Packed { .. } => None,
        }
    }

    /// The scheme that the weights came in.
    pub fn scheme(&self) -> QuantScheme {
        self.layout.scheme
    }

    /// Outputs of the layer.
    pub fn rows(&self) -> usize {
        self.layout.rows
    }

    /// Inputs of the layer.
    pub fn cols(&self) -> usize {
        self.layout.cols
    }
}

/// 32-bit words as a burn tensor. burn has no empty tensors, so no words become one unused word.
fn words(words: &[u32], device: &Device) -> Tensor<1, Int> {
    let words: &[u32] = if words.is_empty() { &[0] } else { words };
    let signed: Vec<i32> = words.iter().map(|word| word.cast_signed()).collect();
    Tensor::from_data(TensorData::new(signed, [words.len()]), device)
}
