// The frame: what the host wants of one step of decoding, in one buffer of words that it writes before the step.
//
// The including shader declares `frame: array<u32>`. It begins with a head, whose words say how much there is of everything and
// where in the frame it lies:
//
//     tokens     source, position, where its sequence's page table begins, adapter (0: none)
//     tiles      first token, tokens, position of the first, page table: neighbouring tokens of one sequence
//     questions  token, answer slot, where its list begins, length of the list (0: every token may follow), chance
//     chunks     question, where its part of the list begins: what one workgroup scores
//
// and how answers are chosen. Page tables and lists lie wherever the words above say.

const TOKEN_WORDS: u32 = 4u;
const TILE_WORDS: u32 = 4u;
const QUESTION_WORDS: u32 = 5u;
const CHUNK_WORDS: u32 = 2u;

struct Token {
    source: u32,    // a token id, or FROM_ANSWER and the slot of the answer that it is
    position: u32,
    pages: u32,
}

const FROM_ANSWER: u32 = 0x80000000u;

struct Tile {
    first: u32,
    count: u32,
    position: u32,
    pages: u32,
}

struct Question {
    token: u32,
    slot: u32,
    list: u32,
    count: u32,
    chance: f32,    // in [0, 1]
}

fn token_count() -> u32 {
    return frame[0];
}

fn tile_count() -> u32 {
    return frame[2];
}

// Parts into which the keys of a tile are split.
fn split_count() -> u32 {
    return frame[4];
}

fn question_count() -> u32 {
    return frame[5];
}

// The first so many questions are asked of the whole vocabulary.
fn full_count() -> u32 {
    return frame[7];
}

fn chunk_count() -> u32 {
    return frame[8];
}

fn temperature() -> f32 {
    return bitcast<f32>(frame[10]);
}

// 0: all.
fn top_k() -> u32 {
    return frame[11];
}

fn top_p() -> f32 {
    return bitcast<f32>(frame[12]);
}

// Past the end the last one is taken, here and below: what comes of it is not written.
fn token_of(number: u32) -> Token {
    let at = frame[1] + min(number, token_count() - 1u) * TOKEN_WORDS;
    return Token(frame[at], frame[at + 1u], frame[at + 2u]);
}

fn adapter_of(token: u32) -> u32 {
    return frame[frame[1] + token * TOKEN_WORDS + 3u];
}

fn tile_of(number: u32) -> Tile {
    let at = frame[3] + min(number, tile_count() - 1u) * TILE_WORDS;
    return Tile(frame[at], frame[at + 1u], frame[at + 2u], frame[at + 3u]);
}

fn question_of(number: u32) -> Question {
    let at = frame[6] + min(number, question_count() - 1u) * QUESTION_WORDS;
    return Question(frame[at], frame[at + 1u], frame[at + 2u], frame[at + 3u], bitcast<f32>(frame[at + 4u]));
}

// Of a chunk: its question, and where its part of the list begins.
fn chunk_of(number: u32) -> vec2<u32> {
    let at = frame[9] + min(number, chunk_count() - 1u) * CHUNK_WORDS;
    return vec2(frame[at], frame[at + 1u]);
}
