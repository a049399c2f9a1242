//! LoRA adapters on a CPU: y += B (A x), the scale within B, for the tokens that have the adapter.

use tiller_kernels::decode_cpu::{Columns, Isa, PanelOutput, Panels, Pool, product, product_of_rows};
use tiller_kernels::quant::{PackError, PackedMatrix, QuantScheme};

use super::super::adapters::MatrixAdapters;

/// The parts of one matrix, adapter by adapter.
pub(super) struct LowRankPanels {
    adapters: Vec<Parts>,
}

struct Parts {
    /// `[projections · rank, inputs]`
    a: Panels,
    /// `[outputs, projections · rank]`: a row has the numbers of its own projection, and zeros for the others.
    b: Panels,
}

impl LowRankPanels {
    /// Repacks the parts of a matrix.
    ///
    /// # Errors
    /// Numbers that are not finite.
    pub(super) fn new(matrix: MatrixAdapters) -> Result<Self, PackError> {
        let MatrixAdapters { parts, rows, projections, rank, inputs } = matrix;
        let width = projections * rank;
        let panels = |[rows, cols]: [usize; 2], numbers: &[f32]| {
            PackedMatrix::from_f32(QuantScheme::F32, rows, cols, numbers).map(|packed| Panels::new(&packed))
        };
        let of_adapter = |(a, b): &(Vec<f32>, Vec<f32>)| {
            let mut wide = vec![0.0; rows.len() * width];
            for ((wide, b), (projection, _)) in wide.chunks_mut(width).zip(b.chunks(rank)).zip(rows) {
                wide[projection * rank..][..rank].copy_from_slice(b);
            }
            Ok(Parts { a: panels([width, inputs], a)?, b: panels([rows.len(), width], &wide)? })
        };
        Ok(Self { adapters: parts.iter().map(of_adapter).collect::<Result<_, PackError>>()? })
    }

    /// y += B (A x) for every column whose adapter, counted from 1, is one of these.
    pub(super) fn add(
        &self,
        columns: &Columns,
        adapters: impl Iterator<Item = usize>,
        y: &mut PanelOutput,
        pool: &Pool,
        isa: Isa,
    ) {
        let adapters: Vec<usize> = adapters.collect();
        for (number, Parts { a, b }) in self.adapters.iter().enumerate() {
            let own: Vec<usize> = (0..adapters.len()).filter(|column| adapters[*column] == number + 1).collect();
            if own.is_empty() {
                continue;
            }
            let u = product_of_some(a, columns, &own, pool, isa);
            let mut added = PanelOutput::default();
            product(b, &u, &mut added, pool, isa);
            let mut of_column = vec![0.0; b.rows()];
            for (i, column) in own.into_iter().enumerate() {
                added.read(i, &mut of_column);
                y.add(column, &of_column);
            }
        }
    }

    /// The numbers that an adapter adds to some rows of a column.
    pub(super) fn of_rows(
        &self,
        adapter: usize,
        rows: &[u32],
        column: &Columns,
        pool: &Pool,
        isa: Isa,
    ) -> Option<Vec<f32>> {
        let Parts { a, b } = self.adapters.get(adapter.checked_sub(1)?)?;
        Some(product_of_rows(b, rows, &product_of_some(a, column, &[0], pool, isa), isa))
    }
}

/// The columns A x of some columns x.
fn product_of_some(a: &Panels, columns: &Columns, own: &[usize], pool: &Pool, isa: Isa) -> Columns {
    let (mut x, mut u) = (Columns::default(), Columns::default());
    x.set([own.len(), columns.width()], false, pool, isa, |i, column| column.copy_from_slice(columns.floats(own[i])));
    let mut y = PanelOutput::default();
    product(a, &x, &mut y, pool, isa);
    u.set([own.len(), a.rows()], false, pool, isa, |i, column| y.read(i, column));
    u
}
