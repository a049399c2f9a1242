#!/usr/bin/env bash
# Every figure of docs/performance.md that needs a GPU, in one call; shapes as large as the card has memory for.
#
#   benches/gpu.sh [OUT] [DEVICE]
#
# Builds nothing but the program, downloads nothing: weights are random, shapes are real. A command that fails is told at the end, and
# the others go on. OUT (bench-results) gets a file for each command; DEVICE (gpu) is what --device takes.
set -uo pipefail
cd "$(dirname "$0")/.."

out=${1:-bench-results}
device=${2:-gpu}
tiller=${TILLER:-target/release/tiller}
failed=()
mkdir -p "$out"

measure() {
    local name=$1
    shift
    echo "== $name: tiller $*"
    "$tiller" --device "$device" "$@" > >(tee "$out/$name.txt") 2> "$out/$name.log" || failed+=("$name")
}

[ -x "$tiller" ] || cargo build --release --locked
measure doctor doctor --selftest
measure kernels bench kernels

for shape in smollm2-135m tinyllama-1.1b llama2-7b; do
    measure "llm-$shape" bench llm --shape "$shape" --quant q4 -b 1 -b 8 -b 16 -b 32 -b 64
    batch=$([ "$shape" = llama2-7b ] && echo 4 || echo 8)
    measure "train-$shape" bench train --shape "$shape" --quant q4 --batch "$batch" --tokens 512 --format md
done
measure llm-f16 bench llm --shape smollm2-135m --quant f16 -b 1
measure llm-q8 bench llm --shape llama2-7b --quant q8 -b 1
measure train-checkpointing bench train --shape llama2-7b --quant q4 --batch 4 --tokens 512 --activation-checkpointing --format md
measure ppo bench ppo --shape smollm2-135m --shape tinyllama-1.1b --quant q4 --baseline critic

# An invented world has 10,000 items at most; targets are known for 18,729.
measure data data synth --users 20000 --items 10000 --out "$out/world"
measure teacher sasrec train "$out/world" --epochs 2
measure teacher-eval sasrec eval "$out/world"

if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}; their messages are in $out/*.log" >&2
    exit 1
fi
echo "done: $out"
