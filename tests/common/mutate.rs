//! Ways to damage a file.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Numbers at which arithmetic and allocations go wrong.
const NUMBERS: [u64; 8] = [0, 1, 0x7fff_ffff, 0xffff_ffff, 0x1_0000_0000, i64::MAX as u64, u64::MAX, 0x0100_0000_0000];
/// Texts at which parsers go wrong.
const TEXTS: [&str; 16] = [
    "99999999999999999999",
    "-1",
    "1e400",
    "NaN",
    "\"",
    "'",
    "{",
    "}",
    "[[[[[[[[",
    "\0",
    "\u{1b}[31m",
    "\n",
    ",",
    "|",
    "::",
    "null",
];

/// The bytes with one to three damages, and what these are.
pub fn damage(whole: &[u8], rng: &mut ChaCha8Rng) -> (Vec<u8>, String) {
    let mut bytes = whole.to_vec();
    let mut told = Vec::new();
    for _ in 0..rng.random_range(1..=3) {
        told.push(once(&mut bytes, rng));
    }
    (bytes, told.join(", "))
}

fn once(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) -> String {
    let at = place(bytes.len(), rng);
    match rng.random_range(0..8) {
        0 if at < bytes.len() => {
            let bit = rng.random_range(0..8);
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} turned")
        }
        1 => {
            bytes.truncate(at);
            format!("cut off at {at}")
        }
        2 => {
            let number = NUMBERS[rng.random_range(0..NUMBERS.len())].to_le_bytes();
            let width = if rng.random() { 4 } else { 8 };
            let end = bytes.len().min(at + width);
            bytes.splice(at..end, number[..width].iter().copied());
            format!("number {number:?} at {at}")
        }
        3 => {
            let text = TEXTS[rng.random_range(0..TEXTS.len())];
            let end = bytes.len().min(at + rng.random_range(0..6));
            bytes.splice(at..end, text.bytes());
            format!("{text:?} over {at}..{end}")
        }
        4 => {
            let end = bytes.len().min(at + rng.random_range(1..64));
            bytes.drain(at..end);
            format!("{at}..{end} gone")
        }
        5 => {
            let end = bytes.len().min(at + rng.random_range(1..64));
            let part = bytes[at..end].repeat(rng.random_range(1..40));
            bytes.splice(at..at, part);
            format!("{at}..{end} repeated")
        }
        6 => {
            let end = bytes.len().min(at + rng.random_range(1..512));
            bytes[at..end].fill(0);
            format!("{at}..{end} blank")
        }
        _ => {
            let noise: Vec<u8> = (0..rng.random_range(1..16)).map(|_| rng.random()).collect();
            let end = bytes.len().min(at + noise.len());
            bytes.splice(at..end, noise);
            format!("noise over {at}..{end}")
        }
    }
}

/// A place in the file: half of them near its start, where headers are.
fn place(length: usize, rng: &mut ChaCha8Rng) -> usize {
    let reach = if rng.random() { length.min(256) } else { length };
    rng.random_range(0..=reach)
}
