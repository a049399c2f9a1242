//! The columns of a step: the activations of its tokens, padded to whole groups, as floats and, where products take
//! them, as 16-bit quants with one scale per group.

use super::isa::Isa;
use super::lanes::{LANES, SimdKernel};
use super::panels::GROUP;
use super::pool::Pool;
use crate::quant::PACK;

/// Words of the quants of a group.
pub(super) const PAIRS: usize = GROUP / 2;

/// The places of the quants of a pack, by their columns. Two share a word, as the quants of 4-bit weights do after a
/// shift of their word: (0, 2), (4, 6), (1, 3), (5, 7).
pub(super) const PLACES: [usize; PACK] = [0, 4, 1, 5, 2, 6, 3, 7];

/// The largest quant.
const LARGEST: f32 = 32_767.0;

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
    /// `[count, padded / 2]`, two quants to a word; empty for products of floats.
    words: Vec<i32>,
    /// `[count, padded / GROUP]`
    scales: Vec<GroupScale>,
}

/// The scale of a group of quants, and the sum of the numbers that they stand for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct GroupScale {
    pub(super) scale: f32,
    pub(super) offset: f32,
}

/// The quants of a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnQuants<'a> {
    /// `[groups]`, the quants of a pack in their [`PLACES`].
    pub(super) words: &'a [[i32; PAIRS]],
    /// `[groups]`
    pub(super) scales: &'a [GroupScale],
}

/// The parts of one column.
struct ColumnParts<'a> {
    floats: &'a mut [f32],
    words: &'a mut [i32],
    scales: &'a mut [GroupScale],
}

impl Columns {
    /// Sets `count` columns of `width` numbers, which `fill` writes; `quantize` rounds them to quants
    /// where products of integers take them.
    pub fn set(
        &mut self,
        [count, width]: [usize; 2],
        quantize: bool,
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
        let quantized = if quantize && isa.has_integer_products() { count * padded } else { 0 };
        self.floats.resize(count * padded, 0.0);
        self.words.resize(quantized / 2, 0);
        self.scales.resize(quantized / GROUP, GroupScale::default());
        let column = |number: usize, ColumnParts { floats, words, scales }: ColumnParts| {
            fill(number, &mut floats[..width]);
            isa.run(Quantize { floats, words, scales });
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
        let mut words = self.words.chunks_mut((padded / 2).max(1));
        let mut scales = self.scales.chunks_mut((padded / GROUP).max(1));
        let of_column = |floats| ColumnParts {
            floats,
            words: words.next().unwrap_or_default(),
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
    pub(super) fn is_quantized(&self) -> bool {
        !self.words.is_empty()
    }

    /// The numbers of a column, with zeros up to whole groups.
    #[inline(always)]
    pub(super) fn padded_floats(&self, number: usize) -> &[f32] {
        &self.floats[number * self.padded..][..self.padded]
    }

    /// The numbers of a column as products see them: its quants, where there are any.
    pub(super) fn numbers(&self, number: usize) -> Vec<f64> {
        if !self.is_quantized() {
            return self.floats(number).iter().map(|x| f64::from(*x)).collect();
        }
        let ColumnQuants { words, scales } = self.quants(number);
        let number = |i: usize| {
            let group: [i16; GROUP] = bytemuck::cast(words[i / GROUP]);
            let quant = group[i % GROUP / PACK * PACK + PLACES[i % PACK]];
            f64::from(scales[i / GROUP].scale) * f64::from(quant)
        };
        (0..self.width).map(number).collect()
    }

    /// The quants of a column.
    #[inline(always)]
    pub(super) fn quants(&self, number: usize) -> ColumnQuants<'_> {
        let (words, groups) = (self.padded / 2, self.padded / GROUP);
        ColumnQuants {
            words: self.words[number * words..][..words].as_chunks().0,
            scales: &self.scales[number * groups..][..groups],
        }
    }
}

/// Rounds groups to 16-bit quants: the largest magnitude becomes [`LARGEST`].
struct Quantize<'a> {
    floats: &'a [f32],
    words: &'a mut [i32],
    scales: &'a mut [GroupScale],
}

impl SimdKernel for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        // Adding it rounds to a whole number, which is then in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let groups = self.floats.as_chunks::<GROUP>().0.iter().zip(self.words.as_chunks_mut::<PAIRS>().0);
        for ((group, words), scale) in groups.zip(self.scales) {
            let largest = largest(group);
            let inverse = if largest > 0.0 { LARGEST / largest } else { 0.0 };
            // What is no number stays none: quants cannot say it, the scale does.
            let failed: f32 = group.iter().map(|x| x * 0.0).sum();
            let mut quants = [0; GROUP];
            for (quant, x) in quants.iter_mut().zip(group) {
                *quant = (x * inverse + ROUND).to_bits() as i32 - ROUND.to_bits() as i32;
            }
            let (unit, sum) = (largest / LARGEST + failed, quants.iter().sum::<i32>());
            *scale = GroupScale { scale: unit, offset: unit * sum as f32 };
            let mut placed = [0i16; GROUP];
            for (placed, quants) in placed.as_chunks_mut::<PACK>().0.iter_mut().zip(quants.as_chunks::<PACK>().0) {
                for (quant, place) in quants.iter().zip(PLACES) {
                    placed[place] = *quant as i16;
                }
            }
            *words = bytemuck::cast(placed);
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
