#!/usr/bin/env bash
# Builds what is shipped for this machine's system: dist/tiller-VERSION-TARGET with the binary, its papers, completions, man
# pages and the list of everything that is compiled in. Run it on Linux, macOS and Windows (Git Bash) alike; it takes no flags.
set -euo pipefail
cd "$(dirname "$0")"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
target=$(rustc -vV | sed -n 's/^host: //p')
name="tiller-$version-$target"
binary=target/release/tiller
case "$target" in *windows*) binary=$binary.exe ;; esac

cargo build --release --locked
rm -rf "dist/$name"
mkdir -p "dist/$name/completions" "dist/$name/man"
cp "$binary" README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "dist/$name/"
for shell in bash zsh fish powershell elvish; do
    "$binary" completions "$shell" >"dist/$name/completions/tiller.$shell"
done
"$binary" completions man --out "dist/$name/man"
# Every crate inside, with its version and licence: the bill of materials.
cargo tree --locked --edges normal --prefix none --format '{p} | {l}' | sed 's/ (\*)$//; s/ ([/\\].*)//' | sort -u >"dist/$name/CRATES.txt"

tar -C dist -czf "dist/$name.tar.gz" "$name"
(cd dist && { sha256sum "$name.tar.gz" 2>/dev/null || shasum -a 256 "$name.tar.gz"; } >"$name.tar.gz.sha256")
echo "dist/$name.tar.gz"
