//! A check that a training does not hold more and more memory.

/// Asserts that the least that was held in the second half of a run's steps is the least of the quarter before, but for
/// `slack` bytes; the first quarter warms up.
///
/// An allocator takes pages as it likes and gives them back now and then, so that what a process holds rises and falls
/// by tens of megabytes, like the teeth of a saw. Their valleys stay where they are, and whatever every step leaves
/// behind lifts them.
#[track_caller]
pub fn assert_flat(memory: &[u64], slack: u64) {
    let (quarter, half) = (memory.len() / 4, memory.len() / 2);
    let early = memory[quarter..half].iter().min().unwrap();
    let late = memory[half..].iter().min().unwrap();
    assert!(*late < early + slack, "from {early} to {late} bytes: {memory:?}");
}
