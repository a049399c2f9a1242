//! Controlled decoding as a whole: its promises against brute force, and hand-made cases.

mod cases;
mod feasibility;
pub(crate) mod guarantees;
mod guided;
mod large;
pub(crate) mod samples;
mod teacher_guided;
pub(crate) mod toy;
