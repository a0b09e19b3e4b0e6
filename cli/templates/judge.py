#!/usr/bin/env python3
"""Judges answers.

A line {"items": [{"truth": ..., "outputs": {"y": [...]}}, ...]} on standard input is answered by one
line, {"scores": [0.5, ...]}, each within 0 and 1, or by {"unjudgeable": "why"} where the answer is wrong
as a whole. The same question must get the same answer on any machine.
"""

import json
import sys


def score(item):
    """How near the answer's largest number comes to the truth."""
    answer = item["outputs"]["y"]
    if any(number is None for number in answer):
        return 0.0
    return max(0.0, 1.0 - abs(max(answer) - item["truth"]))


def main():
    for line in sys.stdin:
        items = json.loads(line)["items"]
        print(json.dumps({"scores": [score(item) for item in items]}), flush=True)


if __name__ == "__main__":
    main()
