//! Rows of logits to scores, and the gradient back: on each device.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, TensorMetadata};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use burn_flex::FlexTensor;
use bytemuck::{Pod, Zeroable};

use super::{Packed, SoftTargets, on_cpu};
use crate::bench::{BenchBuffer, BenchCase, BenchDims};
use crate::cpu::{contiguous, matrix, numbers, numbers_mut, tensor, zeros};
use crate::gemm::{GemmVariant, MatmulPrecision, MatrixView, add_products};
use crate::kernel::{Kernel, best, enqueue, launch, words_on};
use crate::matmul::{Direction, PackedLinear};

/// The operations of a backend on rows of logits, and on packed output projections.
pub(super) trait Rows: Backend {
    /// log_prob, entropy and lse, `[rows, 3]`, of logits `[rows, vocab_size]`.
    fn scores(logits: FloatTensor<Self>, targets: &SoftTargets) -> FloatTensor<Self>;

    /// The gradient of the logits by that of the scores.
    fn gradient(
        logits: FloatTensor<Self>,
        targets: &SoftTargets,
        scores: FloatTensor<Self>,
        d_scores: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Σ left · right, on a CPU of this precision; `None` of no terms.
    fn sum_of_products(terms: Vec<[FloatTensor<Self>; 2]>, _: MatmulPrecision) -> Option<FloatTensor<Self>> {
        terms.into_iter().map(|[left, right]| Self::float_matmul(left, right)).reduce(Self::float_add)
    }

    /// x · Wᵀ, `[rows, vocab_size]`.
    fn product(weight: &Packed<Self>, x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The gradient of x by that of the product.
    fn product_back(weight: &Packed<Self>, d_product: FloatTensor<Self>) -> FloatTensor<Self>;
}

// ---- GPU ----

const WORKGROUP: usize = 256;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Params {
    rows: u32,
    values: u32,
}

impl Params {
    pub(super) fn of(rows: usize, vocab_size: usize, wide: bool) -> Self {
        Params { rows: rows as u32, values: (vocab_size / if wide { 4 } else { 1 }) as u32 }
    }

    /// Of the gradient, which takes an invocation per Value.
    pub(super) fn workgroups(self) -> usize {
        (self.rows as usize * self.values as usize).div_ceil(WORKGROUP)
    }
}

/// The variants of the forward kernel, best first.
pub(super) fn variants(wide: bool) -> [Kernel; 2] {
    Kernel::new("cross_entropy").with("WORKGROUP", WORKGROUP as u32).with("WIDE", wide).reduction_variants()
}

pub(super) fn gradient_kernel(wide: bool) -> Kernel {
    Kernel::new("cross_entropy_grad").with("WORKGROUP", WORKGROUP as u32).with("WIDE", wide)
}

/// Every variant, for the translation test.
pub(crate) fn kernels() -> Vec<Kernel> {
    let flags = [false, true];
    flags.into_iter().flat_map(variants).chain(flags.map(gradient_kernel)).collect()
}

/// The benchmarks: a chunk of logits.
pub(crate) fn bench_cases(sizes: &BenchDims) -> Vec<BenchCase> {
    let columns = sizes.vocab_size;
    let rows = (super::LOGITS / columns).min(sizes.tokens());
    let wide = columns.is_multiple_of(4);
    let params = Params::of(rows, columns, wide);
    let targets: SoftTargets = (0..rows as u32).map(|row| row % columns as u32).collect();
    let [starts, targets] = words(&targets).map(|words| move || BenchBuffer::Words(words.to_vec()));
    let shape = format!("{rows} x {columns}");
    let forward = |kernel| {
        BenchCase::new("cross_entropy", "forward", shape.clone(), kernel)
            .over([BenchBuffer::Numbers(rows * columns), starts(), targets(), BenchBuffer::Output(3 * rows)])
            .launched(&params, rows)
            .costing(4 * rows * columns, 8 * rows * columns)
    };
    let backward = BenchCase::new("cross_entropy", "backward", shape.clone(), gradient_kernel(wide))
        .over([
            starts(),
            targets(),
            BenchBuffer::Numbers(3 * rows),
            BenchBuffer::Numbers(3 * rows),
            BenchBuffer::Numbers(rows * columns),
        ])
        .launched(&params, params.workgroups())
        .costing(8 * rows * columns, 8 * rows * columns);
    variants(wide).into_iter().map(forward).chain([backward]).collect()
}

/// The buffers of targets: where the shares of each row begin, and the shares.
pub(super) fn words(targets: &SoftTargets) -> [&[u32]; 2] {
    [targets.starts(), bytemuck::cast_slice(targets.entries())]
}

impl Rows for CubeBackend {
    fn scores(logits: CubeTensor, targets: &SoftTargets) -> CubeTensor {
        let logits = into_contiguous(logits);
        let [rows, columns] = logits.shape().dims();
        let wide = columns.is_multiple_of(4);
        let (kernel, params) = (best(variants(wide), &logits), Params::of(rows, columns, wide));
        let [starts, targets] = words(targets).map(|words| words_on(&logits, words));
        let [scores] = launch(kernel, &[&logits, &starts, &targets], [[rows, 3].into()], &params, rows);
        scores
    }

    fn gradient(logits: CubeTensor, targets: &SoftTargets, scores: CubeTensor, d_scores: CubeTensor) -> CubeTensor {
        let [logits, scores, d_scores] = [logits, scores, d_scores].map(into_contiguous);
        // The gradient takes the place of the logits: no one else may hold them.
        let logits = if logits.can_mut() { logits } else { logits.copy() };
        let [rows, columns] = logits.shape().dims();
        let wide = columns.is_multiple_of(4);
        let params = Params::of(rows, columns, wide);
        let [starts, targets] = words(targets).map(|words| words_on(&logits, words));
        let tensors = [&starts, &targets, &scores, &d_scores, &logits];
        enqueue(gradient_kernel(wide), &tensors, &params, params.workgroups());
        logits
    }

    fn product(weight: &Packed<Self>, x: CubeTensor) -> CubeTensor {
        weight.linear().launch(Direction::Forward, x, None)
    }

    fn product_back(weight: &Packed<Self>, d_product: CubeTensor) -> CubeTensor {
        weight.linear().launch(Direction::Backward, d_product, None)
    }
}

impl Packed<CubeBackend> {
    fn linear(&self) -> PackedLinear {
        PackedLinear { quants: self.quants.clone(), scales: self.scales.clone(), layout: self.layout }
    }
}

// ---- CPU ----

impl Rows for Flex {
    fn scores(logits: FlexTensor, targets: &SoftTargets) -> FlexTensor {
        let logits = contiguous(logits);
        let [rows, columns] = logits.shape().dims();
        tensor(on_cpu::scores(numbers(&logits), targets, columns), [rows, 3].into())
    }

    fn gradient(logits: FlexTensor, targets: &SoftTargets, scores: FlexTensor, d_scores: FlexTensor) -> FlexTensor {
        let [mut logits, scores, d_scores] = [logits, scores, d_scores].map(contiguous);
        on_cpu::gradient_in_place(numbers_mut(&mut logits), targets, numbers(&scores), numbers(&d_scores));
        logits
    }

    fn sum_of_products(terms: Vec<[FlexTensor; 2]>, precision: MatmulPrecision) -> Option<FlexTensor> {
        let views = terms.iter().map(|[left, right]| [matrix(left), matrix(right)]).collect::<Vec<_>>();
        let [left, right] = views.first()?.map(MatrixView::shape);
        let mut sum = zeros(left[0] * right[1]);
        add_products(&views, &mut sum, GemmVariant::best(precision));
        Some(tensor(sum, [left[0], right[1]].into()))
    }

    fn product(_: &Packed<Self>, _: FlexTensor) -> FlexTensor {
        unreachable!("only GPUs hold packed weights")
    }

    fn product_back(_: &Packed<Self>, _: FlexTensor) -> FlexTensor {
        unreachable!("only GPUs hold packed weights")
    }
}

// ---- The reference, with sums in f64 over exponentials in f32 ----

/// Scores `[rows, 3]` of logits `[rows, columns]`.
pub(super) fn scores_reference(logits: &[f32], targets: &SoftTargets, columns: usize) -> Vec<f32> {
    let of_row = |(row, z): (usize, &[f32])| {
        let largest = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (mut sum, mut moment) = (0.0, 0.0);
        for distance in z.iter().map(|z| z - largest) {
            let share = f64::from(distance.exp());
            sum += share;
            moment += share * f64::from(distance);
        }
        let log_sum = sum.ln();
        let log_p = |id: u32| f64::from(z[id as usize] - largest) - log_sum;
        let log_prob: f64 = targets.of(row).iter().map(|target| f64::from(target.share) * log_p(target.id)).sum();
        [log_prob, log_sum - moment / sum, f64::from(largest) + log_sum].map(|score| score as f32)
    };
    let rows: Vec<[f32; 3]> = logits.chunks_exact(columns.max(1)).enumerate().map(of_row).collect();
    rows.into_flattened()
}

/// The gradient of logits `[rows, columns]` by that of the scores `[rows, 3]`.
pub(super) fn gradient_reference(logits: &[f32], targets: &SoftTargets, scores: &[f32], d_scores: &[f32]) -> Vec<f32> {
    let columns = logits.len() / targets.len().max(1);
    let mut gradient = vec![0.0; logits.len()];
    let rows = gradient.chunks_exact_mut(columns.max(1)).zip(logits.chunks_exact(columns.max(1)));
    rows.enumerate().for_each(|(row, (dz, z))| {
        let ([_, entropy, lse], [d_log_prob, d_entropy, d_lse]) = (three(scores, row), three(d_scores, row));
        for (dz, z) in dz.iter_mut().zip(z) {
            let log_p = z - lse;
            *dz = log_p.exp() * (d_lse - d_log_prob - d_entropy * (log_p + entropy));
        }
        targets.of(row).iter().for_each(|target| dz[target.id as usize] += target.share * d_log_prob);
    });
    gradient
}

fn three(scores: &[f32], row: usize) -> [f32; 3] {
    std::array::from_fn(|i| scores[3 * row + i])
}
