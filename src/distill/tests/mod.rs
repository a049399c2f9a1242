//! Distillation: its targets by hand, and whole trainings.

mod runs;
mod targets;
