//! Llamas from Hugging Face folders and GGUF files.

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use tiller_kernels::quant::Scheme;

use super::build::Builder;
use super::config::LlamaConfig;
use super::model::Llama;
use crate::files::TensorSource;
use crate::files::gguf::Gguf;
use crate::files::safetensors::Safetensors;
use crate::{Error, Result};

impl Llama {
    /// Loads the Llama in the Hugging Face folder or .gguf file at `path` onto `device`, widened to float32.
    ///
    /// # Errors
    /// What [`LlamaConfig`] refuses; a tensor that is missing, of another shape, or of no use to a Llama.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Self::load_as(path, None, device)
    }

    /// [`Llama::load`], with the weights of all projections packed by `scheme` where one is given: the base of QLoRA (Dettmers et
    /// al. 2023, arXiv 2305.14314). Embedding and norms stay in float32.
    ///
    /// # Errors
    /// As [`Llama::load`], and projections that the scheme does not fit.
    pub fn load_as(path: &Path, scheme: Option<Scheme>, device: &Device) -> Result<Self> {
        if Self::is_gguf(path) {
            Self::from_gguf(&Gguf::open(path)?, scheme, device)
        } else {
            let config = LlamaConfig::from_huggingface(path)?;
            Self::from_source(&config, &Safetensors::open(path)?, Naming::HuggingFace, scheme, device)
        }
    }

    /// Whether `path` names a GGUF file rather than a Hugging Face folder.
    pub fn is_gguf(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension == "gguf")
    }

    /// Loads the Llama of an opened GGUF file.
    ///
    /// # Errors
    /// As [`Llama::load_as`].
    pub fn from_gguf(gguf: &Gguf, scheme: Option<Scheme>, device: &Device) -> Result<Self> {
        Self::from_source(&LlamaConfig::from_gguf(gguf)?, gguf, Naming::Gguf, scheme, device)
    }

    fn from_source(
        config: &LlamaConfig,
        source: &dyn TensorSource,
        naming: Naming,
        scheme: Option<Scheme>,
        device: &Device,
    ) -> Result<Self> {
        let mut reader = Reader { source, naming, config, used: BTreeSet::new() };
        let read = &mut |module: &str, shape: &[usize]| reader.read(module, shape);
        let llama = Builder { config, scheme, device, read }.build()?;
        reader.refuse_leftovers()?;
        Ok(llama)
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
struct Reader<'a> {
    source: &'a dyn TensorSource,
    naming: Naming,
    config: &'a LlamaConfig,
    used: BTreeSet<String>,
}

impl Reader<'_> {
    /// The values of the weight of `module`, in the order of Hugging Face's rows.
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
                let reordered = self.naming == Naming::Gguf && is_rotated(module);
                Ok(if reordered { halves_from_pairs(&values, self.config.head_dim, shape[1]) } else { values })
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

/// Whether `module` projects to queries or keys, whose rows GGUF files hold in another order.
fn is_rotated(module: &str) -> bool {
    module.ends_with(".q_proj") || module.ends_with(".k_proj")
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
