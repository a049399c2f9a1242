//! PEFT folders, written and read back, and those that hold more or less than low-rank parts.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::lora::{Linear, LoraConfig};

const Q0: &str = "model.layers.0.self_attn.q_proj";
const Q1: &str = "model.layers.1.self_attn.q_proj";
const DOWN1: &str = "model.layers.1.mlp.down_proj";

fn linears() -> Vec<Linear> {
    let linear = |name: &str, shape: [usize; 2]| Linear::new(name, Tensor::zeros(shape, &Device::flex()));
    vec![linear(Q0, [6, 8]), linear(Q1, [6, 8]), linear(DOWN1, [8, 12]), linear("lm_head", [20, 8])]
}

/// An adapter of rank 4 and α 8 for both q_proj, with a B that is not zero.
fn adapter() -> Adapter {
    let lora_config = LoraConfig { rank: 4, alpha: 8.0, dropout: 0.1, targets: vec!["q_proj".into()] };
    let mut adapter = lora_config.adapter(linears().iter(), 5, &Device::flex()).unwrap();
    for lora in adapter.loras.values_mut() {
        lora.b = Param::from_tensor(lora.b.val() + 0.25);
    }
    adapter.base_model = Some("some/model".into());
    adapter
}

fn written(adapter: &Adapter) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    adapter.write(folder.path()).unwrap();
    folder
}

fn read(folder: &TempDir) -> Result<Adapter> {
    let projections = linears().iter().map(|linear| (linear.name().to_owned(), linear.shape())).collect();
    Adapter::read(folder.path(), &projections, &Device::flex())
}

fn config(folder: &TempDir) -> Value {
    serde_json::from_slice(&std::fs::read(folder.path().join(CONFIG)).unwrap()).unwrap()
}

/// The folder of [`adapter`], with `changes` made to its configuration.
fn reconfigured(changes: Value) -> TempDir {
    let folder = written(&adapter());
    let mut config = config(&folder);
    config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    std::fs::write(folder.path().join(CONFIG), config.to_string()).unwrap();
    folder
}

fn values(weight: &Param<Tensor<2>>) -> Vec<f32> {
    weight.val().try_into_vec_as().unwrap()
}

fn assert_same(found: &Adapter, expected: &Adapter) {
    assert!(found.loras.keys().eq(expected.loras.keys()));
    for (name, lora) in &found.loras {
        let other = &expected.loras[name];
        assert_eq!((values(&lora.a), values(&lora.b)), (values(&other.a), values(&other.b)), "{name}");
        assert!((lora.scale - other.scale).abs() < 1e-12, "{name}: {} is not {}", lora.scale, other.scale);
    }
    assert_eq!((found.dropout, found.rank_stabilised), (expected.dropout, expected.rank_stabilised));
    assert_eq!(found.base_model, expected.base_model);
}

#[test]
fn what_is_written_is_read_back() {
    let adapter = adapter();
    assert_same(&read(&written(&adapter)).unwrap(), &adapter);
}

#[test]
fn parts_of_different_ranks_and_scales_are_read_back() {
    for rank_stabilised in [false, true] {
        let mut adapter = Adapter { rank_stabilised, ..adapter() };
        let odd = LoraConfig { rank: 3, alpha: 5.0, dropout: 0.1, targets: vec!["down_proj".into()] };
        adapter.loras.extend(odd.adapter(linears().iter(), 6, &Device::flex()).unwrap().loras);
        let folder = written(&adapter);
        assert_same(&read(&folder).unwrap(), &adapter);
        let config = config(&folder);
        assert_eq!((&config["r"], &config["rank_pattern"]), (&json!(4), &json!({ DOWN1: 3 })));
        assert_eq!(config["target_modules"], json!([Q0, DOWN1, Q1]), "block 0 has no down_proj");
    }
}

#[test]
fn equal_blocks_are_described_by_short_names() {
    assert_eq!(config(&written(&adapter()))["target_modules"], json!(["q_proj"]));
    let lora_config =
        LoraConfig { rank: 4, alpha: 8.0, dropout: 0.0, targets: vec!["q_proj".into(), "lm_head".into()] };
    let with_head = lora_config.adapter(linears().iter(), 5, &Device::flex()).unwrap();
    let folder = written(&with_head);
    assert_eq!(config(&folder)["target_modules"], json!(["lm_head", "q_proj"]));
    assert_same(&read(&folder).unwrap(), &Adapter { base_model: None, ..with_head });
}

#[test]
fn the_same_adapter_is_always_written_in_the_same_bytes() {
    let bytes = |file: &str| std::fs::read(written(&adapter()).path().join(file)).unwrap();
    assert_eq!((bytes(CONFIG), bytes(WEIGHTS)), (bytes(CONFIG), bytes(WEIGHTS)));
}

#[test]
fn targets_may_be_listed_named_all_or_described() {
    for targets in [json!(["q_proj"]), json!([Q0, Q1]), json!("all-linear"), json!(r".*layers\.\d+\.self_attn\.q_proj")]
    {
        assert_same(&read(&reconfigured(json!({ "target_modules": targets }))).unwrap(), &adapter());
    }
}

#[test]
fn patterns_change_the_scale_of_the_modules_they_name() {
    let read = read(&reconfigured(json!({"alpha_pattern": {"layers.1.self_attn.q_proj": 2.0}}))).unwrap();
    assert_eq!((read.loras[Q0].scale, read.loras[Q1].scale), (2.0, 0.5));
}

/// PEFT's rule: keys are regular expressions, and the first of the file decides.
#[test]
fn the_first_pattern_of_the_file_decides_scale_and_rank() {
    let scales = |pattern: &str| {
        let folder = written(&adapter());
        let mut text = config(&folder).to_string();
        text = text.replace("\"alpha_pattern\":{}", &format!("\"alpha_pattern\":{pattern}"));
        std::fs::write(folder.path().join(CONFIG), text).unwrap();
        let read = read(&folder).unwrap();
        (read.loras[Q0].scale, read.loras[Q1].scale)
    };
    assert_eq!(scales(r#"{"q_proj": 32, "layers.0.self_attn.q_proj": 4}"#), (8.0, 8.0));
    assert_eq!(scales(r#"{"layers.0.self_attn.q_proj": 4, "q_proj": 32}"#), (1.0, 8.0));
    assert_eq!(scales(r#"{"self_attn.q_proj": 32, "q_proj": 4}"#), (8.0, 8.0));
    assert_eq!(scales(r#"{"^q_proj": 100}"#), (2.0, 2.0));
    assert_eq!(scales(r#"{".*\\.1\\..*": 100, "(k|q)_proj": 1.5}"#), (0.375, 25.0));

    let ranks = read(&reconfigured(json!({"r": 9, "rank_pattern": {".*q_proj": 4, "layers.0.self_attn.q_proj": 2}})));
    assert_eq!((ranks.unwrap().loras[Q0].rank(), adapter().loras[Q0].rank()), (4, 4));
}

#[test]
fn weights_that_are_no_numbers_are_refused_by_tensor() {
    let mut adapter = adapter();
    let lora = adapter.loras.get_mut(Q1).unwrap();
    lora.a = Param::from_tensor(lora.a.val() * f32::NAN);
    let error = read(&written(&adapter)).unwrap_err();
    assert!(
        error.exit_code() == 2 && error.to_string().contains(Q1) && error.to_string().contains("finite"),
        "{error}"
    );
}

#[test]
fn rank_stabilised_scales_divide_by_the_root() {
    let read = read(&reconfigured(json!({"use_rslora": true}))).unwrap();
    assert_eq!(read.loras[Q0].scale, 4.0);
}

#[test]
fn more_than_low_rank_parts_is_refused_by_key() {
    let cases = [
        ("peft_type", json!("IA3")),
        ("use_dora", json!(true)),
        ("bias", json!("lora_only")),
        ("modules_to_save", json!(["lm_head"])),
        ("fan_in_fan_out", json!(true)),
        ("lora_bias", json!(true)),
        ("layer_replication", json!([[0, 2]])),
        ("trainable_token_indices", json!([3])),
        ("init_lora_weights", json!("pissa_niter_4")),
        ("rank_pattern", json!({"(q_proj": 4})),
        ("rank_pattern", json!({"q_proj": 0})),
        ("alpha_pattern", json!({"q_proj": "8"})),
        ("exclude_modules", json!("[")),
        ("r", json!(0)),
    ];
    for (key, value) in cases {
        let error = read(&reconfigured(json!({ key: value }))).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let message = error.to_string();
        assert!(message.contains(CONFIG) && message.contains(key), "{key}: {message}");
    }
}

#[test]
fn damaged_configurations_are_refused_with_a_line() {
    for changes in [json!({"r": "four"}), json!({"lora_alpha": null}), json!({"target_modules": 7}), json!({"r": -1})] {
        let message = read(&reconfigured(changes.clone())).unwrap_err().to_string();
        assert!(message.contains(CONFIG), "{changes}: {message}");
    }
    let folder = written(&adapter());
    std::fs::write(folder.path().join(CONFIG), "{").unwrap();
    assert!(read(&folder).unwrap_err().to_string().contains("line 1"));
}

#[test]
fn targets_and_weights_have_to_agree() {
    let refused = |targets: Value| read(&reconfigured(json!({ "target_modules": targets }))).unwrap_err().to_string();
    assert!(refused(json!(["q_proj", "down_proj"])).contains("found down_proj"));
    assert!(refused(json!([Q0])).contains(Q1));
    assert!(refused(json!(r".*\.0\..*")).contains(Q1));
    let excluded = read(&reconfigured(json!({ "exclude_modules": [Q0] }))).unwrap_err().to_string();
    assert!(excluded.contains(Q0), "{excluded}");
    let layers = read(&reconfigured(json!({ "layers_to_transform": [1] }))).unwrap_err().to_string();
    assert!(layers.contains(Q0), "{layers}");
    assert!(read(&reconfigured(json!({ "layers_to_transform": [0, 1] }))).is_ok());
}

#[test]
fn ranks_and_weights_have_to_agree() {
    let message = read(&reconfigured(json!({"r": 5}))).unwrap_err().to_string();
    assert!(message.contains("rank 5") && message.contains("[4, 8]"), "{message}");
}

/// A folder whose weights are `tensors`, all zero.
fn with_weights(tensors: &[(&str, [usize; 2])]) -> TempDir {
    let folder = reconfigured(json!({ "target_modules": ["q_proj"] }));
    let zeros = vec![0.0; 1000];
    let tensors = tensors.iter().map(|(name, shape)| (*name, shape.as_slice(), &zeros[..shape[0] * shape[1]]));
    safetensors::write(&folder.path().join(WEIGHTS), tensors, &[]).unwrap();
    folder
}

#[test]
fn tensors_that_make_no_part_are_refused_by_name() {
    let (a, b) = (format!("{PREFIX}{Q0}{A}"), format!("{PREFIX}{Q0}{B}"));
    let refused = |tensors: &[(&str, [usize; 2])]| read(&with_weights(tensors)).unwrap_err().to_string();
    assert!(refused(&[]).contains("no tensors"));
    assert!(refused(&[(&a, [4, 8])]).contains("only one of them"));
    assert!(
        refused(&[(&a, [4, 8]), (&b, [6, 4]), ("base_model.model.lm_head.weight", [2, 2])]).contains("lm_head.weight")
    );
    assert!(refused(&[(&a, [4, 9]), (&b, [6, 4])]).contains("[4, 9]"), "an input width that the model has not");
    let (a, b) = (a.replace("layers.0", "layers.7"), b.replace("layers.0", "layers.7"));
    assert!(refused(&[(&a, [4, 8]), (&b, [6, 4])]).contains("layers.7"), "a layer that the model has not");
}

#[test]
fn an_adapter_without_parts_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Adapter { loras: BTreeMap::new(), ..adapter() };
    assert!(empty.write(folder.path()).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
