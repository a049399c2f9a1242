//! The promises of every example, over invented worlds and many seeds.

mod alignment;
mod evaluation;
mod labels;
mod rules;
mod toy;
