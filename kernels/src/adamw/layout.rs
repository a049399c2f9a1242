//! The layout of many tensors in a few flat ones.

use std::sync::Arc;

use burn::tensor::Tensor;
use bytemuck::{Pod, Zeroable};

/// Numbers of one page at most, unless a single tensor has more: what WebGPU lets one binding reach, 128 MiB.
pub const PAGE: usize = 1 << 25;

/// Tensors begin at multiples of this, 256 bytes, where any device lets a binding begin.
const ALIGNMENT: usize = 64;

/// Tensors that are brought together in one launch: as many as WebGPU's bindings suffice for.
const AT_ONCE: usize = 6;

/// The layout of a model's tensors.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    lengths: Vec<usize>,
    pages: Vec<Page>,
}

/// A flat tensor of several.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Of each tensor.
    pub(super) starts: Arc<[u32]>,
    pub(super) length: usize,
    /// A bit for each [`ALIGNMENT`] numbers: whether they are of a tensor that decays.
    pub(super) decays: Arc<[u32]>,
}

/// The places of up to six neighbouring tensors. An unused place starts behind every number.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub(super) struct TensorGroup {
    /// The first number of theirs, and the one behind the last, where the next tensor begins.
    pub(super) first: u32,
    pub(super) end: u32,
    pub(super) starts: [u32; AT_ONCE],
    pub(super) lengths: [u32; AT_ONCE],
}

impl Page {
    /// Six tensors at a time with their places; where they are fewer, the last one fills up, of which nothing
    /// is read.
    pub(super) fn groups<'a, T: Length>(
        &'a self,
        tensors: &'a [T],
    ) -> impl Iterator<Item = ([&'a T; AT_ONCE], TensorGroup)> {
        let groups = tensors.chunks(AT_ONCE).zip(self.starts.chunks(AT_ONCE)).enumerate();
        groups.map(|(group, (tensors, starts))| {
            let next = self.starts.get((group + 1) * AT_ONCE).copied();
            let lengths = tensors.iter().map(|tensor| tensor.length() as u32);
            let group = TensorGroup {
                first: starts[0],
                end: next.unwrap_or(self.length as u32),
                starts: filled(starts.iter().copied(), u32::MAX),
                lengths: filled(lengths, 0),
            };
            (filled(tensors.iter(), &tensors[tensors.len() - 1]), group)
        })
    }
}

/// Items with a length.
pub(super) trait Length {
    /// In numbers.
    fn length(&self) -> usize;
}

impl Length for Tensor<1> {
    fn length(&self) -> usize {
        self.dims()[0]
    }
}

impl Length for Vec<f32> {
    fn length(&self) -> usize {
        self.len()
    }
}

fn filled<T: Copy>(mut items: impl Iterator<Item = T>, rest: T) -> [T; AT_ONCE] {
    std::array::from_fn(|_| items.next().unwrap_or(rest))
}

impl Layout {
    /// The layout of tensors of the given lengths, each with whether it decays.
    pub fn new(tensors: &[(usize, bool)]) -> Self {
        Self::in_pages(tensors, PAGE)
    }

    pub(super) fn in_pages(tensors: &[(usize, bool)], limit: usize) -> Self {
        let mut pages: Vec<(Vec<u32>, usize, Vec<u32>)> = Vec::new();
        for (length, decays) in tensors {
            let length = length.next_multiple_of(ALIGNMENT);
            if pages.last().is_none_or(|(_, taken, _)| taken + length > limit) {
                pages.push(Default::default());
            }
            let (starts, taken, bits) = pages.last_mut().expect("there is one now");
            starts.push(*taken as u32);
            let blocks = *taken / ALIGNMENT..(*taken + length) / ALIGNMENT;
            bits.resize(blocks.end.div_ceil(32), 0);
            blocks.filter(|_| *decays).for_each(|block| bits[block / 32] |= 1 << (block % 32));
            *taken += length;
        }
        let page = |(starts, length, bits): (Vec<u32>, usize, Vec<u32>)| Page {
            starts: starts.into(),
            length,
            decays: bits.into(),
        };
        let pages = pages.into_iter().map(page).collect();
        Layout { lengths: tensors.iter().map(|(length, _)| *length).collect(), pages }
    }

    /// Of every tensor.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    pub(super) fn pages(&self) -> &[Page] {
        &self.pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_begin_where_a_binding_may_and_pages_end_before_the_limit() {
        let layout = Layout::in_pages(&[(3, true), (64, false), (65, true), (1000, true), (1, false)], 256);
        let starts: Vec<&[u32]> = layout.pages().iter().map(|page| &*page.starts).collect();
        assert_eq!(starts, [&[0, 64, 128][..], &[0], &[0]]);
        let lengths: Vec<usize> = layout.pages().iter().map(|page| page.length).collect();
        assert_eq!(lengths, [256, 1024, 64]);
        let decays: Vec<&[u32]> = layout.pages().iter().map(|page| &*page.decays).collect();
        assert_eq!(decays, [&[0b1101][..], &[0xffff], &[0]]);
        assert_eq!(layout.lengths(), [3, 64, 65, 1000, 1]);
        assert!(Layout::new(&[]).pages().is_empty());
    }
}
