//! Llamas that know nothing yet.

use burn::tensor::Device;
use tiller_kernels::quant::Scheme;

use super::build::Builder;
use super::config::LlamaConfig;
use super::model::Llama;
use crate::Result;
use crate::random::Normal;

impl Llama {
    /// A model with random weights, the same for a seed on every device; train it with [`Llama::trainable`].
    ///
    /// A projection keeps the size of what goes through it, and those that end a branch are smaller by √(2 layers), so that the
    /// residual stream does not grow with the depth (GPT-2: Radford et al. 2019). An embedding has length 1: much shorter ones, such
    /// as GPT-2's, drown in what the branches add, and a small model takes long to tell its tokens apart. Norms begin as 1.
    ///
    /// Half of every key is its head's query, and half of what ends an attention is the negative transpose of its values, as is found in
    /// trained models (Trockman and Kolter 2023, arXiv 2305.09828): a token sees its like, and what it sees becomes less likely to come
    /// next. So a list that repeats nothing need not be learnt from nothing.
    ///
    /// # Errors
    /// None that a configuration of sound sizes could cause.
    pub fn fresh(config: &LlamaConfig, seed: u64, device: &Device) -> Result<Self> {
        Self::fresh_as(config, None, seed, device)
    }

    /// [`Llama::fresh`], with the weights of all projections packed by `scheme` where one is given: for measuring.
    ///
    /// # Errors
    /// Projections that the scheme does not fit.
    pub fn fresh_as(config: &LlamaConfig, scheme: Option<Scheme>, seed: u64, device: &Device) -> Result<Self> {
        let mut fresh = Fresh { config, seed, stream: 0, queries: Vec::new(), values: Vec::new() };
        Builder { config, scheme, device, read: &mut |module, shape| Ok(fresh.weight(module, shape)) }.build()
    }
}

/// First weights, module by module in the order of the model.
struct Fresh<'a> {
    config: &'a LlamaConfig,
    seed: u64,
    stream: u64,
    /// Of the attention at hand: `[n_heads · head_dim, d_model]`.
    queries: Vec<f32>,
    /// Of the attention at hand: `[n_kv_heads · head_dim, d_model]`.
    values: Vec<f32>,
}

impl Fresh<'_> {
    fn weight(&mut self, module: &str, shape: &[usize]) -> Vec<f32> {
        self.stream += 1;
        let noise = |deviation| Normal::of_stream(self.seed, self.stream).draw(shape.iter().product(), deviation);
        let d_in = match *shape {
            [width] => return vec![1.0; width],
            [_, d_in] => d_in as f32,
            _ => unreachable!("weights are vectors and matrices"),
        };
        let branch_end = 1.0 / (2.0 * self.config.n_layers as f32).sqrt();
        match module.rsplit('.').next().unwrap_or(module) {
            "embed_tokens" | "lm_head" => noise(1.0 / (self.config.d_model as f32).sqrt()),
            "q_proj" => {
                self.queries = noise(1.0 / d_in.sqrt());
                self.queries.clone()
            }
            "k_proj" => halves(&noise(1.0 / d_in.sqrt()), self.first_queries()),
            "v_proj" => {
                self.values = noise(1.0 / d_in.sqrt());
                self.values.clone()
            }
            "o_proj" => halves(&noise(branch_end / d_in.sqrt()), self.values_taken_away(branch_end)),
            "down_proj" => noise(branch_end / d_in.sqrt()),
            _ => noise(1.0 / d_in.sqrt()),
        }
    }

    /// The queries of the first head of each group, row by row.
    fn first_queries(&self) -> impl Iterator<Item = f32> {
        let &LlamaConfig { d_model, n_heads, n_kv_heads, head_dim, .. } = self.config;
        let (head, group) = (head_dim * d_model, n_heads / n_kv_heads);
        self.queries.chunks_exact(head).step_by(group).flatten().copied()
    }

    /// The negative transpose of the values that each head reads, `[d_model, n_heads · head_dim]` row by row, of the size that `noise` has.
    fn values_taken_away(&self, branch_end: f32) -> impl Iterator<Item = f32> {
        let &LlamaConfig { d_model, n_heads, n_kv_heads, head_dim, .. } = self.config;
        let (width, group) = (n_heads * head_dim, n_heads / n_kv_heads);
        let scale = -branch_end * (d_model as f32 / width as f32).sqrt();
        (0..d_model * width).map(move |at| {
            let (row, column) = (at / width, at % width);
            let coordinate = column / head_dim / group * head_dim + column % head_dim;
            scale * self.values[coordinate * d_model + row]
        })
    }
}

/// The sums of independent numbers of one size, made as large as each of them.
fn halves(one: &[f32], other: impl Iterator<Item = f32>) -> Vec<f32> {
    one.iter().zip(other).map(|(one, other)| (one + other) / 2f32.sqrt()).collect()
}

#[cfg(test)]
mod tests {
    use burn::module::Module;

    use super::*;
    use crate::llama::testing::tiny_config;
    use crate::optim::{AdamW, AdamWConfig, Gradients};
    use crate::train::{Forward, Sample};

    #[test]
    fn a_fresh_model_is_as_wise_as_chance_and_its_seed_fixes_it() {
        let device = Device::flex();
        let config = LlamaConfig { vocab_size: 300, d_model: 64, d_ff: 96, head_dim: 16, ..tiny_config() };
        let of = |seed| Llama::fresh(&config, seed, &device).unwrap();
        let samples = [Sample { tokens: (0..40).map(|i| i * 7 % 300).collect(), scored: 1..40 }];
        let nll = |llama: &Llama| llama.score(&samples, &Forward::default()).nll().into_scalar::<f32>();
        // Logits of size 1 that mean nothing cost half a nat.
        assert!((nll(&of(1)) - 300f32.ln() - 0.5).abs() < 0.3, "{}", nll(&of(1)));
        assert_eq!(nll(&of(1)), nll(&of(1)));
        assert_ne!(nll(&of(1)), nll(&of(2)));
    }

    #[test]
    fn keys_are_half_their_queries_and_values_are_half_taken_away() {
        let config = LlamaConfig { d_model: 128, head_dim: 16, ..tiny_config() }; // 4 heads that share 2 of keys and values
        let mut fresh = Fresh { config: &config, seed: 5, stream: 0, queries: Vec::new(), values: Vec::new() };
        let mut weight = |name: &str, rows, columns| fresh.weight(name, &[rows, columns]);
        let (queries, keys) = (weight("q_proj", 64, 128), weight("k_proj", 32, 128));
        let (values, ends) = (weight("v_proj", 32, 128), weight("o_proj", 128, 64));
        let length = |numbers: &[f32]| numbers.iter().map(|x| x * x).sum::<f32>().sqrt();
        let likeness =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>() / (length(a) * length(b));
        assert!((likeness(&keys[..2048], &queries[..2048]) - 0.7).abs() < 0.05);
        assert!(likeness(&keys[..2048], &queries[2048..4096]).abs() < 0.1);
        assert!((likeness(&keys[2048..], &queries[4096..6144]) - 0.7).abs() < 0.05);
        // Columns 0 to 15 and 16 to 31 end heads 0 and 1, which both read the first values.
        for head in 0..4 {
            let of_head = |row: usize| ends[row * 64 + head * 16..][..16].to_vec();
            let read = |row: usize| (0..16).map(|i| values[(head / 2 * 16 + i) * 128 + row]).collect::<Vec<_>>();
            let [ends, read] = [(0..128).flat_map(of_head).collect::<Vec<_>>(), (0..128).flat_map(read).collect()];
            assert!((likeness(&ends, &read) + 0.7).abs() < 0.05, "{head}");
            // 2 layers: half as large, and as if 64 inputs were as many as the 128.
            assert!((length(&ends) / length(&read) - 0.5 * 2f32.sqrt()).abs() < 0.05, "{head}");
        }
    }

    #[test]
    fn every_weight_of_a_trainable_model_learns() {
        for tied_embeddings in [true, false] {
            let config = LlamaConfig { tied_embeddings, ..tiny_config() };
            let mut llama = Llama::fresh(&config, 3, &Device::flex()).unwrap().trainable().train();
            let samples =
                [vec![1, 2, 3, 4, 5], vec![6, 2, 7, 4]].map(|tokens| Sample { scored: 1..tokens.len(), tokens });
            let mut adamw = AdamW::new(AdamWConfig::default());
            let mut losses = Vec::new();
            for _ in 0..40 {
                let loss = llama.score(&samples, &Forward::default()).nll();
                losses.push(loss.clone().into_scalar::<f32>());
                let gradients = Gradients::of(loss, &llama);
                assert_eq!(gradients.of_weight.len(), if tied_embeddings { 20 } else { 21 });
                assert!(gradients.of_weight.values().all(|g| g.clone().abs().max().into_scalar::<f32>() > 0.0));
                llama = adamw.step(llama, gradients, 0.01).0;
            }
            assert!(losses[39] < 0.1 * losses[0], "{losses:?}");
        }
    }

    #[test]
    fn a_frozen_model_has_nothing_to_train() {
        let llama = Llama::fresh(&tiny_config(), 3, &Device::flex()).unwrap();
        assert!(crate::weights::weights_of(&llama).is_empty());
        assert_eq!(crate::weights::weights_of(&llama.trainable()).len(), 20);
    }
}
