#!/usr/bin/env bash
# Runs the tests of the CPU kernels on aarch64 (NEON): natively there, elsewhere under qemu. Needs rustup, and elsewhere qemu-user and a linker:
#   apt-get install qemu-user-static gcc-aarch64-linux-gnu
set -euo pipefail
cd "$(dirname "$0")/aarch64"

target=aarch64-unknown-linux-gnu
# The versions of the workspace.
cp ../../Cargo.lock Cargo.lock
if [ "$(uname -m)" = aarch64 ]; then
  exec cargo test --release "$@"
fi
for tool in rustup qemu-aarch64-static aarch64-linux-gnu-gcc; do
  command -v "$tool" > /dev/null || { echo "error: $tool is missing; see the head of tests/aarch64.sh" >&2; exit 2; }
done
rustup target add "$target"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64-static -L /usr/aarch64-linux-gnu"
cargo test --release --target "$target" "$@"
