//! The columns of a CSV file of interactions.

use crate::Result;
use crate::data::csv_file::{CsvColumn, CsvFile, CsvRow};
use crate::data::raw::{InteractionRules, MissingTime, RawInteraction};

/// The columns by name.
pub(super) struct LogColumns<'a> {
    pub(super) user: CsvColumn<'a>,
    pub(super) item: CsvColumn<'a>,
    pub(super) rating: CsvColumn<'a>,
    pub(super) time: CsvColumn<'a>,
}

/// The columns by position; of ratings and times only where they are needed or there.
pub(super) struct LogPositions {
    user: usize,
    item: usize,
    rating: Option<usize>,
    time: Option<usize>,
}

impl LogColumns<'_> {
    /// Finds the columns. Ratings are needed for a minimum, times unless the order of the file counts.
    pub(super) fn find(self, file: &CsvFile, rules: InteractionRules) -> Result<LogPositions> {
        let mut needed = vec![self.user, self.item];
        needed.extend(rules.min_rating.is_some().then_some(self.rating));
        needed.extend((rules.missing_time == MissingTime::Drop).then_some(self.time));
        let positions = file.positions(&needed)?;
        let (rating, time) = (file.find(self.rating.name), file.find(self.time.name));
        Ok(LogPositions { user: positions[0], item: positions[1], rating, time })
    }
}

impl LogPositions {
    /// The column of the items' ids.
    pub(super) fn item_column(&self) -> usize {
        self.item
    }

    /// The interaction of a row.
    pub(super) fn interaction<'a>(&self, row: &CsvRow<'a>) -> RawInteraction<'a> {
        let optional = |column: Option<usize>| column.map_or("", |column| row.get(column));
        RawInteraction {
            user: row.get(self.user),
            item: row.get(self.item),
            rating: optional(self.rating),
            time: optional(self.time),
        }
    }
}
