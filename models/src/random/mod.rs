//! Random numbers that a seed fixes: the same on every device, whatever runs beside them.

mod noise;
mod normal;
mod orthogonal;

pub(crate) use noise::mix;
pub use noise::{Noise, drop, drop_rows};
pub(crate) use normal::Normal;
pub(crate) use orthogonal::orthogonal_rows;
