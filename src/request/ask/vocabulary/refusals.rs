//! Phrases that refuse what follows them, or what stands before them.

use super::{Refusal, Word};

/// The phrases of each meaning, between commas.
pub(super) const REFUSALS: [(Word, &str); 13] = [
    (
        Word::Refuse(Refusal::No),
        "no, not one, not a single, not even one, not even a, not even a single, no single, none of, not one of, not any, not any of, \
         neither, nor, never any, not ever, none of them, none of these, none of those, none of which, not one of them, \
         not a single one of them, not a single one, none of it",
    ),
    (Word::Refuse(Refusal::Nothing), "nothing, none, nobody, no one, not anything, nothing at all, none at all"),
    (
        Word::Refuse(Refusal::Not),
        "not, never, by no means, under no circumstances, on no account, in no case, no longer want, nope, nah, no thanks, no thank you, no way, no ta, not on your life, not a chance, \
         no chance, not in a million years, over my dead body, \
         not think i want, not think i need, not think i fancy, not think we want, not think we need",
    ),
    (Word::Refuse(Refusal::Non), "non, un"),
    (
        Word::Refuse(Refusal::Without),
        "without, without any, without a single, without even a single, without even one, without any single, free of, free from, devoid of, minus, sans, lacking, with no, with none of, with zero, void of, empty of, \
         no trace of, ohne, sin, senza, zonder, utan, uten, sem, kein, keine, keinen, geen, pas de, that has no, that have no, which have no, with not a single, clear of, rid of",
    ),
    (
        Word::Refuse(Refusal::Except),
        "except, something else than, anything else than, not if, not when, not where, just not if, just not when, except for, except when, except where, except if, excepting, excluding, apart from, aside from, other than, save for, barring, but for, \
         with the exception of, leaving aside, not counting, unless, unless it is, unless they are, unless its, unless theyre, \
         as long as it is not, as long as they are not, exclusive of, different from, different to, different than, outside, outside of, from outside, from outside of",
    ),
    (
        Word::Refuse(Refusal::Verb),
        "avoid, avoids, avoiding, skip, skipping, hate, hates, hated, hating, dislike, dislikes, disliked, detest, detests, detested, loathe, \
         loathes, loathed, despise, despises, despised, abhor, can not stand, could not stand, can not bear, \
         can not take, can not deal with, can not handle, can not tolerate, can not abide, could not care less about, could not care less for, \
         could care less about, do not care for, sick of, tired of, bored of, bored with, bored by, weary of, fed up with, done with, through with, \
         over with, allergic to, averse to, opposed to, intolerant of, afraid of, scared of, wary of, put off by, turned off by, sick and tired of, \
         drop, dropping, remove, removing, ban, banning, exclude, omit, omitting, ditch, ditching, lose, cut, cut out, cut the, kill, nix, \
         forget, forget about, scrap, veto, eschew, shun, forgo, forego, spare me, spare us, spare me the, leave out, leaving out, leave off, \
         leave aside, leave away, rule out, ruling out, filter out, weed out, take out, throw out, kick out, strike, block, reject, \
         discard, delete, subtract, hide, ignore, ignoring, suppress, dodge, shy away from, keep away from, stay away from, steer clear of, \
         stay clear of, keep clear of, stay off, lay off, keep off, back off, ease off, go easy on, hold the, pass on, give up, give up on, quit, \
         had enough of, had it with, have had it with, enough of, enough with, enough, more than enough, unlike, opposite of, the opposite of, the reverse of, \
         instead of, rather than, as opposed to, over and above, less, fewer, a lot less, much less, no more, no more of, do without, could do without, can do without, \
         live without, can live without, could live without, get by without, too many, too much, too much of, too many of, far too many, \
         far too much, way too many, way too much, so over, anti, no need for, no need of, no use for, no interest in, not interested in, \
         no time for, refuse, refuses, object to, down with, stop with, stop the, stop showing me, stop recommending, stop suggesting, stop giving me, \
         quit showing me, quit recommending, miss out, not into, burned out on, burnt out on, mind not to, leave whatever has, get rid of, \
         put no, bar, except not, minus the, on the contrary of, against, to avoid, stay far away from, far from, nothing to do with, want nothing to do with, \
         anything but, everything but, all but, can not have, must not have, abstain from, refrain from, \
         do away with, seen enough, watched enough, seen too many, watched too many, seen too much, played enough, played too many, \
         stay out of, keep me from, keep me away from, deprive me of, phobic of, phobia of, hatred of, disgusted by, tire of, fear, fears, \
         have a problem with, have an issue with, fall asleep at, fall asleep with, overdosed on, od on, crap, down on, bore of, \
         boycott, boycotting, axe, bin, dump, trash, banish, eliminate, erase, disregard, dismiss, disallow, forbid, prohibit, \
         blacklist, purge, abolish, mute, screw, dread, dreads, resent, resents, steer away from, say no to, saying no to, \
         not bothered about, not bothered with, can not be bothered with, have no time for, you can keep, you can keep your, \
         keep your, keep us away from, gone off, went off, go off, spare us the, grew out of, grown out of, do not bother with, \
         do not bother me with, hater of, a break from, take a break from, need a break from, taking a break from, \
         could do with less, could use less, swear off, sworn off, turn away from, opt out of, put away, decline, tired out by, \
         had my fill of, seen my share of, disable, deny, \
         never mind, never mind the, turn down, turning down, pass up, not tolerate, not put up with, not care about, save me from, save us from, no longer like, no longer love, no longer enjoy, no longer watch, no longer care for, no longer need, \
         no longer into, no longer interested in, no longer in the mood for, \
         protect me from, protect us from, shield me from",
    ),
    (Word::Refuse(Refusal::Swap), "replace, swap, swap out, exchange, trade, trade in, substitute, change, switch out"),
    (
        Word::Unwelcome,
        "bores, bore, bored, boring, suck, sucks, awful, terrible, dull, tedious, annoying, annoys, disgusting, disgusts, disgust, upsets, \
         upset, bothers, bother, scares, scare, frightens, irritates, irritate, stinks, stink, lame, rubbish, overrated, unwelcome, unbearable, no go, \
         nogo, no no, nono, deal breaker, dealbreaker, turn off, turnoff, yawn, yuck, ugh, meh, excluded, banned, forbidden, prohibited, unwanted, \
         out, out of it, out of the list, out of this, out of them, out of my list, off the list, off the table, off limits, makes me sick, make me sick, \
         gives me nightmares, give me nightmares, leaves me cold, leave me cold, puts me off, put me off, turns me off, turn me off, \
         freaks me out, freak me out, creeps me out, creep me out, makes me sleepy, make me sleepy, puts me to sleep, put me to sleep, \
         does nothing for me, do nothing for me, removed, left out, omitted, dropped, skipped, avoided, the worst, worst, ruled out, \
         must go, has to go, have to go, need to go, needs to go, can go, is a pass, a pass, gets on my nerves, get on my nerves, \
         drives me crazy, drive me crazy, drives me mad, drive me mad, should stay away, stay away, go away, is evil, is dead to me, \
         needs to stay out, is nothing for me, nothing for me, nothing i want, nothing i like, nothing i need, away, can wait, \
         gross, garbage, cringe, annoy, lose me, loses me, gives me the creeps, give me the creeps, puts us to sleep, \
         put us to sleep, scares me, scare me, scares us, scare us, wears me out, wear me out, is a no, are a no, a no from me, \
         is out of the question, are out of the question, out of the question, not welcome, excepted, aside, one too many, a bit much, a bit too much",
    ),
    (
        Word::LastThing,
        "the last thing, the last kind, the last sort, the last genre, the last film, the last movie, the last game, last thing, my least favourite, \
         my least favorite, the least favourite, the least favorite, least favourite, least favorite, my worst nightmare, the worst thing",
    ),
    (Word::Too, "too, overly, excessively, a bit too, a little too, way too, far too, much too"),
    (
        Word::NotOnly,
        "not just, not only, not exclusively, not solely, not merely, not necessarily, not entirely, not simply, \
         more than just, more than only, other than just, besides just",
    ),
    (Word::TakeOut, "leave, throw, kick, weed, filter, rule, cross, shut"),
];
