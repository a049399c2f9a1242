//! Both forms of config.json, GGUF metadata, and what neither may hold.

use serde_json::{Value, json};

use super::*;
use crate::files::gguf::Gguf;
use crate::files::testing::{GgufBytes, file_with};

/// A small model in the older form.
fn older() -> Value {
    json!({
        "model_type": "llama", "vocab_size": 100, "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 3,
        "num_attention_heads": 6, "num_key_value_heads": 2, "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0, "rope_scaling": null, "tie_word_embeddings": true, "hidden_act": "silu",
    })
}

fn parse(config: &Value) -> Result<LlamaConfig> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    LlamaConfig::from_huggingface(folder.path())
}

/// `config` with `changes` put in; null takes a key out.
fn with(mut config: Value, changes: Value) -> Value {
    let object = config.as_object_mut().unwrap();
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => object.remove(key),
            _ => object.insert(key.clone(), value.clone()),
        };
    }
    config
}

#[test]
fn the_older_form_is_read() {
    let expected = LlamaConfig {
        vocab_size: 100,
        d_model: 48,
        d_ff: 96,
        n_layers: 3,
        n_heads: 6,
        n_kv_heads: 2,
        head_dim: 8,
        max_positions: 512,
        rms_eps: 1e-5,
        rope_theta: 500_000.0,
        rope_scaling: RopeScaling::None,
        tied_embeddings: true,
    };
    assert_eq!(parse(&older()).unwrap(), expected);
}

#[test]
fn both_forms_say_the_same() {
    let llama3 = json!({
        "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    });
    for scaling in [llama3, json!({"rope_type": "linear", "factor": 2}), json!({"rope_type": "default"})] {
        let old = parse(&with(older(), json!({"rope_scaling": scaling}))).unwrap();
        let parameters = with(scaling, json!({"rope_theta": 500000.0}));
        let new = with(older(), json!({"rope_theta": null, "rope_scaling": null, "rope_parameters": parameters}));
        assert_eq!(parse(&new).unwrap(), old);
    }
}

/// Base and scaling where they stand in mixed places. Expected values by transformers 5.24 (`AutoConfig`).
#[test]
fn the_rotation_is_read_from_the_section_that_holds_it() {
    let llama3 = |more: Value| {
        let stretch = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0});
        with(stretch, more)
    };
    let stretched = |original_max_positions| RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_positions,
    };
    let linear = |factor| RopeScaling::Linear { factor };
    let plain = || with(older(), json!({"rope_theta": null, "rope_scaling": null}));
    let cases = [
        (json!({"rope_theta": 5e5, "rope_parameters": {"rope_type": "default"}}), 5e5, RopeScaling::None),
        (json!({"rope_theta": 5e5, "rope_parameters": {}}), 5e5, RopeScaling::None),
        (json!({"rope_theta": 5e5, "rope_parameters": llama3(json!({}))}), 5e5, stretched(512)),
        (json!({"rope_scaling": llama3(json!({"rope_theta": 5e5}))}), 5e5, stretched(512)),
        (json!({"rope_theta": 1e6, "rope_scaling": llama3(json!({"rope_theta": 5e5}))}), 5e5, stretched(512)),
        (
            json!({"rope_theta": 1e6, "rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}),
            5e5,
            RopeScaling::None,
        ),
        (json!({"rope_theta": 5e5, "rope_scaling": {"type": "default", "rope_theta": 1e6}}), 1e6, RopeScaling::None),
        (
            json!({"rope_scaling": {}, "rope_parameters": {"rope_type": "linear", "factor": 2, "rope_theta": 5e5}}),
            5e5,
            linear(2.0),
        ),
        (json!({"rope_parameters": {"type": "linear", "factor": 2.0}}), 1e4, linear(2.0)),
        (
            json!({"rope_parameters": {"rope_type": "default", "rope_theta": 1e4}, "rope_scaling": {"type": "linear", "factor": 4}}),
            1e4,
            linear(4.0),
        ),
        (
            json!({"rope_theta": 5e5, "rope_parameters": llama3(json!({"rope_theta": 5e5})), "rope_scaling": {"type": "linear", "factor": 4}}),
            5e5,
            linear(4.0),
        ),
        (json!({"rope_scaling": {"rope_type": "linear", "type": "yarn", "factor": 2}}), 1e4, linear(2.0)),
        (
            json!({"rope_scaling": llama3(json!({"original_max_position_embeddings": 64})), "original_max_position_embeddings": 32}),
            1e4,
            stretched(64),
        ),
    ];
    for (changes, theta, scaling) in cases {
        let read = parse(&with(plain(), changes.clone())).unwrap();
        assert_eq!((read.rope_theta, read.rope_scaling), (theta, scaling), "{changes}");
    }
}

#[test]
fn a_rotation_that_would_lose_a_part_is_refused_by_key() {
    let cases = [
        ("rope_scaling.rope_type", json!({"rope_scaling": {"factor": 4.0}})),
        ("rope_parameters.rope_type", json!({"rope_parameters": {"factor": 4.0, "rope_theta": 1e4}})),
        (
            "rope_parameters.rope_theta",
            json!({"rope_theta": 1e4, "rope_parameters": {"rope_theta": 5e5}, "rope_scaling": {"type": "linear", "factor": 2}}),
        ),
        ("partial_rotary_factor", json!({"partial_rotary_factor": 0.5})),
        ("rope_parameters.partial_rotary_factor", json!({"rope_parameters": {"partial_rotary_factor": 0.25}})),
        ("rope_parameters.full_attention", json!({"rope_parameters": {"full_attention": {"rope_theta": 1e4}}})),
        ("rope_parameters", json!({"rope_parameters": [1]})),
        ("rope_parameters.rope_theta", json!({"rope_parameters": {"rope_theta": 0}})),
        (
            "rope_scaling.original_max_position_embeddings",
            json!({"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4},
                   "original_max_position_embeddings": 32}),
        ),
    ];
    for (place, changes) in cases {
        let error = parse(&with(older(), changes.clone())).unwrap_err().to_string();
        assert!(error.contains(&format!("config.json: {place}: expected")), "{changes}: {error}");
    }
}

#[test]
fn a_model_that_only_resembles_a_llama_is_refused_by_key() {
    let without_type = || with(older(), json!({"model_type": null}));
    let cases = [
        (without_type(), "architectures", json!(["MistralForCausalLM"])),
        (older(), "architectures", json!(["LlamaForCausalLM", "Qwen2ForCausalLM"])),
        (older(), "architectures", json!("LlamaForCausalLM")),
        (without_type(), "sliding_window", json!(16)),
        (older(), "sliding_window", json!(511)),
        (older(), "layer_types", json!(["full_attention", "sliding_attention"])),
        (older(), "embedding_multiplier", json!(12.0)),
        (older(), "attention_multiplier", json!(0.0078125)),
        (older(), "num_local_experts", json!(8)),
        (older(), "use_qk_norm", json!(true)),
        (older(), "no_rope_layers", json!([1, 0])),
    ];
    for (config, key, value) in cases {
        let error = parse(&with(config, json!({ key: value }))).unwrap_err().to_string();
        assert!(error.contains(&format!("config.json: {key}: expected")), "{key}: {error}");
    }
    for same in [
        json!({"architectures": ["LlamaForCausalLM"], "layer_types": ["full_attention", "full_attention"]}),
        json!({"sliding_window": 16, "use_sliding_window": false}),
        json!({"sliding_window": 512, "logits_scaling": 1.0, "num_experts": 0}),
    ] {
        assert!(parse(&with(older(), same.clone())).is_ok(), "{same}");
    }
}

#[test]
fn a_file_in_place_of_the_folder_is_named() {
    let (_folder, path) = file_with(b"PK");
    let error = LlamaConfig::from_huggingface(&path).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("begins with \"GGUF\""), "{error}");
}

#[test]
fn the_oldest_name_of_the_scaling_is_understood() {
    let scaled = parse(&with(older(), json!({"rope_scaling": {"type": "linear", "factor": 4.0}}))).unwrap();
    assert_eq!(scaled.rope_scaling, RopeScaling::Linear { factor: 4.0 });
}

#[test]
fn absent_keys_have_the_defaults_of_transformers() {
    let keys = json!({
        "num_key_value_heads": null, "max_position_embeddings": null, "rms_norm_eps": null, "rope_theta": null,
        "tie_word_embeddings": null, "hidden_act": null,
    });
    let config = parse(&with(older(), keys)).unwrap();
    assert_eq!((config.n_kv_heads, config.max_positions, config.tied_embeddings), (6, 2048, false));
    assert_eq!((config.rms_eps, config.rope_theta), (1e-6, 10_000.0));
}

#[test]
fn an_explicit_head_width_need_not_split_the_model() {
    assert_eq!(parse(&with(older(), json!({"head_dim": 16}))).unwrap().head_dim, 16);
}

#[test]
fn impossible_values_are_refused_by_file_and_key() {
    let cases = [
        ("model_type", json!("mistral")),
        ("hidden_act", json!("gelu")),
        ("attention_bias", json!(true)),
        ("mlp_bias", json!(true)),
        ("vocab_size", json!(0)),
        ("vocab_size", json!("many")),
        ("vocab_size", json!(1u64 << 40)),
        ("hidden_size", json!(-48)),
        ("hidden_size", json!(48.5)),
        ("hidden_size", json!([48])),
        ("intermediate_size", json!(u64::MAX)),
        ("num_hidden_layers", json!(100_000)),
        ("num_attention_heads", json!(0)),
        ("num_key_value_heads", json!(4)),
        ("head_dim", json!(7)),
        ("max_position_embeddings", json!(0)),
        ("rms_norm_eps", json!(0)),
        ("rms_norm_eps", json!(1)),
        ("rope_theta", json!(-1.0)),
        ("rope_theta", json!(1e300)),
        ("tie_word_embeddings", json!("yes")),
        ("rope_scaling", json!("linear")),
        ("rope_scaling.type", json!({"type": "yarn", "factor": 4.0})),
        ("rope_scaling.factor", json!({"type": "linear"})),
        ("rope_scaling.factor", json!({"type": "linear", "factor": 0})),
        ("rope_parameters.rope_type", json!({"rope_type": "longrope"})),
        (
            "rope_scaling.high_freq_factor",
            json!({"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4,
                   "original_max_position_embeddings": 8192}),
        ),
    ];
    for (place, value) in cases {
        let key = place.split('.').next().unwrap();
        let error = parse(&with(older(), json!({ key: value }))).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(&format!("config.json: {place}: expected")), "{place} {value}: {error}");
    }
}

#[test]
fn a_missing_size_is_refused_by_key() {
    for key in ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"] {
        let error = parse(&with(older(), json!({ key: null }))).unwrap_err().to_string();
        assert!(error.contains(&format!("config.json: {key}: ")) && error.contains("no such key"), "{error}");
    }
}

#[test]
fn heads_that_do_not_split_the_model_need_an_explicit_width() {
    let error = parse(&with(older(), json!({"hidden_size": 50}))).unwrap_err().to_string();
    assert!(error.contains("config.json: head_dim: "), "{error}");
}

/// The model of [`older`] as GGUF metadata, with an embedding of its shape.
fn gguf() -> GgufBytes {
    let bytes = GgufBytes { data: vec![0; 100 * 48 * 4], ..GgufBytes::default() };
    bytes
        .text("general.architecture", "llama")
        .number("llama.embedding_length", 48)
        .number("llama.feed_forward_length", 96)
        .number("llama.block_count", 3)
        .number("llama.attention.head_count", 6)
        .number("llama.attention.head_count_kv", 2)
        .number("llama.context_length", 512)
        .entry("llama.attention.layer_norm_rms_epsilon", 6, &1e-5f32.to_le_bytes())
        .entry("llama.rope.freq_base", 6, &500_000f32.to_le_bytes())
        .tensor("token_embd.weight", &[48, 100], 0, 0)
}

fn parse_gguf(bytes: &GgufBytes) -> Result<LlamaConfig> {
    let (_folder, path) = file_with(&bytes.build());
    LlamaConfig::from_gguf(&Gguf::open(&path)?)
}

#[test]
fn gguf_metadata_say_what_the_json_says() {
    let read = parse_gguf(&gguf()).unwrap();
    let expected = parse(&older()).unwrap();
    // The file has it in 32 bits.
    assert!((read.rms_eps - expected.rms_eps).abs() < 1e-12);
    assert_eq!(LlamaConfig { rms_eps: expected.rms_eps, ..read }, expected);
}

#[test]
fn rotary_divisors_of_a_gguf_are_read() {
    let mut with_divisors = gguf().tensor("rope_freqs.weight", &[4], 0, 100 * 48 * 4);
    with_divisors.data.extend([1f32, 1.0, 2.0, 8.0].iter().flat_map(|d| d.to_le_bytes()));
    let read = parse_gguf(&with_divisors).unwrap();
    assert_eq!(read.rope_scaling, RopeScaling::Divisors(vec![1.0, 1.0, 2.0, 8.0]));

    let at = with_divisors.data.len() - 4;
    with_divisors.data[at..].copy_from_slice(&0f32.to_le_bytes());
    let error = parse_gguf(&with_divisors).unwrap_err().to_string();
    assert!(error.contains("rope_freqs.weight"), "{error}");
}

/// Expected values by llama.cpp's loader.
#[test]
fn the_scaling_of_a_gguf_is_read_under_all_its_keys() {
    const KIND: &str = "llama.rope.scaling.type";
    let float = |file: GgufBytes, key: &str, x: f32| file.entry(key, 6, &x.to_le_bytes());
    let factor = |file: GgufBytes, x: f32| float(file, "llama.rope.scaling.factor", x);
    let older = |file: GgufBytes, x: f32| float(file, "llama.rope.scale_linear", x);
    let linear = |factor| RopeScaling::Linear { factor };
    for (file, expected) in [
        (older(gguf(), 4.0), linear(4.0)),
        (factor(gguf(), 4.0), linear(4.0)),
        (factor(older(gguf(), 8.0), 4.0), linear(4.0)),
        (older(gguf().text(KIND, "linear"), 2.0), linear(2.0)),
        (factor(gguf().text(KIND, "none"), 4.0), RopeScaling::None),
        (gguf().text(KIND, "linear"), RopeScaling::None),
    ] {
        assert_eq!(parse_gguf(&file).unwrap().rope_scaling, expected);
    }
    let mut divided = factor(gguf(), 2.0).tensor("rope_freqs.weight", &[4], 0, 100 * 48 * 4);
    divided.data.extend([1f32, 1.0, 2.0, 8.0].iter().flat_map(|d| d.to_le_bytes()));
    assert_eq!(parse_gguf(&divided).unwrap().rope_scaling, RopeScaling::Divisors(vec![2.0, 2.0, 4.0, 16.0]));
}

#[test]
fn a_gguf_says_by_key_what_it_cannot_be() {
    let refused = |bytes: GgufBytes, key: &str| {
        let error = parse_gguf(&bytes).unwrap_err().to_string();
        assert!(error.contains(&format!("key {key}: expected")), "{key}: {error}");
    };
    refused(gguf().number("llama.expert_count", 8), "llama.expert_count");
    refused(gguf().number("llama.rope.dimension_count", 4), "llama.rope.dimension_count");
    refused(gguf().number("llama.attention.value_length", 16), "llama.attention.value_length");
    refused(gguf().text("llama.rope.scaling.type", "yarn"), "llama.rope.scaling.type");
    refused(gguf().number("llama.attention.sliding_window", 16), "llama.attention.sliding_window");
    refused(gguf().entry("llama.logit_scale", 6, &0.25f32.to_le_bytes()), "llama.logit_scale");
    refused(gguf().entry("llama.rope.scaling.factor", 6, &f32::NAN.to_le_bytes()), "llama.rope.scaling.factor");
    refused(gguf().entry("llama.rope.scaling.attn_factor", 6, &1.2f32.to_le_bytes()), "llama.rope.scaling.attn_factor");
    let mut other = gguf();
    other.entries.remove(0);
    refused(other.clone().text("general.architecture", "gpt2"), "general.architecture");
    let mut sizeless = gguf();
    sizeless.entries.remove(3);
    refused(sizeless, "llama.block_count");
}

#[test]
fn a_gguf_without_an_output_projection_ties_it() {
    assert!(parse_gguf(&gguf()).unwrap().tied_embeddings);
    let mut untied = gguf().tensor("output.weight", &[48, 100], 0, 100 * 48 * 4);
    untied.data.extend(vec![0; 100 * 48 * 4]);
    assert!(!parse_gguf(&untied).unwrap().tied_embeddings);
}
