//! The columns of a step: the activations of its tokens, padded to whole groups, as floats and, where products take
//! them, as 8-bit quants with one scale per group.

use super::isa::Isa;
use super::lanes::{LANES, SimdKernel};
use super::panels::GROUP;
use super::pool::Pool;

/// Tokens from which a job is worth its start.
const MANY: usize = 4;

/// The activations `[tokens, width]` that a matrix multiplies.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    width: usize,
    padded: usize,
    count: usize,
    /// `[count, padded]`
    floats: Vec<f32>,
    /// `[count, padded / 4]`, four quants to a word; empty for exact products.
    quants: Vec<i32>,
    /// `[count, padded / GROUP]`
    scales: Vec<GroupScale>,
}

/// The scale of a group of quants, and their sum.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct GroupScale {
    pub(super) scale: f32,
    pub(super) sum: i32,
}

/// The parts of one column.
struct ColumnParts<'a> {
    floats: &'a mut [f32],
    quants: &'a mut [i32],
    scales: &'a mut [GroupScale],
}

impl Columns {
    /// Sets `count` columns of `width` numbers, which `fill` writes; `int8` makes quants of them.
    pub fn set(
        &mut self,
        [count, width]: [usize; 2],
        int8: bool,
        pool: &Pool,
        isa: Isa,
        fill: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let padded = width.next_multiple_of(GROUP);
        if (self.width, self.count) != (width, count) {
            // The numbers after the last are zeros.
            self.floats.clear();
        }
        (self.width, self.padded, self.count) = (width, padded, count);
        let quantized = if int8 { count * padded } else { 0 };
        self.floats.resize(count * padded, 0.0);
        self.quants.resize(quantized / 4, 0);
        self.scales.resize(quantized / GROUP, GroupScale::default());
        let column = |number: usize, ColumnParts { floats, quants, scales }: ColumnParts| {
            fill(number, &mut floats[..width]);
            isa.run(Quantize { floats, quants, scales });
        };
        let columns = self.parts();
        if count < MANY {
            columns.into_iter().enumerate().for_each(|(number, parts)| column(number, parts));
        } else {
            pool.for_each(columns, column);
        }
    }

    fn parts(&mut self) -> Vec<ColumnParts<'_>> {
        let Self { padded, floats, .. } = self;
        let padded = (*padded).max(1);
        let mut quants = self.quants.chunks_mut((padded / 4).max(1));
        let mut scales = self.scales.chunks_mut((padded / GROUP).max(1));
        let of_column = |floats| ColumnParts {
            floats,
            quants: quants.next().unwrap_or_default(),
            scales: scales.next().unwrap_or_default(),
        };
        floats.chunks_mut(padded).map(of_column).collect()
    }

    /// The number of columns.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Numbers of a column.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The numbers of a column.
    pub fn floats(&self, number: usize) -> &[f32] {
        &self.padded_floats(number)[..self.width]
    }

    /// Returns true if there are quants.
    pub(super) fn is_int8(&self) -> bool {
        !self.quants.is_empty()
    }

    /// The numbers of a column, with zeros up to whole groups.
    #[inline(always)]
    pub(super) fn padded_floats(&self, number: usize) -> &[f32] {
        &self.floats[number * self.padded..][..self.padded]
    }

    /// The numbers of a column as products see them: its quants, where there are any.
    pub(super) fn numbers(&self, number: usize) -> Vec<f64> {
        if !self.is_int8() {
            return self.floats(number).iter().map(|x| f64::from(*x)).collect();
        }
        let groups = self.quants(number).iter().zip(self.scales(number));
        let of_group = |(words, GroupScale { scale, .. }): (&[i32; GROUP / 4], &GroupScale)| {
            let scale = f64::from(*scale);
            words.iter().flat_map(|word| word.to_le_bytes()).map(move |byte| scale * f64::from(byte as i8)).collect()
        };
        groups.flat_map(|group| -> Vec<f64> { of_group(group) }).take(self.width).collect()
    }

    #[inline(always)]
    pub(super) fn quants(&self, number: usize) -> &[[i32; GROUP / 4]] {
        let words = self.padded / 4;
        self.quants[number * words..][..words].as_chunks().0
    }

    #[inline(always)]
    pub(super) fn scales(&self, number: usize) -> &[GroupScale] {
        let groups = self.padded / GROUP;
        &self.scales[number * groups..][..groups]
    }
}

/// Rounds groups to 8-bit quants: the largest magnitude becomes 127.
struct Quantize<'a> {
    floats: &'a [f32],
    quants: &'a mut [i32],
    scales: &'a mut [GroupScale],
}

impl SimdKernel for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        // Adding it rounds to a whole number, which is then in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let groups = self.floats.as_chunks::<GROUP>().0.iter().zip(self.quants.as_chunks_mut::<{ GROUP / 4 }>().0);
        for ((group, words), scale) in groups.zip(self.scales) {
            let largest = largest(group);
            let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            // What is no number stays none: quants cannot say it, the scale does.
            let failed: f32 = group.iter().map(|x| x * 0.0).sum();
            let mut quants = [0; GROUP];
            for (quant, x) in quants.iter_mut().zip(group) {
                *quant = (x * inverse + ROUND).to_bits() as i32 - ROUND.to_bits() as i32;
            }
            *scale = GroupScale { scale: largest / 127.0 + failed, sum: quants.iter().sum() };
            *words = bytemuck::cast(quants.map(|quant| quant as i8));
        }
    }
}

/// The largest magnitude, of eight at a time.
#[inline(always)]
fn largest(group: &[f32; GROUP]) -> f32 {
    let mut largest = [0.0f32; LANES];
    for eight in group.as_chunks::<LANES>().0 {
        for (largest, x) in largest.iter_mut().zip(eight) {
            *largest = largest.max(x.abs());
        }
    }
    largest.into_iter().fold(0.0, f32::max)
}
