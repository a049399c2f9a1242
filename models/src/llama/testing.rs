//! Small models for the tests of this folder.

use super::config::{LlamaConfig, RopeScaling};

/// Two blocks, four query heads over two key and value heads.
pub(super) fn tiny_config() -> LlamaConfig {
    LlamaConfig {
        vocab_size: 40,
        d_model: 16,
        d_ff: 24,
        n_layers: 2,
        n_heads: 4,
        n_kv_heads: 2,
        head_dim: 4,
        max_positions: 64,
        rms_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        tied_embeddings: true,
    }
}
