//! Courtesies around a sentence: "hello", "please", "thanks". Nothing else in it depends on them: they are taken off before it is read.

use super::amounts::any_phrase;
use super::lexicon::LONGEST_NAME;
use super::tokens::{Token, TokenKind};

/// Courtesies before a sentence.
const GREETINGS: &str =
    "please, pls, plz, hi, hi there, hello, hello there, hey, hey there, good morning, good afternoon, good evening";

/// Courtesies where a comma or the end of the sentence stands behind them.
const INTERJECTIONS: &str = "ok, okay, well, right, alright, so, yes, yeah, oh, um, uh, hmm, thanks, thank you";

/// Courtesies behind a sentence.
const THANKS: &str = "please, pls, plz, thanks, thank you, thx, cheers, ta, many thanks, thanks a lot, thanks in advance, \
    thank you very much, thanks so much, thank you so much, much appreciated";

/// The most words of a phrase of thanks.
const LONGEST_THANKS: usize = 4;

/// The tokens without the courtesies at both ends of each sentence. `is_title` is true for tokens that are a title: "Hello, Dolly!".
pub(super) fn without_courtesies(tokens: &[Token], is_title: impl Fn(&[Token]) -> bool) -> Vec<Token> {
    let mut bare: Vec<Token> = Vec::new();
    for sentence in tokens.split_inclusive(|token| token.what == TokenKind::Stop) {
        let said = without_thanks(without_greeting(sentence, &is_title), &is_title);
        if !said.is_empty() {
            bare.extend_from_slice(said);
            bare.extend(sentence.last().filter(|last| last.what == TokenKind::Stop).cloned());
        }
    }
    // A full stop at the very end says nothing.
    bare.pop_if(|last| last.what == TokenKind::Stop);
    bare
}

fn without_greeting<'t>(mut sentence: &'t [Token], is_title: &impl Fn(&[Token]) -> bool) -> &'t [Token] {
    let alone = |length: &usize, sentence: &[Token]| sentence.get(*length).is_none_or(is_sign);
    loop {
        let interjection = any_phrase(sentence, INTERJECTIONS).filter(|length| alone(length, sentence));
        let Some(length) = any_phrase(sentence, GREETINGS).max(interjection) else { return sentence };
        let longest = LONGEST_NAME.min(sentence.len());
        if (length + 1..=longest).any(|end| is_title(&sentence[..end])) {
            return sentence;
        }
        let commas = sentence[length..].iter().take_while(|token| token.what == TokenKind::Comma).count();
        sentence = &sentence[length + commas..];
    }
}

fn without_thanks<'t>(mut sentence: &'t [Token], is_title: &impl Fn(&[Token]) -> bool) -> &'t [Token] {
    loop {
        let signs = sentence.iter().rev().take_while(|token| is_sign(token)).count();
        sentence = &sentence[..sentence.len() - signs];
        let thanks = |start: &usize| any_phrase(&sentence[*start..], THANKS) == Some(sentence.len() - start);
        let earliest = sentence.len().saturating_sub(LONGEST_THANKS);
        let Some(start) = (earliest..sentence.len()).find(thanks) else { return sentence };
        // "no thanks" is an answer, which "no please" only asks for.
        let asks = any_phrase(&sentence[start..], "please, pls, plz").is_some();
        let answers = !asks && start > 0 && any_phrase(&sentence[start - 1..start], "no, nope, nah").is_some();
        let earliest_name = sentence.len().saturating_sub(LONGEST_NAME);
        if answers || (earliest_name..start).any(|name| is_title(&sentence[name..])) {
            return sentence;
        }
        sentence = &sentence[..start];
    }
}

fn is_sign(token: &Token) -> bool {
    matches!(token.what, TokenKind::Comma | TokenKind::Stop)
}
