//! Controlled decoding as a whole: its promises against brute force, and hand-made cases.

mod cases;
mod feasibility;
pub(crate) mod guarantees;
mod guided;
mod large;
pub(crate) mod samples;
pub(crate) mod toy;
