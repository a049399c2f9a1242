//! The tree of a text: statements, each of which says how many items shall fit a description, or what titles are for.

use std::ops::Range;

use super::amounts::{Compared, Quantity};
use super::formula::Formula;
use super::terms::NamedItems;
use super::vocabulary::TitleRole;

/// The joint between a statement and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Joint {
    /// The beginning of a sentence, or no joint at all.
    Fresh,
    Comma,
    And,
    Or,
    But,
    /// It takes the place of the one before it.
    Correction,
}

/// The number of items of a list that fit a description.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum HowMany {
    Every,
    /// Not all of them.
    NotEvery,
    Mostly,
    /// At most half, as the opposite of mostly.
    NotMostly,
    Little,
    /// One or more.
    Some,
    /// All but so many.
    AllBut(Quantity),
    /// All that other statements leave.
    Rest,
    /// A number of items or a part of the list, and the comparison with it.
    Counted(Quantity, Option<Compared>),
    Between(Quantity, Quantity),
}

/// The word that an amount counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Head {
    /// None: "one from France".
    #[default]
    Missing,
    /// Items of any kind: "five films".
    Items,
    /// A kind: "five comedies".
    Kind,
}

/// One thing that a text says.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub joint: Joint,
    pub how_many: Option<HowMany>,
    /// True where none shall fit the description.
    pub refused: bool,
    /// The condition on an item; anything where nothing is described.
    pub of: Formula,
    pub head: Head,
    /// About a part of the list: "of them", "should be".
    pub part: bool,
    /// About the description of the statement before it: "of it".
    pub of_before: bool,
    /// "a comedy": one of them, where others are counted.
    pub article: bool,
    /// Its words only suggest categories.
    pub loose: bool,
    /// Refused by "nothing".
    pub nothing: bool,
    /// Something inside it is refused in words that only suggest categories.
    pub suggests: bool,
    /// Allowed, but not asked for.
    pub tolerated: bool,
    pub titles: Vec<(NamedItems, Range<usize>)>,
    pub role: Option<TitleRole>,
    /// Bytes of the text.
    pub at: Range<usize>,
}

impl Statement {
    pub fn new(joint: Joint) -> Self {
        Self {
            joint,
            how_many: None,
            refused: false,
            of: Formula::anything(),
            head: Head::Missing,
            part: false,
            of_before: false,
            article: false,
            loose: false,
            suggests: false,
            nothing: false,
            tolerated: false,
            titles: Vec::new(),
            role: None,
            at: 0..0,
        }
    }

    /// Refuses what it describes; what it refuses itself stays refused.
    pub fn refuse(&mut self) {
        self.refused = !matches!(self.of, Formula::Not(_));
        (self.how_many, self.role) = (None, None);
    }

    /// True where it describes items or names titles.
    pub fn has_content(&self) -> bool {
        !self.of.is_anything() || !self.titles.is_empty()
    }
}

impl HowMany {
    /// The opposite of an amount, where it has one: not "more than two" is "at most two".
    pub fn opposite(self) -> Option<Self> {
        let turned = |compared| match compared {
            Compared::MoreThan => Some(Compared::AtMost),
            Compared::AtMost => Some(Compared::MoreThan),
            Compared::AtLeast => Some(Compared::FewerThan),
            Compared::FewerThan => Some(Compared::AtLeast),
            Compared::About | Compared::Exactly => None,
        };
        match self {
            HowMany::Every => Some(HowMany::NotEvery),
            HowMany::NotEvery => Some(HowMany::Every),
            HowMany::Mostly => Some(HowMany::NotMostly),
            HowMany::Counted(quantity, Some(compared)) => Some(HowMany::Counted(quantity, Some(turned(compared)?))),
            _ => None,
        }
    }
}
