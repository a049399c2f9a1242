//! The fused attention of a GPU in burn's graph.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{AttentionShape, backward, forward};
use crate::autodiff::{Differentiable, record};

/// [`attention`](super::attention()) of a step that brings all its keys. The heads have up to [`WIDEST`]
/// coordinates.
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

/// The operation for the backends that have it.
#[backend_extension(Cube, Autodiff)]
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
        Attention { padding, scale, kept: None }.forward([q, k, v])
    }
}

impl<C: CheckpointStrategy> AttentionBackend for Autodiff<CubeBackend, C> {
    fn attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        padding: Arc<[u32]>,
        scale: f32,
    ) -> FloatTensor<Self> {
        record::<CubeBackend, C, _, 3>(Attention { padding, scale, kept: None }, [q, k, v])
    }
}

/// Attention as an operation of (q, k, v).
#[derive(Debug, Clone)]
struct Attention {
    padding: Arc<[u32]>,
    scale: f32,
    /// Of the forward pass: o and lse. The graph holds o anyway, for what is computed from it.
    kept: Option<[CubeTensor; 2]>,
}

impl Attention {
    fn shape(&self, [q, k, _]: &[CubeTensor; 3]) -> AttentionShape {
        let ([batch, seq, heads, head_dim], [_, _, kv_heads, _]) = (q.shape().dims(), k.shape().dims());
        AttentionShape { batch, seq, heads, kv_heads, head_dim, scale: self.scale }
    }
}

impl Differentiable<CubeBackend, 3> for Attention {
    const KEPT: bool = true;

    fn forward(&self, inputs: [CubeTensor; 3]) -> CubeTensor {
        self.clone().run(inputs).1
    }

    fn run(self, inputs: [CubeTensor; 3]) -> (Self, CubeTensor) {
        let inputs = inputs.map(into_contiguous);
        let (o, lse) = forward(self.shape(&inputs), &self.padding, inputs.each_ref());
        (Attention { kept: Some([o.clone(), lse]), ..self }, o)
    }

    fn backward(&self, inputs: [CubeTensor; 3], d_o: CubeTensor, _: [bool; 3]) -> [Option<CubeTensor>; 3] {
        let inputs = inputs.map(into_contiguous);
        let kept = self.kept.as_ref().expect("the forward pass keeps its results for the gradient");
        let d_o = into_contiguous(d_o);
        backward(self.shape(&inputs), &self.padding, inputs.each_ref(), kept.each_ref(), &d_o).map(Some)
    }
}
