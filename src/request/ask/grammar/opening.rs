//! The words before a description: refusals, quantifiers, amounts, roles and courtesies.

use std::ops::Range;

use super::StatementParser;
use crate::request::ask::amounts::{Compared, Quantity};
use crate::request::ask::terms::Sense;
use crate::request::ask::tree::HowMany;
use crate::request::ask::vocabulary::{Refusal, TitleRole, Word};

/// The words before a description, as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Opening {
    pub refused: bool,
    pub by: Option<Refusal>,
    pub amounts: Vec<(Quantity, Range<usize>)>,
    pub how_many: Option<HowMany>,
    pub compared: Option<Compared>,
    pub only: bool,
    /// "anything", "nothing", "films": an exception may follow.
    pub generic: bool,
    pub not_only: bool,
    pub tolerated: bool,
    pub prefers: bool,
    pub more: bool,
    /// "three of the ten films": the length of the list.
    pub list: Option<u32>,
    /// "the same goes for": wanted or refused as what stands before it.
    pub likewise: bool,
    pub role: Option<TitleRole>,
    pub of_before: bool,
    pub part: bool,
    pub article: bool,
    pub unknown: bool,
    pub broken: bool,
    /// The rest of its clause neither wants nor refuses anything, and why.
    pub aside: Option<Option<&'static str>>,
    /// It refuses something that nobody knows, and a wish follows.
    pub over: bool,
    /// A refusal with nothing behind it.
    pub bare: Option<Refusal>,
    /// "leave … out"
    pub takes_out: bool,
    /// "all but two"
    pub all_but: bool,
    /// Its words ask for something that no request can state.
    pub lost: bool,
    /// A verb or a speaker.
    pub speaks: bool,
    /// The speaker wants what follows, or to do something with it.
    pub wants: bool,
    /// "over", "under": no comparison of the length of a list.
    pub beside: bool,
    /// A verb behind an amount: "9 out of 10, would watch again".
    pub speaks_behind_amount: bool,
}

impl Opening {
    /// True where a word of it asks for what follows.
    pub fn is_marked(&self) -> bool {
        let asks = self.speaks || self.only || self.prefers || self.more || self.likewise;
        asks || self.role.is_some() || !self.amounts.is_empty()
    }

    /// True for "zero", "0%".
    pub fn is_zero(&self) -> bool {
        let zero = matches!(self.amounts.as_slice(), [(Quantity::Count(0), _)])
            || matches!(self.amounts.as_slice(), [(Quantity::Percent(percent), _)] if *percent == 0.0);
        zero && self.compared != Some(Compared::MoreThan)
    }
}

impl StatementParser<'_> {
    pub(super) fn opening(&mut self) -> Opening {
        let mut opening = Opening::default();
        let start = self.at;
        // A verb may follow: nothing before it says that a name does.
        let mut named = false;
        let mut spoken = false;
        loop {
            let at = self.at;
            let Some(sense) = self.sense(at) else { return opening };
            if opening.unknown && self.ends_circumstances(start) {
                let place = self.place(start);
                self.gap(place.start..self.terms[at - 1].at.end, Some("it says nothing about the list"));
                (opening, named, spoken) = (Opening::default(), false, false);
            }
            match sense {
                Sense::Amount(Quantity::Count(length)) if opening.amounts.len() == 1 && self.is_whole_list(at) => {
                    opening.list = Some(*length);
                }
                Sense::Amount(_)
                    if opening.amounts.len() == 2 || (opening.amounts.len() == 1 && !self.is_second_end(at)) =>
                {
                    return opening;
                }
                Sense::Amount(quantity) if self.is_no_amount(at) => {
                    opening.unknown = true;
                    // "zero tolerance for romance"
                    opening.broken |= *quantity == Quantity::Count(0);
                    let place = self.terms[at].at.clone();
                    self.gap(place, None);
                }
                Sense::Amount(_) if self.is_ordinal_pronoun(at) => opening.lost = true,
                // "the remaining four"
                Sense::Amount(Quantity::Count(_)) if opening.how_many == Some(HowMany::Rest) => {}
                Sense::Amount(Quantity::Count(_))
                    if self.text_of(at.wrapping_sub(1)).eq_ignore_ascii_case("other")
                        && matches!(self.word(at + 1), Some(Word::Refuse(_) | Word::Anything)) =>
                {
                    opening.how_many = Some(HowMany::Rest);
                }
                Sense::Amount(quantity) => {
                    opening.amounts.push((*quantity, self.terms[at].at.clone()));
                    if self.is_second_end(at + 2) {
                        self.at += 1;
                    }
                    opening.broken = false;
                }
                Sense::Word(word) => {
                    if !self.open_word(*word, &mut opening) {
                        return opening;
                    }
                }
                Sense::Lacking => opening.unknown = true,
                // "5+ comedies"
                Sense::Unknown if self.text_of(at) == "+" && !opening.amounts.is_empty() => {
                    opening.compared = Some(Compared::AtLeast);
                }
                Sense::Unknown => {
                    opening.unknown = true;
                    // A verb that nobody knows may turn everything round; an adjective may not.
                    let verb = self.may_be_verb(at, named && !spoken);
                    opening.broken |= (spoken || verb || self.is_sign(at)) && !self.is_done_with_some(&opening, at);
                    // "I never said …"
                    // … but "I cannot face another drama" refuses it.
                    let another =
                        matches!(self.text_of(at + 1).to_lowercase().as_str(), "another" | "yet another" | "any more");
                    opening.lost |= spoken && verb && opening.refused && !another;
                    // "no remakes of westerns": it is refused, and not what stands behind its preposition.
                    let object = opening.by == Some(Refusal::No)
                        && matches!(self.word(at.wrapping_sub(1)), Some(Word::Refuse(_)));
                    let preposition =
                        matches!(self.word(at + 1), Some(Word::Preposition | Word::About | Word::With | Word::To));
                    opening.lost |= object && (preposition || self.text_of(at + 1).eq_ignore_ascii_case("of"));
                    // "never a dull moment with thrillers"
                    let never = opening.by == Some(Refusal::Not) && opening.refused && opening.article;
                    opening.lost |= never && self.word(at + 1) == Some(Word::With);
                    // "I cannot decide between …": nor does a refusal of such a verb say what is refused.
                    let refused = self.word(at.wrapping_sub(1)) == Some(Word::Refuse(Refusal::Not));
                    opening.lost |= refused && !another && matches!(self.word(at.wrapping_sub(2)), Some(Word::Clause));
                    // "not uninterested in …": two noes may make a yes.
                    opening.lost |= opening.by == Some(Refusal::Not) && opening.refused && self.is_negative(at);
                    // "anything barring horror"
                    opening.broken |= self.may_except(at);
                    self.name_unknown(at);
                }
                _ => return opening,
            }
            if let Sense::Word(word) = sense {
                named = self.says_that_a_name_follows(at, *word, named);
                let would = ["would ", "id ", "i'd ", "we'd "]
                    .iter()
                    .any(|would| self.text_of(at).to_lowercase().starts_with(would));
                opening.wants |= (spoken || would) && self.wants(at);
                let speaker = *word == Word::Subject || self.text_of(at).eq_ignore_ascii_case("I'm");
                let small = matches!(word, Word::Filler | Word::Only | Word::Courtesy | Word::Article | Word::Copula)
                    || *word == Word::Refuse(Refusal::Not)
                    || (*word == Word::Clause && !named);
                spoken = speaker || (spoken && small);
            } else {
                named |= matches!(sense, Sense::Amount(_));
                spoken = false;
            }
            self.at += 1;
        }
    }

    /// Takes in a word before a description; false where the description begins with it.
    pub(super) fn open_word(&mut self, word: Word, opening: &mut Opening) -> bool {
        let counted = !opening.amounts.is_empty();
        match word {
            Word::Refuse(_) if self.is_disclaimer(self.at) => {
                opening.aside = Some(Some("it says nothing about the list"));
                return false;
            }
            Word::Refuse(class) => {
                if self.refuses_backwards(self.at) {
                    if self.refuses_some_before(self.at) {
                        opening.aside = Some(None);
                        return false;
                    }
                    let alone = !counted && opening.role.is_none() && opening.how_many.is_none();
                    opening.bare = alone.then_some(class);
                    return false;
                }
                // "the rest anything but westerns"
                if opening.how_many == Some(HowMany::Rest)
                    && matches!(class, Refusal::No | Refusal::Nothing | Refusal::Verb)
                {
                    (opening.refused, opening.by) = (true, Some(class));
                    return true;
                }
                // "half not horror": the amount is of what is refused.
                let some = !matches!(opening.how_many, None | Some(HowMany::Every));
                // "one fewer drama": than in a list that nobody sees.
                let less = matches!(self.text_of(self.at).to_lowercase().as_str(), "fewer" | "less");
                if counted && class == Refusal::Verb && less {
                    opening.lost = true;
                    return true;
                }
                if counted || some || class == Refusal::Non {
                    return false;
                }
                // "unless it's animated I don't want it": a condition of what follows.
                let begins = self.at == 0 || matches!(self.sense(self.at - 1), Some(Sense::Stop));
                opening.lost |= begins && self.text_of(self.at).to_lowercase().starts_with("unless");
                // "all that is not horror", but "not all horror".
                let excepts = matches!(class, Refusal::Verb | Refusal::Except);
                if opening.how_many == Some(HowMany::Every) && !opening.refused && !excepts {
                    opening.how_many = None;
                }
                opening.lost |= self.complains(self.at);
                // "avoid avoiding dramas"
                let double = opening.by == Some(Refusal::Verb) && class == Refusal::Verb;
                let excess = |at: usize| {
                    let text = self.text_of(at).to_lowercase();
                    ["too ", "less", "fewer", "enough"].iter().any(|start| text.starts_with(start))
                };
                let adjacent = matches!(self.word(self.at.wrapping_sub(1)), Some(Word::Refuse(Refusal::Verb)));
                opening.lost |= double && adjacent && !excess(self.at) && !excess(self.at - 1);
                // "a shame not to have one", "do not not include": a refusal of a refusal, or none.
                let not = self.text_of(self.at).eq_ignore_ascii_case("not");
                let twice = not && self.word(self.at.wrapping_sub(1)) == Some(Word::Refuse(Refusal::Not));
                opening.lost |= class == Refusal::Not && opening.unknown && self.word(self.at + 1) == Some(Word::To);
                opening.lost |= class == Refusal::Not && twice;
                // "I don't hate westerns": no rule.
                if class == Refusal::Verb && opening.by == Some(Refusal::Not) && opening.refused && self.is_dislike() {
                    (opening.refused, opening.tolerated, opening.by) = (false, true, Some(class));
                    return true;
                }
                // "not without", "nothing that is not", "do not skip"; but "no, never", and who does not want no horror wants none.
                let of_refusal = match class {
                    Refusal::Without | Refusal::Except => true,
                    Refusal::Verb => matches!(opening.by, Some(Refusal::Not)),
                    Refusal::Not => opening.generic,
                    Refusal::No | Refusal::Nothing | Refusal::Swap | Refusal::Non => false,
                };
                let all_but = self.text_of(self.at).to_lowercase().starts_with("all but")
                    || opening.how_many == Some(HowMany::Every);
                if all_but && matches!(class, Refusal::Except | Refusal::Verb) && self.is_amount(self.at + 1) {
                    opening.all_but = true;
                    return true;
                }
                if opening.how_many == Some(HowMany::Every) && class == Refusal::Except {
                    opening.how_many = None;
                }
                // "there is no such thing as too many westerns", "not a day without comedy": nobody knows what the first one refuses.
                let again = matches!(class, Refusal::Verb | Refusal::Without | Refusal::Except);
                opening.lost |= opening.refused && opening.unknown && again;
                opening.refused = !(opening.refused && of_refusal && !opening.unknown);
                opening.by = Some(class);
                opening.generic |= class == Refusal::Nothing;
            }
            Word::But if opening.how_many == Some(HowMany::Every) && self.is_amount(self.at + 1) => {
                opening.all_but = true
            }
            // "anything but horror"
            Word::But
                if (opening.generic || opening.how_many == Some(HowMany::Every))
                    && !matches!(self.word(self.at + 1), Some(Word::Refuse(_) | Word::Subject))
                    && !self.is_speaker(self.at + 1) =>
            {
                opening.refused = !opening.refused;
                opening.how_many = opening.how_many.filter(|how_many| *how_many == HowMany::Rest);
                opening.by = Some(Refusal::Except);
            }
            // "too scary", but "nothing too scary".
            Word::Too => opening.refused = true,
            Word::NotOnly => opening.not_only = true,
            Word::Likewise => {
                opening.likewise = true;
                opening.refused = self.statements.last().is_some_and(|before| before.refused);
                opening.by = opening.refused.then_some(Refusal::Verb);
            }
            Word::Tolerated => opening.tolerated = true,
            Word::Beyond => opening.lost = true,
            // "as many comedies as dramas"
            Word::Every if self.text_of(self.at).to_lowercase().starts_with("as ") && !self.is_as_possible() => {
                opening.lost = true
            }
            // "no nothing just comedies"
            Word::Only if opening.refused && matches!(opening.by, Some(Refusal::No | Refusal::Nothing)) => {
                opening.aside = Some(Some("refused too, or wanted"));
                return false;
            }
            // "I do not want only comedies"
            Word::Only if opening.refused && opening.by == Some(Refusal::Not) => {
                opening.refused = false;
                opening.not_only = true;
            }
            Word::Only => opening.only = true,
            // "one each of comedy and drama"
            Word::Every if counted && self.text_of(self.at).to_lowercase().starts_with("each") => opening.lost = true,
            Word::Every if counted => return false,
            Word::Every => opening.how_many = Some(HowMany::Every),
            Word::Mostly if !counted => opening.how_many = Some(HowMany::Mostly),
            Word::Little if !counted => opening.how_many = Some(HowMany::Little),
            Word::Some if !counted => opening.how_many = Some(HowMany::Some),
            Word::Rest if !counted => opening.how_many = Some(HowMany::Rest),
            Word::Compared(compared) => {
                opening.compared = Some(compared);
                opening.of_before |= self.text_of(self.at).eq_ignore_ascii_case("stop at")
                    || self.text_of(self.at).to_lowercase().starts_with("do not go");
            }
            Word::Beside(compared) if self.is_amount(self.at) => {
                opening.compared = Some(compared);
                opening.beside = true;
            }
            Word::About if self.is_amount(self.at) => opening.compared = Some(Compared::About),
            Word::TakeOut => opening.takes_out = true,
            Word::Role(role) => {
                opening.role = Some(role);
                // "I like comedies better than dramas"
                opening.prefers |= role == TitleRole::Liked && self.compares_liking();
                opening.speaks |= role != TitleRole::Kept;
            }
            Word::With if counted && (self.is_amount(self.at + 1) || self.counts(self.at + 1)) => return false,
            Word::Subject | Word::Clause | Word::Courtesy => {
                opening.speaks = true;
                // "we are a group of friends who want war films"
                let who = self.text_of(self.at.wrapping_sub(1)).eq_ignore_ascii_case("who");
                opening.broken &= !(who && !opening.refused && self.wants(self.at));
                let behind_amount = matches!(self.sense(self.at.wrapping_sub(1)), Some(Sense::Amount(_)));
                opening.speaks_behind_amount |= behind_amount && word != Word::Courtesy;
            }
            Word::Prefer => opening.prefers = true,
            // "rather comedies than dramas"
            Word::Filler if self.text_of(self.at).eq_ignore_ascii_case("rather") => {
                opening.prefers |= self.clause(self.at).any(|at| self.word(at) == Some(Word::Than));
            }
            Word::Instead => self.replaces = true,
            Word::That => opening.of_before = true,
            Word::Part => opening.part = true,
            Word::Items if counted => return false,
            // "a western and whatever you like"
            Word::Anything if self.leaves_choice(self.at) && opening.how_many.is_none() => {
                opening.how_many = Some(HowMany::Rest);
                opening.generic = true;
            }
            Word::Items | Word::Anything => opening.generic = true,
            Word::Article => opening.article |= matches!(self.text_of(self.at).to_lowercase().as_str(), "a" | "an"),
            // "less talk more action"
            Word::More if opening.refused && opening.unknown => {
                opening.over = true;
                return false;
            }
            Word::More => opening.more = true,
            Word::Filler | Word::Between | Word::To | Word::With | Word::Copula | Word::Preposition => {}
            Word::About | Word::Fine => {}
            // "the last thing tonight needs is drama"
            Word::LastThing => {
                let is = self.clause(self.at + 1).find(|&at| self.word(at) == Some(Word::Copula));
                // "the last thing I saw was a western"
                let seen = |is: &usize| (self.at..*is).any(|at| self.word(at) == Some(Word::Role(TitleRole::Seen)));
                let Some(is) = is.filter(|is| !seen(is)) else { return self.lost_opening(opening) };
                opening.refused = true;
                opening.by = Some(Refusal::Verb);
                self.at = is;
            }
            // "why is there horror?"
            Word::Question => {
                let begins = self.at == 0 || matches!(self.sense(self.at - 1), Some(Sense::Stop | Sense::Comma));
                opening.lost |= begins && !self.is_about_person(self.at);
            }
            // "I am over horror"
            Word::Beside(_) => return self.lost_opening(opening),
            // "leave it out"
            Word::Unwelcome if opening.takes_out && self.is_pronoun_object(self.at.wrapping_sub(1)) => {
                let before = self.statements.last().is_some_and(|before| before.has_content());
                opening.bare = Some(if before { Refusal::No } else { Refusal::Verb });
                return false;
            }
            // "nothing that would scare a child": it is not the child that is refused.
            Word::Unwelcome if opening.refused && self.word(self.at.wrapping_sub(1)) == Some(Word::Clause) => {
                opening.lost = true;
                return self.lost_opening(opening);
            }
            // "I am terrible at puzzles"
            Word::Unwelcome => return self.lost_opening(opening),
            _ => return false,
        }
        true
    }

    /// True for "better than", "more than" in the clause, which compares what is liked.
    fn compares_liking(&self) -> bool {
        self.clause(self.at).any(|at| {
            let more =
                matches!(self.text_of(at).to_lowercase().as_str(), "better" | "more" | "more than" | "better than");
            let than = self.word(at + 1) == Some(Word::Than) || self.text_of(at).to_lowercase().ends_with(" than");
            more && than && self.is_content(at.wrapping_sub(1))
        })
    }

    /// Takes in a word that would mean something elsewhere, and may turn the rest round here.
    fn lost_opening(&mut self, opening: &mut Opening) -> bool {
        (opening.unknown, opening.broken) = (true, true);
        let place = self.terms[self.at].at.clone();
        self.gap(place, None);
        true
    }
}
