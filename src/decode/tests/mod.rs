//! Controlled decoding as a whole: its promises against brute force, and hand-made cases.

mod cases;
mod guarantees;
mod samples;
mod toy;
