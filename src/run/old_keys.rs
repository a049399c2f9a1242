//! Settings by their names of version 0.1.0, so that its configuration files, runs and `--set` flags work.

use toml::{Table, Value};

/// A table's name, the key that it had there, and the key today. An empty name stands for every table.
const RENAMED: [(&str, &str, &str); 23] = [
    ("", "quantise", "quant"),
    ("", "accumulate", "gradient_accumulation_steps"),
    ("", "scratch", "from_scratch"),
    ("", "practices", "tasks"),
    ("", "rehearsal", "sft_mixin"),
    ("", "safety", "divergence_guard"),
    ("", "exam", "eval"),
    ("", "recipe", "preset"),
    ("eval", "subjects", "tasks"),
    ("schedule", "warm_up", "warmup_ratio"),
    ("schedule", "power", "poly_power"),
    ("schedule", "end", "min_lr"),
    ("optimiser", "clip", "max_grad_norm"),
    ("model", "layers", "n_layers"),
    ("model", "heads", "n_heads"),
    ("model", "inner", "d_ff"),
    ("learning", "kl", "kl_coef"),
    ("learning", "tempered", "score_at_sampling_temperature"),
    ("learning", "standardise", "normalize_advantages"),
    ("learning", "by_practice", "per_task_normalization"),
    ("reward", "spread", "dense"),
    ("reward", "breach", "violation_score"),
    ("reward", "gap", "shortfall_fn"),
];

/// The table with today's keys, in the order in which they stand.
pub fn with_todays_keys(table: Table) -> Table {
    renamed(table, "")
}

fn renamed(table: Table, name: &str) -> Table {
    let todays = |(key, value)| {
        let rename = RENAMED.iter().find(|(within, old, _)| *old == key && (within.is_empty() || *within == name));
        let key = rename.map_or(key, |(_, _, new)| (*new).to_owned());
        let value = match value {
            Value::Table(inner) => Value::Table(renamed(inner, &key)),
            other => other,
        };
        (key, value)
    };
    table.into_iter().map(todays).collect()
}
