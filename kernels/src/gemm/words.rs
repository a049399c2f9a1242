//! The memory of packed factors.

use bytemuck::{Pod, Zeroable};

/// A cache line. A vector or a row of a tile that crossed two would be loaded twice.
#[derive(Debug, Clone, Copy, Zeroable, Pod)]
#[repr(C, align(64))]
struct CacheLine([u32; 16]);

/// Words of packed factors: f32, or pairs of bf16. They begin with a cache line.
#[derive(Debug, Default)]
pub(super) struct PackedWords(Vec<CacheLine>);

impl PackedWords {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Room for so many words, of any content.
    pub(super) fn resize(&mut self, count: usize) -> &mut [u32] {
        self.0.resize(count.div_ceil(16), CacheLine::zeroed());
        &mut bytemuck::cast_slice_mut(&mut self.0)[..count]
    }

    pub(super) fn words(&self) -> &[u32] {
        bytemuck::cast_slice(&self.0)
    }
}
