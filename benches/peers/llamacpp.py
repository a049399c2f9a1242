#!/usr/bin/env python3
"""llama.cpp's throughput on a CPU, as medians of five: prefill and decoding of one sequence, and decoding of eight at once.

    llamacpp.py MODEL.gguf [THREADS]

Needs xllamacpp from PyPI. Prints one JSON object per test: {"test", "per_second", "least", "most"}.
"""

import json
import sys
import threading
import time

import xllamacpp

PROMPT = "I chose these items before: 'Iron Man 3 (2013)' and 'Side Effects (2013)' and 'The Place Beyond the Pines (2012)'. "
NEW_TOKENS = 128
REPETITIONS = 5


def server(model, threads, sequences):
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.n_ctx = 1024 * sequences
    params.n_parallel = sequences
    params.verbosity = -1
    return xllamacpp.Server(params)


def complete(running, prompt, tokens):
    request = {"prompt": prompt, "max_tokens": tokens, "temperature": 0, "ignore_eos": True, "cache_prompt": False}
    answer = running.handle_completions(request)
    return json.loads(answer) if isinstance(answer, str) else answer


def report(test, rates):
    rates = sorted(rates)
    print(json.dumps({"test": test, "per_second": rates[len(rates) // 2], "least": rates[0], "most": rates[-1]}), flush=True)


def one_sequence(model, threads):
    running = server(model, threads, 1)
    timings = [complete(running, PROMPT * 8, NEW_TOKENS)["timings"] for _ in range(REPETITIONS + 1)][1:]
    report(f"pp{timings[0]['prompt_n']}", [timing["prompt_per_second"] for timing in timings])
    report(f"tg{NEW_TOKENS}", [timing["predicted_per_second"] for timing in timings])


def many_sequences(model, threads, sequences):
    running = server(model, threads, sequences)
    rates = []
    for _ in range(REPETITIONS + 1):
        workers = [
            threading.Thread(target=complete, args=(running, f"{number}", NEW_TOKENS)) for number in range(sequences)
        ]
        start = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        rates.append(sequences * NEW_TOKENS / (time.perf_counter() - start))
    report(f"tg{NEW_TOKENS} b{sequences}", rates[1:])


if __name__ == "__main__":
    model = sys.argv[1]
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    one_sequence(model, threads)
    many_sequences(model, threads, 8)
