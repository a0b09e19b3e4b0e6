#!/usr/bin/env python3
"""Judges probabilities by the Brier score: the judge of the task `calibration`.

A line {"items": [{"truth": 3, "outputs": {"probabilities": [...]}}, ...]} on standard input is answered by
one line, {"scores": [...]}. Probabilities p of ten classes, of which t is right, are worth

    1 - ((1 - p_t)² + Σ p_c² over the others) / 2

so being sure and right is worth 1, being sure and wrong 0, and nobody gains by stating anything but what
they believe. Only Python's standard library is used.
"""

import json
import sys


def score(item):
    stated, truth = item["outputs"]["probabilities"], item["truth"]
    if any(p is None or not 0 <= p <= 1 for p in stated) or not 0.99 < sum(stated) < 1.01:
        return 0.0
    brier = sum((p - (place == truth)) ** 2 for place, p in enumerate(stated))
    return min(1.0, max(0.0, 1.0 - brier / 2))


def main():
    for line in sys.stdin:
        items = json.loads(line)["items"]
        if any(len(item["outputs"]["probabilities"]) != 10 for item in items):
            answer = {"unjudgeable": "ten probabilities are due for each item"}
        else:
            answer = {"scores": [score(item) for item in items]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
