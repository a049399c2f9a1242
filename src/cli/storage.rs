//! Flags for the weight and KV cache formats of inference.

use tiller_kernels::decode::KvFormat;
use tiller_kernels::quant::QuantScheme;
use tiller_models::language_model::StorageOptions;

/// The weight and KV cache formats.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct StorageArgs {
    /// Weight format: f32, f16, q8, q4affine, q4k, q4 or nf4 [default: the file's format]
    #[arg(long, alias = "scheme", value_name = "SCHEME")]
    quant: Option<QuantScheme>,
    /// KV cache format: f32, f16 or int8
    #[arg(long, alias = "kv", default_value = "f32", value_name = "FORMAT", value_parser = kv_format)]
    kv_dtype: KvFormat,
    /// Multiply quantized weights with floats on a CPU too, which rounds activations to 16 bits otherwise
    #[arg(long)]
    exact: bool,
}

impl StorageArgs {
    /// Converts the flags to loader options.
    pub fn options(self) -> StorageOptions {
        StorageOptions { quant: self.quant, kv_dtype: self.kv_dtype, exact: self.exact }
    }
}

/// Parses a KV cache format.
pub(super) fn kv_format(name: &str) -> Result<KvFormat, String> {
    let known = KvFormat::ALL.into_iter().find(|format| format.name() == name);
    known.ok_or_else(|| "expected f32, f16 or int8".to_owned())
}
