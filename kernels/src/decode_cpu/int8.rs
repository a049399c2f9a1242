//! Products of the quants of the weights with 8-bit quants of the columns: the sums of a group are whole numbers, and
//! exact.
//!
//! With weights d c + m and columns e q, a group of 32 adds d e Σ c q + m e Σ q to the product. The instruction sets
//! differ in Σ c q alone.

use super::columns::GroupScale;
use super::lanes::Lanes;
use super::panel_product::PanelProduct;
use super::panels::{GROUP, PANEL, Panel, Q4_ZERO, nibble};
use crate::quant::{PACK, QuantScheme};

/// The reference of the variants: weight by weight.
pub(super) fn portable(product: PanelProduct) {
    let PanelProduct { weights, panels, columns, y } = product;
    for (number, y) in panels.zip(y.chunks_mut(columns.count())) {
        let panel = weights.panel(number);
        for (column, y) in y.iter_mut().enumerate() {
            let groups = columns.quants(column).iter().zip(columns.scales(column)).enumerate();
            *y = [0.0; PANEL];
            for (group, (x, GroupScale { scale, sum })) in groups {
                let dots = dots(&panel, group, x);
                let (d, m) = scales(&panel, group);
                for r in 0..PANEL {
                    y[r] += d[r] * scale * dots[r] as f32 + m[r] * (scale * *sum as f32);
                }
            }
        }
    }
}

/// Σ c q of a group, of every row.
fn dots(panel: &Panel, group: usize, x: &[i32; GROUP / 4]) -> [i32; PANEL] {
    let words = GROUP / PACK * panel.scheme.pack_words();
    let words = &panel.quants[group * words..][..words];
    let mut sums = [0; PANEL];
    for i in 0..GROUP {
        let x = (x[i / 4] >> (8 * (i % 4))) as i8 as i32;
        for (r, sum) in sums.iter_mut().enumerate() {
            *sum += x * match panel.scheme {
                QuantScheme::Q8 => (words[i / 4][r] >> (8 * (i % 4))) as i8 as i32,
                QuantScheme::Q4 => nibble(words[i / PACK][r], i % PACK) - Q4_ZERO,
                _ => nibble(words[i / PACK][r], i % PACK),
            };
        }
    }
    sums
}

/// d and m of a group, of every row.
fn scales(panel: &Panel, group: usize) -> (Lanes, Lanes) {
    match panel.scheme {
        QuantScheme::Q4Affine => panel.affine_scales(group),
        QuantScheme::Q4K => {
            let (d, m) = panel.nested_scales(group);
            (d, m.map(|m| -m))
        }
        _ => (panel.half_scales(group), [0.0; PANEL]),
    }
}
