//! The launches of `attention.wgsl` and of its gradients: variants, parameters, and the split of long work.

use burn::backend::TensorMetadata;
use burn_cubecl::tensor::CubeTensor;
use bytemuck::{Pod, Zeroable};

use crate::bench::{BenchBuffer, BenchCase, BenchDims};
use crate::kernel::{Kernel, empty_like, enqueue, enqueue_with, split_launches};

/// The widest head that the kernels hold in registers.
pub(super) const WIDEST: usize = 128;

/// Coordinates of a head that an invocation takes four of.
const PART: usize = 32;

/// Queries or keys of a workgroup.
const ROWS: usize = 64;

/// Of the kernel of delta.
const WORKGROUP: u32 = 64;

/// The shape of q `[batch, seq, heads, head_dim]` and of k and v `[batch, seq, kv_heads, head_dim]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct AttentionShape {
    pub(super) batch: usize,
    pub(super) seq: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    /// A multiple of 4, up to [`WIDEST`].
    pub(super) head_dim: usize,
    pub(super) scale: f32,
}

/// The parameters of `lib/attention.wgsl` up to the padding.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Params {
    first: u32,
    batch: u32,
    seq: u32,
    heads: u32,
    group: u32,
    quads: u32,
    scale: f32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct DeltaParams {
    queries: u32,
    seq: u32,
    heads: u32,
    quads: u32,
}

/// The three passes over tiles; the kernel of delta is separate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// o and lse of q, k, v.
    Forward,
    /// dq of q, k, v, dO and the statistics.
    GradQ,
    /// dk and dv of the same.
    GradKv,
}

impl Pass {
    pub(super) const ALL: [Pass; 3] = [Pass::Forward, Pass::GradQ, Pass::GradKv];

    fn shader(self) -> &'static str {
        match self {
            Pass::Forward => "attention",
            Pass::GradQ => "attention_grad_q",
            Pass::GradKv => "attention_grad_kv",
        }
    }

    /// Products of a tile of tokens with a tile of tokens.
    fn products(self) -> usize {
        match self {
            Pass::Forward => 2,
            Pass::GradQ => 3,
            Pass::GradKv => 4,
        }
    }

    pub(super) fn kernel(self, head_dim: usize) -> Kernel {
        Kernel::new(self.shader()).with("PARTS", head_dim.div_ceil(PART) as u32)
    }

    /// The bytes of the parameters and the workgroups of every launch that it takes.
    pub(super) fn launches(self, shape: AttentionShape, padding: &[u32]) -> impl Iterator<Item = (Vec<u8>, usize)> {
        let heads = if self == Pass::GradKv { shape.kv_heads } else { shape.heads };
        let workgroups = shape.batch * heads * shape.seq.div_ceil(ROWS);
        let members = shape.heads / heads;
        let flops = 2 * self.products() * members * ROWS * shape.seq * shape.head_dim;
        split_launches(workgroups, flops).map(move |(first, count)| (shape.params(first, padding), count))
    }
}

pub(super) fn delta_kernel() -> Kernel {
    Kernel::new("attention_delta").with("WORKGROUP", WORKGROUP)
}

/// Every variant, for the translation test.
pub(crate) fn kernels() -> Vec<Kernel> {
    let heads = || (PART..=WIDEST).step_by(PART);
    Pass::ALL.iter().flat_map(|pass| heads().map(|head_dim| pass.kernel(head_dim))).chain([delta_kernel()]).collect()
}

impl AttentionShape {
    /// The parameters of a launch from workgroup `first` on.
    pub(super) fn params(&self, first: usize, padding: &[u32]) -> Vec<u8> {
        let params = Params {
            first: first as u32,
            batch: self.batch as u32,
            seq: self.seq as u32,
            heads: self.heads as u32,
            group: (self.heads / self.kv_heads) as u32,
            quads: (self.head_dim / 4) as u32,
            scale: self.scale,
        };
        [bytemuck::bytes_of(&params), bytemuck::cast_slice(padding)].concat()
    }

    /// The parameters and workgroups of delta's launch.
    pub(super) fn delta(&self) -> (DeltaParams, usize) {
        let queries = (self.batch * self.seq * self.heads) as u32;
        let params =
            DeltaParams { queries, seq: self.seq as u32, heads: self.heads as u32, quads: (self.head_dim / 4) as u32 };
        (params, queries.div_ceil(WORKGROUP) as usize)
    }
}

/// o, as q, and lse `[batch, heads, seq]`.
pub(super) fn forward(shape: AttentionShape, padding: &[u32], [q, k, v]: [&CubeTensor; 3]) -> [CubeTensor; 2] {
    let o = empty_like(q, q.shape());
    let lse = empty_like(q, [shape.batch, shape.heads, shape.seq].into());
    run(Pass::Forward, shape, padding, &[q, k, v, &o, &lse]);
    [o, lse]
}

/// dq, dk and dv by dO.
pub(super) fn backward(
    shape: AttentionShape,
    padding: &[u32],
    [q, k, v]: [&CubeTensor; 3],
    [o, lse]: [&CubeTensor; 2],
    d_o: &CubeTensor,
) -> [CubeTensor; 3] {
    let stats = empty_like(q, [shape.batch, shape.heads, shape.seq, 2].into());
    let (params, workgroups) = shape.delta();
    enqueue(delta_kernel(), &[o, d_o, lse, &stats], &params, workgroups);
    let [dq, dk, dv] = [q, k, v].map(|tensor| empty_like(tensor, tensor.shape()));
    run(Pass::GradQ, shape, padding, &[q, k, v, d_o, &stats, &dq]);
    run(Pass::GradKv, shape, padding, &[q, k, v, d_o, &stats, &dk, &dv]);
    [dq, dk, dv]
}

fn run(pass: Pass, shape: AttentionShape, padding: &[u32], tensors: &[&CubeTensor]) {
    for (params, workgroups) in pass.launches(shape, padding) {
        enqueue_with(pass.kernel(shape.head_dim), tensors, &params, workgroups);
    }
}

/// The benchmarks; their operations are those of the pairs that see each other.
pub(crate) fn bench_cases(sizes: &BenchDims) -> Vec<BenchCase> {
    let &BenchDims { batch, seq, n_heads: heads, n_kv_heads: kv_heads, head_dim, .. } = sizes;
    let shape = AttentionShape { batch, seq, heads, kv_heads, head_dim, scale: (head_dim as f32).sqrt().recip() };
    let padding = vec![0; batch];
    let (queries, keys) = (batch * seq * heads * head_dim, batch * seq * kv_heads * head_dim);
    let per_query = batch * seq * heads;
    let entry = |pass: Pass, variant, inputs: &[usize], outputs: &[usize]| {
        let label = format!("{batch} x {seq} x {heads} of {kv_heads} x {head_dim}");
        let pairs = batch * heads * seq * (seq + 1) / 2;
        let bytes = 4 * inputs.iter().chain(outputs).sum::<usize>();
        let entry = BenchCase::new("attention", variant, label, pass.kernel(head_dim))
            .over(inputs.iter().map(|count| BenchBuffer::Numbers(*count)))
            .over(outputs.iter().map(|count| BenchBuffer::Output(*count)))
            .costing(bytes, 2 * pass.products() * pairs * head_dim);
        pass.launches(shape, &padding).fold(entry, |entry, (params, count)| entry.launched_with(&params, count))
    };
    let backward = [queries, keys, keys, queries, 2 * per_query];
    let (params, workgroups) = shape.delta();
    let delta = BenchCase::new("attention", "delta", format!("{batch} x {seq} x {heads} x {head_dim}"), delta_kernel())
        .over([queries, queries, per_query].map(BenchBuffer::Numbers))
        .over([BenchBuffer::Output(2 * per_query)])
        .launched(&params, workgroups)
        .costing(4 * (2 * queries + 3 * per_query), 2 * queries);
    vec![
        delta,
        entry(Pass::Forward, "forward", &[queries, keys, keys], &[queries, per_query]),
        entry(Pass::GradQ, "gradient of q", &backward, &[queries]),
        entry(Pass::GradKv, "gradient of k, v", &backward, &[keys, keys]),
    ]
}
