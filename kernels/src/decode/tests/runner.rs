//! Steps in as many submissions as their work asks for.

use super::super::buffers::zeros;
use super::super::runner::Runner;
use super::*;
use crate::pipelines::Pipelines;
use crate::quant::{PackedMatrix, QuantScheme};
use crate::test_gpu;
use crate::testing::{noise, read, storage, words_storage};

#[test]
fn long_steps_are_submitted_in_parts_and_compute_the_same() {
    let gpu = test_gpu().gpu.unwrap();
    let packed = PackedMatrix::from_f32(QuantScheme::F32, 16, 16, &noise(1, 16 * 16)).unwrap();
    let matrix = Matrix::upload(&packed, 1, &gpu).unwrap();
    let step_inputs = inputs_of(&ids(&[2]), &[0], &[], HEADS);
    let words = words_storage(&gpu, &step_inputs.words);
    let (mut pipelines, x) = (Pipelines::new(gpu.clone()), storage(&gpu, &noise(2, 2 * 16)));
    let found = [FLOPS_PER_SUBMISSION, 2 * (2 * 16 * 16 * 2), 1].map(|at_once| {
        let [middle, y] = [(); 2].map(|()| zeros(&gpu, "y", 2 * 16 * 4));
        let mut builder = StepBuilder { pipelines: &mut pipelines, step_inputs: &words, columns: 2, int8: None };
        let layer = FusedLinear { matrix: &matrix, norm: Norm::None, adapters: None };
        let launches = [(&x, &middle), (&middle, &y), (&y, &middle)]
            .map(|(from, to)| builder.linear(layer, from, Store { y: to, at: 0, stride: 16, add: true }))
            .concat();
        let mut runner = Runner::new(gpu.clone());
        runner.flops_at_once = at_once;
        runner.submit(&launches, &step_inputs.counts);
        assert_eq!((runner.work.launches, runner.work.operations), (3, 3 * 2 * 16 * 16 * 2));
        (read(&gpu, &middle), runner.work.submissions)
    });
    assert_eq!(found.each_ref().map(|(_, submissions)| *submissions), [1, 2, 3]);
    assert!(found.iter().all(|(y, _)| *y == found[0].0));
}
