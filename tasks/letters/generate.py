#!/usr/bin/env python3
"""Draws letters from a seed, with the letter of each: the generator of `letters`.

A line {"seed": "<64 hex digits>", "count": 64} on standard input is answered by one line,
{"items": [{"inputs": {"image": [400 numbers]}, "truth": 7}, …]}. The same seed gives the same images,
and a larger count only appends: image i follows from SHAKE-256 of the seed and i alone. All of it is
computed in whole numbers, so that no two machines can differ in a last digit, with nothing but Python's
standard library.

A letter is a few strokes. Their ends wobble, the whole is stretched, slanted, turned and moved, the pen
is thin or thick, two lines that mean nothing cross the image, and the paper is grey and grainy.
"""

import hashlib
import json
import struct
import sys
from math import isqrt

SIZE = 20
# Parts of a pixel, and of a step of the grid on which letters are stated.
UNIT = 256
WHITE = 255

# Strokes as points on a grid of 7 by 9, two digits each: across, down.
LETTERS = {
    "A": "083068 1555",
    "B": "08004051534404 4455574808",
    "C": "6150200206285867",
    "D": "08004062664808",
    "E": "60000868 0444",
    "F": "600008 0444",
    "G": "61502002062858666434",
    "H": "0008 6068 0464",
    "I": "1050 3038 1858",
    "J": "6066482806",
    "K": "0008 6004 2368",
    "L": "000868",
    "M": "0800346068",
    "N": "08006860",
    "O": "200206284866624020",
    "P": "08004051534404",
    "Q": "200206284866624020 4568",
    "R": "08004051534404 3468",
    "S": "615020010314546567481807",
    "T": "0060 3038",
    "U": "000628486660",
    "V": "003860",
    "W": "0018335860",
    "X": "0068 6008",
    "Y": "003460 3438",
    "Z": "00600868",
}
STROKES = [
    [[(int(part[at]), int(part[at + 1])) for at in range(0, len(part), 2)] for part in strokes.split()]
    for strokes in LETTERS.values()
]
# More draws than any letter needs.
DRAWS = 96


class Draws:
    """Whole numbers and grain that follow from a seed and an index."""

    def __init__(self, seed, index):
        drawn = hashlib.shake_256(seed + struct.pack("<Q", index)).digest(4 * DRAWS + SIZE * SIZE)
        self.words = iter(struct.unpack(f"<{DRAWS}I", drawn[: 4 * DRAWS]))
        self.grain = drawn[4 * DRAWS :]

    def within(self, low, high):
        """A whole number from `low` to `high`, both among them."""
        return low + next(self.words) % (high - low + 1)


def placed(draws, strokes):
    """The strokes' segments in parts of a pixel."""
    across, down = draws.within(330, 520), draws.within(300, 470)
    slant, turn = draws.within(-150, 150), draws.within(-110, 110)
    middle = (
        SIZE * UNIT // 2 + draws.within(-2 * UNIT, 2 * UNIT),
        SIZE * UNIT // 2 + draws.within(-2 * UNIT, 2 * UNIT),
    )
    segments = []
    for stroke in strokes:
        points = []
        for x, y in stroke:
            x = (x - 3) * UNIT + draws.within(-110, 110)
            y = (y - 4) * UNIT + draws.within(-110, 110)
            points.append((middle[0] + (x * across + y * slant) // UNIT, middle[1] + (x * turn + y * down) // UNIT))
        segments.extend(zip(points, points[1:]))
    return segments


def distance(x, y, start, end):
    """From a point to a segment."""
    along = (end[0] - start[0], end[1] - start[1])
    off = (x - start[0], y - start[1])
    length = along[0] * along[0] + along[1] * along[1]
    reach = off[0] * along[0] + off[1] * along[1]
    if reach <= 0:
        return isqrt(off[0] * off[0] + off[1] * off[1])
    if reach >= length:
        return isqrt((x - end[0]) ** 2 + (y - end[1]) ** 2)
    cross = off[0] * along[1] - off[1] * along[0]
    return isqrt(cross * cross // length)


def draw(ink, segment, pen, darkness):
    """Lays a line of half the width `pen` onto the sheet; its edge is as soft as a pixel."""
    (x0, y0), (x1, y1) = segment
    margin = pen + UNIT
    columns = range(max(0, (min(x0, x1) - margin) // UNIT), min(SIZE, (max(x0, x1) + margin) // UNIT + 1))
    rows = range(max(0, (min(y0, y1) - margin) // UNIT), min(SIZE, (max(y0, y1) + margin) // UNIT + 1))
    for row in rows:
        for column in columns:
            away = distance(column * UNIT + UNIT // 2, row * UNIT + UNIT // 2, *segment)
            covered = min(UNIT, max(0, pen + UNIT // 2 - away))
            at = row * SIZE + column
            ink[at] = max(ink[at], covered * darkness // UNIT)


def item(seed, index):
    """Image and letter of an index."""
    draws = Draws(seed, index)
    letter = draws.within(0, len(STROKES) - 1)
    ink = [0] * (SIZE * SIZE)
    pen, darkness = draws.within(120, 300), draws.within(110, 200)
    for segment in placed(draws, STROKES[letter]):
        draw(ink, segment, pen, darkness)
    anywhere = SIZE * UNIT - 1
    for _ in range(2):
        ends = [draws.within(0, anywhere) for _ in range(4)]
        draw(ink, (tuple(ends[:2]), tuple(ends[2:])), draws.within(60, 160), draws.within(40, 120))
    paper, roughness = draws.within(0, 55), draws.within(20, 90)
    image = [
        min(WHITE, max(0, paper + dark + (grain - 128) * roughness // 128)) for dark, grain in zip(ink, draws.grain)
    ]
    return {"inputs": {"image": image}, "truth": letter}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        seed = bytes.fromhex(request["seed"])
        items = [item(seed, index) for index in range(request["count"])]
        print(json.dumps({"items": items}, separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main()
