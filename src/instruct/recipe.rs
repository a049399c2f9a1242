//! The sampling rules by name, and the two sets of them: ours, and the authors' where they differ (method §4, §13).

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::proportion::{ShareForm, ShareSentiment};

/// Which sampling rules make the examples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The method with the resolutions of its §13
    #[default]
    Default,
    /// The authors' rules, their quirks included
    Paper,
}

/// How many items the longest list has, and the list of a share.
pub const LIST_LENGTH: usize = 10;

/// The rules of a recipe.
#[derive(Debug, Clone)]
pub(super) struct SamplingRules {
    /// B1: a list too short for its kind is filled up with other items, instead of being asked for no longer than it can be.
    pub fills_up: bool,
    /// B21: the items of a share are shuffled, instead of standing in the teacher's order.
    pub shuffles_shares: bool,
    /// B21: the smallest share that "at least" states.
    pub least_share: usize,
    /// B22: in how many of a hundred requests the kind is one of the target's or the history's.
    pub related_percent: u64,
    /// B23: the forms of a share.
    pub forms: &'static [ShareForm],
    /// B28: a conversation never starts with the exchange just before its last question.
    pub skips_nearest_exchange: bool,
    /// Whether conditions on attributes, and conjunctions of two, are asked for as categories are.
    pub beyond_categories: bool,
    /// The longest list of an item search.
    pub search_length: usize,
    /// Whether a practised bound may be stated in items, and not only in percent.
    pub practises_counts: bool,
    /// Whether the wording of a practised share also tells a feeling.
    pub practice_feeling: ShareSentiment,
    /// How many candidates a list is chosen from.
    pub candidates: RangeInclusive<usize>,
}

/// LP, LP1, MP, EP, LC, MC.
const OUR_FORMS: &[ShareForm] = &[
    ShareForm::at_most(ShareSentiment::Told),
    ShareForm::at_most(ShareSentiment::Untold),
    ShareForm::at_least(ShareSentiment::Either),
    ShareForm::about(ShareSentiment::Either),
    ShareForm::at_most(ShareSentiment::Either).counted(),
    ShareForm::at_least(ShareSentiment::Either).counted(),
];

/// LP, MP, LC, MC.
const THEIR_FORMS: &[ShareForm] = &[
    ShareForm::at_most(ShareSentiment::Told),
    ShareForm::at_least(ShareSentiment::Told),
    ShareForm::at_most(ShareSentiment::Told).counted(),
    ShareForm::at_least(ShareSentiment::Told).counted(),
];

impl Preset {
    pub(super) fn rules(self) -> SamplingRules {
        match self {
            Preset::Default => SamplingRules {
                fills_up: false,
                shuffles_shares: false,
                least_share: 1,
                related_percent: 50,
                forms: OUR_FORMS,
                skips_nearest_exchange: false,
                beyond_categories: true,
                search_length: LIST_LENGTH,
                practises_counts: true,
                practice_feeling: ShareSentiment::Either,
                candidates: LIST_LENGTH..=2 * LIST_LENGTH,
            },
            Preset::Paper => SamplingRules {
                fills_up: true,
                shuffles_shares: true,
                least_share: 0,
                related_percent: 0,
                forms: THEIR_FORMS,
                skips_nearest_exchange: true,
                beyond_categories: false,
                search_length: 1,
                practises_counts: false,
                practice_feeling: ShareSentiment::Untold,
                candidates: LIST_LENGTH..=LIST_LENGTH,
            },
        }
    }
}
