//! The gradient of a step: gradient accumulation over its micro-batches.

use burn::module::Module;
use rayon::prelude::*;
use tiller_models::llama::Llama;
use tiller_models::optim::Gradients;
use tiller_models::train::{ForwardOptions, WeightedExample};

use super::micro_batch::MicroBatches;

/// The gradient of the mean loss of all examples, and that loss; `options` is given the number of a micro-batch's first example. See
/// [`Llama::gradient`] for `recompute`.
///
/// The result depends neither on the size of the micro-batches, up to rounding, nor on how many are computed side by side.
pub fn gradient(
    llama: &Llama,
    micro_batches: &MicroBatches<WeightedExample>,
    recompute: bool,
    options: impl Fn(usize) -> ForwardOptions + Sync,
) -> (Gradients, f64) {
    let MicroBatches { parts, parallel } = micro_batches;
    let share = 1.0 / parts.iter().map(Vec::len).sum::<usize>() as f32;
    let gradient = |&(first, examples): &(usize, &Vec<WeightedExample>)| {
        // Leaves of its own make its graph its own, which burn then differentiates beside the others'.
        let llama = llama.valid().train();
        let (gradients, loss) = llama.gradient(examples, share, &options(first), recompute);
        (gradients, f64::from(loss.into_scalar::<f32>()))
    };
    let (mut gradients, mut loss) = (Gradients::default(), 0.0);
    for parts in numbered(parts).chunks(*parallel) {
        let computed: Vec<(Gradients, f64)> = parts.par_iter().map(gradient).collect();
        for (part, of_part) in computed {
            gradients.add(part);
            loss += of_part;
        }
    }
    (gradients, loss)
}

/// Each micro-batch with the number of its first example in the step.
fn numbered<S>(parts: &[Vec<S>]) -> Vec<(usize, &Vec<S>)> {
    let firsts = parts.iter().scan(0, |next, part| Some(std::mem::replace(next, *next + part.len())));
    firsts.zip(parts).collect()
}
