//! What kernels need of a device, and what a device has for them.

use wgpu::Features;

/// What decides between the variants of a kernel: features of wgpu, and cooperative matrices of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ability {
    /// Of wgpu.
    pub features: Features,
    /// The edge of the cooperative matrices; 0 for none.
    pub edge: u32,
}

impl Ability {
    /// What every device has.
    pub const NONE: Ability = Ability { features: Features::empty(), edge: 0 };

    /// Whether a device of this ability can run what needs the other.
    pub fn contains(self, needed: Ability) -> bool {
        self.features.contains(needed.features) && (needed.edge == 0 || needed.edge == self.edge)
    }
}

impl From<Features> for Ability {
    /// Features without cooperative matrices.
    fn from(features: Features) -> Self {
        Ability { features, edge: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_runs_what_needs_its_matrices_or_none() {
        let of = |edge| Ability { features: Features::SUBGROUP, edge };
        assert!(of(16).contains(of(16)) && of(8).contains(of(0)) && of(0).contains(Ability::NONE));
        assert!(!of(16).contains(of(8)) && !of(0).contains(of(8)) && !Ability::NONE.contains(of(0)));
    }
}
