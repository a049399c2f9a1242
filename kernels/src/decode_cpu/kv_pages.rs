//! The pages of the KV cache of one layer, in main memory.
//!
//! A page holds the keys of each head coordinate by coordinate, so that a vector has one coordinate of many keys, and
//! its values position by position.

use half::f16;

use super::lanes::from_f16;
use crate::decode::{Heads, KvFormat, PAGE};

/// Keys and values of one layer.
#[derive(Debug)]
pub struct KvPages {
    heads: Heads,
    numbers: KvNumbers,
}

/// `[pages, key heads, (keys [width, PAGE], values [PAGE, width])]`
#[derive(Debug)]
enum KvNumbers {
    F32(Vec<f32>),
    F16(Vec<u16>),
    Int8 {
        quants: Vec<i8>,
        /// `[pages, key heads, (keys [PAGE], values [PAGE])]`
        scales: Vec<f32>,
    },
}

/// The keys and values of a head on one page.
#[derive(Debug, Clone, Copy)]
pub(super) struct KvBlock<'a, T> {
    /// `[width, PAGE]`
    pub(super) keys: &'a [[T; PAGE]],
    /// `[PAGE, width]`
    pub(super) values: &'a [T],
    /// Of keys and values; ones without quants.
    pub(super) scales: [&'a [f32; PAGE]; 2],
}

/// A number in the cache.
pub(super) trait KvNumber: Copy {
    fn to_f32(self) -> f32;
}

impl KvNumber for f32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
}

impl KvNumber for u16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        from_f16(self.into())
    }
}

impl KvNumber for i8 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self.into()
    }
}

/// A function of the cache's blocks, whatever their format.
pub(super) trait KvVisitor {
    fn visit<'a, T: KvNumber + 'a>(self, block: impl Fn(u32) -> KvBlock<'a, T>);
}

const ONES: &[f32; PAGE] = &[1.0; PAGE];

impl KvPages {
    /// A cache of `pages` pages, all zeros. Memory is taken page by page as they are written.
    pub fn new(heads: Heads, format: KvFormat, pages: usize) -> Self {
        let vectors = pages * heads.keys * 2 * PAGE;
        let count = vectors * heads.width;
        let numbers = match format {
            KvFormat::F32 => KvNumbers::F32(vec![0.0; count]),
            KvFormat::F16 => KvNumbers::F16(vec![0; count]),
            KvFormat::Int8 => KvNumbers::Int8 { quants: vec![0; count], scales: vec![0.0; vectors] },
        };
        Self { heads, numbers }
    }

    /// The heads of the model.
    pub fn heads(&self) -> Heads {
        self.heads
    }

    /// Writes the key and the value of a head at a position of a page.
    ///
    /// # Panics
    /// A page, position or head that there is not, vectors of another width.
    pub fn write(&mut self, page: u32, position: usize, head: usize, key: &[f32], value: &[f32]) {
        let width = self.heads.width;
        assert!(position < PAGE && head < self.heads.keys && key.len() == width && value.len() == width);
        let block = page as usize * self.heads.keys + head;
        let numbers = block * 2 * PAGE * width..(block + 1) * 2 * PAGE * width;
        match &mut self.numbers {
            KvNumbers::F32(all) => place(&mut all[numbers], position, key, value, |x| x),
            KvNumbers::F16(all) => place(&mut all[numbers], position, key, value, |x| f16::from_f32(x).to_bits()),
            KvNumbers::Int8 { quants, scales } => {
                let [of_key, of_value] = [key, value].map(largest);
                scales[block * 2 * PAGE + position] = of_key / 127.0;
                scales[block * 2 * PAGE + PAGE + position] = of_value / 127.0;
                let quants = &mut quants[numbers];
                let quant =
                    |largest: f32| move |x: f32| if largest > 0.0 { (x / largest * 127.0).round() as i8 } else { 0 };
                place_keys(&mut quants[..PAGE * width], position, key, quant(of_key));
                place_values(&mut quants[PAGE * width..], position, value, quant(of_value));
            }
        }
    }

    /// Shows the blocks of a head, by their pages.
    #[inline(always)]
    pub(super) fn visit(&self, head: usize, visitor: impl KvVisitor) {
        let (keys, width) = (self.heads.keys, self.heads.width);
        match &self.numbers {
            KvNumbers::F32(all) => visitor.visit(|page| block(all, page as usize * keys + head, width, [ONES; 2])),
            KvNumbers::F16(all) => visitor.visit(|page| block(all, page as usize * keys + head, width, [ONES; 2])),
            KvNumbers::Int8 { quants, scales } => visitor.visit(|page| {
                let number = page as usize * keys + head;
                let scales = scales[number * 2 * PAGE..][..2 * PAGE].as_chunks().0;
                block(quants, number, width, [&scales[0], &scales[1]])
            }),
        }
    }
}

#[inline(always)]
fn block<'a, T>(all: &'a [T], number: usize, width: usize, scales: [&'a [f32; PAGE]; 2]) -> KvBlock<'a, T> {
    let (keys, values) = all[number * 2 * PAGE * width..][..2 * PAGE * width].split_at(PAGE * width);
    KvBlock { keys: keys.as_chunks().0, values, scales }
}

/// Writes a key and a value into their block.
fn place<T>(block: &mut [T], position: usize, key: &[f32], value: &[f32], of: impl Fn(f32) -> T) {
    let (keys, values) = block.split_at_mut(PAGE * key.len());
    place_keys(keys, position, key, &of);
    place_values(values, position, value, &of);
}

fn place_keys<T>(keys: &mut [T], position: usize, key: &[f32], of: impl Fn(f32) -> T) {
    keys[position..].iter_mut().step_by(PAGE).zip(key).for_each(|(number, x)| *number = of(*x));
}

fn place_values<T>(values: &mut [T], position: usize, value: &[f32], of: impl Fn(f32) -> T) {
    values[position * value.len()..].iter_mut().zip(value).for_each(|(number, x)| *number = of(*x));
}

/// The largest magnitude; NaN where a number is none.
fn largest(vector: &[f32]) -> f32 {
    vector.iter().fold(0.0, |largest, x| if x.abs() <= largest { largest } else { x.abs() })
}
