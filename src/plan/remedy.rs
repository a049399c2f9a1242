//! What to change where something does not fit.

use tiller_kernels::quant::Scheme;
use tiller_models::llama::LlamaConfig;

use super::place::Verdict;
use super::{Need, Place, Setting, Work};

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
pub fn remedy(work: Work, llama: &LlamaConfig, setting: &Setting, place: &Place) -> Option<Remedy> {
    settings(work, setting).into_iter().find_map(|changed| {
        let need = work.need(llama, &changed, place).ok()?;
        (place.verdict(&need) == Verdict::Fits).then(|| of(work, setting, &changed, &need))
    })
}

/// Other settings, the nearest first.
fn settings(work: Work, setting: &Setting) -> Vec<Setting> {
    let packs = work == Work::Recommend || !setting.full;
    let schemes = [setting.quantise, Scheme::Q4].into_iter().take(if packs { 2 } else { 1 });
    let halves = |from: usize, least: usize| {
        std::iter::successors(Some(from), move |n| (n / 2 >= least).then_some(n / 2)).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for tokens in halves(setting.tokens, FEWEST_TOKENS) {
        for quantise in schemes.clone() {
            for batch in halves(setting.batch, 1) {
                all.push(Setting { batch, quantise, tokens, ..*setting });
            }
        }
    }
    all
}

fn of(work: Work, before: &Setting, after: &Setting, need: &Need) -> Remedy {
    let [batch, quantise, tokens] = match work {
        Work::Recommend => ["--batch ", "--scheme ", "a prompt and an answer of at most "],
        Work::Sft => ["--batch ", "--quantise ", "--max-tokens "],
        Work::Ppo => ["--set learning.batch=", "--set quantise=", "--set max_tokens="],
    };
    let changed = [
        (before.batch != after.batch).then(|| format!("{batch}{}", after.batch)),
        (before.quantise != after.quantise).then(|| format!("{quantise}{}", after.quantise)),
        (before.tokens != after.tokens).then(|| format!("{tokens}{}", after.tokens)),
    ];
    Remedy { flags: changed.into_iter().flatten().collect::<Vec<_>>().join(" "), total: need.total }
}
