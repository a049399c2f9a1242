//! The operations of decoding against f64 references, every variant under bounds checks, on ragged shapes.

mod attention;
mod case;
mod matmul;
mod runner;
mod sample;

use super::*;

/// The bits of numbers, as buffers hold them.
fn words(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

fn numbers(words: &[u32]) -> Vec<f32> {
    words.iter().map(|word| f32::from_bits(*word)).collect()
}

/// Sequences of the given tokens, each from a position of its own on, with pages as they may come to lie.
fn inputs_of(tokens: &[Vec<TokenSource>], positions: &[usize], requests: &[LogitsRequest], heads: Heads) -> StepInputs {
    adapted_inputs(tokens, positions, &vec![0; tokens.len()], requests, heads)
}

/// [`inputs_of`] with an adapter for each sequence.
fn adapted_inputs(
    tokens: &[Vec<TokenSource>],
    positions: &[usize],
    adapters: &[usize],
    requests: &[LogitsRequest],
    heads: Heads,
) -> StepInputs {
    let tables: Vec<Vec<u32>> = (0..tokens.len()).map(|row| pages(row, tokens.len())).collect();
    StepInputs::new(&token_spans(tokens, positions, adapters, &tables), requests, SamplingParams::PLAIN, heads)
}

fn token_spans<'a>(
    tokens: &'a [Vec<TokenSource>],
    positions: &[usize],
    adapters: &[usize],
    tables: &'a [Vec<u32>],
) -> Vec<TokenSpan<'a>> {
    let sequences = tokens.iter().zip(positions).zip(adapters).zip(tables);
    sequences.map(|(((tokens, &position), &adapter), pages)| TokenSpan { tokens, position, pages, adapter }).collect()
}

/// Pages that a sequence has at most in these tests.
const PAGES: usize = 10;

/// The pages of one of `rows` sequences: scattered, and no other's.
fn pages(row: usize, rows: usize) -> Vec<u32> {
    (0..PAGES).map(|page| ((page * 7 % PAGES) * rows + row) as u32).collect()
}

/// Ids that do not matter, in sequences of these lengths.
fn ids(lengths: &[usize]) -> Vec<Vec<TokenSource>> {
    lengths.iter().map(|length| (0..*length as u32).map(TokenSource::Id).collect()).collect()
}

const HEADS: Heads = Heads { queries: 4, keys: 2, width: 8 };
