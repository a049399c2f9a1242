#!/bin/sh
# A RUSTC_WRAPPER for the fuzz targets on stable Rust: it adds libFuzzer's coverage counters to our own crates and leaves the dependencies as
# they are compiled already. Cargo calls it with the compiler and its arguments.
rustc=$1
shift
previous= name=
for argument in "$@"; do
    [ "$previous" = --crate-name ] && name=$argument
    previous=$argument
done
# A crate of the registry has the name of a target: safetensors.
case " $* " in */registry/*) name= ;; esac
case $name in
tiller | tiller_models | gguf | safetensors | template | tokenizer | request)
    set -- "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$rustc" "$@"
