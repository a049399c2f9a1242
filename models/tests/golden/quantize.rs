//! The recorded models in fewer bits: how far their logits move.

use std::path::Path;

use burn::tensor::Device;
use tiller_models::llama::Llama;
use tiller_models::quantize::{Blocks, quantize};

use crate::state::{Golden, MODELS};

fn logits(path: &Path, golden: &Golden) -> Vec<f32> {
    let llama = Llama::load(path, &Device::flex()).unwrap();
    llama.forward(&golden.batch()).try_into_vec_as().unwrap()
}

#[test]
fn logits_move_as_little_as_the_bits_allow() {
    let folder = tempfile::tempdir().unwrap();
    for name in MODELS {
        let golden = Golden::open(name);
        let expected = logits(&golden.folder, &golden);
        let rms = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let size = rms(&mut expected.iter().copied());
        // Models of random weights move by about four times what their weights do; rows in a wrong order move them by more than 1.
        for (blocks, tolerance) in [
            (Blocks::F32, 0.0),
            (Blocks::F16, 2e-3),
            (Blocks::Q8_0, 5e-2),
            (Blocks::Q4_1, 0.6),
            (Blocks::Q4_K, 0.6),
            (Blocks::Q4_0, 0.8),
        ] {
            let file = folder.path().join(format!("{name}-{blocks}.gguf"));
            quantize(&golden.folder, blocks, &file, &mut |_, _, _| {}).unwrap();
            let found = logits(&file, &golden);
            let moved = rms(&mut found.iter().zip(&expected).map(|(found, expected)| found - expected)) / size;
            println!("{name} {blocks}: logits moved by {moved:.2e} of their size");
            assert!(moved <= tolerance, "{name} {blocks}: {moved}");
            assert!(moved > 0.0 || blocks == Blocks::F32, "{name} {blocks}");
        }
    }
}
