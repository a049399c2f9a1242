//! The names of a Llama's tensors in files, and the order of the rows of queries and keys there.

use crate::llama::config::LlamaConfig;
use crate::lora::Projections;

impl LlamaConfig {
    /// The modules that have weights, by their Hugging Face names, with the weights' shapes, from the embedding to the output.
    pub(crate) fn modules(&self) -> Vec<(String, Vec<usize>)> {
        let &LlamaConfig { vocab_size, d_model, d_ff, n_layers, n_heads, n_kv_heads, head_dim, .. } = self;
        let (q_width, kv_width) = (n_heads * head_dim, n_kv_heads * head_dim);
        let block = |layer: usize| {
            let parts = [
                ("input_layernorm", vec![d_model]),
                ("self_attn.q_proj", vec![q_width, d_model]),
                ("self_attn.k_proj", vec![kv_width, d_model]),
                ("self_attn.v_proj", vec![kv_width, d_model]),
                ("self_attn.o_proj", vec![d_model, q_width]),
                ("post_attention_layernorm", vec![d_model]),
                ("mlp.gate_proj", vec![d_ff, d_model]),
                ("mlp.up_proj", vec![d_ff, d_model]),
                ("mlp.down_proj", vec![d_model, d_ff]),
            ];
            parts.map(|(part, shape)| (format!("model.layers.{layer}.{part}"), shape))
        };
        let table = || vec![vocab_size, d_model];
        let embedding = ("model.embed_tokens".to_owned(), table());
        let output = (!self.tied_embeddings).then(|| ("lm_head".to_owned(), table()));
        let norm = ("model.norm".to_owned(), vec![d_model]);
        [embedding].into_iter().chain((0..n_layers).flat_map(block)).chain([norm]).chain(output).collect()
    }
}

impl LlamaConfig {
    /// The projections, which may have low-rank parts: the output's with them, also where its weight is the embedding's.
    pub fn projections(&self) -> Projections {
        let output = ("lm_head".to_owned(), [self.vocab_size, self.d_model]);
        let matrices =
            self.modules().into_iter().filter_map(|(name, shape)| Some((name, <[usize; 2]>::try_from(shape).ok()?)));
        matrices.filter(|(name, _)| name != "model.embed_tokens").chain([output]).collect()
    }
}

/// The tensor names of a file format. Hugging Face's names are used everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
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
    pub(crate) fn tensor(self, module: &str) -> String {
        let module = match self {
            Self::HuggingFace => module.to_owned(),
            Self::Gguf => gguf_name(module),
        };
        format!("{module}.weight")
    }

    /// Tensors that older files carry and that are computed here, or shared.
    pub(crate) fn is_redundant(self, name: &str, config: &LlamaConfig) -> bool {
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

/// Returns true if `module` projects to queries or keys, whose rows GGUF files hold in another order.
pub(crate) fn is_rotated(module: &str) -> bool {
    module.ends_with(".q_proj") || module.ends_with(".k_proj")
}

/// For each row in Hugging Face's order, its place among `rows` in GGUF's.
pub(crate) fn places_among_pairs(rows: usize, head_dim: usize) -> impl Iterator<Item = usize> {
    (0..rows).map(move |row| {
        let (head, within) = (row / head_dim, row % head_dim);
        let (half, pair) = (within / (head_dim / 2), within % (head_dim / 2));
        head * head_dim + 2 * pair + half
    })
}

/// Brings the rows of each head from GGUF's order, in which the two coordinates of a rotated pair are neighbours, to Hugging Face's,
/// in which they are half a head apart. `values` is `[heads · head_dim, width]`.
pub(crate) fn halves_from_pairs(values: &[f32], head_dim: usize, width: usize) -> Vec<f32> {
    let mut ordered = Vec::with_capacity(values.len());
    for place in places_among_pairs(values.len() / width, head_dim) {
        ordered.extend_from_slice(&values[place * width..][..width]);
    }
    ordered
}

/// The way back from [`halves_from_pairs`].
pub(crate) fn pairs_from_halves(values: &[f32], head_dim: usize, width: usize) -> Vec<f32> {
    let mut ordered = Vec::with_capacity(values.len());
    for head in values.chunks_exact(head_dim * width) {
        let (first, second) = head.split_at(head.len() / 2);
        for (a, b) in first.chunks_exact(width).zip(second.chunks_exact(width)) {
            ordered.extend_from_slice(a);
            ordered.extend_from_slice(b);
        }
    }
    ordered
}
