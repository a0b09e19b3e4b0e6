#!/usr/bin/env python3
"""Makes items with their truth from a seed.

A line {"seed": "<64 hex digits>", "count": 64} on standard input is answered by one line,
{"items": [{"inputs": {"X": [...]}, "truth": ...}, ...]}. The same seed must give the same items on any
machine, and a larger count must only append: so item i follows from the seed and i alone.
"""

import hashlib
import json
import struct
import sys

WIDTH = 8


def numbers(seed, index):
    """WIDTH numbers in [0, 1), from SHA-256 of the seed and the item's index."""
    block = hashlib.sha256(seed + struct.pack("<Q", index)).digest()
    return [word / 2**32 for word in struct.unpack("<8I", block)]


def item(seed, index):
    x = numbers(seed, index)
    # The truth: {what}
    return {"inputs": {"X": x}, "truth": {truth}}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        seed = bytes.fromhex(request["seed"])
        items = [item(seed, index) for index in range(request["count"])]
        print(json.dumps({"items": items}), flush=True)


if __name__ == "__main__":
    main()
