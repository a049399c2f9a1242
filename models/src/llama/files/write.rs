//! A Llama as a Hugging Face folder.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Tensor;
use serde_json::{Map, Value, json};

use crate::atomic::write_atomically;
use crate::download::download;
use crate::files::safetensors;
use crate::llama::Llama;
use crate::llama::config::{LlamaConfig, RopeScaling};
use crate::tokenizer::TokenizerFiles;
use crate::{Error, Result};

impl Llama {
    /// Writes `config.json` and `model.safetensors`, in 32-bit floats, into `folder`; each file appears whole or not at all.
    ///
    /// A low-rank part is not written: fold it in with [`Llama::merged`], or write it as an [`Adapter`](crate::lora::Adapter).
    /// [`Llama::write_with`] writes the tokenizer, too.
    ///
    /// # Errors
    /// Packed weights, or weights that are not finite; I/O errors; a device that does not give the weights back.
    pub fn write(&self, folder: &Path) -> Result<()> {
        self.write_model(folder, &Map::new())
    }

    /// Writes the model with its tokenizer: beside [`Llama::write`]'s files those of `files`, whose ids of special tokens go into
    /// `config.json`, too.
    ///
    /// # Errors
    /// As [`Llama::write`].
    pub fn write_with(&self, files: &TokenizerFiles, folder: &Path) -> Result<()> {
        files.write(folder)?;
        self.write_model(folder, files.ids())
    }

    fn write_model(&self, folder: &Path, token_ids: &Map<String, Value>) -> Result<()> {
        let config = json_with(self.config.to_huggingface()?, token_ids);
        let mut tensors = Vec::new();
        for (module, shape, weight) in self.valid().weights()? {
            let values = download(weight, &module)?;
            if values.iter().any(|value| !value.is_finite()) {
                return Err(Error::bad_input(format!("{module}.weight"))
                    .expected("finite numbers to write")
                    .found("NaN or infinite ones")
                    .next("lower the adapter's scale (lora_alpha), or train with a lower rate")
                    .into());
            }
            tensors.push((format!("{module}.weight"), shape, values));
        }
        let tensors = tensors.iter().map(|(name, shape, values)| (name.as_str(), shape.as_slice(), values.as_slice()));
        safetensors::write(&folder.join("model.safetensors"), tensors, &[("format", "pt")])?;
        write_atomically(&folder.join("config.json"), |file| std::io::Write::write_all(file, config.as_bytes()))
    }

    /// Every weight, flat, with the name of its module and its shape. A shared one comes once, as the embedding.
    fn weights(&self) -> Result<Vec<(String, Vec<usize>, Tensor<1>)>> {
        let mut weights = Vec::new();
        let matrix = |name: &str, weight: Tensor<2>| (name.to_owned(), weight.dims().to_vec(), weight.flatten(0, 1));
        let vector = |name: String, weight: Tensor<1>| (name, weight.dims().to_vec(), weight);
        weights.push(matrix("model.embed_tokens", self.table()));
        for (i, block) in self.blocks.iter().enumerate() {
            weights.push(vector(format!("model.layers.{i}.input_layernorm"), block.input_norm.weight.val()));
            let after = format!("model.layers.{i}.post_attention_layernorm");
            weights.push(vector(after, block.post_attention_norm.weight.val()));
        }
        weights.push(vector("model.norm".into(), self.norm.weight.val()));
        for linear in self.linears().filter(|linear| linear.name() != "lm_head" || !self.config.tied_embeddings) {
            let dense = linear.dense().ok_or_else(|| {
                Error::bad_input(linear.name())
                    .expected("weights of 32-bit floats to write")
                    .found("packed ones")
                    .next("load the model without packing it")
            })?;
            weights.push(matrix(linear.name(), dense));
        }
        Ok(weights)
    }
}

/// The text of `config.json` with the ids of special tokens.
pub(crate) fn json_with(mut config: Value, token_ids: &Map<String, Value>) -> String {
    for (key, ids) in token_ids {
        config[key.as_str()] = ids.clone();
    }
    serde_json::to_string_pretty(&config).expect("a JSON value is writable")
}

impl LlamaConfig {
    /// `config.json`, in the form that every version of transformers reads.
    pub(crate) fn to_huggingface(&self) -> Result<Value> {
        let mut config = json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.vocab_size,
            "hidden_size": self.d_model,
            "intermediate_size": self.d_ff,
            "num_hidden_layers": self.n_layers,
            "num_attention_heads": self.n_heads,
            "num_key_value_heads": self.n_kv_heads,
            "head_dim": self.head_dim,
            "max_position_embeddings": self.max_positions,
            "rms_norm_eps": self.rms_eps,
            "rope_theta": self.rope_theta,
            "tie_word_embeddings": self.tied_embeddings,
            "hidden_act": "silu",
            "attention_bias": false,
            "mlp_bias": false,
            "torch_dtype": "float32",
        });
        if let Some(scaling) = self.rope_scaling.to_huggingface()? {
            config["rope_scaling"] = scaling;
        }
        Ok(config)
    }
}

impl RopeScaling {
    fn to_huggingface(&self) -> Result<Option<Value>> {
        Ok(match self {
            Self::None => None,
            Self::Linear { factor } => Some(json!({ "rope_type": "linear", "factor": factor })),
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_positions } => Some(json!({
                "rope_type": "llama3",
                "factor": factor,
                "low_freq_factor": low_freq_factor,
                "high_freq_factor": high_freq_factor,
                "original_max_position_embeddings": original_max_positions,
            })),
            Self::Divisors(_) => {
                return Err(Error::bad_input("rope_freqs.weight")
                    .expected("a rotary scaling that config.json has words for")
                    .found("the divisors of a GGUF file")
                    .next("start from the Hugging Face folder of this model")
                    .into());
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::Device;
    use tiller_kernels::quant::QuantScheme;

    use super::*;
    use crate::llama::Batch;
    use crate::llama::testing::{folder, tiny_config};
    use crate::lora::{Adapter, LoraConfig};

    fn logits(llama: &Llama) -> Vec<f32> {
        llama.forward(&Batch::right_padded(&[[3, 14, 15, 9, 26]])).try_into_vec_as().unwrap()
    }

    #[test]
    fn what_is_written_is_loaded_to_the_last_bit() {
        let llama3 = RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_positions: 32,
        };
        for rope_scaling in [RopeScaling::None, RopeScaling::Linear { factor: 2.0 }, llama3] {
            for tied_embeddings in [true, false] {
                let config = LlamaConfig { tied_embeddings, rope_scaling: rope_scaling.clone(), ..tiny_config() };
                let written = Llama::from_scratch(&config, 7, &Device::flex()).unwrap();
                let folder = tempfile::tempdir().unwrap();
                written.write(folder.path()).unwrap();
                let loaded = Llama::load(folder.path(), &Device::flex()).unwrap();
                assert_eq!(loaded.config(), &config);
                assert_eq!(logits(&loaded), logits(&written));
            }
        }
    }

    #[test]
    fn a_merged_model_is_its_base_with_the_adapter() {
        let device = Device::flex();
        for targets in [vec!["all-linear".to_owned()], vec!["q_proj".to_owned(), "lm_head".to_owned()]] {
            let folder = folder(&tiny_config());
            let base = Llama::load(folder.path(), &device).unwrap();
            let lora_config = LoraConfig { rank: 2, alpha: 4.0, dropout: 0.0, targets };
            let adapter = lora_config.adapter(base.linears(), 5, &device).unwrap();
            // B is zero in a fresh part.
            let loras = adapter.loras.into_iter().map(|(name, mut lora)| {
                lora.b = lora.b.map(|b| b.ones_like() * 0.05);
                (name, lora)
            });
            let adapter = Adapter { loras: loras.collect(), ..adapter };
            let adapted = base.with_adapter(&adapter).unwrap();
            let merged = adapted.merged().unwrap();
            let written = tempfile::tempdir().unwrap();
            merged.write(written.path()).unwrap();
            let loaded = Llama::load(written.path(), &device).unwrap();
            assert_ne!(logits(&adapted), logits(&base));
            for (found, expected) in logits(&loaded).iter().zip(logits(&adapted)) {
                assert!((found - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }

    #[test]
    fn a_sum_beyond_the_floats_is_not_written() {
        let device = Device::flex();
        let base = Llama::load(folder(&tiny_config()).path(), &device).unwrap();
        let lora_config = LoraConfig { rank: 2, alpha: 4.0, dropout: 0.0, targets: vec!["v_proj".into()] };
        let mut adapter = lora_config.adapter(base.linears(), 5, &device).unwrap();
        for lora in adapter.loras.values_mut() {
            lora.b = Param::from_tensor(lora.b.val() + 1e30);
            lora.scale = 1e20;
        }
        let target = tempfile::tempdir().unwrap();
        let error = base.with_adapter(&adapter).unwrap().merged().unwrap().write(target.path()).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("v_proj.weight: expected finite"), "{error}");
        assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let device = Device::flex();
        let folder = folder(&tiny_config());
        let packed = Llama::load_quantized(folder.path(), Some(QuantScheme::F16), &device).unwrap();
        let target = tempfile::tempdir().unwrap();
        let error = packed.write(target.path()).unwrap_err().to_string();
        assert!(error.contains("q_proj") && error.contains("without packing"), "{error}");

        let config = LlamaConfig { rope_scaling: RopeScaling::Divisors(vec![1.0, 2.0]), ..tiny_config() };
        let divided = Llama::from_scratch(&config, 1, &device).unwrap();
        assert!(divided.write(target.path()).unwrap_err().to_string().contains("rope_freqs"));
        assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0, "nothing is written by halves");
    }
}
