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

/// The numbers of every page, `[key heads, (keys [width, PAGE], values [PAGE, width])]`; none before it is written.
#[derive(Debug)]
enum KvNumbers {
    F32(Vec<Vec<f32>>),
    F16(Vec<Vec<u16>>),
    Int8 {
        quants: Vec<Vec<i8>>,
        /// Of every page, `[key heads, (keys [PAGE], values [PAGE])]`.
        scales: Vec<Vec<f32>>,
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
    /// A cache of up to `pages` pages, each allocated when it is first written.
    pub fn new(heads: Heads, format: KvFormat, pages: usize) -> Self {
        let numbers = match format {
            KvFormat::F32 => KvNumbers::F32(vec![Vec::new(); pages]),
            KvFormat::F16 => KvNumbers::F16(vec![Vec::new(); pages]),
            KvFormat::Int8 => KvNumbers::Int8 { quants: vec![Vec::new(); pages], scales: vec![Vec::new(); pages] },
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
        let (page, vectors) = (page as usize, self.heads.keys * 2 * PAGE);
        let block = head * 2 * PAGE * width..(head + 1) * 2 * PAGE * width;
        match &mut self.numbers {
            KvNumbers::F32(pages) => {
                place(&mut allocated(&mut pages[page], vectors * width)[block], position, key, value, |x| x);
            }
            KvNumbers::F16(pages) => {
                let block = &mut allocated(&mut pages[page], vectors * width)[block];
                place(block, position, key, value, |x| f16::from_f32(x).to_bits());
            }
            KvNumbers::Int8 { quants, scales } => {
                let [of_key, of_value] = [key, value].map(largest);
                let scales = &mut allocated(&mut scales[page], vectors)[head * 2 * PAGE..];
                scales[position] = of_key / 127.0;
                scales[PAGE + position] = of_value / 127.0;
                let quants = &mut allocated(&mut quants[page], vectors * width)[block];
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
        let width = self.heads.width;
        match &self.numbers {
            KvNumbers::F32(pages) => visitor.visit(|page| block(&pages[page as usize], head, width, [ONES; 2])),
            KvNumbers::F16(pages) => visitor.visit(|page| block(&pages[page as usize], head, width, [ONES; 2])),
            KvNumbers::Int8 { quants, scales } => visitor.visit(|page| {
                let scales = scales[page as usize][head * 2 * PAGE..][..2 * PAGE].as_chunks().0;
                block(&quants[page as usize], head, width, [&scales[0], &scales[1]])
            }),
        }
    }
}

/// The numbers of a page that is about to be written.
fn allocated<T: Copy + Default>(page: &mut Vec<T>, count: usize) -> &mut [T] {
    page.resize(count, T::default());
    page
}

/// The block of a head on a page.
#[inline(always)]
fn block<'a, T>(page: &'a [T], head: usize, width: usize, scales: [&'a [f32; PAGE]; 2]) -> KvBlock<'a, T> {
    let (keys, values) = page[head * 2 * PAGE * width..][..2 * PAGE * width].split_at(PAGE * width);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_allocated_when_it_is_written() {
        let heads = Heads { queries: 2, keys: 1, width: 4 };
        for format in KvFormat::ALL {
            let mut cache = KvPages::new(heads, format, 1000);
            cache.write(7, 3, 0, &[1.0; 4], &[2.0; 4]);
            let written = |lengths: Vec<usize>| lengths.iter().filter(|length| **length > 0).count();
            let found = match &cache.numbers {
                KvNumbers::F32(pages) => written(pages.iter().map(Vec::len).collect()),
                KvNumbers::F16(pages) => written(pages.iter().map(Vec::len).collect()),
                KvNumbers::Int8 { quants, .. } => written(quants.iter().map(Vec::len).collect()),
            };
            assert_eq!(found, 1, "{format}");
        }
    }
}
