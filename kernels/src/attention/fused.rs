//! Fused attention in burn's graph.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use burn_flex::FlexTensor;

use super::cpu::{self, Operands};
use super::launch::{self, AttentionShape};
use crate::autodiff::{Differentiable, record};
use crate::cpu::{contiguous, numbers, tensor};

/// [`attention`](super::attention()) of a step that brings all its keys. The heads have up to [`WIDEST`]
/// coordinates on a GPU.
///
/// [`WIDEST`]: super::launch::WIDEST
pub(super) fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, padding: Arc<[u32]>) -> Tensor<4> {
    let head_dim = q.dims()[3];
    let scale = (head_dim as f32).sqrt().recip();
    // The kernels read four coordinates at once; missing ones are padded with zeros.
    let [q, k, v] = [q, k, v].map(|tensor| widened(tensor, head_dim.next_multiple_of(4)));
    let o = Dispatch::attention(q.into_dispatch(), k.into_dispatch(), v.into_dispatch(), padding, scale);
    Tensor::from_dispatch(o).narrow(3, 0, head_dim)
}

/// The tensor with zeros behind its last dimension.
fn widened(tensor: Tensor<4>, width: usize) -> Tensor<4> {
    let mut missing = tensor.dims();
    missing[3] = width - missing[3];
    if missing[3] == 0 {
        return tensor;
    }
    let zeros = Tensor::zeros(missing, &tensor.device());
    Tensor::cat(vec![tensor, zeros], 3)
}

/// The operation for each of burn's backends.
#[backend_extension(Cube, Flex, Autodiff)]
trait AttentionBackend: Backend {
    fn attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        padding: Arc<[u32]>,
        scale: f32,
    ) -> FloatTensor<Self>;
}

impl AttentionBackend for CubeBackend {
    fn attention(q: CubeTensor, k: CubeTensor, v: CubeTensor, padding: Arc<[u32]>, scale: f32) -> CubeTensor {
        Attention::<Self> { padding, scale, kept: None }.forward([q, k, v])
    }
}

impl AttentionBackend for Flex {
    fn attention(q: FlexTensor, k: FlexTensor, v: FlexTensor, padding: Arc<[u32]>, scale: f32) -> FlexTensor {
        Attention::<Self> { padding, scale, kept: None }.forward([q, k, v])
    }
}

impl<B: FusedAttention, C: CheckpointStrategy> AttentionBackend for Autodiff<B, C> {
    fn attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        padding: Arc<[u32]>,
        scale: f32,
    ) -> FloatTensor<Self> {
        record::<B, C, _, 3>(Attention { padding, scale, kept: None }, [q, k, v])
    }
}

/// Attention as an operation of (q, k, v).
#[derive(Debug, Clone)]
struct Attention<B: Backend> {
    padding: Arc<[u32]>,
    scale: f32,
    /// Of the forward pass: o and lse. The graph holds o anyway, for what is computed from it.
    kept: Option<[FloatTensor<B>; 2]>,
}

/// The passes of a backend over contiguous tensors.
trait FusedAttention: Backend {
    /// The tensor in row-major order.
    fn row_major(tensor: FloatTensor<Self>) -> FloatTensor<Self>;

    /// o and lse.
    fn forward_pass(shape: AttentionShape, padding: &[u32], inputs: [&FloatTensor<Self>; 3]) -> [FloatTensor<Self>; 2];

    /// dq, dk and dv.
    fn backward_pass(
        shape: AttentionShape,
        padding: &[u32],
        inputs: [&FloatTensor<Self>; 3],
        kept: [&FloatTensor<Self>; 2],
        d_o: &FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3];
}

impl FusedAttention for CubeBackend {
    fn row_major(tensor: CubeTensor) -> CubeTensor {
        into_contiguous(tensor)
    }

    fn forward_pass(shape: AttentionShape, padding: &[u32], inputs: [&CubeTensor; 3]) -> [CubeTensor; 2] {
        launch::forward(shape, padding, inputs)
    }

    fn backward_pass(
        shape: AttentionShape,
        padding: &[u32],
        inputs: [&CubeTensor; 3],
        kept: [&CubeTensor; 2],
        d_o: &CubeTensor,
    ) -> [CubeTensor; 3] {
        launch::backward(shape, padding, inputs, kept, d_o)
    }
}

impl FusedAttention for Flex {
    fn row_major(tensor: FlexTensor) -> FlexTensor {
        contiguous(tensor)
    }

    fn forward_pass(shape: AttentionShape, padding: &[u32], inputs: [&FlexTensor; 3]) -> [FlexTensor; 2] {
        let [q, k, v] = inputs.map(numbers);
        let [o, lse] = cpu::forward(Operands { shape, padding, q, k, v });
        [tensor(o, inputs[0].shape()), tensor(lse, [shape.batch, shape.heads, shape.seq].into())]
    }

    fn backward_pass(
        shape: AttentionShape,
        padding: &[u32],
        inputs: [&FlexTensor; 3],
        kept: [&FlexTensor; 2],
        d_o: &FlexTensor,
    ) -> [FlexTensor; 3] {
        let ([q, k, v], [o, lse]) = (inputs.map(numbers), kept.map(numbers));
        let [dq, dk, dv] = cpu::backward(Operands { shape, padding, q, k, v }, o, lse, numbers(d_o));
        [tensor(dq, inputs[0].shape()), tensor(dk, inputs[1].shape()), tensor(dv, inputs[2].shape())]
    }
}

impl<B: FusedAttention> Attention<B> {
    fn shape(&self, [q, k, _]: &[FloatTensor<B>; 3]) -> AttentionShape {
        let ([batch, seq, heads, head_dim], [_, _, kv_heads, _]) = (q.shape().dims(), k.shape().dims());
        AttentionShape { batch, seq, heads, kv_heads, head_dim, scale: self.scale }
    }
}

impl<B: FusedAttention> Differentiable<B, 3> for Attention<B> {
    const KEPT: bool = true;

    fn forward(&self, inputs: [FloatTensor<B>; 3]) -> FloatTensor<B> {
        self.clone().run(inputs).1
    }

    fn run(self, inputs: [FloatTensor<B>; 3]) -> (Self, FloatTensor<B>) {
        let inputs = inputs.map(B::row_major);
        let [o, lse] = B::forward_pass(self.shape(&inputs), &self.padding, inputs.each_ref());
        (Attention { kept: Some([o.clone(), lse]), ..self }, o)
    }

    fn backward(&self, inputs: [FloatTensor<B>; 3], d_o: FloatTensor<B>, _: [bool; 3]) -> [Option<FloatTensor<B>>; 3] {
        let inputs = inputs.map(B::row_major);
        let kept = self.kept.as_ref().expect("the forward pass keeps its results for the gradient");
        let d_o = B::row_major(d_o);
        B::backward_pass(self.shape(&inputs), &self.padding, inputs.each_ref(), kept.each_ref(), &d_o).map(Some)
    }
}
