//! Batches cut into groups of like length: little work goes into padding, and the CPU's cores share the groups.

use burn::tensor::Device;
use rayon::prelude::*;

/// Histories that one core encodes together; small enough for its activations to stay in cache.
const GROUP: usize = 256;

/// Calls `work` once per group of positions of `lengths`, longest first, and returns its answers in that order.
///
/// On the CPU the groups run side by side; a GPU gets everything as one group, since it is parallel within. The
/// grouping depends on the lengths alone, never on the number of cores.
pub(super) fn by_length<T: Send>(
    lengths: &[usize],
    device: &Device,
    work: impl Fn(usize, &[usize]) -> T + Sync,
) -> Vec<T> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(lengths[at]));
    if device.clone().without_autodiff() == Device::flex() {
        order.par_chunks(GROUP).enumerate().map(|(index, group)| work(index, group)).collect()
    } else {
        vec![work(0, &order)]
    }
}
