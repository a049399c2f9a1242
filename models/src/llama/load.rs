//! Llamas from Hugging Face folders and GGUF files.

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};

use super::attention::Attention;
use super::config::LlamaConfig;
use super::mlp::Mlp;
use super::model::{Block, Llama};
use super::norm::RmsNorm;
use super::rope::Frequencies;
use crate::files::TensorSource;
use crate::files::gguf::Gguf;
use crate::files::safetensors::Safetensors;
use crate::lora::Linear;
use crate::{Error, Result};

impl Llama {
    /// Loads the Llama in the Hugging Face folder or .gguf file at `path` onto `device`, widened to float32.
    ///
    /// # Errors
    /// What [`LlamaConfig`] refuses; a tensor that is missing, of another shape, or of no use to a Llama.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        if Self::is_gguf(path) {
            Self::from_gguf(&Gguf::open(path)?, device)
        } else {
            let config = LlamaConfig::from_huggingface(path)?;
            Self::from_source(config, &Safetensors::open(path)?, Naming::HuggingFace, device)
        }
    }

    /// Whether `path` names a GGUF file rather than a Hugging Face folder.
    pub fn is_gguf(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension == "gguf")
    }

    /// Loads the Llama of an opened GGUF file.
    ///
    /// # Errors
    /// As [`Llama::load`].
    pub fn from_gguf(gguf: &Gguf, device: &Device) -> Result<Self> {
        Self::from_source(LlamaConfig::from_gguf(gguf)?, gguf, Naming::Gguf, device)
    }

    fn from_source(config: LlamaConfig, source: &dyn TensorSource, naming: Naming, device: &Device) -> Result<Self> {
        let mut loader = Loader { source, naming, device, config: &config, used: BTreeSet::new() };
        let embedding = loader.weight("model.embed_tokens", [config.vocab_size, config.d_model])?;
        let blocks = (0..config.n_layers).map(|i| loader.block(i)).collect::<Result<_>>()?;
        let norm = loader.norm("model.norm")?;
        let lm_head = if config.tied_embeddings {
            Linear::new("lm_head", embedding.clone())
        } else {
            loader.linear("lm_head", [config.vocab_size, config.d_model])?
        };
        loader.refuse_leftovers()?;
        Ok(Self { embedding, blocks, norm, lm_head, frequencies: Frequencies::new(&config), config })
    }
}

/// What a file format calls the tensors, which here go by Hugging Face's names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    HuggingFace,
    Gguf,
}

/// The tensors of a block in both formats.
const GGUF_NAMES: [(&str, &str); 9] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

impl Naming {
    /// The name of the weight of `module` in the file.
    fn tensor(self, module: &str) -> String {
        let module = match self {
            Self::HuggingFace => module.to_owned(),
            Self::Gguf => gguf_name(module),
        };
        format!("{module}.weight")
    }

    /// Tensors that older files carry and that are computed here, or shared.
    fn is_redundant(self, name: &str, config: &LlamaConfig) -> bool {
        match self {
            Self::HuggingFace => {
                name.ends_with(".rotary_emb.inv_freq") || (config.tied_embeddings && name == "lm_head.weight")
            }
            Self::Gguf => name == "rope_freqs.weight",
        }
    }
}

fn gguf_name(module: &str) -> String {
    match module {
        "model.embed_tokens" => return "token_embd".into(),
        "model.norm" => return "output_norm".into(),
        "lm_head" => return "output".into(),
        _ => {}
    }
    let in_block = module.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.'));
    let (layer, part) = in_block.expect("every other module stands in a block");
    let (_, gguf) = GGUF_NAMES.iter().find(|(ours, _)| *ours == part).expect("every part of a block has a name");
    format!("blk.{layer}.{gguf}")
}

/// Reads tensors of expected shapes, and remembers which.
struct Loader<'a> {
    source: &'a dyn TensorSource,
    naming: Naming,
    device: &'a Device,
    config: &'a LlamaConfig,
    used: BTreeSet<String>,
}

impl Loader<'_> {
    fn block(&mut self, i: usize) -> Result<Block> {
        let &LlamaConfig { d_model, d_ff, n_heads, n_kv_heads, head_dim, .. } = self.config;
        let (q_width, kv_width) = (n_heads * head_dim, n_kv_heads * head_dim);
        let name = |part: &str| format!("model.layers.{i}.{part}");
        Ok(Block {
            input_norm: self.norm(&name("input_layernorm"))?,
            attention: Attention {
                q_proj: self.rotated(&name("self_attn.q_proj"), [q_width, d_model])?,
                k_proj: self.rotated(&name("self_attn.k_proj"), [kv_width, d_model])?,
                v_proj: self.linear(&name("self_attn.v_proj"), [kv_width, d_model])?,
                o_proj: self.linear(&name("self_attn.o_proj"), [d_model, q_width])?,
                n_heads,
                n_kv_heads,
                head_dim,
            },
            post_attention_norm: self.norm(&name("post_attention_layernorm"))?,
            mlp: Mlp {
                gate_proj: self.linear(&name("mlp.gate_proj"), [d_ff, d_model])?,
                up_proj: self.linear(&name("mlp.up_proj"), [d_ff, d_model])?,
                down_proj: self.linear(&name("mlp.down_proj"), [d_model, d_ff])?,
            },
        })
    }

    fn norm(&mut self, module: &str) -> Result<RmsNorm> {
        let weight = self.weight(module, [self.config.d_model])?;
        Ok(RmsNorm { weight, eps: self.config.rms_eps })
    }

    fn linear(&mut self, module: &str, shape: [usize; 2]) -> Result<Linear> {
        Ok(Linear::new(module, self.weight(module, shape)?))
    }

    /// A projection to queries or keys, whose rows GGUF files hold in another order.
    fn rotated(&mut self, module: &str, shape: [usize; 2]) -> Result<Linear> {
        let mut values = self.read(module, &shape)?;
        if self.naming == Naming::Gguf {
            values = halves_from_pairs(&values, self.config.head_dim, shape[1]);
        }
        Ok(Linear::new(module, Tensor::from_data(TensorData::new(values, shape), self.device)))
    }

    fn weight<const D: usize>(&mut self, module: &str, shape: [usize; D]) -> Result<Tensor<D>> {
        Ok(Tensor::from_data(TensorData::new(self.read(module, &shape)?, shape), self.device))
    }

    fn read(&mut self, module: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let name = self.naming.tensor(module);
        match self.source.shape(&name) {
            // Missing tensors are the source's error: it names the file.
            Some(found) if found != shape => Err(self
                .at(&name)
                .expected(format!("shape {shape:?}, by the model's configuration"))
                .found(format!("{found:?}"))
                .into()),
            _ => {
                let values = self.source.read_f32(&name)?;
                self.used.insert(name);
                Ok(values)
            }
        }
    }

    /// A tensor that nobody asked for (a bias, an expert) belongs to another architecture, and leaving it out would change the model.
    fn refuse_leftovers(&self) -> Result<()> {
        let leftover = |name: &String| !self.used.contains(name) && !self.naming.is_redundant(name, self.config);
        match self.source.names().into_iter().find(leftover) {
            None => Ok(()),
            Some(name) => Err(self
                .at(&name)
                .expected("only tensors of a Llama")
                .found("one that it has not")
                .next("use a model of the Llama architecture, without biases")
                .into()),
        }
    }

    fn at(&self, tensor: &str) -> crate::error::BadInput {
        Error::bad_input(format!("{}: tensor {tensor}", self.source.place().display()))
    }
}

/// Brings the rows of each head from GGUF's order, in which the two coordinates of a rotated pair are neighbours, to Hugging Face's,
/// in which they are half a head apart. `values` is `[heads · head_dim, width]`.
fn halves_from_pairs(values: &[f32], head_dim: usize, width: usize) -> Vec<f32> {
    let mut ordered = Vec::with_capacity(values.len());
    for head in values.chunks_exact(head_dim * width) {
        for half in 0..2 {
            for pair in head.chunks_exact(2 * width) {
                ordered.extend_from_slice(&pair[half * width..(half + 1) * width]);
            }
        }
    }
    ordered
}

#[cfg(test)]
mod tests;
