#!/usr/bin/env bash
# tiller on a CPU beside llama.cpp, in the same minutes and on as many threads; on a machine that does nothing else.
#
#   benches/cpu.sh [OUT]
#
# Needs `tiller pull smollm2-135m`. The peer needs xllamacpp from PyPI in the Python of PYTHON (python3); without it, tiller alone is
# measured. OUT (bench-results) gets a file for each command and ratios.md.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-bench-results}
tiller=${TILLER:-target/release/tiller}
python=${PYTHON:-python3}
threads=${THREADS:-$(nproc)}
mkdir -p "$out"
[ -x "$tiller" ] || cargo build --release --locked

# Each figure is the median of five, with the slowest and the fastest.
bench() {
    local name=$1
    shift
    "$tiller" --device cpu --threads "$threads" bench llm --model smollm2-135m --lists 0 -n 128 -o jsonl "$@" > "$out/$name.jsonl"
    cat "$out/$name.jsonl"
}

"$tiller" doctor > "$out/doctor.txt"
bench tiller -p 337 -b 1 -b 8
bench tiller-exact -p 337 -b 1 -b 8 --exact

if "$python" -c 'import xllamacpp' 2> "$out/peer.log"; then
    folder=$("$tiller" pull smollm2-135m | sed -n '1s/.*: //p')
    model=$(find "$folder" -name '*.gguf')
    "$python" benches/peers/llamacpp.py "$model" "$threads" 2>> "$out/peer.log" | grep '^{' | tee "$out/llamacpp.jsonl"
    "$python" benches/peers/ratios.py "$out/tiller.jsonl" "$out/llamacpp.jsonl" | tee "$out/ratios.md"
else
    echo "no peer: $python has no xllamacpp" >&2
fi
