//! The promises of every example, over invented worlds and many seeds.

mod labels;
mod practice;
mod rules;
mod toy;
mod validation;
