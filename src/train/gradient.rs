//! The gradient of one step, which several batches share.

use burn::module::Module;
use burn::tensor::Device;
use rayon::prelude::*;
use tiller_models::llama::Llama;
use tiller_models::optim::Gradients;
use tiller_models::train::{ForwardOptions, WeightedExample};

/// The gradient of the loss of all examples, each counting alike, and the loss; `how` is told the number of the batch. See
/// [`Llama::gradient`] for `recompute`.
///
/// The result does not depend on how many are computed [`side_by_side`].
pub fn gradient(
    llama: &Llama,
    batches: &[Vec<WeightedExample>],
    recompute: bool,
    how: impl Fn(usize) -> ForwardOptions + Sync,
) -> (Gradients, f64) {
    let share = 1.0 / batches.iter().map(Vec::len).sum::<usize>() as f32;
    let gradient = |&(number, batch): &(usize, &Vec<WeightedExample>)| {
        // Leaves of its own make its graph its own, which burn then differentiates beside the others'.
        let llama = llama.valid().train();
        let (gradients, loss) = llama.gradient(batch, share, &how(number), recompute);
        (gradients, f64::from(loss.into_scalar::<f32>()))
    };
    let numbered: Vec<(usize, &Vec<WeightedExample>)> = batches.iter().enumerate().collect();
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
