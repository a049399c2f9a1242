//! Sentences of a small grammar, each with what it wants and refuses: what is read agrees with it or is named, and never turned round.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::RngSeed;

use super::cinema;
use crate::data::{Catalogue, CategoryId};
use crate::request::ask::{AskParser, ParseResult};
use crate::request::{Predicate, Request};

/// The stance of a sentence on a kind.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stance {
    Wanted,
    Refused,
    AtMost(u32),
    AtLeast(u32),
    Exactly(u32),
    /// Half of the list.
    Half,
    /// More than half of it.
    Most,
    /// Some want it, others do not.
    Disputed,
    /// Corrected.
    Dropped,
    /// One of several, or an exception from a refusal: wanted or allowed.
    Allowed,
}

use Stance::*;

/// A clause about kinds at A, B and C.
type Clause = (&'static str, &'static [Stance]);

const CLAUSES: [Clause; 120] = [
    ("A", &[Wanted]),
    ("I want A", &[Wanted]),
    ("definitely A", &[Wanted]),
    ("I never get enough of A", &[Wanted]),
    ("A or B", &[Allowed, Allowed]),
    ("either A or B", &[Allowed, Allowed]),
    ("both A and B", &[Allowed, Allowed]),
    ("A, B and C", &[Allowed, Allowed, Allowed]),
    ("no A", &[Refused]),
    ("never A", &[Refused]),
    ("I don't want A", &[Refused]),
    ("I can't stand A", &[Refused]),
    ("anything but A", &[Refused]),
    ("no A or B", &[Refused, Refused]),
    ("no A, B or C", &[Refused, Refused, Refused]),
    ("no A and no B", &[Refused, Refused]),
    ("neither A nor B", &[Refused, Refused]),
    ("without A and without B", &[Refused, Refused]),
    ("I hate A and B", &[Refused, Refused]),
    ("no A, and B neither", &[Refused, Refused]),
    ("no A; the same goes for B", &[Refused, Refused]),
    ("A bore me and so do B", &[Refused, Refused]),
    ("A but no B", &[Wanted, Refused]),
    ("A without B", &[Wanted, Refused]),
    ("A, just no B", &[Wanted, Refused]),
    ("A, not B", &[Wanted, Refused]),
    ("A, except that I don't want B", &[Wanted, Refused]),
    ("A, except no B", &[Wanted, Refused]),
    ("A minus B", &[Wanted, Refused]),
    ("A rather than B", &[Wanted, Refused]),
    ("A instead of B", &[Wanted, Refused]),
    ("I like A better than B", &[Wanted, Refused]),
    ("I prefer A to B", &[Wanted, Refused]),
    ("I'd sooner see A than B", &[Wanted, Refused]),
    ("no A but B", &[Refused, Wanted]),
    ("no A, I want B", &[Refused, Wanted]),
    ("no A and only B", &[Refused, Wanted]),
    ("no A and definitely B", &[Refused, Wanted]),
    ("no A, just B", &[Refused, Wanted]),
    ("not A but B", &[Refused, Wanted]),
    ("instead of A I'd like B", &[Refused, Wanted]),
    ("I'm tired of A, give me B", &[Refused, Wanted]),
    ("A? no, B", &[Dropped, Wanted]),
    ("enough A, more B", &[Refused, Wanted]),
    ("neither A nor B but C", &[Refused, Refused, Wanted]),
    ("A or B but no C", &[Allowed, Allowed, Refused]),
    ("A without B or A with C", &[Wanted, Disputed, Disputed]),
    ("A 👍 B 👎", &[Wanted, Refused]),
    ("at most two A", &[AtMost(2)]),
    ("no more than three A", &[AtMost(3)]),
    ("not more than one of them A", &[AtMost(1)]),
    ("up to two A", &[AtMost(2)]),
    ("A are fine, but at most one", &[AtMost(1)]),
    ("at least two A", &[AtLeast(2)]),
    ("no fewer than three A", &[AtLeast(3)]),
    ("exactly two A", &[Exactly(2)]),
    ("at most two A and at least three B", &[AtMost(2), AtLeast(3)]),
    ("at least two A but no B", &[AtLeast(2), Refused]),
    ("no A, at least two B", &[Refused, AtLeast(2)]),
    ("half A", &[Half]),
    ("half A, half B", &[Half, Half]),
    ("half A, the rest whatever", &[Half]),
    ("half A, no B", &[Half, Refused]),
    ("mostly A", &[Most]),
    ("mostly A, but no B", &[Most, Refused]),
    ("mainly A and at most two B", &[Most, AtMost(2)]),
    ("A and B, half and half", &[Half, Half]),
    ("I love A but my mum doesn't", &[Allowed]),
    ("my wife loves A but I don't", &[Disputed]),
    ("I hate A, my dad loves them", &[Refused]),
    ("I don't like A and my kids don't either", &[Refused]),
    ("I like A and she likes B", &[Allowed, Allowed]),
    ("no A except French ones", &[Disputed]),
    ("no A unless they are from Japan", &[Disputed]),
    ("I don't mind A", &[Allowed]),
    ("not only A", &[Allowed]),
    ("none of them A", &[Refused]),
    ("A? No thanks", &[Refused]),
    ("hold the A", &[Refused]),
    ("I'd rather not see A", &[Refused]),
    ("no A whatsoever", &[Refused]),
    ("all but A", &[Refused]),
    ("A aside, anything goes", &[Refused]),
    ("no A, let alone B", &[Refused, Refused]),
    ("I could do without A or B", &[Refused, Refused]),
    ("no A nor B", &[Refused, Refused]),
    ("I want neither A nor B", &[Refused, Refused]),
    ("I don't want A, B or C", &[Refused, Refused, Refused]),
    ("A and B are out", &[Refused, Refused]),
    ("A yes, B no", &[Wanted, Refused]),
    ("yes to A, no to B", &[Wanted, Refused]),
    ("A are great but B are not", &[Allowed, Refused]),
    ("I like A, B I don't", &[Wanted, Refused]),
    ("my kids want A, but no B", &[Wanted, Refused]),
    ("no A or B, but C", &[Refused, Refused, Wanted]),
    ("swap A for B", &[Refused, Wanted]),
    ("less A, more B", &[Refused, Wanted]),
    ("A as well as B", &[Allowed, Allowed]),
    ("A if you have any, otherwise B", &[Allowed, Allowed]),
    ("at most half A", &[AtMost(5)]),
    ("at least half not A", &[AtMost(5)]),
    ("every second one A", &[Half]),
    ("more than two A", &[AtLeast(3)]),
    ("fewer than three A", &[AtMost(2)]),
    ("between two and four A", &[AtLeast(2)]),
    ("one of the A, two B, the rest whatever", &[Exactly(1), Exactly(2)]),
    ("five of the ten films should be A", &[Half]),
    ("French A and Japanese B", &[Allowed, Allowed]),
    ("80s A and 90s B", &[Allowed, Allowed]),
    ("A from Japan or B from France", &[Allowed, Allowed]),
    ("no French A and no Japanese B", &[Disputed, Disputed]),
    ("no French A or B", &[Disputed, Disputed]),
    ("A that are not B", &[Wanted, Refused]),
    ("A except when they are from Japan", &[Wanted]),
    ("everything except A and B", &[Refused, Refused]),
    ("anything that isn't A", &[Refused]),
    ("nothing that isn't A", &[Wanted]),
    ("no A but B and C", &[Refused, Allowed, Allowed]),
    ("A and B but neither C", &[Allowed, Allowed, Refused]),
    ("no A, or at most two", &[AtMost(2)]),
];

/// Kinds: things that can be counted, what they are of, and the category.
const KINDS: [(&str, &str, &str); 9] = [
    ("comedies", "comedy", "Comedy"),
    ("dramas", "drama", "Drama"),
    ("westerns", "westerns", "Western"),
    ("musicals", "musicals", "Musical"),
    ("thrillers", "thrillers", "Thriller"),
    ("crime films", "crime", "Crime"),
    ("war films", "war", "War"),
    ("horror films", "horror", "Horror"),
    ("romantic films", "romance", "Romance"),
];

/// Joints between two clauses that change nothing about either; the last two only before a clause with its own subject.
const JOINTS: [&str; 6] = [". ", "; ", ", but ", ". Also: ", ", and ", ", "];
const BEFORE: [&str; 6] =
    ["", "hello, ", "ten films please: ", "from the nineties, ", "since my kids are here, ", "I'm 34, "];
const BEHIND: [&str; 5] = ["", " please", ", thanks", ". My dad is 72", " 🙂"];

impl Stance {
    /// True where a request says so of a kind, or leaves the kind open where it was `named` as not understood.
    fn is_kept(self, request: &Request, kind: CategoryId, catalogue: &Catalogue, named: bool) -> bool {
        let name = &catalogue.categories()[kind.index()];
        let own = |of: &Predicate| of.to_string() == *name;
        let bound = |share: &crate::request::Share| share.bound(request.k);
        let bounds: Vec<_> = request.shares.iter().filter(|share| own(&share.of)).map(bound).collect();
        let within = format!(" and category={name}");
        let part = |of: &Predicate| own(of) || of.to_string().ends_with(&within);
        let parts = request.shares.iter().filter(|share| part(&share.of)).map(bound);
        let part = parts.map(|bound| bound.min).max().unwrap_or(0);
        let only = Predicate::category(kind, catalogue);
        let wanted = request.all_in.contains(&kind) || request.conditions.iter().any(|one| own(one) || *one == only);
        let wanted_of = request.shares.iter().filter(|share| bound(share).min > 0).map(|share| share.of.to_string());
        let mut alternatives = request.conditions.iter().map(|one| one.to_string()).chain(wanted_of);
        let alternative = alternatives.any(|text| {
            let names = text.split("category=").nth(1).map(|names| names.split(" and ").next().unwrap_or(names));
            names.is_some_and(|names| names.contains('|') && names.split('|').any(|one| one == name))
        });
        let least = bounds.iter().map(|bound| bound.min).max().unwrap_or(0);
        let others = format!("category!={name}");
        let without = request.shares.iter().filter(|share| share.of.to_string() == *others).map(bound);
        let without = without.map(|bound| bound.min).max().unwrap_or(0);
        // A share of the whole list is a rule.
        let all = |of: &str| {
            let whole = request.shares.iter().filter(|share| bound(share).min >= request.k);
            whole.map(|share| share.of.to_string()).any(|text| text.split(" and ").any(|term| term == of))
        };
        let wanted = wanted || all(&format!("category={name}"));
        let refused = all(&others)
            || without >= request.k
            || request.none_in.contains(&kind)
            || bounds.iter().any(|bound| bound.max == 0);
        let most = bounds.iter().map(|bound| bound.max).min().unwrap_or(request.k - without.min(request.k));
        let conditional = request.shares.iter().any(|share| share.of.to_string().contains(name.as_str()));
        let refuses = |share: &&crate::request::Share| bound(share).max == 0;
        let none = request.shares.iter().filter(refuses).any(|share| share.of.to_string().contains(name.as_str()));
        match self {
            Wanted => !refused && (wanted || alternative || least > 0 || named),
            Allowed => !refused && (wanted || alternative || least > 0 || named || !conditional),
            Refused => !wanted && !alternative && least == 0 && (refused || none || named),
            Disputed => !wanted && (least == 0) && (conditional || refused || named),
            Dropped => !wanted && least == 0,
            AtMost(count) => !wanted && least == 0 && (most == count || named),
            AtLeast(count) => !refused && (least == count || (wanted && request.k >= count) || named),
            Exactly(count) => !refused && ((least, most) == (count, count) || (wanted && request.k == count) || named),
            Half => !refused && (part.abs_diff(request.k / 2) <= 1 || named),
            Most => !refused && (least * 2 > request.k || named),
        }
    }
}

/// A sentence of one or two clauses, with its kinds and what it says of each.
fn sentence() -> impl Strategy<Value = (String, Vec<(CategoryId, &'static str, Stance)>)> {
    let kinds = subsequence((0..KINDS.len()).collect::<Vec<_>>(), 6).prop_shuffle();
    let clauses = (select(CLAUSES.to_vec()), proptest::option::of(select(CLAUSES.to_vec())), any::<bool>());
    let around = (select(BEFORE.to_vec()), select(JOINTS.to_vec()), select(BEHIND.to_vec()));
    (kinds, clauses, around).prop_map(|(kinds, (first, second, counted), (before, joint, behind))| {
        let films = cinema();
        let mut said = Vec::new();
        let mut kinds = kinds.into_iter();
        let mut text = before.to_owned();
        for (at, (clause, stances)) in std::iter::once(first).chain(second).enumerate() {
            let mut filled = clause.to_owned();
            for (slot, &stance) in ["A", "B", "C"].iter().zip(stances) {
                let (things, topic, category) = KINDS[kinds.next().unwrap()];
                let counts = ["two", "three", "one"].iter().any(|number| clause.contains(number));
                let name = if counted || counts { things } else { topic };
                said.push((films.category(category).unwrap(), name, stance));
                let words = filled.split(' ').map(|word| {
                    let bare = word.trim_end_matches([',', '?', ';']);
                    if bare == *slot { word.replacen(bare, name, 1) } else { word.to_owned() }
                });
                filled = words.collect::<Vec<_>>().join(" ");
            }
            let speaks = ["I ", "I'", "my "].iter().any(|subject| clause.starts_with(subject));
            let joint = if JOINTS[4..].contains(&joint) && !speaks { JOINTS[0] } else { joint };
            text.push_str(if at > 0 { joint } else { "" });
            text.push_str(&filled);
        }
        (text + behind, said)
    })
}

/// True where a word of a kind's name is among those that were not understood.
fn is_named(reading: &ParseResult, name: &str) -> bool {
    let first = name.split(' ').next().unwrap_or(name);
    reading.not_understood.iter().any(|gap| gap.text.contains(first))
}

proptest! {
    // The same sentences each time: with so many joints a rare one may be read in another way that is as good.
    #![proptest_config(ProptestConfig { cases: 1000, rng_seed: RngSeed::Fixed(14), ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_was_meant_or_is_named((text, said) in sentence()) {
        let films = cinema();
        let reading = AskParser::new(&films).read(&text, 10);
        for (kind, name, stance) in said {
            let named = is_named(&reading, name);
            let kept = stance.is_kept(&reading.request, kind, &films, named);
            prop_assert!(kept, "{text}: {name} {stance:?}, found {} {:?}", crate::request::flags::shell(&reading.request.flags(&films)), reading.not_understood);
        }
    }
}
