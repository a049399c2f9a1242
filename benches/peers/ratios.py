#!/usr/bin/env python3
"""The ratios of tiller's throughput to a peer's, from two files of JSON lines.

    ratios.py TILLER.jsonl PEER.jsonl
"""

import json
import sys


def rows(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.startswith("{")]


def kind(test):
    """Prompts of about the same length are one test."""
    return "prefill" if test.startswith("pp") else test


def cell(row):
    return f"{row['per_second']:.0f} ({row['least']:.0f} to {row['most']:.0f})"


if __name__ == "__main__":
    ours, peers = ({kind(row["test"]): row for row in rows(path)} for path in sys.argv[1:3])
    print("| test | tiller, tokens/s | peer, tokens/s | ratio | spread of the ratio |\n|---|---|---|---|---|")
    for test, our in ours.items():
        if test in peers:
            peer = peers[test]
            ratio = our["per_second"] / peer["per_second"]
            least, most = our["least"] / peer["most"], our["most"] / peer["least"]
            print(f"| {our['test']} | {cell(our)} | {cell(peer)} | {ratio:.2f} | {least:.2f} to {most:.2f} |")
