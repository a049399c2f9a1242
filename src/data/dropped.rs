//! Records that an import leaves out, counted by reason.

use serde::{Deserialize, Serialize};

/// Counts of dropped records by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Dropped {
    /// Items without id or title.
    pub unusable_items: u64,
    /// Items whose title is a script or markup without text.
    pub page_scraps: u64,
    /// Further rows of a known item.
    pub repeated_items: u64,
    /// Interactions without user or item.
    pub incomplete_interactions: u64,
    /// Interactions with an item that is not in the catalogue.
    pub interactions_of_unknown_items: u64,
    /// Interactions without a time.
    pub interactions_without_time: u64,
    /// Interactions with a rating below the minimum, or with none.
    pub interactions_below_rating: u64,
    /// Further interactions of one user with one item.
    pub repeated_interactions: u64,
    /// Interactions removed by the k-core filter.
    pub interactions_below_core: u64,
}

impl Dropped {
    /// Every count with its reason in words.
    pub fn reasons(&self) -> [(u64, &'static str); 9] {
        [
            (self.unusable_items, "items without a title"),
            (self.page_scraps, "items whose title is a scrap of a web page"),
            (self.repeated_items, "further rows of an item"),
            (self.incomplete_interactions, "interactions without user or item"),
            (self.interactions_of_unknown_items, "interactions with items that are not in the catalogue"),
            (self.interactions_without_time, "interactions without a time"),
            (self.interactions_below_rating, "interactions with a rating below the minimum, or with none"),
            (self.repeated_interactions, "further interactions of a user with an item"),
            (self.interactions_below_core, "interactions of users and items with too few"),
        ]
    }

    /// The step that keeps most of the interactions dropped so far.
    pub(super) fn remedy(&self) -> &'static str {
        let remedies = [
            (self.interactions_below_core, "lower --min-user and --min-item"),
            (
                self.interactions_of_unknown_items,
                "check that both files name the items alike, and that the items have titles",
            ),
            (
                self.interactions_without_time,
                "`--missing-time file-order` takes the order of the lines for the order in time",
            ),
            (self.interactions_below_rating, "lower --min-rating"),
            (self.incomplete_interactions, "check which columns hold the users and the items"),
        ];
        // The first of the largest.
        let largest = remedies.iter().rev().filter(|(count, _)| *count > 0).max_by_key(|(count, _)| *count);
        largest.map_or("check that these are the right files", |(_, remedy)| remedy)
    }
}
