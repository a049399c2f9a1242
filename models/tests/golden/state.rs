//! The recorded states, as `tests/golden/generate_llama.py` wrote them.

use std::path::{Path, PathBuf};

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use tiller_models::llama::{Batch, Llama};
use tiller_models::lora::{Adapter, Lora};
use tiller_models::train::Sample;

/// Both models.
pub const MODELS: [&str; 2] = ["gqa-tied", "mha-untied"];

/// The recorded states of one model.
pub struct Golden {
    pub folder: PathBuf,
    bytes: Vec<u8>,
}

impl Golden {
    /// The states of a model of [`MODELS`].
    pub fn open(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        let bytes = std::fs::read(folder.join("golden.safetensors")).unwrap();
        Self { folder, bytes }
    }

    fn words<T>(&self, name: &str, value: impl Fn([u8; 4]) -> T) -> Vec<T> {
        let states = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = states.tensor(name).unwrap();
        tensor.data().chunks_exact(4).map(|word| value(word.try_into().unwrap())).collect()
    }

    /// The numbers of a state.
    pub fn floats(&self, name: &str) -> Vec<f32> {
        self.words(name, f32::from_le_bytes)
    }

    /// The integers of a state.
    pub fn ids(&self, name: &str) -> Vec<i32> {
        self.words(name, i32::from_le_bytes)
    }

    /// The recorded batch: left-padded, with positions 0, 1, 2, … in every row nevertheless.
    pub fn batch(&self) -> Batch {
        let padding: Vec<usize> = self
            .ids("attention_mask")
            .chunks_exact(SEQ)
            .map(|row| row.iter().filter(|seen| **seen == 0).count())
            .collect();
        Batch {
            tokens: self.ids("input_ids").iter().map(|id| *id as u32).collect(),
            positions: (0..ROWS).flat_map(|_| 0..SEQ as u32).collect(),
            padding,
        }
    }

    /// The recorded rows without their padding. Scored are the tokens whose label is `wanted`, but for a row's first.
    pub fn samples(&self, wanted: impl Fn(i32) -> bool) -> Vec<Sample> {
        let Batch { tokens, padding, .. } = self.batch();
        let labels = self.ids("labels");
        let rows = tokens.chunks_exact(SEQ).zip(labels.chunks_exact(SEQ)).zip(padding);
        rows.map(|((tokens, labels), padding)| {
            let first = labels[padding..].iter().position(|label| wanted(*label)).unwrap();
            Sample { tokens: tokens[padding..].to_vec(), scored: first.max(1)..SEQ - padding }
        })
        .collect()
    }

    /// What the loss of the golden states is of: the tokens with a label.
    pub fn answers(&self) -> Vec<Sample> {
        self.samples(|label| label != -100)
    }

    /// The model with the adapter as it came.
    pub fn adapted(&self, base: &Llama, device: &Device) -> Llama {
        let adapter = Adapter::read(&self.folder.join("adapter"), &base.config().projections(), device).unwrap();
        base.with_adapter(&adapter).unwrap()
    }

    /// The adapter as it was after the ten steps.
    pub fn trained(&self, base: &Llama, device: &Device) -> Llama {
        let mut adapter = Adapter::read(&self.folder.join("adapter"), &base.config().projections(), device).unwrap();
        for (name, lora) in &mut adapter.loras {
            let weight = |part: &str, shape| {
                let values = self.floats(&format!("after10.{name}.{part}.weight"));
                Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
            };
            *lora = Lora { a: weight("lora_A", lora.a.dims()), b: weight("lora_B", lora.b.dims()), scale: lora.scale };
        }
        base.with_adapter(&adapter).unwrap()
    }
}

pub const ROWS: usize = 3;
pub const SEQ: usize = 24;
