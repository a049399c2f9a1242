//! The sampling rules by name, and the two sets of them: ours, and the authors' where they differ (method §4, method §13).

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::proportion::{ShareForm, ShareSentiment};

/// Which sampling rules make the examples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// tiller's rules, in which open points of the paper are resolved
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
    /// Fills up a list that is too short for its kind with other items, instead of asking for a shorter one (method B1).
    pub fills_up: bool,
    /// Shuffles the items of a share, instead of keeping the teacher's order (method B21).
    pub shuffles_shares: bool,
    /// The smallest share that "at least" states (method B21).
    pub least_share: usize,
    /// The percentage of requests whose kind is one of the target's or the history's (method B22).
    pub related_percent: u64,
    /// The forms of a share (method B23).
    pub forms: &'static [ShareForm],
    /// Never starts a conversation with the exchange just before its last question (method B28).
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
