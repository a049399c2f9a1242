//! Whether a training holds more and more memory.

/// Asserts that the memory held in the last quarter of a run's steps is that of the second quarter, but for `slack` bytes.
///
/// An allocator takes pages and gives them back as it likes, so that single readings swing by tens of megabytes. The
/// medians of long stretches don't, and whatever every step leaves behind moves them. The first quarter warms up.
#[track_caller]
pub fn assert_flat(memory: &[u64], slack: u64) {
    let quarter = memory.len() / 4;
    let early = median(&memory[quarter..2 * quarter]);
    let late = median(&memory[memory.len() - quarter..]);
    assert!(late < early + slack, "from {early} to {late} bytes: {memory:?}");
}

fn median(memory: &[u64]) -> u64 {
    let mut memory = memory.to_vec();
    memory.sort_unstable();
    memory[memory.len() / 2]
}
