//! Controlled decoding as a whole: its promises against brute force, and hand-made cases.

mod cases;
mod feasibility;
mod guarantees;
mod guided;
mod large;
mod samples;
mod toy;
