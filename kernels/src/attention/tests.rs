//! Attention against plain loops in f64, on ragged shapes, through burn and under bounds checks; and its
//! gradients.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::check::{AttentionCase, TOLERANCE, params};
use super::launch::{AttentionShape, Pass, WIDEST};
use super::*;
use crate::check::KernelCheck;
use crate::testing::{assert_close, assert_passes, check_gradients, download, upload};
use crate::{test_devices, test_gpu};

/// The tensors of the case on a device.
impl AttentionCase {
    fn shapes(&self) -> [[usize; 4]; 3] {
        let AttentionShape { batch, seq, heads, kv_heads, head_dim, .. } = self.shape;
        [[batch, seq, heads, head_dim], [batch, seq, kv_heads, head_dim], [batch, seq, kv_heads, head_dim]]
    }

    fn mask(&self) -> AttentionMask {
        AttentionMask::new(&[], &self.padding.iter().map(|p| *p as usize).collect::<Vec<_>>(), self.shape.seq)
    }

    /// Zeroes the numbers of padding tokens, which have no meaning.
    fn of_tokens(&self, mut values: Vec<f32>) -> Vec<f32> {
        let AttentionShape { seq, heads, head_dim, .. } = self.shape;
        for (i, values) in values.chunks_mut(heads * head_dim).enumerate() {
            if i % seq < self.padding[i / seq] as usize {
                values.fill(0.0);
            }
        }
        values
    }
}

#[test]
fn both_devices_agree_with_the_reference_on_ragged_shapes_and_so_do_their_gradients() {
    // A head width that is not a multiple of 4, and one that is too wide for the kernels.
    let odd = [AttentionCase::new(34, [4, 2], 18, &[0, 2]), AttentionCase::new(3, [2, 1], WIDEST + 4, &[1])];
    for case in AttentionCase::ragged().into_iter().chain(odd) {
        let expected = case.reference();
        for (device_name, device) in test_devices() {
            let device = device.autodiff();
            let name = format!("{device_name} {}", case.name());
            let [q, k, v] = [&case.q, &case.k, &case.v]
                .into_iter()
                .zip(case.shapes())
                .map(|(numbers, shape)| upload(numbers, shape, &device).require_grad())
                .collect::<Vec<Tensor<4>>>()
                .try_into()
                .unwrap();
            let o = attention(q.clone(), k.clone(), v.clone(), &case.mask());
            assert_close(&case.of_tokens(download(o.clone())), &expected.o, TOLERANCE, &format!("{name}: o"));
            let gradients = (o * upload(&case.d_o, case.shapes()[0], &device)).sum().backward();
            for (of, leaf, expected) in [("q", q, &expected.dq), ("k", k, &expected.dk), ("v", v, &expected.dv)] {
                let found = download(leaf.grad(&gradients).expect("a leaf of the graph"));
                assert_close(&found, expected, TOLERANCE, &format!("{name}: gradient of {of}"));
            }
        }
    }
}

#[test]
fn a_step_behind_a_past_sees_it_and_not_its_padding() {
    // Row by row what one step over all tokens gives, whose first key is padding.
    let case = AttentionCase::new(7, [4, 2], 8, &[1]);
    let whole = case.of_tokens(case.reference().o);
    for (name, device) in test_devices() {
        let [q, k, v]: [Tensor<4>; 3] = [&case.q, &case.k, &case.v]
            .into_iter()
            .zip(case.shapes())
            .map(|(numbers, shape)| upload(numbers, shape, &device))
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        let mask = AttentionMask::new(&[vec![false, true, true, true]], &[0], 3);
        let last = download(attention(q.narrow(1, 4, 3), k, v, &mask));
        assert_close(&last, &whole[4 * 32..], TOLERANCE, name);
    }
}

#[test]
fn gradients_agree_with_finite_differences_in_the_middle_of_a_graph() {
    let ([batch, seq, heads, kv_heads, head_dim], padding) = ([1, 4, 2, 1, 8], [1]);
    let tokens = batch * seq * head_dim;
    check_gradients(&[tokens * heads, tokens * kv_heads, tokens * kv_heads], |inputs| {
        let shaped = |i: usize, heads| inputs[i].clone().reshape([batch, seq, heads, head_dim]);
        let o = attention(
            shaped(0, heads),
            shaped(1, kv_heads),
            shaped(2, kv_heads),
            &AttentionMask::new(&[], &padding, seq),
        );
        o.narrow(1, padding[0], seq - padding[0]).reshape([(seq - padding[0]) * heads * head_dim])
    });
}

#[test]
fn every_variant_agrees_with_the_reference_under_bounds_checks() {
    assert_passes(check);
}

#[test]
fn a_launch_of_some_tiles_leaves_the_others_alone() {
    let gpu = test_gpu().gpu.unwrap();
    let case = AttentionCase::new(130, [1, 1], 16, &[0]);
    let expected = case.reference();
    let inputs: [&[f32]; 3] = [&case.q, &case.k, &case.v];
    // Of three tiles the last comes first: the second one is tokens 64 to 127, and past the third there is
    // nothing.
    let run = |first, count| {
        let kernel = Pass::Forward.kernel(16);
        KernelCheck::on(gpu.clone()).run(&kernel, &inputs, [case.q.len(), 130], &params(&case, first), count)[0].clone()
    };
    let second = run(1, 1);
    assert!(second[..64 * 16].iter().chain(&second[128 * 16..]).all(|o| o.is_nan()));
    assert_close(&second[64 * 16..128 * 16], &expected.o[64 * 16..128 * 16], TOLERANCE, "the second tile");
    assert!(run(3, 2).iter().all(|o| o.is_nan()));
}

#[test]
fn long_work_is_cut_and_every_launch_knows_its_first_workgroup() {
    let shape = AttentionShape { batch: 8, seq: 4096, heads: 32, kv_heads: 4, head_dim: 128, scale: 1.0 };
    for pass in Pass::ALL {
        let mut next = 0;
        for (params, count) in pass.launches(shape, &[0; 8]) {
            assert_eq!(bytemuck::pod_read_unaligned::<u32>(&params[..4]), next as u32);
            next += count;
        }
        let heads = if pass == Pass::GradKv { 4 } else { 32 };
        assert_eq!(next, 8 * heads * 64);
        assert!(pass.launches(shape, &[0; 8]).count() > 1, "{pass:?}");
    }
}

#[test]
fn a_tensor_that_is_no_copy_is_read_in_its_own_order() {
    let case = AttentionCase::new(5, [2, 1], 20, &[0, 3]);
    let mask = case.mask();
    for (name, device) in test_devices() {
        let [q, k, v] = [(&case.q, 0), (&case.k, 1), (&case.v, 2)]
            .map(|(numbers, i)| upload::<4>(numbers, case.shapes()[i], &device));
        let expected = download(attention(q.clone(), k.clone(), v.clone(), &mask));
        // Laid out with heads before tokens, and seen the other way round.
        let turned = |tensor: Tensor<4>| {
            let swapped = tensor.swap_dims(1, 2);
            upload::<4>(&download(swapped.clone()), swapped.dims(), &device).swap_dims(1, 2)
        };
        let found = download(attention(turned(q), turned(k), turned(v), &mask));
        assert_close(&found, &expected, 0.0, name);
    }
}

#[test]
fn the_padding_is_shared_not_copied() {
    let mask = AttentionMask::new(&[], &[1, 2], 3);
    let [one, other] = [(); 2].map(|()| mask.padding_alone().unwrap());
    assert!(Arc::ptr_eq(&one, &other));
    assert!(AttentionMask::new(&[vec![true]], &[0], 3).padding_alone().is_none());
}
