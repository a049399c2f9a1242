//! The nearest settings that fit, for a command that does not.

use tiller_kernels::quant::QuantScheme;
use tiller_models::llama::LlamaConfig;

use super::device_memory::FitVerdict;
use super::{DeviceMemory, PlanSettings, PlannedCommand};
use tiller_models::memory::MemoryEstimate;

/// A setting that fits.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Remedy {
    /// The flags of the command that make it so.
    pub flags: String,
    /// The bytes that it takes then.
    pub total: u64,
}

/// The fewest tokens that are worth trying.
const FEWEST_TOKENS: usize = 64;

/// The first setting that fits, of those that differ in as little as possible: smaller batches first, which cost time and nothing else;
/// then fewer bits, then shorter sequences. Nothing where none does, or where nobody knows how much there is.
pub fn remedy(
    command: PlannedCommand,
    llama: &LlamaConfig,
    setting: &PlanSettings,
    place: &DeviceMemory,
) -> Option<Remedy> {
    settings(command, setting).into_iter().find_map(|changed| {
        let estimate = command.estimate(llama, &changed, place).ok()?;
        (place.verdict(&estimate) == FitVerdict::Fits).then(|| of(command, setting, &changed, &estimate))
    })
}

/// Other settings, the nearest first.
fn settings(command: PlannedCommand, setting: &PlanSettings) -> Vec<PlanSettings> {
    let packs = command == PlannedCommand::Recommend || !setting.full;
    let schemes = [setting.quant, QuantScheme::Q4].into_iter().take(if packs { 2 } else { 1 });
    let halves = |from: usize, least: usize| {
        std::iter::successors(Some(from), move |n| (n / 2 >= least).then_some(n / 2)).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for tokens in halves(setting.tokens, FEWEST_TOKENS) {
        for quant in schemes.clone() {
            match setting.batch {
                None => all.push(PlanSettings { quant, tokens, ..*setting }),
                Some(batch) => {
                    let smaller = halves(batch, 1).into_iter().map(Some);
                    all.extend(smaller.map(|batch| PlanSettings { batch, quant, tokens, ..*setting }));
                }
            }
        }
    }
    all
}

fn of(command: PlannedCommand, before: &PlanSettings, after: &PlanSettings, estimate: &MemoryEstimate) -> Remedy {
    let [batch, quant, tokens] = match command {
        PlannedCommand::Recommend => ["--batch ", "--quant ", "a prompt and an answer of at most "],
        PlannedCommand::Sft => ["--batch ", "--quant ", "--max-tokens "],
        PlannedCommand::Ppo => ["--set learning.batch=", "--set quant=", "--set max_tokens="],
    };
    let changed = [
        after.batch.filter(|_| before.batch != after.batch).map(|samples| format!("{batch}{samples}")),
        (before.quant != after.quant).then(|| format!("{quant}{}", after.quant)),
        (before.tokens != after.tokens).then(|| format!("{tokens}{}", after.tokens)),
    ];
    Remedy { flags: changed.into_iter().flatten().collect::<Vec<_>>().join(" "), total: estimate.total }
}
