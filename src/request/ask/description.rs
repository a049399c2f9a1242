//! A description of items: tests that each of them passes.

use super::clauses::Joint;
use super::lexicon::Lexicon;
use super::spans::AttributeRange;
use crate::data::CategoryId;
use crate::request::Predicate;

/// Something that an item is or is not.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ItemTest {
    Kind { any_of: Vec<CategoryId>, adjective: bool },
    Value { column: usize, any_of: Vec<String> },
    Span(AttributeRange),
    Condition(Predicate),
}

/// Tests that an item passes all of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ItemDescription {
    pub tests: Vec<ItemTest>,
}

impl ItemDescription {
    /// Takes in what a list goes on with: "comedies and dramas" are some of either, "funny and scary" is both, and what stands at the
    /// end holds for all: "comedies and dramas from the nineties". False where the two have nothing in common.
    pub fn lists(&mut self, more: &ItemDescription, joint: Joint, negated: bool) -> bool {
        let Some((next, further)) = more.tests.split_first() else { return false };
        match (self.tests.last_mut(), next) {
            (Some(ItemTest::Kind { adjective: true, .. }), ItemTest::Kind { adjective: true, .. })
                if joint == Joint::And && !negated =>
            {
                self.tests.push(next.clone());
            }
            (Some(ItemTest::Kind { any_of, .. }), ItemTest::Kind { any_of: others, .. }) => {
                any_of.extend(others.iter().filter(|id| !any_of.contains(id)).copied().collect::<Vec<_>>());
            }
            (Some(ItemTest::Value { column, any_of }), ItemTest::Value { column: other, any_of: others })
                if column == other =>
            {
                any_of.extend(others.iter().cloned());
            }
            _ => return false,
        }
        self.tests.extend(further.iter().cloned());
        true
    }

    /// The condition that an item fits the description.
    pub fn predicate(&self, lexicon: &Lexicon) -> Option<Predicate> {
        match self.tests.as_slice() {
            [ItemTest::Kind { any_of, .. }] if any_of.len() == 1 => {
                Some(Predicate::category(any_of[0], lexicon.catalogue))
            }
            [only] => only.predicate(lexicon),
            several => {
                let each: Option<Vec<Predicate>> = several.iter().map(|test| test.predicate(lexicon)).collect();
                each.map(Predicate::all)
            }
        }
    }
}

impl ItemTest {
    /// The condition that an item passes the test.
    pub fn predicate(&self, lexicon: &Lexicon) -> Option<Predicate> {
        match self {
            ItemTest::Kind { any_of, .. } => Some(Predicate::any_category(any_of, lexicon.catalogue)),
            ItemTest::Value { column, any_of } => condition(lexicon, *column, "=", any_of),
            ItemTest::Span(span) => Predicate::parse(&span.text(lexicon), lexicon.catalogue).ok(),
            ItemTest::Condition(condition) => Some(condition.clone()),
        }
    }

    /// The condition that an item does not pass the test, where one says so.
    pub fn opposite(&self, lexicon: &Lexicon) -> Option<Predicate> {
        match self {
            ItemTest::Value { column, any_of } => condition(lexicon, *column, "!=", any_of),
            ItemTest::Span(span) => Predicate::parse(&span.opposite()?.text(lexicon), lexicon.catalogue).ok(),
            ItemTest::Kind { .. } | ItemTest::Condition(_) => None,
        }
    }
}

fn condition(lexicon: &Lexicon, column: usize, operator: &str, values: &[String]) -> Option<Predicate> {
    let field = &lexicon.catalogue.attributes()[column];
    Predicate::parse(&format!("{field}{operator}{}", values.join("|")), lexicon.catalogue).ok()
}
