// Cross-entropy of a row of logits z with its target, a distribution q over some ids: log-probability, entropy
// and log-sum-exp in one pass.
//
//     lse = log Σ exp(z)        log_prob = Σ q (z - lse)        entropy = lse - Σ p z,   p = exp(z - lse)
//
// Grid: one workgroup per row. Its invocations walk the row side by side, once. Each keeps the largest logit
// so far and, relative to it, the sums of exp(z) and of exp(z) z, which are rescaled when a larger logit
// comes (online softmax). The sums are merged at the end, in a fixed order.
// Costs: 4 bytes and about 8 FLOPs per logit; bound by memory.

#include "lib/grid.wgsl"
#include "lib/lane.wgsl"
#include "lib/value.wgsl"

#define WORKGROUP   // invocations of a workgroup, a power of two

struct Params {
    rows: u32,
    values: u32,     // Values of a row
}

struct TargetShare {
    id: u32,
    share: f32,
}

@group(0) @binding(0) var<storage, read_write> logits: array<Value>;        // [rows, values]
@group(0) @binding(1) var<storage, read_write> starts: array<u32>;          // [rows + 1] the first target of each row
@group(0) @binding(2) var<storage, read_write> targets: array<TargetShare>; // [targets]
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;          // [rows, 3]: log_prob, entropy, lse
@group(0) @binding(4) var<storage, read_write> params: Params;

// Some of a row's logits.
struct Mass {
    largest: f32,
    sum: f32,      // Σ exp(z - largest)
    moment: f32,   // Σ exp(z - largest) (z - largest)
}

// The mass relative to a logit that is at least as large as its own.
fn relative(mass: Mass, largest: f32) -> Mass {
    let distance = mass.largest - largest;
    let factor = exp(distance);
    return Mass(largest, factor * mass.sum, factor * (mass.moment + distance * mass.sum));
}

fn merged(a: Mass, b: Mass) -> Mass {
    let largest = max(a.largest, b.largest);
    let one = relative(a, largest);
    let other = relative(b, largest);
    return Mass(largest, one.sum + other.sum, one.moment + other.moment);
}

#if SUBGROUPS
var<workgroup> masses: array<Mass, WORKGROUP / 4u>; // [subgroups]

fn of_workgroup(lane: Lane, mass: Mass) -> Mass {
    let own = relative(mass, subgroupMax(mass.largest));
    let together = Mass(own.largest, subgroupAdd(own.sum), subgroupAdd(own.moment));
    if lane.lane == 0u {
        masses[lane.subgroup] = together;
    }
    workgroupBarrier();
    var all = masses[0];
    for (var i = 1u; i < lane.subgroups; i++) {
        all = merged(all, masses[i]);
    }
    return all;
}
#else
var<workgroup> masses: array<Mass, WORKGROUP>; // [invocations]

fn of_workgroup(lane: Lane, mass: Mass) -> Mass {
    masses[lane.index] = mass;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        if lane.index < half {
            masses[lane.index] = merged(masses[lane.index], masses[lane.index + half]);
        }
        workgroupBarrier();
    }
    return masses[0];
}
#endif

// The logit of an id.
fn logit(row: u32, id: u32) -> f32 {
#if WIDE
    return logits[row * params.values + id / 4u][id % 4u];
#else
    return logits[row * params.values + id];
#endif
}

// The log-probability of a row's target.
fn log_prob(row: u32, lse: f32) -> f32 {
    var sum = 0.0;
    for (var i = starts[row]; i < starts[row + 1u]; i++) {
        sum += targets[i].share * (logit(row, targets[i].id) - lse);
    }
    return sum;
}

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    let row = workgroup_number(grid);
    // A row past the end has no values but takes part in the barriers, which keeps control flow uniform.
    let values = select(0u, params.values, row < params.rows);

    var mass = Mass(-1e30, 0.0, 0.0);
    for (var i = lane.index; i < values; i += WORKGROUP) {
        let z = logits[row * params.values + i];
        mass = relative(mass, max(mass.largest, largest_of(z)));
        let share = exp(z - mass.largest);
        mass.sum += sum_of(share);
        mass.moment += sum_of(share * (z - mass.largest));
    }
    let all = of_workgroup(lane, mass);
    if lane.index == 0u && row < params.rows {
        let log_sum = log(all.sum);
        let lse = all.largest + log_sum;
        scores[row * 3u] = log_prob(row, lse);
        scores[row * 3u + 1u] = log_sum - all.moment / all.sum;
        scores[row * 3u + 2u] = lse;
    }
}
