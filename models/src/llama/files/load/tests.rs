//! One model from every kind of file: one or several shards, half precision, GGUF; and files that hold no Llama.

use half::{bf16, f16};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::files::testing::GgufBytes;
use crate::llama::files::naming::{Naming, halves_from_pairs, pairs_from_halves};
use crate::llama::testing::{Weight, folder, json, tiny_config, weights, write_weights};
use crate::llama::{Batch, LlamaConfig};

fn logits(model: &Llama) -> Vec<f32> {
    let batch = Batch::left_padded(&[vec![3, 14, 15, 9, 26], vec![5, 35]]);
    model.forward(&batch).try_into_vec_as().unwrap()
}

fn load(folder: &TempDir) -> Result<Llama> {
    Llama::load(folder.path(), &Device::flex())
}

fn untied() -> LlamaConfig {
    LlamaConfig { tied_embeddings: false, ..tiny_config() }
}

fn remove(folder: &TempDir, file: &str) {
    std::fs::remove_file(folder.path().join(file)).unwrap();
}

/// A safetensors file in another precision.
fn write_halves(path: &Path, weights: &[Weight], dtype: safetensors::Dtype, half: impl Fn(f32) -> [u8; 2]) {
    let bytes: Vec<Vec<u8>> = weights.iter().map(|w| w.values.iter().flat_map(|v| half(*v)).collect()).collect();
    let views = weights.iter().zip(&bytes).map(|(weight, bytes)| {
        let view = safetensors::tensor::TensorView::new(dtype, weight.shape.clone(), bytes).unwrap();
        (weight.name.as_str(), view)
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn shards_make_the_same_model() {
    let folder = folder(&untied());
    let whole = logits(&load(&folder).unwrap());
    let weights = weights(&untied());
    remove(&folder, "model.safetensors");
    let mut shard_of = serde_json::Map::new();
    for (i, part) in weights.chunks(weights.len().div_ceil(3)).enumerate() {
        let file = format!("model-{i}.safetensors");
        write_weights(&folder.path().join(&file), part);
        shard_of.extend(part.iter().map(|weight| (weight.name.clone(), json!(file))));
    }
    let index = json!({ "metadata": {}, "weight_map": shard_of }).to_string();
    std::fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
    assert_eq!(logits(&load(&folder).unwrap()), whole);
}

#[test]
fn half_precision_makes_nearly_the_same_model() {
    let folder = folder(&untied());
    let whole = logits(&load(&folder).unwrap());
    let largest = whole.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    let path = folder.path().join("model.safetensors");
    let check = |tolerance: f32| {
        let found = logits(&load(&folder).unwrap());
        let worst = found.iter().zip(&whole).map(|(f, w)| (f - w).abs()).fold(0.0, f32::max);
        assert!(worst > 0.0 && worst < tolerance * largest, "off by {worst}, where the largest is {largest}");
    };
    write_halves(&path, &weights(&untied()), safetensors::Dtype::F16, |v| f16::from_f32(v).to_le_bytes());
    check(0.01);
    write_halves(&path, &weights(&untied()), safetensors::Dtype::BF16, |v| bf16::from_f32(v).to_le_bytes());
    check(0.08);
}

/// The weights as a GGUF file, in float32.
fn gguf(config: &LlamaConfig, weights: &[Weight]) -> GgufBytes {
    let mut file = GgufBytes::default()
        .text("general.architecture", "llama")
        .number("llama.embedding_length", config.d_model as u32)
        .number("llama.feed_forward_length", config.d_ff as u32)
        .number("llama.block_count", config.n_layers as u32)
        .number("llama.attention.head_count", config.n_heads as u32)
        .number("llama.attention.head_count_kv", config.n_kv_heads as u32)
        .number("llama.context_length", config.max_positions as u32)
        .entry("llama.attention.layer_norm_rms_epsilon", 6, &(config.rms_eps as f32).to_le_bytes());
    for weight in weights {
        let name = Naming::Gguf.tensor(weight.name.trim_end_matches(".weight"));
        let values = match name.contains("attn_q") || name.contains("attn_k") {
            true => pairs_from_halves(&weight.values, config.head_dim, config.d_model),
            false => weight.values.clone(),
        };
        // ggml counts dimensions from the contiguous one.
        let dimensions: Vec<u64> = weight.shape.iter().rev().map(|n| *n as u64).collect();
        let offset = file.data.len() as u64;
        file = file.tensor(&name, &dimensions, 0, offset);
        file.data.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        file.data.resize(file.data.len().next_multiple_of(32), 0);
    }
    file
}

fn load_gguf(file: &GgufBytes) -> Result<Llama> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, file.build()).unwrap();
    Llama::load(&path, &Device::flex())
}

fn close(found: &[f32], expected: &[f32]) {
    let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-4, "off by {worst}");
}

#[test]
fn a_gguf_makes_the_same_model() {
    for config in [tiny_config(), untied()] {
        let expected = logits(&load(&folder(&config)).unwrap());
        let found = load_gguf(&gguf(&config, &weights(&config))).unwrap();
        assert_eq!(found.config().tied_embeddings, config.tied_embeddings);
        close(&logits(&found), &expected);
    }
}

/// Llama 3.1's stretch reaches GGUF files as a tensor of divisors.
#[test]
fn the_divisors_of_a_gguf_are_the_scaling_of_the_json() {
    let config = tiny_config();
    let folder = folder(&config);
    let mut described = json(&config);
    described["rope_scaling"] = json!({
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 300,
    });
    std::fs::write(folder.path().join("config.json"), described.to_string()).unwrap();
    // The frequencies of a head of four are 1 and 0.01; in 300 positions they turn 47.7 and 0.477 times: kept, and divided by 8.
    let mut file = gguf(&config, &weights(&config));
    let offset = file.data.len() as u64;
    file = file.tensor("rope_freqs.weight", &[2], 0, offset);
    file.data.extend([1f32, 8.0].iter().flat_map(|d| d.to_le_bytes()));
    close(&logits(&load_gguf(&file).unwrap()), &logits(&load(&folder).unwrap()));
}

#[test]
fn gguf_rows_come_back_into_their_order() {
    // Two heads of four rows, each row two numbers.
    let halves: Vec<f32> = (0..16).map(|v| v as f32).collect();
    let pairs = pairs_from_halves(&halves, 4, 2);
    assert_eq!(pairs[..8], [0.0, 1.0, 4.0, 5.0, 2.0, 3.0, 6.0, 7.0]);
    assert_eq!(halves_from_pairs(&pairs, 4, 2), halves);
}

#[test]
fn redundant_tensors_of_older_files_are_passed_over() {
    let folder = folder(&tiny_config());
    let expected = logits(&load(&folder).unwrap());
    let mut all = weights(&tiny_config());
    let (name, shape) = ("model.layers.0.self_attn.rotary_emb.inv_freq".to_owned(), vec![2]);
    all.push(Weight { name, shape, values: vec![7.0; 2] });
    let (name, shape) = ("lm_head.weight".to_owned(), vec![40, 16]);
    all.push(Weight { name, shape, values: all[0].values.clone() });
    write_weights(&folder.path().join("model.safetensors"), &all);
    let loaded = load(&folder).unwrap();
    assert!(loaded.config().tied_embeddings);
    assert_eq!(logits(&loaded), expected);
}

/// The rule of transformers 5; a tied model with a second matrix has been tuned, or merged, without a word in its configuration.
#[test]
fn an_output_projection_that_differs_from_a_tied_embedding_is_used() {
    let (tied, untied) = (folder(&tiny_config()), folder(&untied()));
    let expected = logits(&load(&untied).unwrap());
    std::fs::copy(untied.path().join("model.safetensors"), tied.path().join("model.safetensors")).unwrap();
    let loaded = load(&tied).unwrap();
    assert!(!loaded.config().tied_embeddings);
    assert_eq!(logits(&loaded), expected);

    let mut narrow = weights(&tiny_config());
    narrow.push(Weight { name: "lm_head.weight".into(), shape: vec![20, 16], values: vec![0.0; 320] });
    write_weights(&tied.path().join("model.safetensors"), &narrow);
    assert!(load(&tied).unwrap_err().to_string().contains("tensor lm_head.weight"));
}

#[test]
fn weights_that_are_no_numbers_are_refused_by_name() {
    let folder = folder(&tiny_config());
    for value in [f32::NAN, f32::NEG_INFINITY] {
        let mut weights = weights(&tiny_config());
        weights[3].values[5] = value;
        write_weights(&folder.path().join("model.safetensors"), &weights);
        let error = load(&folder).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(&weights[3].name), "{error}");
        assert!(load_gguf(&gguf(&tiny_config(), &weights)).unwrap_err().to_string().contains("finite numbers"));
    }
}

#[test]
fn tensors_that_do_not_make_this_llama_are_refused_by_name() {
    let folder = folder(&tiny_config());
    let refused = |change: &dyn Fn(&mut Vec<Weight>)| {
        let mut weights = weights(&tiny_config());
        change(&mut weights);
        write_weights(&folder.path().join("model.safetensors"), &weights);
        let error = load(&folder).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    let missing = refused(&|weights| weights.retain(|w| w.name != "model.layers.1.mlp.up_proj.weight"));
    assert!(missing.contains("model.layers.1.mlp.up_proj.weight"), "{missing}");

    let transposed = refused(&|weights| weights[0].shape = vec![16, 40]);
    assert!(transposed.contains("model.embed_tokens.weight") && transposed.contains("[16, 40]"), "{transposed}");

    let bias = refused(&|weights| {
        let bias =
            Weight { name: "model.layers.0.self_attn.q_proj.bias".into(), shape: vec![16], values: vec![0.0; 16] };
        weights.push(bias);
    });
    assert!(bias.contains("q_proj.bias"), "{bias}");
}

#[test]
fn a_configuration_larger_than_the_file_is_refused_before_anything_is_allocated() {
    let folder = folder(&tiny_config());
    let mut huge = json(&tiny_config());
    huge["vocab_size"] = json!(1 << 22);
    huge["hidden_size"] = json!(1 << 20);
    std::fs::write(folder.path().join("config.json"), huge.to_string()).unwrap();
    assert!(load(&folder).unwrap_err().to_string().contains("model.embed_tokens.weight"));
}

#[test]
fn a_folder_without_a_model_is_refused() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(load(&empty).unwrap_err().exit_code(), 2);
    let folder = folder(&tiny_config());
    remove(&folder, "model.safetensors");
    assert!(load(&folder).unwrap_err().to_string().contains("model.safetensors"));
}
