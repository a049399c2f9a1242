//! A Llama that answers every prompt with the same text, and a data set to ask it about.
//!
//! Its blocks add nothing to the residual stream and its embeddings are the unit vectors, so that each token has exactly one
//! successor: the output projection is the table of them. The answer's lines are tokens of their own.

use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Map, Value, json};

/// Hidden size and vocabulary size.
const WIDTH: usize = 144;
const PAD: &str = "<pad>";
const END: &str = "</s>";
const UNKNOWN: &str = "<unk>";
/// Opens a message of the assistant; at the end of the prompt it makes the answer begin.
const ASSISTANT: &str = "<|assistant|>";
const CONTROL: [&str; 6] = [PAD, END, UNKNOWN, ASSISTANT, "<|system|>", "<|user|>"];
const TEMPLATE: &str = "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{% endfor %}\
                        {% if add_generation_prompt %}<|assistant|>{% endif %}";

/// Writes the model that answers with `lines`, which must differ from each other, as a Hugging Face folder.
pub fn write_model(folder: &Path, lines: &[&str], context: usize) {
    std::fs::create_dir_all(folder).unwrap();
    let mut tokens: Vec<String> = CONTROL.map(String::from).into();
    tokens.extend((' '..='~').chain(['\n', '→']).map(String::from));
    let first_line = tokens.len();
    tokens.extend(lines.iter().map(|line| line.to_string()));
    assert!(tokens.len() <= WIDTH);
    write_json(&folder.join("config.json"), &config(context));
    write_json(&folder.join("tokenizer.json"), &tokenizer(&tokens));
    let settings = json!({ "pad_token": PAD, "eos_token": END, "unk_token": UNKNOWN, "chat_template": TEMPLATE });
    write_json(&folder.join("tokenizer_config.json"), &settings);
    let answer = (first_line..first_line + lines.len()).chain([1]);
    let chain: Vec<usize> = [3].into_iter().chain(answer).collect();
    write_weights(&folder.join("model.safetensors"), &chain);
}

fn config(context: usize) -> Value {
    json!({ "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": WIDTH,
        "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
        "head_dim": WIDTH / 2, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "max_position_embeddings": context,
        "vocab_size": WIDTH, "tie_word_embeddings": false, "attention_bias": false, "mlp_bias": false,
        "eos_token_id": 1, "pad_token_id": 0 })
}

/// A byte-pair encoding without pairs: each character is a token, and longer tokens only come out of the model.
fn tokenizer(tokens: &[String]) -> Value {
    let added = |(id, token): (usize, &&str)| {
        json!({ "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true })
    };
    let added: Vec<_> = CONTROL.iter().enumerate().map(added).collect();
    let vocabulary: Map<String, Value> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
    json!({ "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": null, "post_processor": null, "decoder": { "type": "Fuse" },
        "model": { "type": "BPE", "dropout": null, "unk_token": UNKNOWN, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary, "merges": [] } })
}

/// Weights in which each token of `chain` is followed by the next one.
fn write_weights(path: &Path, chain: &[usize]) {
    let zeros = |rows: usize, columns: usize| (vec![rows, columns], vec![0f32; rows * columns]);
    let ones = || (vec![WIDTH], vec![1f32; WIDTH]);
    let table = |places: &mut dyn Iterator<Item = (usize, usize)>| {
        let mut table = zeros(WIDTH, WIDTH);
        places.for_each(|(row, column)| table.1[row * WIDTH + column] = 1.0);
        table
    };
    let layer = |name: &str| format!("model.layers.0.{name}.weight");
    let half = WIDTH / 2;
    let tensors = [
        ("model.embed_tokens.weight".into(), table(&mut (0..WIDTH).map(|i| (i, i)))),
        ("lm_head.weight".into(), table(&mut chain.windows(2).map(|pair| (pair[1], pair[0])))),
        ("model.norm.weight".into(), ones()),
        (layer("input_layernorm"), ones()),
        (layer("post_attention_layernorm"), ones()),
        (layer("self_attn.q_proj"), zeros(WIDTH, WIDTH)),
        (layer("self_attn.k_proj"), zeros(half, WIDTH)),
        (layer("self_attn.v_proj"), zeros(half, WIDTH)),
        (layer("self_attn.o_proj"), zeros(WIDTH, WIDTH)),
        (layer("mlp.gate_proj"), zeros(8, WIDTH)),
        (layer("mlp.up_proj"), zeros(8, WIDTH)),
        (layer("mlp.down_proj"), zeros(WIDTH, 8)),
    ];
    write_tensors(path, &tensors);
}

/// Writes an adapter for the model that changes nothing, as a PEFT folder.
#[allow(dead_code)] // one of the tests does without
pub fn write_adapter(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let config = json!({ "peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": ["q_proj"] });
    write_json(&folder.join("adapter_config.json"), &config);
    let part = |name: &str| format!("base_model.model.model.layers.0.self_attn.q_proj.lora_{name}.weight");
    let zeros = || vec![0f32; WIDTH];
    let tensors = [(part("A"), (vec![1, WIDTH], zeros())), (part("B"), (vec![WIDTH, 1], zeros()))];
    write_tensors(&folder.join("adapter_model.safetensors"), &tensors);
}

/// A tensor's name, shape and values.
type Named = (String, (Vec<usize>, Vec<f32>));

fn write_tensors(path: &Path, tensors: &[Named]) {
    let bytes = |(name, (shape, values)): &Named| {
        (name.clone(), shape.clone(), values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
    };
    let tensors: Vec<_> = tensors.iter().map(bytes).collect();
    let view = |shape: &[usize], bytes| TensorView::new(Dtype::F32, shape.into(), bytes).unwrap();
    let views = tensors.iter().map(|(name, shape, bytes)| (name, view(shape, bytes)));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn write_json(path: &Path, value: &Value) {
    std::fs::write(path, serde_json::to_vec(value).unwrap()).unwrap();
}

/// Writes a data set of five films and three users.
pub fn write_data_set(folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let items = "item,title,categories\nh,Heat (1995),Crime|Drama\nr,Ran (1985),Drama\nu,Up (2009),Animation\n\
                 a,12 Angry Men (1957),Drama\nf,2. Fast,Crime\n";
    let interactions = "user,item,timestamp\nanna,u,1\nanna,r,2\nbert,h,1\ncleo,a,1\ncleo,f,2\n";
    std::fs::write(folder.join("items.csv"), items).unwrap();
    std::fs::write(folder.join("interactions.csv"), interactions).unwrap();
    folder.to_owned()
}
