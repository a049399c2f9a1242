//! The gradient of one step, which several batches share.

use burn::module::Module;
use burn::tensor::Device;
use rayon::prelude::*;
use tiller_models::llama::Llama;
use tiller_models::optim::Gradients;
use tiller_models::train::{Forward, Sample};

/// The negative log-likelihood of all samples, each counting alike, and its gradient; `how` is told the number of the batch.
///
/// The result does not depend on how many are computed [`side_by_side`].
pub fn nll_gradient(llama: &Llama, batches: &[Vec<Sample>], how: impl Fn(usize) -> Forward + Sync) -> (Gradients, f64) {
    let samples = batches.iter().map(Vec::len).sum::<usize>() as f64;
    let gradient = |&(number, batch): &(usize, &Vec<Sample>)| {
        // Leaves of its own make its graph its own, which burn then differentiates beside the others'.
        let llama = llama.valid().train();
        let loss = llama.score(batch, &how(number)).nll() * (batch.len() as f64 / samples);
        (Gradients::of(loss.clone(), &llama), f64::from(loss.into_scalar::<f32>()))
    };
    let numbered: Vec<(usize, &Vec<Sample>)> = batches.iter().enumerate().collect();
    let (mut gradients, mut loss) = (Gradients::default(), 0.0);
    for batches in numbered.chunks(side_by_side(&llama.device())) {
        let parts: Vec<(Gradients, f64)> = batches.par_iter().map(gradient).collect();
        for (part, of_part) in parts {
            gradients.add(part);
            loss += of_part;
        }
    }
    (gradients, loss)
}

/// How many batches are computed beside each other: on a CPU as many as it has cores, whatever the model is too small to share among them;
/// a GPU is parallel within.
pub fn side_by_side(device: &Device) -> usize {
    let is_cpu = device.clone().without_autodiff() == Device::flex();
    if is_cpu { rayon::current_num_threads() } else { 1 }
}
