//! What a training takes of memory, told before anything is allocated.
//!
//! The figures follow from the sizes alone: [`graph`] counts the tensors that the graph of a batch holds, at the longest samples, and here
//! stand those that outlive it. `tests/memory.rs` trains and counts every byte beside them; `tiller bench train` prints what the process
//! held.

mod compute_device;
mod graph;

use std::path::Path;

use serde::Serialize;
use tiller_kernels::adamw::PAGE;
use tiller_kernels::quant::QuantScheme;
use tiller_models::files::gguf::Gguf;
use tiller_models::llama::{Llama, LlamaConfig};

pub use self::compute_device::ComputeDevice;
use self::graph::Graph;
use super::memory::in_words;
use super::sft::SftConfig;
use crate::{Error, Result};

/// Bytes of a float.
const F32: u64 = 4;
/// What the process holds on a CPU beside its tensors: its code, its threads, and the tiles that products copy their factors into; measured.
const PROGRAM: u64 = 64 << 20;
/// One part in so many of the tensors' bytes that the allocator holds on top: what was freed and is kept for a second for the next of its
/// size; measured.
const KEPT_BY_ALLOCATOR: u64 = 10;

/// A training's memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SftMemoryPlan {
    /// The model's own weights.
    pub weights: u64,
    /// The moments of what is trained, and the weights of an adapter.
    pub trained: u64,
    /// What the forward passes of the batches that are computed at once keep for their backward passes.
    pub activations: u64,
    /// Gradients, logits, and what is made for a moment, as far as there is more of it than of the activations that are gone by then.
    pub workspace: u64,
    /// What the process itself takes beside all tensors; nothing on a GPU.
    pub program: u64,
    /// All of it.
    pub total: u64,
}

/// The sizes of the model at `path`, from the headers of its files alone.
///
/// # Errors
/// A model that cannot be read.
pub fn sizes_of(path: &Path) -> Result<LlamaConfig> {
    if Llama::is_gguf(path) { LlamaConfig::from_gguf(&Gguf::open(path)?) } else { LlamaConfig::from_huggingface(path) }
}

/// The projections of a block: name, rows and columns of the weight.
pub fn projections(llama: &LlamaConfig) -> [(&'static str, usize, usize); 7] {
    let &LlamaConfig { d_model, d_ff, n_heads, n_kv_heads, head_dim, .. } = llama;
    let (q_width, kv_width) = (n_heads * head_dim, n_kv_heads * head_dim);
    [
        ("q_proj", q_width, d_model),
        ("k_proj", kv_width, d_model),
        ("v_proj", kv_width, d_model),
        ("o_proj", d_model, q_width),
        ("gate_proj", d_ff, d_model),
        ("up_proj", d_ff, d_model),
        ("down_proj", d_model, d_ff),
    ]
}

/// Whether the projections of this name have an adapter.
pub fn is_target(config: &SftConfig, name: &str) -> bool {
    let all = name != "lm_head" && config.lora.targets.iter().any(|target| target == "all-linear");
    all || config.lora.targets.iter().any(|target| target == name)
}

impl SftMemoryPlan {
    /// The plan of a training of `llama`, whose projections are packed by `scheme`, with the longest samples of `config`.
    pub fn new(llama: &LlamaConfig, scheme: Option<QuantScheme>, config: &SftConfig, device: ComputeDevice) -> Self {
        let Held { weights, numbers, table } = Held::of(llama, scheme, config, device);
        let parameters = numbers * F32;
        // Of an adapter, its own weights are none of the model's.
        let trained = parameters * if config.full { 2 } else { 3 };

        let graph = Graph::of(llama, scheme.is_some(), config, device);
        let at_once = config.gradient_accumulation_steps.min(device.at_once()) as u64;
        let activations = at_once * graph.kept() * F32;
        // A backward pass begins with all that was kept, and a gradient of the output projection; it ends with the gradients of all
        // weights, of which a table that is embedding and output projection has had two.
        let begins = (graph.begins() + table) * F32;
        let ends = parameters + if llama.tied_embeddings { table * F32 } else { 0 };
        let summed = if config.gradient_accumulation_steps as u64 > at_once { parameters } else { 0 };
        let differentiating = summed + at_once * begins.max(ends);
        // A step lays gradients and weights out in pages, one behind the other, beside the gradients or the weights that they were;
        // of a page it makes new weights and two new moments.
        let page = numbers.min(table.max(PAGE as u64)) * F32;
        let stepping = 2 * parameters + 3 * page;

        let workspace = differentiating.max(stepping).saturating_sub(activations);
        let tensors = weights + trained + activations + workspace;
        let program = device.program(tensors);
        Self { weights, trained, activations, workspace, program, total: tensors + program }
    }

    /// Refuses a training that `available` bytes of memory cannot hold.
    ///
    /// # Errors
    /// [`Error::DoesNotFit`], with the parts and the flags that make them smaller.
    pub fn check(&self, available: Option<u64>) -> Result<()> {
        let Some(available) = available.filter(|&available| available < self.total) else { return Ok(()) };
        let Self { weights, trained, activations, workspace, total, .. } = self;
        Err(Error::DoesNotFit(format!(
            "the training does not fit: it takes about {} (weights {}, what is trained of them with its moments {}, activations {}, \
             gradients and scores {}), and {} are free\n  next: try --activation-checkpointing, a smaller --batch with a larger --gradient-accumulation-steps, \
             a smaller --max-tokens, --quant q4, or a smaller --rank",
            in_words(*total),
            in_words(*weights),
            in_words(*trained),
            in_words(*activations),
            in_words(*workspace),
            in_words(available)
        )))
    }
}

impl ComputeDevice {
    /// What the process takes beside so many bytes of tensors.
    pub(crate) fn program(self, tensors: u64) -> u64 {
        match self {
            ComputeDevice::Gpu => 0,
            ComputeDevice::Cpu { .. } => PROGRAM + tensors / KEPT_BY_ALLOCATOR,
        }
    }
}

/// What outlives a step.
struct Held {
    /// Bytes of the model's weights.
    weights: u64,
    /// Numbers that are trained.
    numbers: u64,
    /// Those of them that are the output projection's.
    table: u64,
}

impl Held {
    fn of(llama: &LlamaConfig, scheme: Option<QuantScheme>, config: &SftConfig, device: ComputeDevice) -> Self {
        let &LlamaConfig { vocab_size, d_model, n_layers, .. } = llama;
        let linears = projections(llama);
        // A CPU unpacks packed weights once; where projections are packed, the embedding is no longer the output projection itself.
        let tables = if llama.tied_embeddings && scheme.is_none() { 1 } else { 2 };
        let scheme = scheme.filter(|_| device == ComputeDevice::Gpu).unwrap_or(QuantScheme::F32);
        let in_blocks: usize = linears.iter().map(|(_, d_out, d_in)| scheme.bytes(*d_out, *d_in)).sum();
        let embedding = ((tables - 1) * vocab_size * d_model) as u64 * F32;
        let weights = (n_layers * in_blocks + scheme.bytes(vocab_size, d_model)) as u64 + embedding;

        let (in_block, outside, head): (usize, _, _) = if config.full {
            let table = vocab_size * d_model;
            (linears.iter().map(|(_, d_out, d_in)| d_out * d_in).sum(), tables * table, table)
        } else {
            let targets = linears.iter().filter(|(name, ..)| is_target(config, name));
            let head = if is_target(config, "lm_head") { config.lora.rank * (vocab_size + d_model) } else { 0 };
            (targets.map(|(_, d_out, d_in)| config.lora.rank * (d_out + d_in)).sum(), head, head)
        };
        Self { weights, numbers: (n_layers * in_block + outside) as u64, table: head as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::sft::SftLoraConfig;
    use tiller_models::llama::RopeScaling;

    /// SmolLM2-135M.
    fn smol() -> LlamaConfig {
        LlamaConfig {
            vocab_size: 49152,
            d_model: 576,
            d_ff: 1536,
            n_layers: 30,
            n_heads: 9,
            n_kv_heads: 3,
            head_dim: 64,
            max_positions: 8192,
            rms_eps: 1e-5,
            rope_theta: 1e5,
            rope_scaling: RopeScaling::None,
            tied_embeddings: true,
        }
    }

    const CPU: ComputeDevice = ComputeDevice::Cpu { at_once: 1 };

    #[test]
    fn weights_and_trained_parts_are_counted_exactly() {
        let full = SftConfig { full: true, ..SftConfig::default() };
        let plan = SftMemoryPlan::new(&smol(), None, &full, CPU);
        // 134 515 008 weights, 35 136 of them in norms, which no plan needs to know of; and two moments of each.
        assert_eq!(plan.weights, (134_515_008 - 35_136) * F32);
        assert_eq!(plan.trained, 2 * plan.weights);
        let adapter = |device| SftMemoryPlan::new(&smol(), Some(QuantScheme::Q4), &SftConfig::default(), device);
        let parts = 30 * (2 * 1152 + 2 * 768 + 3 * 2112) + 49152 + 576;
        assert_eq!(adapter(ComputeDevice::Gpu).trained, 3 * 16 * parts * F32);
        assert!(adapter(ComputeDevice::Gpu).weights < plan.weights / 2);
        assert_eq!(adapter(CPU).weights, plan.weights + 49152 * 576 * F32, "a CPU unpacks them");
    }

    #[test]
    fn what_asks_for_less_takes_less_and_what_does_not_fit_is_refused() {
        let plan = |config: SftConfig| SftMemoryPlan::new(&smol(), None, &config, CPU);
        let usual = plan(SftConfig::default());
        let two = SftMemoryPlan::new(&smol(), None, &SftConfig::default(), ComputeDevice::Cpu { at_once: 2 });
        assert_eq!(two.activations, 2 * usual.activations);
        assert!(plan(SftConfig { batch: 4, ..SftConfig::default() }).activations == usual.activations / 2);
        let fused = SftMemoryPlan::new(&smol(), None, &SftConfig::default(), ComputeDevice::Gpu);
        assert!(fused.activations < usual.activations / 2, "no scores are kept");
        let recomputed = plan(SftConfig { activation_checkpointing: true, ..SftConfig::default() });
        assert!(recomputed.activations < usual.activations / 15);
        assert!(plan(SftConfig { max_tokens: 512, ..SftConfig::default() }).total < usual.total / 2);
        let without = SftLoraConfig { dropout: 0.0, ..SftLoraConfig::default() };
        assert!(plan(SftConfig { lora: without, ..SftConfig::default() }).activations < usual.activations);
        assert!(usual.check(None).is_ok() && usual.check(Some(usual.total)).is_ok());
        let error = usual.check(Some(usual.total - 1)).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("--batch"), "{error}");
    }
}
