//! The decode engine held against the graph on the CPU: every scheme and every cache, for `tiller doctor --selftest`.

use burn::tensor::Device;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::quant::Scheme;
use tiller_kernels::trial::Finding;

use super::{Engine, EngineOptions};
use crate::llama::{Llama, LlamaConfig, RopeScaling};
use crate::train::{Forward, Sample};
use crate::{Error, Result};

/// Tokens of the text that the model is asked about: more than one page, and no whole number of them.
const TOKENS: u32 = 45;

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

/// How far the log-probabilities of a text are from those of the graph, by weights and cache.
///
/// # Errors
/// A device that fails.
pub fn try_out(device: &Device) -> Result<Vec<Finding>> {
    let (sizes, tokens) = (sizes(), (0..TOKENS).map(|i| i * i * 7 % 300).collect::<Vec<u32>>());
    let mut findings = Vec::new();
    for scheme in Scheme::ALL {
        let on = |device: &Device| Llama::fresh_as(&sizes, Some(scheme), 7, device);
        let samples = [Sample { tokens: tokens.clone(), scored: 1..tokens.len() }];
        let scores = on(&Device::flex())?.score(&samples, &Forward::default()).log_probs;
        let expected: Vec<f32> =
            scores.try_into_vec_as().map_err(|e| Error::Failed(format!("the CPU gave no scores: {e}")))?;
        let llama = on(device)?;
        for kv in KvFormat::ALL {
            let options = EngineOptions { rows: 1, max_tokens: 64, chunk: 24, kv, ..EngineOptions::default() };
            let found = Engine::of(&llama, options)?.log_probs(&tokens)?;
            let found: Vec<f32> = found.into_iter().map(|log_prob| log_prob as f32).collect();
            let kernel = format!("engine {scheme}, cache {}", kv.name());
            findings.push(Finding::of(kernel, format!("{TOKENS} tokens"), &found, &expected, tolerance(kv)));
        }
    }
    Ok(findings)
}

/// What a cache may change: its own rounding, and that of the arithmetic.
fn tolerance(kv: KvFormat) -> f64 {
    match kv {
        KvFormat::F32 => 1e-4,
        KvFormat::F16 => 2e-3,
        KvFormat::Int8 => 2e-2,
    }
}

#[cfg(test)]
mod tests {
    use tiller_kernels::device::test_gpu;

    use super::*;

    #[test]
    fn the_engine_is_sound() {
        let findings = try_out(&test_gpu().device).unwrap();
        assert_eq!(findings.len(), Scheme::ALL.len() * KvFormat::ALL.len());
        findings.iter().for_each(|finding| assert!(finding.is_sound(), "{finding}"));
    }
}
