//! Weights from a file: a matrix at a time, with its bits unchanged if a scheme holds them.

use tiller_kernels::quant::{Blocks, PackedMatrix, QuantScheme};

use super::source::{WeightSource, packed};
use crate::files::blocks::Format;
use crate::item_tokens::is_table;
use crate::llama::files::naming::{Naming, is_rotated, places_among_pairs};
use crate::llama::files::tensor_reader::TensorReader;
use crate::llama::{LlamaConfig, ModelFiles};
use crate::{Error, Result};

/// The weights of a model on disk.
pub(super) struct FileWeights<'a> {
    files: &'a ModelFiles,
    reader: TensorReader<'a>,
}

impl<'a> FileWeights<'a> {
    /// # Errors
    /// Tensors that are no Llama's.
    pub(super) fn new(files: &'a ModelFiles) -> Result<Self> {
        Ok(Self { reader: files.reader()?, files })
    }

    /// The weight of `module` with its bits as they are, if they are of a format that the scheme (or, without one, any) holds.
    fn as_it_is(
        &self,
        module: &str,
        [rows, cols]: [usize; 2],
        scheme: Option<QuantScheme>,
    ) -> Result<Option<PackedMatrix>> {
        let Some(gguf) = self.files.gguf() else { return Ok(None) };
        // A table with further rows is none of the file's.
        if self.files.item_rows().is_some() && is_table(module) {
            return Ok(None);
        }
        let tensor = Naming::Gguf.tensor(module);
        let format = gguf.format(&tensor)?;
        let holds = |blocks: &Blocks| Format::from(*blocks) == format && scheme.is_none_or(|s| s == blocks.scheme());
        let Some(blocks) = Blocks::ALL.into_iter().find(holds) else { return Ok(None) };
        self.reader.check(module, &[rows, cols])?;
        let packed = blocks.pack(rows, cols, &gguf.raw(&tensor)?).map_err(Error::packing(module))?;
        if !is_rotated(module) {
            return Ok(Some(packed));
        }
        let places = places_among_pairs(rows, self.files.config.head_dim);
        Ok(Some(PackedMatrix::of_rows(places.map(|row| (&packed, row)))))
    }
}

impl WeightSource for FileWeights<'_> {
    fn config(&self) -> &LlamaConfig {
        &self.files.config
    }

    fn matrix(&mut self, module: &str, shape: [usize; 2], scheme: Option<QuantScheme>) -> Result<PackedMatrix> {
        if let Some(packed) = self.as_it_is(module, shape, scheme)? {
            return Ok(packed);
        }
        let values = self.reader.read(module, &shape)?;
        let scheme = match scheme {
            Some(scheme) => scheme,
            None => wide_enough(self.files.bits(module)?),
        };
        packed(module, scheme, shape, &values)
    }

    fn vector(&mut self, module: &str, width: usize) -> Result<Vec<f32>> {
        self.reader.read(module, &[width])
    }
}

/// The scheme for weights of `bits` bits each that no scheme holds unchanged. Q8 loses less than blocks of 6 or fewer bits have lost
/// already; f16 holds bf16 except for values below 2⁻²⁴.
fn wide_enough(bits: usize) -> QuantScheme {
    match bits {
        ..=8 => QuantScheme::Q8,
        9..=16 => QuantScheme::F16,
        _ => QuantScheme::F32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_format_loses_more_than_its_own_step() {
        for format in Format::ALL {
            let bits = 8 * format.block_bytes() / format.block_values();
            let expected = match format {
                Format::F32 => QuantScheme::F32,
                Format::F16 | Format::BF16 => QuantScheme::F16,
                _ => QuantScheme::Q8,
            };
            assert_eq!(wide_enough(bits), expected, "{format:?}");
        }
    }
}
