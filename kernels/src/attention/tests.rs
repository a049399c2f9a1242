//! Attention against plain loops in f64, on ragged shapes, through burn and under bounds checks; and its gradients.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::launch::{Form, Pass, WIDEST, delta_kernel};
use super::*;
use crate::device::{test_devices, test_gpu};
use crate::kernel::Kernel;
use crate::testing::{assert_close, check_gradients, download, noise, run_checked, upload};

/// A step to attend in, and the gradient that flows into it.
struct Case {
    form: Form,
    padding: Vec<u32>,
    q: Vec<f32>,   // [batch, seq, heads, head_dim]
    k: Vec<f32>,   // [batch, seq, kv_heads, head_dim]
    v: Vec<f32>,   // [batch, seq, kv_heads, head_dim]
    d_o: Vec<f32>, // [batch, seq, heads, head_dim], zero at padding
}

/// What a step gives.
#[derive(Default)]
struct Answer {
    o: Vec<f32>,
    lse: Vec<f32>, // [batch, heads, seq]
    stats: Vec<f32>,
    dq: Vec<f32>,
    dk: Vec<f32>,
    dv: Vec<f32>,
}

const NOTHING: f32 = 1e30;

impl Case {
    fn new(seq: usize, [heads, kv_heads]: [usize; 2], head_dim: usize, padding: &[u32]) -> Self {
        let batch = padding.len();
        let form = Form { batch, seq, heads, kv_heads, head_dim, scale: (head_dim as f32).sqrt().recip() };
        let (queries, keys) = (batch * seq * heads * head_dim, batch * seq * kv_heads * head_dim);
        // Large enough for weights that differ, not so large that one takes all.
        let scaled = |seed, count| noise(seed, count).into_iter().map(|x| 2.0 * x).collect::<Vec<f32>>();
        let mut d_o = noise(4, queries);
        for (i, d_o) in d_o.chunks_mut(heads * head_dim).enumerate() {
            if i % seq < padding[i / seq] as usize {
                d_o.fill(0.0);
            }
        }
        let (q, k, v) = (scaled(1, queries), scaled(2, keys), scaled(3, keys));
        Case { form, padding: padding.to_vec(), q, k, v, d_o }
    }

    /// Shapes that no tile fits: padding within a tile, across tiles and of a whole row; groups; narrow, wide and odd heads.
    fn ragged() -> Vec<Case> {
        vec![
            Case::new(1, [1, 1], 16, &[0]),
            Case::new(5, [2, 1], 20, &[0, 3]),
            Case::new(70, [4, 2], 64, &[0, 33, 70]),
            Case::new(130, [3, 3], 36, &[67]),
            Case::new(67, [2, 1], 128, &[5]),
        ]
    }

    fn name(&self) -> String {
        format!("{:?} padding {:?}", self.form, self.padding)
    }

    fn shapes(&self) -> [[usize; 4]; 3] {
        let Form { batch, seq, heads, kv_heads, head_dim, .. } = self.form;
        [[batch, seq, heads, head_dim], [batch, seq, kv_heads, head_dim], [batch, seq, kv_heads, head_dim]]
    }

    fn sight(&self) -> Sight {
        Sight::new(&[], &self.padding.iter().map(|p| *p as usize).collect::<Vec<_>>(), self.form.seq)
    }

    /// The definitions, in f64.
    fn reference(&self) -> Answer {
        let Form { batch, seq, heads, kv_heads, head_dim, scale } = self.form;
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        let [mut o, mut dq] = [(); 2].map(|()| vec![0f64; self.q.len()]);
        let [mut dk, mut dv] = [(); 2].map(|()| vec![0f64; self.k.len()]);
        let (mut lse, mut stats) = (vec![NOTHING; batch * heads * seq], vec![0f32; 2 * batch * heads * seq]);
        for (b, h, i) in (0..batch).flat_map(|b| (0..heads).flat_map(move |h| (0..seq).map(move |i| (b, h, i)))) {
            let query = ((b * seq + i) * heads + h) * head_dim;
            let key = |j: usize| ((b * seq + j) * kv_heads + h / (heads / kv_heads)) * head_dim;
            let (q, d_o) = (&self.q[query..][..head_dim], &self.d_o[query..][..head_dim]);
            let seen = self.padding[b] as usize..i + 1;
            let scores: Vec<f64> =
                seen.clone().map(|j| f64::from(scale) * dot(q, &self.k[key(j)..][..head_dim])).collect();
            let of_all = scores.iter().map(|s| s.exp()).sum::<f64>().ln();
            let weights: Vec<f64> = scores.iter().map(|s| (s - of_all).exp()).collect();
            let changes: Vec<f64> = seen.clone().map(|j| dot(d_o, &self.v[key(j)..][..head_dim])).collect();
            let delta = weights.iter().zip(&changes).map(|(w, c)| w * c).sum::<f64>();
            let at = (b * heads + h) * seq + i;
            if !seen.is_empty() {
                lse[at] = of_all as f32;
            }
            (stats[2 * at], stats[2 * at + 1]) = (lse[at], delta as f32);
            for ((j, weight), change) in seen.zip(&weights).zip(&changes) {
                let turn = weight * (change - delta) * f64::from(scale);
                for x in 0..head_dim {
                    o[query + x] += weight * f64::from(self.v[key(j) + x]);
                    dv[key(j) + x] += weight * f64::from(d_o[x]);
                    dq[query + x] += turn * f64::from(self.k[key(j) + x]);
                    dk[key(j) + x] += turn * f64::from(q[x]);
                }
            }
        }
        let [o, dq, dk, dv] = [o, dq, dk, dv].map(|values| values.into_iter().map(|x| x as f32).collect());
        Answer { o, lse, stats, dq, dk, dv }
    }

    /// Zeroes what stands at padding, which means nothing.
    fn of_tokens(&self, mut values: Vec<f32>) -> Vec<f32> {
        let Form { seq, heads, head_dim, .. } = self.form;
        for (i, values) in values.chunks_mut(heads * head_dim).enumerate() {
            if i % seq < self.padding[i / seq] as usize {
                values.fill(0.0);
            }
        }
        values
    }
}

const TOLERANCE: f32 = 2e-5;

#[test]
fn both_devices_agree_with_the_reference_on_ragged_shapes_and_so_do_their_gradients() {
    // A head that is no whole number of vec4, and one that is too wide for the kernels.
    let odd = [Case::new(34, [4, 2], 18, &[0, 2]), Case::new(3, [2, 1], WIDEST + 4, &[1])];
    for case in Case::ragged().into_iter().chain(odd) {
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
            let o = attention(q.clone(), k.clone(), v.clone(), &case.sight());
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
    let case = Case::new(7, [4, 2], 8, &[1]);
    let whole = case.of_tokens(case.reference().o);
    for (name, device) in test_devices() {
        let [q, k, v]: [Tensor<4>; 3] = [&case.q, &case.k, &case.v]
            .into_iter()
            .zip(case.shapes())
            .map(|(numbers, shape)| upload(numbers, shape, &device))
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        let sight = Sight::new(&[vec![false, true, true, true]], &[0], 3);
        let last = download(attention(q.narrow(1, 4, 3), k, v, &sight));
        assert_close(&last, &whole[4 * 32..], TOLERANCE, name);
    }
}

#[test]
fn gradients_agree_with_finite_differences_in_the_middle_of_a_graph() {
    let ([batch, seq, heads, kv_heads, head_dim], padding) = ([1, 4, 2, 1, 8], [1]);
    let tokens = batch * seq * head_dim;
    check_gradients(&[tokens * heads, tokens * kv_heads, tokens * kv_heads], |inputs| {
        let shaped = |i: usize, heads| inputs[i].clone().reshape([batch, seq, heads, head_dim]);
        let o = attention(shaped(0, heads), shaped(1, kv_heads), shaped(2, kv_heads), &Sight::new(&[], &padding, seq));
        o.narrow(1, padding[0], seq - padding[0]).reshape([(seq - padding[0]) * heads * head_dim])
    });
}

/// The parameters of a launch, with room for the padding of four rows.
fn params(case: &Case, first: usize) -> [u32; 11] {
    let mut words = [0; 11];
    let bytes = case.form.params(first, &case.padding);
    words[..bytes.len() / 4].copy_from_slice(bytemuck::cast_slice(&bytes));
    words
}

#[test]
fn every_variant_agrees_with_the_reference_under_bounds_checks() {
    let gpu = test_gpu().gpu.unwrap();
    let three_parts = Case::new(33, [2, 2], 84, &[0]);
    for case in Case::ragged().into_iter().chain([three_parts]) {
        let (form, expected) = (case.form, case.reference());
        let (queries, keys) = (case.q.len(), case.k.len());
        let workgroups = |pass: Pass| pass.launches(form, &case.padding).map(|(_, count)| count).sum();
        let check = |found: &[f32], expected: &[f32], kernel: &Kernel, of: &str| {
            assert_close(found, expected, TOLERANCE, &format!("{} {}: {of}", kernel.name(), case.name()));
        };

        let kernel = Pass::Forward.kernel(form.head_dim);
        let lengths = [queries, expected.lse.len()];
        let inputs: [&[f32]; 3] = [&case.q, &case.k, &case.v];
        let [o, lse] = run_checked(&gpu, &kernel, &inputs, lengths, &params(&case, 0), workgroups(Pass::Forward));
        check(&o, &expected.o, &kernel, "o");
        check(&lse, &expected.lse, &kernel, "lse");

        let (kernel, (delta, count)) = (delta_kernel(), form.delta());
        let inputs: [&[f32]; 3] = [&expected.o, &case.d_o, &expected.lse];
        let [stats] = run_checked(&gpu, &kernel, &inputs, [expected.stats.len()], &delta, count);
        check(&stats, &expected.stats, &kernel, "lse and delta");

        let inputs: [&[f32]; 5] = [&case.q, &case.k, &case.v, &case.d_o, &expected.stats];
        let kernel = Pass::GradQ.kernel(form.head_dim);
        let [dq] = run_checked(&gpu, &kernel, &inputs, [queries], &params(&case, 0), workgroups(Pass::GradQ));
        check(&dq, &expected.dq, &kernel, "dq");
        let kernel = Pass::GradKv.kernel(form.head_dim);
        let [dk, dv] = run_checked(&gpu, &kernel, &inputs, [keys; 2], &params(&case, 0), workgroups(Pass::GradKv));
        check(&dk, &expected.dk, &kernel, "dk");
        check(&dv, &expected.dv, &kernel, "dv");
    }
}

#[test]
fn a_launch_of_some_tiles_leaves_the_others_alone() {
    let gpu = test_gpu().gpu.unwrap();
    let case = Case::new(130, [1, 1], 16, &[0]);
    let expected = case.reference();
    let inputs: [&[f32]; 3] = [&case.q, &case.k, &case.v];
    // Of three tiles the last comes first: the second one is tokens 64 to 127, and past the third there is nothing.
    let run = |first, count| {
        let kernel = Pass::Forward.kernel(16);
        run_checked(&gpu, &kernel, &inputs, [case.q.len(), 130], &params(&case, first), count)[0].clone()
    };
    let second = run(1, 1);
    assert!(second[..64 * 16].iter().chain(&second[128 * 16..]).all(|o| o.is_nan()));
    assert_close(&second[64 * 16..128 * 16], &expected.o[64 * 16..128 * 16], TOLERANCE, "the second tile");
    assert!(run(3, 2).iter().all(|o| o.is_nan()));
}

#[test]
fn long_work_is_cut_and_every_launch_knows_its_first_workgroup() {
    let form = Form { batch: 8, seq: 4096, heads: 32, kv_heads: 4, head_dim: 128, scale: 1.0 };
    for pass in Pass::ALL {
        let mut next = 0;
        for (params, count) in pass.launches(form, &[0; 8]) {
            assert_eq!(bytemuck::pod_read_unaligned::<u32>(&params[..4]), next as u32);
            next += count;
        }
        let heads = if pass == Pass::GradKv { 4 } else { 32 };
        assert_eq!(next, 8 * heads * 64);
        assert!(pass.launches(form, &[0; 8]).count() > 1, "{pass:?}");
    }
}

#[test]
fn a_tensor_that_is_no_copy_is_read_in_its_own_order() {
    let case = Case::new(5, [2, 1], 20, &[0, 3]);
    let sight = case.sight();
    for (name, device) in test_devices() {
        let [q, k, v] = [(&case.q, 0), (&case.k, 1), (&case.v, 2)]
            .map(|(numbers, i)| upload::<4>(numbers, case.shapes()[i], &device));
        let expected = download(attention(q.clone(), k.clone(), v.clone(), &sight));
        // Laid out with heads before tokens, and seen the other way round.
        let turned = |tensor: Tensor<4>| {
            let swapped = tensor.swap_dims(1, 2);
            upload::<4>(&download(swapped.clone()), swapped.dims(), &device).swap_dims(1, 2)
        };
        let found = download(attention(turned(q), turned(k), turned(v), &sight));
        assert_close(&found, &expected, 0.0, name);
    }
}

#[test]
fn the_padding_is_shared_not_copied() {
    let sight = Sight::new(&[], &[1, 2], 3);
    let [one, other] = [(); 2].map(|()| sight.padding_alone().unwrap());
    assert!(Arc::ptr_eq(&one, &other));
    assert!(Sight::new(&[vec![true]], &[0], 3).padding_alone().is_none());
}
