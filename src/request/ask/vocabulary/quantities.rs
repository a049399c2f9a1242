//! Phrases that say how much of a list is meant, and compare with a number.

use super::Word;
use crate::request::ask::amounts::Compared;

/// The phrases of each meaning, between commas.
pub(super) const QUANTITIES: [(Word, &str); 18] = [
    (
        Word::Only,
        "only, just, nothing else, and nothing else, or nothing, or nothing else, exclusively, solely, purely, entirely, strictly, nothing else than, \
         leave out whatever does not have, every item must have, every one must have, and only, only ever, alone",
    ),
    (
        Word::Every,
        "all, every, each, everything, every one, every single, every single one, all of them, each of them, all of these, each one, \
         all of the list, the whole list, the entire list, every item, all of the items, as many, as much, every last one, whole list, entire list",
    ),
    (
        Word::Mostly,
        "heavy on, long on, strong on, high on, mostly, mainly, primarily, predominantly, largely, most, most of, most of them, most of the list, the majority, a majority, majority, \
         for the most part, the bulk of, chiefly, majority of, the majority of, overwhelmingly, more than anything, in the main, mostly but not only, lots of, loads of, plenty of, a lot of, tons of, many",
    ),
    (
        Word::Little,
        "light on, lighter on, short on, low on, sparing with, not too much, not too many, not much, not many, not a lot of, not so much, not so many, not that many, not that much, little, \
         very little, very few, few, hardly any, barely any, scarcely any, hardly, barely, scarcely, almost no, almost none, next to no, only a little, \
         only a bit of, only a few, just a few, just a little, just a bit of, not a whole lot of, as few, as little, minimal, without too much, without much, without too many, \
         nothing with too much, almost nothing, to a minimum, to the minimum, to an absolute minimum",
    ),
    (
        Word::Some,
        "some, a bit of, a little, a touch of, a little bit of, a dash of, a hint of, a sprinkle of, a pinch of, a smattering of",
    ),
    (
        Word::Rest,
        "the rest, rest, the remainder, the remaining, the others, the other ones, everything else, all the rest, all others, the rest of them, remaining, otherwise only",
    ),
    (
        Word::Compared(Compared::AtLeast),
        "at least, no fewer than, with no fewer than, with no less than, with not less than, no less than, not less than, not fewer than, minimum, minimum of, a minimum of, min, \
         or more, at minimum, at the very least, as a minimum, and more, upwards of, do not go below, never below, at a minimum, not below, at the least",
    ),
    (
        Word::Compared(Compared::AtMost),
        "at most, maximal, maximally, at the most, at the very most, no more than, with no more than, with not more than, with never more than, not more than, maximum, maximum of, a maximum of, max, up to, \
         or fewer, or less, and not more, and no more, down to, stop at, as a maximum, at maximum, at a maximum, tops, limit of, limited to, a limit of, capped at, \
         not above, never more than, do not exceed, not exceed, not to exceed, not exceeding, no greater than",
    ),
    (Word::Compared(Compared::MoreThan), "more than, greater than, in excess of"),
    (Word::Compared(Compared::FewerThan), "less than, fewer than"),
    (Word::Beside(Compared::MoreThan), "over, above"),
    (Word::Beside(Compared::FewerThan), "under, below"),
    (
        Word::Compared(Compared::About),
        "around, roughly, approximately, approx, circa, nearly, almost, close to, or so, more or less, \
         give or take, give or take one, give or take one item, or close to it, near, something near, ish",
    ),
    (
        Word::Compared(Compared::Exactly),
        "exactly, precisely, no more and no fewer, no more no less, neither above nor below, not one more or less, \
         no more and no less, no less no more",
    ),
    (Word::Between, "between, anywhere between, somewhere between"),
    (Word::To, "to, until"),
    (
        Word::Part,
        "let, of them, of these, of those, of the list, of the items, of which, of whom, of the films, of the movies, of the games, of the ones, should be, may be, must be, \
         shall be, can be, should make up, make up, have to be, has to be, ought to be, being, among them, in there, in the list, in it, of my list, of your list",
    ),
    (Word::That, "of it, be of it, of that, be of that, of this kind, of that kind, of the kind"),
];
