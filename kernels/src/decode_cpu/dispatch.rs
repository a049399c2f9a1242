//! The dispatch of products: to floats or quants, and by instruction set.

use std::cell::RefCell;

use super::float::FloatProduct;
use super::int8;
#[cfg(target_arch = "x86_64")]
use super::int8_x86::{avx_vnni, avx2, avx512_vnni};
use super::isa::{Isa, IsaLevel};
use super::lanes::Lanes;
use super::panel_product::PanelProduct;
use crate::decode::matmul::takes_int8;

thread_local! {
    /// The weights of some panels.
    static UNPACKED: RefCell<Vec<Lanes>> = const { RefCell::new(Vec::new()) };
}

/// Runs a product: in int8 if the columns have quants and the scheme allows it.
pub(super) fn run(product: PanelProduct, isa: Isa) {
    if product.columns.is_int8() && takes_int8(product.weights.scheme()) {
        run_int8(product, isa);
    } else {
        UNPACKED.with_borrow_mut(|unpacked| isa.run(FloatProduct { product, unpacked }));
    }
}

#[allow(unsafe_code)]
fn run_int8(product: PanelProduct, isa: Isa) {
    match isa.level() {
        IsaLevel::Portable => int8::portable(product),
        // SAFETY: there is an `Isa` of a level only where the processor has its features.
        #[cfg(target_arch = "x86_64")]
        IsaLevel::Avx2 => unsafe { avx2::run(product) },
        #[cfg(target_arch = "x86_64")]
        IsaLevel::AvxVnni => unsafe { avx_vnni::run(product) },
        #[cfg(target_arch = "x86_64")]
        IsaLevel::Avx512Vnni => unsafe { avx512_vnni::run(product) },
    }
}
