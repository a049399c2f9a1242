//! The features that kernels require and devices offer.

use wgpu::Features;

/// The features that decide between the variants of a kernel: those of wgpu, and cooperative matrices of one
/// size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KernelFeatures {
    /// Of wgpu.
    pub wgpu: Features,
    /// Rows and columns of the cooperative matrices; 0 for none.
    pub coop_tile: u32,
}

impl KernelFeatures {
    /// The features of every device.
    pub const NONE: KernelFeatures = KernelFeatures { wgpu: Features::empty(), coop_tile: 0 };

    /// Returns true if a device of these features can run a kernel that requires `needed`.
    pub fn contains(self, needed: KernelFeatures) -> bool {
        self.wgpu.contains(needed.wgpu) && (needed.coop_tile == 0 || needed.coop_tile == self.coop_tile)
    }
}

impl From<Features> for KernelFeatures {
    /// Features without cooperative matrices.
    fn from(features: Features) -> Self {
        KernelFeatures { wgpu: features, coop_tile: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_runs_what_needs_its_matrices_or_none() {
        let of = |coop_tile| KernelFeatures { wgpu: Features::SUBGROUP, coop_tile };
        assert!(of(16).contains(of(16)) && of(8).contains(of(0)) && of(0).contains(KernelFeatures::NONE));
        assert!(!of(16).contains(of(8)) && !of(0).contains(of(8)) && !KernelFeatures::NONE.contains(of(0)));
    }
}
