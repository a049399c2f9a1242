//! Token rows of unequal length, side by side.

/// A batch of token rows of one length, on the host. Rows that were shorter have padding at the left or at the right.
///
/// Padding at the right needs no mask: no token looks ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Token ids, row by row: `[batch, seq]`.
    pub tokens: Vec<u32>,
    /// The position of every token, for its rotation: `[batch, seq]`.
    pub positions: Vec<u32>,
    /// Columns of padding at the left of each row, which the attention mask hides: `[batch]`.
    pub padding: Vec<usize>,
}

/// The id in padding; what it is does not matter, but every model has it.
const PAD: u32 = 0;

impl Batch {
    /// Rows that end together, as generation needs them; positions begin with 0 at each row's first token.
    pub fn left_padded<R: AsRef<[u32]>>(rows: &[R]) -> Self {
        let seq = longest(rows);
        let padding: Vec<usize> = rows.iter().map(|row| seq - row.as_ref().len()).collect();
        let padded = |row: &[u32]| [vec![PAD; seq - row.len()], row.to_vec()].concat();
        Self {
            tokens: rows.iter().flat_map(|row| padded(row.as_ref())).collect(),
            positions: padding.iter().flat_map(|p| (0..seq).map(move |i| i.saturating_sub(*p) as u32)).collect(),
            padding,
        }
    }

    /// Rows that begin together, as training needs them; positions are 0, 1, 2, … in every row.
    pub fn right_padded<R: AsRef<[u32]>>(rows: &[R]) -> Self {
        let seq = longest(rows);
        let padded = |row: &[u32]| [row.to_vec(), vec![PAD; seq - row.len()]].concat();
        Self {
            tokens: rows.iter().flat_map(|row| padded(row.as_ref())).collect(),
            positions: rows.iter().flat_map(|_| 0..seq as u32).collect(),
            padding: vec![0; rows.len()],
        }
    }

    /// `[batch, seq]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.padding.len(), self.tokens.len() / self.padding.len().max(1)]
    }
}

fn longest<R: AsRef<[u32]>>(rows: &[R]) -> usize {
    rows.iter().map(|row| row.as_ref().len()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn left_padding_starts_positions_at_the_first_token() {
        let batch = Batch::left_padded(&[vec![5, 6, 7], vec![8]]);
        assert_eq!(batch.tokens, [5, 6, 7, 0, 0, 8]);
        assert_eq!(batch.positions, [0, 1, 2, 0, 0, 0]);
        assert_eq!((batch.padding.as_slice(), batch.shape()), ([0, 2].as_slice(), [2, 3]));
    }

    #[test]
    fn right_padding_counts_positions_from_the_left() {
        let batch = Batch::right_padded(&[vec![5, 6, 7], vec![8]]);
        assert_eq!(batch.tokens, [5, 6, 7, 8, 0, 0]);
        assert_eq!(batch.positions, [0, 1, 2, 0, 1, 2]);
        assert_eq!((batch.padding.as_slice(), batch.shape()), ([0, 0].as_slice(), [2, 3]));
    }
}
