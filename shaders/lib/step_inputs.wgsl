// The inputs of one step of decoding, in one buffer of words that the host writes before the step.
//
// The including shader declares `step_inputs: array<u32>`. It begins with a head, whose words give the number
// of everything and its offset in the buffer:
//
//     tokens     source, position, offset of its sequence's block table, adapter (0: none)
//     tiles      first token, tokens, position of the first, block table: neighbouring tokens of one sequence
//     requests   token, slot of the sampled token, offset of its list, length of the list (0: every token may follow), uniform number,
//                weight of the logits, offset of the list's biases (0: none)
//     chunks     request, offset of its part of the list: the work of one workgroup
//
// and the sampling parameters. Block tables, lists and biases lie at the offsets that the words above give.

const TOKEN_WORDS: u32 = 4u;
const TILE_WORDS: u32 = 4u;
const REQUEST_WORDS: u32 = 7u;
const CHUNK_WORDS: u32 = 2u;

struct Token {
    source: u32,    // a token id, or FROM_SAMPLED and the slot of the sampled token that it is
    position: u32,
    pages: u32,
}

const FROM_SAMPLED: u32 = 0x80000000u;

struct Tile {
    first: u32,
    count: u32,
    position: u32,
    pages: u32,
}

struct LogitsRequest {
    token: u32,
    slot: u32,
    list: u32,
    count: u32,
    uniform_number: f32,    // in [0, 1]
    weight: f32,
    biases: u32,            // 0: none
}

fn token_count() -> u32 {
    return step_inputs[0];
}

fn tile_count() -> u32 {
    return step_inputs[2];
}

// Parts into which the keys of a tile are split.
fn split_count() -> u32 {
    return step_inputs[4];
}

fn request_count() -> u32 {
    return step_inputs[5];
}

// The number of requests for the whole vocabulary; they come first.
fn full_count() -> u32 {
    return step_inputs[7];
}

fn chunk_count() -> u32 {
    return step_inputs[8];
}

fn temperature() -> f32 {
    return bitcast<f32>(step_inputs[10]);
}

// 0: all.
fn top_k() -> u32 {
    return step_inputs[11];
}

fn top_p() -> f32 {
    return bitcast<f32>(step_inputs[12]);
}

// Past the end the last one is taken, here and below: what comes of it is not written.
fn token_of(number: u32) -> Token {
    let at = step_inputs[1] + min(number, token_count() - 1u) * TOKEN_WORDS;
    return Token(step_inputs[at], step_inputs[at + 1u], step_inputs[at + 2u]);
}

fn adapter_of(token: u32) -> u32 {
    return step_inputs[step_inputs[1] + token * TOKEN_WORDS + 3u];
}

fn tile_of(number: u32) -> Tile {
    let at = step_inputs[3] + min(number, tile_count() - 1u) * TILE_WORDS;
    return Tile(step_inputs[at], step_inputs[at + 1u], step_inputs[at + 2u], step_inputs[at + 3u]);
}

fn request_of(number: u32) -> LogitsRequest {
    let at = step_inputs[6] + min(number, request_count() - 1u) * REQUEST_WORDS;
    return LogitsRequest(
        step_inputs[at], step_inputs[at + 1u], step_inputs[at + 2u], step_inputs[at + 3u],
        bitcast<f32>(step_inputs[at + 4u]), bitcast<f32>(step_inputs[at + 5u]), step_inputs[at + 6u],
    );
}

// Of a chunk: its request, and where its part of the list begins.
fn chunk_of(number: u32) -> vec2<u32> {
    let at = step_inputs[9] + min(number, chunk_count() - 1u) * CHUNK_WORDS;
    return vec2(step_inputs[at], step_inputs[at + 1u]);
}
