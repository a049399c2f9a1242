//! Histories cut into groups of like length: little work goes into padding, and the CPU's cores share the groups.

use burn::tensor::Device;
use rayon::prelude::*;

/// Histories that one core of the CPU encodes together.
const CPU_GROUP: usize = 256;
/// Histories that a GPU, which is parallel within, encodes together.
const GPU_GROUP: usize = 4096;

/// Calls `work` on each group of positions of `lengths` with the group's number, longest histories first, and returns
/// its answers in that order. The grouping depends on the lengths and the kind of device alone, never on the cores.
pub(super) fn by_length<T: Send>(
    lengths: &[usize],
    device: &Device,
    work: impl Fn(usize, &[usize]) -> T + Sync,
) -> Vec<T> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(lengths[at]));
    if order.len() <= CPU_GROUP {
        // Handing one group to another thread costs more than there is to share.
        order.chunks(CPU_GROUP).enumerate().map(|(number, group)| work(number, group)).collect()
    } else if device.clone().without_autodiff() == Device::flex() {
        order.par_chunks(CPU_GROUP).enumerate().map(|(number, group)| work(number, group)).collect()
    } else {
        order.chunks(GPU_GROUP).enumerate().map(|(number, group)| work(number, group)).collect()
    }
}
