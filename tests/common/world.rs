//! A small invented world and everything that can be made of it, at sizes at which each command takes a second at most.

use std::path::Path;

use super::program::succeed;

/// The data set `films`.
pub const SYNTH: &[&str] = &["data", "synth", "--users", "60", "--items", "40", "--seed", "3", "--out", "films"];

/// Its teacher, in `films/teacher`.
pub const TEACH: &[&str] =
    &["sasrec", "train", "films", "--epochs", "1", "--set", "model.d_model=16", "--set", "model.d_ff=16"];

/// A model trained from scratch that is hardly tuned, in `sft/model`.
#[rustfmt::skip]
pub const SFT: &[&str] = &[
    "sft", "films", "--from-scratch", "tiny", "--batch", "4", "--steps", "8",
    "--set", "from_scratch.d_model=16", "--set", "from_scratch.n_layers=1", "--set", "from_scratch.vocab_size=600",
    "--set", "validation.users=2", "--set", "save_every=3", "--out", "sft",
];

/// An adapter on that model, in `adapted/adapter`.
#[rustfmt::skip]
pub const ADAPT: &[&str] = &[
    "sft", "films", "--model", "sft/model", "--rank", "2", "--tasks", "I0", "--batch", "4", "--gradient-accumulation-steps", "1", "--steps", "6",
    "--set", "validation.users=2", "--set", "save_every=2", "--out", "adapted",
];

/// A few rewards for that model, in `ppo/adapter`.
#[rustfmt::skip]
pub const PPO: &[&str] = &[
    "ppo", "films", "--run", "sft", "--iterations", "6", "--lr", "0.0005",
    "--set", "rollout.prompts=3", "--set", "rollout.samples=2", "--set", "learning.minibatch=4", "--set", "actor.rank=2",
    "--set", "validation.users=2", "--set", "validation.every=3", "--out", "ppo",
];

/// The constrained teacher distilled into that model, in `distilled/model`.
#[rustfmt::skip]
pub const DISTILL: &[&str] = &[
    "distill", "films", "--run", "sft", "--iterations", "6",
    "--set", "rollout.prompts=3", "--set", "minibatch=4", "--set", "sft_mixin.examples=2",
    "--set", "validation.users=2", "--set", "validation.every=3", "--out", "distilled",
];

/// Makes the data set, its teacher and a model that is hardly tuned.
pub fn tune(folder: &Path) {
    [SYNTH, TEACH, SFT].iter().for_each(|command| drop(succeed(folder, command)));
}
