// Samples the next token of every request, among all tokens or those of its list (the logits mask), and finds
// the argmax of all.
//
// A list may have biases (guided decoding): its tokens are chosen by score = weight · logit + bias, elsewhere
// score = logit. What is reported of a token and of all tokens is always of the logits.
//
// Greedy: the likeliest token; the first among equals. Random: the token whose interval of the cumulative
// probabilities, in the order of ids (or of the list), contains the request's uniform number; the
// probabilities are softmax(score / temperature). TRUNCATED keeps the top_k likeliest, and of them the
// smallest set of likeliest whose probabilities reach top_p; the earlier ones among equals. Nothing is
// sorted: the lowest kept score is found bit by bit, from counts and from sums.
//
// Grid: one workgroup per request.
// Costs: 4 bytes per logit and pass, from the cache: 2 passes greedy, 4 random, 20 to 36 more truncated.

#include "lib/step_inputs.wgsl"
#include "lib/grid.wgsl"

#define WORKGROUP
#define STRIDE          // tokens of the vocabulary
#define MODE            // 0: greedy, 1: random, 2: random, truncated
#define SAMPLED_TOKEN   // words of a sampled token

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;         // [requests, STRIDE]
@group(0) @binding(1) var<storage, read_write> sampled_tokens: array<u32>; // [slots, SAMPLED_TOKEN]: token, its logit, log Σ exp of all and of the
                                                                           // candidates, likeliest of all, whether
                                                                           // all are numbers
@group(0) @binding(2) var<storage, read_write> step_inputs: array<u32>;

// Candidates: `count` of them, of a list, or without one the first of the vocabulary.
struct Candidates {
    base: u32,
    list: u32,
    listed: bool,
    count: u32,
    weight: f32,
    biases: u32,    // 0: none
}

struct Best {
    key: u32,        // 0: none
    index: u32,
}

const INFINITE: u32 = 0xff800000u; // the key of +∞; what is above is not a number

var<workgroup> keys: array<u32, WORKGROUP>;
var<workgroup> indices: array<u32, WORKGROUP>;
var<workgroup> numbers: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let number = workgroup_number(grid);
    let request = request_of(number);
    let listed = request.count > 0u;
    let base = min(number, request_count() - 1u) * STRIDE;
    // Without a list both are the same; the second has nothing to do then.
    let all = Candidates(base, 0u, false, select(0u, STRIDE, number < full_count()), 1.0, 0u);
    let some = Candidates(base, request.list, true, request.count, 1.0, 0u);
    // Without biases the list's best is known already.
    let biased_count = select(0u, request.count, request.biases > 0u);
    let biased = Candidates(base, request.list, true, biased_count, request.weight, request.biases);
    var candidates = all;
    if listed {
        candidates = some;
    }

    let argmax_token = best_of(index, all);
    let best_of_some = best_of(index, some);
    var best = argmax_token;
    if listed {
        best = best_of_some;
    }
    let high = logit_of(best.key);
    let sum_of_all = mass(index, all, logit_of(argmax_token.key), 1.0);
    let mass_of_some = mass(index, some, high, 1.0);
    var sum_of_candidates = sum_of_all;
    if listed {
        sum_of_candidates = mass_of_some;
    }
    let best_of_biased = best_of(index, biased);
    if biased_count > 0u {
        candidates = biased;
        best = best_of_biased;
    }

#if MODE
    let chosen = draw(index, candidates, logit_of(best.key), request.uniform_number);
#else
    let chosen = best.index;
#endif

    if index == 0u && number < request_count() {
        let at = request.slot * SAMPLED_TOKEN;
        sampled_tokens[at] = candidate(candidates, chosen);
        sampled_tokens[at + 1u] = bitcast<u32>(logit(candidates, chosen));
        sampled_tokens[at + 2u] = bitcast<u32>(log(sum_of_all) + logit_of(argmax_token.key));
        sampled_tokens[at + 3u] = bitcast<u32>(log(sum_of_candidates) + high);
        sampled_tokens[at + 4u] = argmax_token.index;
        sampled_tokens[at + 5u] = u32(best.key < INFINITE && argmax_token.key < INFINITE && best.key > ~INFINITE);
    }
}

// The token of a candidate.
fn candidate(of_these: Candidates, i: u32) -> u32 {
    if of_these.listed {
        return step_inputs[of_these.list + min(i, of_these.count - 1u)];
    }
    return min(i, STRIDE - 1u);
}

fn logit(of_these: Candidates, i: u32) -> f32 {
    return logits[of_these.base + min(candidate(of_these, i), STRIDE - 1u)];
}

// What decides among the candidates.
fn score(of_these: Candidates, i: u32) -> f32 {
    let plain = logit(of_these, i);
    if of_these.biases == 0u {
        return plain;
    }
    return of_these.weight * plain + bitcast<f32>(step_inputs[of_these.biases + min(i, of_these.count - 1u)]);
}

// A whole number in the order of the scores; 0 is lower than all of them.
fn key_of(logit: f32) -> u32 {
    var bits = bitcast<u32>(logit);
    if (bits & 0x7fffffffu) == 0u {
        bits = 0u; // zero has one sign
    }
    if (bits & 0x7fffffffu) > 0x7f800000u {
        return 0xffffffffu; // not a number: above all
    }
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn logit_of(key: u32) -> f32 {
    return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u));
}

// The first of the likeliest. To be called by all invocations, as are the functions below.
fn best_of(index: u32, of_these: Candidates) -> Best {
    var best = Best(0u, 0u);
    for (var i = index; i < of_these.count; i += WORKGROUP) {
        let key = key_of(score(of_these, i));
        if key > best.key {
            best = Best(key, i);
        }
    }
    keys[index] = best.key;
    indices[index] = best.index;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        if index < half {
            let key = keys[index + half];
            if key > keys[index] || (key == keys[index] && indices[index + half] < indices[index]) {
                keys[index] = key;
                indices[index] = indices[index + half];
            }
        }
        workgroupBarrier();
    }
    best = Best(keys[0], indices[0]);
    workgroupBarrier();
    return best;
}

fn sum(index: u32, number: f32) -> f32 {
    numbers[index] = number;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        if index < half {
            numbers[index] += numbers[index + half];
        }
        workgroupBarrier();
    }
    let total = numbers[0];
    workgroupBarrier();
    return total;
}

// exp((logit - high) · sharpness); with a sharpness of 0 every candidate weighs 1.
fn weight_of(logit: f32, high: f32, sharpness: f32) -> f32 {
    if sharpness == 0.0 {
        return 1.0;
    }
    return exp((max(logit, -3.0e38) - high) * sharpness);
}

// The weights of all candidates.
fn mass(index: u32, of_these: Candidates, high: f32, sharpness: f32) -> f32 {
    var part = 0.0;
    for (var i = index; i < of_these.count; i += WORKGROUP) {
        part += weight_of(score(of_these, i), high, sharpness);
    }
    return sum(index, part);
}

#if MODE
// The kept candidates: those above a key, and the first `ties` of those that have it.
struct Kept {
    key: u32,
    ties: u32,
}

// The sum of the numbers of the invocations before this one.
fn before(index: u32, number: f32) -> f32 {
    numbers[index] = number;
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < index; i++) {
        total += numbers[i];
    }
    workgroupBarrier();
    return total;
}

// The weight of a candidate, 0 where it is not kept; `ties` counts those before it that have the lowest kept
// key.
fn kept_weight(logit: f32, kept: Kept, ties: ptr<function, u32>, high: f32, sharpness: f32) -> f32 {
    let key = key_of(logit);
    let is_kept = key > kept.key || (key == kept.key && *ties < kept.ties);
    *ties += u32(key == kept.key);
    return select(0.0, weight_of(logit, high, sharpness), is_kept);
}

// The candidate whose interval contains the uniform number. Every invocation has neighbouring candidates
// here, `first` to `past`.
fn draw(index: u32, of_these: Candidates, high: f32, uniform_number: f32) -> u32 {
    let sharpness = 1.0 / temperature();
    let each = (of_these.count + WORKGROUP - 1u) / WORKGROUP;
    let first = min(index * each, of_these.count);
    let past = min(first + each, of_these.count);
#if MODE == 2
    let kept = truncate(index, of_these, high, sharpness);
    var own_ties = 0.0;
    for (var i = first; i < past; i++) {
        own_ties += f32(key_of(score(of_these, i)) == kept.key);
    }
    let ties_before = u32(before(index, own_ties));
#else
    let kept = Kept(0u, 0u);
    let ties_before = 0u;
#endif

    var part = 0.0;
    var ties = ties_before;
    for (var i = first; i < past; i++) {
        part += kept_weight(score(of_these, i), kept, &ties, high, sharpness);
    }
    let point = uniform_number * sum(index, part);
    var reached = before(index, part);

    const NONE = 0xffffffffu;
    var found = NONE;
    var last = 0u;
    ties = ties_before;
    for (var i = first; i < past; i++) {
        let weight = kept_weight(score(of_these, i), kept, &ties, high, sharpness);
        reached += weight;
        if weight > 0.0 {
            last = i;
            if reached > point && found == NONE {
                found = i;
            }
        }
    }
    indices[index] = found;
    keys[index] = last;
    workgroupBarrier();
    for (var i = 0u; i < WORKGROUP; i++) {
        found = min(found, indices[i]);
        last = max(last, keys[i]);
    }
    // Rounding may leave a crumb behind the last one.
    return select(found, last, found == NONE);
}
#endif

#if MODE == 2
fn truncate(index: u32, of_these: Candidates, high: f32, sharpness: f32) -> Kept {
        // As many of the likeliest as top_k says.
    let wanted = min(select(top_k(), of_these.count, top_k() == 0u), of_these.count);
    let lowest = lowest_key(index, of_these, f32(wanted), high, 0.0);
    let by_count = Kept(lowest, wanted - u32(measure(index, of_these, lowest + 1u, high, 0.0)));

    // Of these as many as reach top_p of their mass.
    let tie_weight = weight_of(logit_of(lowest), high, sharpness);
    let mass_kept = measure(index, of_these, lowest + 1u, high, sharpness) + f32(by_count.ties) * tie_weight;
    let wanted_mass = top_p() * mass_kept;
    let low = max(lowest_key(index, of_these, wanted_mass, high, sharpness), lowest);
    let rest = wanted_mass - measure(index, of_these, low + 1u, high, sharpness);
    var ties = u32(max(ceil(rest / weight_of(logit_of(low), high, sharpness)), 1.0));
    if low == lowest {
        ties = min(ties, by_count.ties);
    }
    if top_p() >= 1.0 {
        return by_count;
    }
    return Kept(low, ties);
}

// The weights of the candidates of `key` or a higher one: with a sharpness of 0, how many there are.
fn measure(index: u32, of_these: Candidates, key: u32, high: f32, sharpness: f32) -> f32 {
    var part = 0.0;
    for (var i = index; i < of_these.count; i += WORKGROUP) {
        let l = score(of_these, i);
        if key_of(l) >= key {
            part += weight_of(l, high, sharpness);
        }
    }
    return sum(index, part);
}

// The highest key whose measure is at least what is wanted, two bits at a time.
fn lowest_key(index: u32, of_these: Candidates, wanted: f32, high: f32, sharpness: f32) -> u32 {
    var key = 0u;
    for (var bits = 0u; bits < 32u; bits += 2u) {
        let step = 1u << (30u - bits);
        let tried = vec3(key) + vec3(1u, 2u, 3u) * step;
        var parts = vec3(0.0);
        for (var i = index; i < of_these.count; i += WORKGROUP) {
            let l = score(of_these, i);
            let weight = weight_of(l, high, sharpness);
            parts += select(vec3(0.0), vec3(weight), vec3(key_of(l)) >= tried);
        }
        let enough = vec3(sum(index, parts.x), sum(index, parts.y), sum(index, parts.z)) >= vec3(wanted);
        key += step * (u32(enough.x) + u32(enough.y) + u32(enough.z));
    }
    return key;
}
#endif
