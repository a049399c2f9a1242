//! The flags that say in how many bits a model is kept while it writes.

use tiller_kernels::decode::KvFormat;
use tiller_kernels::quant::QuantScheme;
use tiller_models::language_model::StorageOptions;

/// How a model that writes is kept in memory.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct StorageArgs {
    /// How weights are kept: f32, f16, q8, q4affine, q4k, q4 or nf4 [default: as the file has them, on a CPU f32]
    #[arg(long, alias = "scheme", value_name = "SCHEME")]
    quant: Option<QuantScheme>,
    /// How keys and values are kept: f32, f16 or int8; a CPU keeps f32
    #[arg(long, alias = "kv", default_value = "f32", value_name = "FORMAT", value_parser = kv_format)]
    kv_dtype: KvFormat,
}

impl StorageArgs {
    /// The same for the model's loader.
    pub fn options(self) -> StorageOptions {
        StorageOptions { quant: self.quant, kv_dtype: self.kv_dtype }
    }
}

/// A format of keys and values by its name.
pub(super) fn kv_format(name: &str) -> Result<KvFormat, String> {
    let known = KvFormat::ALL.into_iter().find(|format| format.name() == name);
    known.ok_or_else(|| "expected f32, f16 or int8".to_owned())
}
