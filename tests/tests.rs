//! The whole program from outside: every command as its users run it, its documents, its faults, and the rules of its sources.
//!
//! One binary, because each one links the whole program. Tests that need a process of their own stand in alone.rs.

mod common {
    pub mod browser;
    pub mod console;
    pub mod fixture;
    pub mod memory;
    pub mod mutate;
    pub mod openapi;
    pub mod program;
    pub mod run;
    pub mod served;
    pub mod server;
    pub mod toy;
    pub mod world;
}

mod bench;
mod chat;
mod commands;
mod compatibility;
mod crates;
mod data;
mod distill;
mod doctor;
mod documents;
mod eval;
mod examples;
mod experiment;
#[cfg(unix)]
mod faults;
mod hostile;
mod house;
mod instruct;
mod kills;
mod output;
mod plan;
mod ppo;
mod pull;
mod quantize;
mod ranking;
mod recommend;
mod sasrec;
mod serve;
mod sft;
mod smollm2;
mod tuned;
