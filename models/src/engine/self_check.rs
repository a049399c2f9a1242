//! The decode engine compared with the graph on the CPU: every scheme, every cache and every variant that the device can run, for
//! `tiller doctor --selftest`.

use burn::module::Module;
use burn::tensor::Device;
use tiller_kernels::check::CheckResult;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::device::{Gpu, gpu_of};
use tiller_kernels::quant::QuantScheme;
use tiller_kernels::tiers;

use super::source::GraphWeights;
use super::{Engine, EngineOptions};
use crate::Result;
use crate::download::download;
use crate::llama::{Llama, LlamaConfig, RopeScaling};
use crate::train::{ForwardOptions, Sample};

/// Tokens of the scored text: more than one page, and no whole number of pages.
const TOKENS: u32 = 45;

/// Tokens of the first step: enough for GEMM tiles; the few that are left follow in a second step.
const CHUNK: usize = 40;

/// The error of a log-probability that f16 products may cause.
const F16_TOLERANCE: f64 = 5e-3;

/// A model whose rows are whole groups of every scheme, and whose heads come in groups.
fn sizes() -> LlamaConfig {
    LlamaConfig {
        vocab_size: 300,
        d_model: 256,
        d_ff: 256,
        n_layers: 2,
        n_heads: 4,
        n_kv_heads: 2,
        head_dim: 64,
        max_positions: 128,
        rms_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        tied_embeddings: false,
    }
}

/// Compares the log-probabilities of a text with those of the graph, by kernel variant, quantization and cache format. The device's own
/// variants run every scheme with every cache; lesser variants run each scheme with one cache.
///
/// # Errors
/// A device that fails.
///
/// # Panics
/// A device without a GPU.
pub fn self_check(device: &Device) -> Result<Vec<CheckResult>> {
    let gpu = gpu_of(device).expect("the engine runs on GPUs");
    let mut results = Vec::new();
    for (number, scheme) in QuantScheme::ALL.into_iter().enumerate() {
        let case = Case::new(scheme, device)?;
        for (tier, (uses, gpu)) in tiers(&gpu).into_iter().enumerate() {
            let one = [KvFormat::ALL[number % KvFormat::ALL.len()]];
            for &kv in if tier == 0 { &KvFormat::ALL[..] } else { &one } {
                results.push(case.tried(uses, &gpu, kv)?);
            }
        }
    }
    Ok(results)
}

/// A model and a text.
struct Case {
    scheme: QuantScheme,
    llama: Llama,
    tokens: Vec<u32>,
    /// Of every token but the first, as the graph on the CPU has it.
    log_probs: Vec<f32>,
}

impl Case {
    fn new(scheme: QuantScheme, device: &Device) -> Result<Self> {
        let on = |device: &Device| Llama::from_scratch_quantized(&sizes(), Some(scheme), 7, device);
        let tokens: Vec<u32> = (0..TOKENS).map(|i| i * i * 7 % 300).collect();
        let samples = [Sample { tokens: tokens.clone(), scored: 1..tokens.len() }];
        let scores = on(&Device::flex())?.score(&samples, &ForwardOptions::default());
        let log_probs = download(scores.log_probs, "the log-probabilities")?;
        Ok(Self { scheme, llama: on(device)?.valid(), tokens, log_probs })
    }

    fn tried(&self, uses: &str, gpu: &Gpu, kv: KvFormat) -> Result<CheckResult> {
        let options = EngineOptions {
            max_batch: 1,
            max_tokens: 64,
            prefill_chunk: CHUNK,
            kv_dtype: kv,
            ..EngineOptions::default()
        };
        let found = Engine::on_gpu(&mut GraphWeights::new(&self.llama), gpu, options)?.log_probs(&self.tokens)?;
        let found: Vec<f32> = found.into_iter().map(|log_prob| log_prob as f32).collect();
        let kernel = format!("engine {}, cache {}, {uses}", self.scheme, kv.name());
        Ok(CheckResult::of(kernel, format!("{TOKENS} tokens"), &found, &self.log_probs, tolerance(kv, gpu)))
    }
}

/// The tolerance for a cache format: its rounding, and that of the arithmetic, which cooperative matrices do in f16.
fn tolerance(kv: KvFormat, gpu: &Gpu) -> f64 {
    let of_cache = match kv {
        KvFormat::F32 => 1e-4,
        KvFormat::F16 => 2e-3,
        KvFormat::Int8 => 2e-2,
    };
    if gpu.has_cooperative_matrices() { f64::max(of_cache, F16_TOLERANCE) } else { of_cache }
}

#[cfg(test)]
mod tests {
    use tiller_kernels::test_gpu;

    use super::*;

    #[test]
    fn the_engine_is_sound() {
        let gpu = test_gpu();
        let results = self_check(&gpu.device).unwrap();
        let lesser = tiers(&gpu.gpu.unwrap()).len() - 1;
        assert_eq!(results.len(), QuantScheme::ALL.len() * (KvFormat::ALL.len() + lesser));
        results.iter().for_each(|result| assert!(result.passed(), "{result}"));
    }
}
