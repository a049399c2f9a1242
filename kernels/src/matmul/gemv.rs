//! A packed matrix times few columns, as decoding needs it: the weights are read once for up to 8 sequences.

use bytemuck::{Pod, Zeroable};

use super::form::Form;
use super::launch::with_scheme;
use super::plain::GpuWeight;
use crate::kernel::{Kernel, first_within};
use crate::pipelines::{Pipelines, Step};
use crate::quant::Scheme;

/// The most columns that share one read of the weights.
pub const MAX_COLUMNS: usize = 8;

/// Rows of the matrix in one workgroup, which share what is read of the columns.
const ROWS: usize = 4;

/// Invocations of a workgroup, at least ROWS · [`MAX_COLUMNS`]: the sums are written by one each.
const WORKGROUP: usize = 64;

/// The step that computes y = x · Wᵀ.
///
/// # Shapes
/// x `[columns, padded_inputs]`, zero beyond the inputs; y `[columns, outputs]`; both f32. `columns` is 1 to [`MAX_COLUMNS`].
///
/// # Panics
/// Other numbers of columns.
pub fn gemv(
    pipelines: &mut Pipelines,
    weight: &GpuWeight,
    x: wgpu::BufferBinding,
    y: wgpu::BufferBinding,
    columns: usize,
) -> Step {
    let kernel = first_within(variants(weight.form.scheme, columns), pipelines.gpu().device.features());
    step_of(pipelines, &kernel, weight, x, y)
}

/// The step of one variant.
pub(crate) fn step_of(
    pipelines: &mut Pipelines,
    kernel: &Kernel,
    weight: &GpuWeight,
    x: wgpu::BufferBinding,
    y: wgpu::BufferBinding,
) -> Step {
    let params = [(Params::of(weight.form), workgroups(weight.form))];
    weight.steps(pipelines, kernel, x, &[], y, params).remove(0)
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Params {
    rows: u32,
    runs: u32,
}

impl Params {
    pub(super) fn of(form: Form) -> Self {
        Params { rows: form.rows as u32, runs: form.runs() as u32 }
    }
}

pub(super) fn workgroups(form: Form) -> usize {
    form.rows.div_ceil(ROWS)
}

/// The variants for `columns`, best first.
pub(crate) fn variants(scheme: Scheme, columns: usize) -> [Kernel; 2] {
    assert!((1..=MAX_COLUMNS).contains(&columns), "gemv: expected 1 to {MAX_COLUMNS} columns, found {columns}");
    let kernel = Kernel::new("gemv")
        .with("COLUMNS", columns as u32)
        .with("ROWS", ROWS as u32)
        .with("WORKGROUP", WORKGROUP as u32);
    with_scheme(kernel, scheme).summing()
}

/// Every variant, for the translation test.
pub(crate) fn kernels() -> Vec<Kernel> {
    let of = |scheme| (1..=MAX_COLUMNS).flat_map(move |columns| variants(scheme, columns));
    Scheme::ALL.into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::test_gpu;
    use crate::quant::{Packed, RUN};
    use crate::testing::{assert_close, noise, read, run_checked, storage, submit};

    /// A weight whose rows no workgroup fits, and for floats rows that no run fits.
    fn weights(scheme: Scheme) -> Vec<Packed> {
        let group = scheme.row_multiple().max(32);
        let floats = (scheme.row_multiple() == 1).then_some((6, 43));
        let shapes = [(1, group), (13, 768)].into_iter().chain(floats);
        shapes.map(|(rows, cols)| Packed::from_f32(scheme, rows, cols, &noise(1, rows * cols)).unwrap()).collect()
    }

    /// Columns of noise, filled up with zeros to whole runs.
    fn padded(columns: usize, cols: usize) -> Vec<f32> {
        let filled = |x: &[f32]| [x, &vec![0.0; cols.next_multiple_of(RUN) - cols]].concat();
        noise(2, columns * cols).chunks(cols).flat_map(filled).collect()
    }

    /// y `[columns, rows]`, summed in f64.
    fn reference(packed: &Packed, x: &[f32], columns: usize) -> Vec<f32> {
        let (weights, cols) = (packed.to_f32(), packed.cols());
        let dot =
            |x: &[f32], w: &[f32]| w.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>() as f32;
        x.chunks(x.len() / columns).flat_map(|x| weights.chunks(cols).map(move |w| dot(x, w))).collect()
    }

    #[test]
    fn every_variant_agrees_with_the_reference_under_bounds_checks() {
        let gpu = test_gpu().gpu.unwrap();
        for scheme in Scheme::ALL {
            // One sequence, and an odd number of them; the most that there can be where it is cheap to compile.
            let columns = if scheme == Scheme::F32 { &[1, 3, MAX_COLUMNS][..] } else { &[1, 3] };
            for (packed, &columns) in weights(scheme).iter().flat_map(|packed| columns.iter().map(move |c| (packed, c)))
            {
                let (form, x) = (Form::of(packed), padded(columns, packed.cols()));
                let mut inputs: Vec<&[f32]> = vec![&x, bytemuck::cast_slice(packed.codes())];
                if scheme.is_scaled() {
                    inputs.push(bytemuck::cast_slice(packed.scales()));
                }
                for kernel in variants(scheme, columns) {
                    let length = [columns * form.rows];
                    let [y] = run_checked(&gpu, &kernel, &inputs, length, &Params::of(form), workgroups(form));
                    assert_close(&y, &reference(packed, &x, columns), 1e-4, &kernel.name());
                }
            }
        }
    }

    #[test]
    fn steps_encoded_once_run_again_and_see_what_those_before_them_wrote() {
        let gpu = test_gpu().gpu.unwrap();
        let (columns, width) = (2, 64);
        let packed =
            [1, 2].map(|seed| Packed::from_f32(Scheme::Q4, width, width, &noise(seed, width * width)).unwrap());
        let whole = wgpu::Buffer::as_entire_buffer_binding;
        let [x, hidden, y] = [(); 3].map(|()| storage(&gpu, &vec![0.0; columns * width]));
        let mut pipelines = Pipelines::new(gpu.clone());
        let weights = packed.each_ref().map(|packed| GpuWeight::upload(packed, &gpu).unwrap());
        let steps = [
            gemv(&mut pipelines, &weights[0], whole(&x), whole(&hidden), columns),
            gemv(&mut pipelines, &weights[1], whole(&hidden), whole(&y), columns),
        ];
        for seed in [3, 4] {
            let input = noise(seed, columns * width);
            gpu.queue.write_buffer(&x, 0, bytemuck::cast_slice(&input));
            submit(&gpu, &steps);
            let expected = reference(&packed[1], &reference(&packed[0], &input, columns), columns);
            assert_close(&read(&gpu, &y), &expected, 1e-4, "two layers");
        }
    }

    #[test]
    #[should_panic(expected = "expected 1 to 8 columns, found 9")]
    fn more_columns_than_a_workgroup_can_write_are_refused() {
        variants(Scheme::Q4, 9);
    }
}
