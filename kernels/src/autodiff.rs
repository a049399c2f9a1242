//! Hand-written gradients in burn's autodiff graph.

use std::fmt;
use std::marker::PhantomData;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::retro_forward::RetroForward;
use burn::backend::autodiff::checkpoint::state::BackwardStates;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

/// An operation of `N` tensors to one whose gradient is ours.
pub trait Differentiable<B: Backend, const N: usize>: Clone + fmt::Debug + Send + 'static {
    /// True if checkpointing keeps the output rather than recomputing it.
    const KEPT: bool = false;

    /// The operation on plain tensors.
    fn forward(&self, inputs: [FloatTensor<B>; N]) -> FloatTensor<B>;

    /// The operation with a gradient to come: returns itself too, with the intermediate results that the
    /// gradient will need again.
    fn run(self, inputs: [FloatTensor<B>; N]) -> (Self, FloatTensor<B>) {
        let output = self.forward(inputs);
        (self, output)
    }

    /// The gradients of the inputs from the gradient of the output. Those that are not `wanted` may be left
    /// out.
    fn backward(
        &self,
        inputs: [FloatTensor<B>; N],
        gradient: FloatTensor<B>,
        wanted: [bool; N],
    ) -> [Option<FloatTensor<B>>; N];
}

/// Runs `operation` and records its gradient in the graph of `inputs`.
///
/// The graph keeps the inputs, not the output, and under checkpointing recomputes the output unless it is
/// [`KEPT`](Differentiable::KEPT).
pub fn record<B, C, O, const N: usize>(
    operation: O,
    inputs: [FloatTensor<Autodiff<B, C>>; N],
) -> FloatTensor<Autodiff<B, C>>
where
    B: Backend,
    C: CheckpointStrategy,
    O: Differentiable<B, N>,
{
    let parents = inputs.each_ref().map(|input| input.id());
    let prepared = Recorded(PhantomData).prepare::<C>(inputs.each_ref().map(|input| input.node()));
    let prepared = if O::KEPT {
        prepared.compute_bound()
    } else {
        let recompute = Recompute { operation: operation.clone(), parents, backend: PhantomData };
        prepared.memory_bound().retro_forward(recompute).parents(&inputs)
    };
    match prepared.stateful() {
        OpsKind::Tracked(mut prepared) => {
            let kept = inputs.each_ref().map(|input| prepared.checkpoint(input));
            let (operation, output) = operation.run(inputs.map(|input| input.into_primitive()));
            prepared.finish((operation, kept), output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(operation.forward(inputs.map(|input| input.into_primitive()))),
    }
}

/// The node of an operation `O` in the graph.
struct Recorded<O>(PhantomData<O>);

impl<B: Backend, O: Differentiable<B, N>, const N: usize> Backward<B, N> for Recorded<O> {
    type State = (O, [NodeId; N]);

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let (operation, kept) = ops.state;
        let inputs = kept.map(|input| checkpointer.retrieve_node_output(input));
        let gradient = gradients.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let computed = operation.backward(inputs, gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(computed) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                gradients.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<O> fmt::Debug for Recorded<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<O>())
    }
}

/// Recomputes the output where checkpointing dropped it.
struct Recompute<B, O, const N: usize> {
    operation: O,
    parents: [NodeId; N],
    backend: PhantomData<B>,
}

impl<B: Backend, O: Differentiable<B, N>, const N: usize> RetroForward for Recompute<B, O, N> {
    fn forward(&self, states: &mut BackwardStates, output: NodeId) {
        let inputs = self.parents.map(|parent| states.get_state::<FloatTensor<B>>(&parent));
        states.save(output, self.operation.forward(inputs));
    }
}

impl<B, O: fmt::Debug, const N: usize> fmt::Debug for Recompute<B, O, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recompute({:?})", self.operation)
    }
}
