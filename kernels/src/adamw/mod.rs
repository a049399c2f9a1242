//! A step of AdamW (Kingma and Ba, ICLR 2015; Loshchilov and Hutter, ICLR 2019) over all weights of a model
//! at once.
//!
//! A low-rank adapter is hundreds of small tensors, and plain operations are some fifteen launches for each
//! of them. Here the tensors are concatenated into a flat one, and a step is one launch for the norm and one
//! for everything else. The moments stay flat from step to step; gradients are brought together six to a
//! launch, as are weights, and the new weights are views of their flat tensor.

mod check;
mod cpu;
mod gpu;
mod layout;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, ExtensionType, backend_extension};
use burn::tensor::{Device, Tensor};

pub(crate) use check::check;
pub(crate) use gpu::{bench_cases, kernels};
pub use layout::{Layout, PAGE};
use layout::{Page, TensorGroup};

/// The hyperparameters of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWStep {
    /// The learning rate.
    pub lr: f64,
    /// β₁ and β₂: the decay rates of the first and the second moment.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// The share of a weight that a step of learning rate 1 takes away, of those that decay.
    pub weight_decay: f64,
    /// The largest norm of all gradients together, to which they are scaled down; with nothing, no norm is
    /// computed.
    pub clip: Option<f64>,
    /// Of the steps, from 1.
    pub number: u32,
}

/// The two moments of every weight's gradient, flat.
#[derive(Debug, Clone)]
pub struct Moments {
    layout: Arc<Layout>,
    /// First and second, of every page.
    pages: Vec<[Tensor<1>; 2]>,
}

impl Moments {
    /// Of weights that have not been stepped yet.
    pub fn zeros(layout: Arc<Layout>, device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let zeros = |page: &Page| [(); 2].map(|()| Tensor::zeros([page.length], &device));
        let pages = layout.pages().iter().map(zeros).collect();
        Moments { layout, pages }
    }

    /// Of weights with the given first and second moments, as [`Moments::of_weights`] returned them.
    ///
    /// # Panics
    /// Moments that do not fit the layout.
    pub fn from_weights(layout: Arc<Layout>, moments: [Vec<Tensor<1>>; 2]) -> Self {
        let [first, second] = moments.map(|moments| joined(&layout, moments));
        let pages = first.into_iter().zip(second).map(|(first, second)| [first, second]).collect();
        Moments { layout, pages }
    }

    /// The first moments of every weight, and the second ones.
    pub fn of_weights(&self) -> [Vec<Tensor<1>>; 2] {
        [0, 1].map(|moment| parted(&self.layout, self.pages.iter().map(|page| page[moment].clone())))
    }

    /// The layout of the weights.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Steps `weights` against `gradients`; returns the new weights and the norm of all gradients before
    /// clipping; without clipping it is 0.
    ///
    /// If the norm is NaN or infinite, weights and moments stay as they were.
    ///
    /// # Panics
    /// Tensors that do not fit the layout or belong to a graph.
    pub fn step(
        &mut self,
        weights: Vec<Tensor<1>>,
        gradients: Vec<Tensor<1>>,
        step: &AdamWStep,
    ) -> (Vec<Tensor<1>>, f64) {
        if weights.is_empty() {
            return (weights, 0.0);
        }
        let gradients = joined(&self.layout, gradients);
        let squares = step.clip.is_some().then(|| {
            let of_page = |page: &Tensor<1>| Tensor::from_dispatch(Dispatch::square_sums(page.clone().into_dispatch()));
            Tensor::<1>::cat(gradients.iter().map(of_page).collect(), 0)
        });
        let pages = self.pages.drain(..).zip(self.layout.pages());
        let (moved, pages): (Vec<_>, Vec<_>) = pages
            .zip(joined(&self.layout, weights).into_iter().zip(gradients))
            .map(|(([first, second], page), (weights, gradients))| {
                let squares = squares.clone().unwrap_or_else(|| Tensor::zeros([1], &weights.device()));
                let [weights, gradients, squares, first, second] =
                    [weights, gradients, squares, first, second].map(Tensor::into_dispatch);
                let decays = page.decays.clone();
                let (moved, first, second) = Dispatch::adamw(weights, gradients, squares, first, second, decays, *step);
                (Tensor::from_dispatch(moved), [first, second].map(Tensor::from_dispatch))
            })
            .unzip();
        self.pages = pages;
        // Read only now, when everything is on its way.
        let norm = squares.map_or(0.0, |squares| f64::from(squares.into_data().iter::<f32>().sum::<f32>()).sqrt());
        (parted(&self.layout, moved.into_iter()), norm)
    }
}

/// Tensors as the pages of a layout.
fn joined(layout: &Layout, tensors: Vec<Tensor<1>>) -> Vec<Tensor<1>> {
    let lengths: Vec<usize> = tensors.iter().map(|tensor| tensor.dims()[0]).collect();
    assert_eq!(lengths, layout.lengths(), "adamw: the tensors have to fit the layout");
    let mut rest = &tensors[..];
    let page = |page: &Page| {
        let (of_page, others) = rest.split_at(page.starts.len());
        rest = others;
        page.groups(of_page).fold(Tensor::empty([page.length], &of_page[0].device()), |flat, (six, group)| {
            let [a, b, c, d, e, f] = six.map(|tensor| tensor.clone().into_dispatch());
            Tensor::from_dispatch(Dispatch::concat(flat.into_dispatch(), Six { a, b, c, d, e, f }, group))
        })
    };
    layout.pages().iter().map(page).collect()
}

/// The tensors of a layout's pages.
fn parted(layout: &Layout, pages: impl Iterator<Item = Tensor<1>>) -> Vec<Tensor<1>> {
    let mut lengths = layout.lengths().iter();
    let of_page = |(flat, page): (Tensor<1>, &Page)| {
        let places = page.starts.iter().zip(lengths.by_ref());
        places.map(|(start, length)| flat.clone().narrow(0, *start as usize, *length)).collect::<Vec<_>>()
    };
    pages.zip(layout.pages()).flat_map(of_page).collect()
}

/// The tensors that one launch concatenates.
#[derive(ExtensionType)]
struct Six<B: Backend> {
    a: FloatTensor<B>,
    b: FloatTensor<B>,
    c: FloatTensor<B>,
    d: FloatTensor<B>,
    e: FloatTensor<B>,
    f: FloatTensor<B>,
}

/// The operations for each of burn's backends. No graph is made of them.
#[backend_extension(Cube, Flex)]
trait AdamWBackend: Backend {
    /// A flat tensor with six others written into a stretch of it.
    fn concat(flat: FloatTensor<Self>, #[extension_type] six: Six<Self>, group: TensorGroup) -> FloatTensor<Self>;

    /// Numbers whose sum is that of the squares of a page.
    fn square_sums(page: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The new weights, first and second moments of a page; `squares` are those of all pages.
    fn adamw(
        weights: FloatTensor<Self>,
        gradients: FloatTensor<Self>,
        squares: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        decays: Arc<[u32]>,
        step: AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}
