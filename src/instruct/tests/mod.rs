//! The promises of every example, over invented worlds and many seeds.

mod labels;
mod rules;
mod toy;
mod validation;
