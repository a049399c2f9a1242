//! The sampling rules by name: the default ones, and the authors' where they differ (method §4, method §13).

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::share_form::{ShareForm, ShareSentiment};
use crate::Error;
use crate::task::LIST_LENGTH;

/// The sampling rules of training examples and queries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The method with its open points resolved.
    #[default]
    Default,
    /// The authors' rules, including their quirks.
    Paper,
}

/// The rules of a preset.
#[derive(Debug, Clone)]
pub(super) struct SamplingRules {
    /// Fill a list that is too short for its filter up with other items, instead of asking for fewer (method B1).
    pub fills_up: bool,
    /// Shuffle the items of a share, instead of keeping the teacher's order (method B21).
    pub shuffles_shares: bool,
    /// The smallest share that "at least" states (method B21).
    pub least_share: usize,
    /// The percentage of requests whose filter is one of the target's or the history's (method B22).
    pub related_percent: u64,
    /// The forms of a share (method B23).
    pub forms: &'static [ShareForm],
    /// Never start a conversation with the exchange just before its last question (method B28).
    pub skips_nearest_exchange: bool,
    /// Ask for attribute conditions, and conjunctions of two filters, as for categories.
    pub beyond_categories: bool,
    /// The longest list of an item search.
    pub search_length: usize,
    /// State bounds of alignment prompts also in items, and not only in percent.
    pub aligns_counts: bool,
    /// The sentiment in the wording of a share in alignment prompts.
    pub alignment_sentiment: ShareSentiment,
    /// The number of candidates that a list is chosen from.
    pub candidates: RangeInclusive<usize>,
}

/// LP, LP1, MP, EP, LC, MC.
const DEFAULT_FORMS: &[ShareForm] = &[
    ShareForm::at_most(ShareSentiment::Told),
    ShareForm::at_most(ShareSentiment::Untold),
    ShareForm::at_least(ShareSentiment::Either),
    ShareForm::about(ShareSentiment::Either),
    ShareForm::at_most(ShareSentiment::Either).counted(),
    ShareForm::at_least(ShareSentiment::Either).counted(),
];

/// LP, MP, LC, MC.
const PAPER_FORMS: &[ShareForm] = &[
    ShareForm::at_most(ShareSentiment::Told),
    ShareForm::at_least(ShareSentiment::Told),
    ShareForm::at_most(ShareSentiment::Told).counted(),
    ShareForm::at_least(ShareSentiment::Told).counted(),
];

impl Preset {
    /// The names of the presets, as flags and settings spell them.
    pub const NAMES: [&str; 2] = ["default", "paper"];

    pub(super) fn rules(self) -> SamplingRules {
        match self {
            Preset::Default => SamplingRules {
                fills_up: false,
                shuffles_shares: false,
                least_share: 1,
                related_percent: 50,
                forms: DEFAULT_FORMS,
                skips_nearest_exchange: false,
                beyond_categories: true,
                search_length: LIST_LENGTH,
                aligns_counts: true,
                alignment_sentiment: ShareSentiment::Either,
                candidates: LIST_LENGTH..=2 * LIST_LENGTH,
            },
            Preset::Paper => SamplingRules {
                fills_up: true,
                shuffles_shares: true,
                least_share: 0,
                related_percent: 0,
                forms: PAPER_FORMS,
                skips_nearest_exchange: true,
                beyond_categories: false,
                search_length: 1,
                aligns_counts: false,
                alignment_sentiment: ShareSentiment::Untold,
                candidates: LIST_LENGTH..=LIST_LENGTH,
            },
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES[*self as usize])
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "default" => Ok(Preset::Default),
            "paper" => Ok(Preset::Paper),
            _ => Err(Error::bad_input("preset").expected("default or paper").found(format!("{text:?}")).into()),
        }
    }
}
