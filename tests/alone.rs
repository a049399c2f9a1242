//! Tests that read or break what belongs to their whole process: its heap, its device. They run one at a time, apart from all others.

mod common {
    pub mod heap;
    pub mod mutate;
    #[allow(dead_code)]
    pub mod program;
    pub mod structure;
    #[allow(dead_code)]
    pub mod world;
}

mod lost_device;
mod memory;
mod mutations;
