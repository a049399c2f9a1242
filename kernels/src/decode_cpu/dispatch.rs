//! The dispatch of products: to floats or quants, and by instruction set.

use std::cell::RefCell;

use super::float::FloatProduct;
#[cfg(target_arch = "aarch64")]
use super::int16::neon_int16;
#[cfg(target_arch = "x86_64")]
use super::int16::{avx_vnni, avx2, avx512_vnni};
use super::isa::Isa;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use super::isa::IsaLevel;
use super::lanes::Lanes;
use super::panel_product::PanelProduct;

thread_local! {
    /// The weights of some panels.
    static UNPACKED: RefCell<Vec<Lanes>> = const { RefCell::new(Vec::new()) };
}

/// Runs a product: of integers if the columns have quants, the weights have integer quants and the instruction set has
/// a variant.
pub(super) fn run(product: PanelProduct, isa: Isa) {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    if product.columns.is_quantized() && product.weights.scheme().has_integer_quants() && isa.has_integer_products() {
        return run_int16(product, isa);
    }
    UNPACKED.with_borrow_mut(|unpacked| isa.run(FloatProduct { product, unpacked }));
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[allow(unsafe_code)]
fn run_int16(product: PanelProduct, isa: Isa) {
    match isa.level() {
        IsaLevel::Portable => unreachable!("no variant without vectors"),
        // SAFETY: there is an `Isa` of a level only where the processor has its features.
        #[cfg(target_arch = "x86_64")]
        IsaLevel::Avx2 => unsafe { avx2::run(product) },
        #[cfg(target_arch = "x86_64")]
        IsaLevel::AvxVnni => unsafe { avx_vnni::run(product) },
        #[cfg(target_arch = "x86_64")]
        IsaLevel::Avx512Vnni => unsafe { avx512_vnni::run(product) },
        #[cfg(target_arch = "aarch64")]
        IsaLevel::Neon => unsafe { neon_int16::run(product) },
    }
}
