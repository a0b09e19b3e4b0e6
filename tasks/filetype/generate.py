#!/usr/bin/env python3
"""Makes files of eighteen types from a seed, with the type of each: the generator of `filetype`.

A line {"seed": "<64 hex digits>", "count": 64} on standard input is answered by one line,
{"items": [{"inputs": {"bytes": [2048 numbers]}, "truth": 79}, …]}. The same seed gives the same
files, and a larger count only appends: file i follows from SHA-256 of the seed and i alone. Nothing
but Python's standard library is used; files are compressed by hand-written, stored or fixed means
where another version of zlib could compress differently.

The numbers are what the model magika is given: the first 1,024 bytes without leading blanks and the
last 1,024 without trailing ones, filled up with 256.
"""

import hashlib
import json
import struct
import sys
import zlib

HALF = 1024
PADDING = 256
BLANKS = b" \t\n\r\v\f"

# Type and its number among the 214 classes of magika's standard model v3.3: make.py compares them with
# the package's own list.
CLASSES = {
    "json": 87,
    "csv": 32,
    "xml": 206,
    "html": 71,
    "python": 143,
    "c": 17,
    "java": 81,
    "javascript": 83,
    "markdown": 100,
    "yaml": 209,
    "ini": 76,
    "sql": 165,
    "shell": 161,
    "css": 31,
    "png": 133,
    "wav": 195,
    "zip": 212,
    "pdf": 127,
}

WORDS = (
    "account agent answer archive balance batch block branch buffer cache center change channel "
    "check city client color column count customer data date day device digest document edge entry "
    "error event field file filter flag folder format frame graph group handle header height image "
    "index input item key label layer length level limit line link list load local lock margin mark "
    "member memory message metric model module month name network node note number object offset "
    "order output owner page parent part path point policy port price process query queue range "
    "rate reader record region report request result river root round route row sample scale score "
    "season section sensor server session shape shift signal size slot source stage state step "
    "stock store stream string table target task tensor test text thread time title token total "
    "tree type unit update user value vector version view weight width window word writer year zone"
).split()


class Dice:
    """Draws that come out the same in every version of Python: words of a SHA-256 chain."""

    def __init__(self, seed):
        self.seed, self.counter, self.words = seed, 0, []

    def word(self):
        if not self.words:
            block = hashlib.sha256(self.seed + struct.pack("<Q", self.counter)).digest()
            self.counter += 1
            self.words = list(struct.unpack("<8I", block))
        return self.words.pop()

    def below(self, bound):
        return self.word() * bound >> 32

    def within(self, low, high):
        return low + self.below(high - low + 1)

    def pick(self, choices):
        return choices[self.below(len(choices))]

    def chance(self, percent):
        return self.below(100) < percent

    def noise(self, length):
        words = [self.word() for _ in range((length + 3) // 4)]
        return struct.pack(f"<{len(words)}I", *words)[:length]

    def name(self):
        name = self.pick(WORDS)
        return name + "_" + self.pick(WORDS) if self.chance(40) else name

    def number(self):
        return self.pick([str(self.below(100)), str(self.below(100000)), f"{self.below(9999) / 100}"])

    def sentence(self):
        words = [self.pick(WORDS) for _ in range(self.within(4, 14))]
        return " ".join(words).capitalize() + self.pick(".....?!")


def many(dice, low, high, make):
    return [make() for _ in range(dice.within(low, high))]


def json_value(dice, depth=0):
    kind = dice.below(6 if depth < 3 else 4)
    if kind == 0:
        return dice.below(100000)
    if kind == 1:
        return dice.sentence() if dice.chance(30) else dice.name()
    if kind == 2:
        return dice.chance(50)
    if kind == 3:
        return dice.below(100000) / 100
    if kind == 4:
        return many(dice, 1, 5, lambda: json_value(dice, depth + 1))
    return {dice.name(): json_value(dice, depth + 1) for _ in range(dice.within(2, 6))}


def make_json(dice):
    value = {dice.name(): json_value(dice) for _ in range(dice.within(3, 12))}
    return json.dumps(value, indent=dice.pick([None, 2, 4]))


def make_csv(dice):
    columns = dice.within(3, 8)
    mark = dice.pick(",,,;")
    lines = [mark.join(dice.name() for _ in range(columns))] if dice.chance(80) else []
    for _ in range(dice.within(8, 60)):
        lines.append(mark.join(dice.pick([dice.number(), dice.name()]) for _ in range(columns)))
    return "\n".join(lines) + "\n"


def element(dice, depth):
    tag = dice.pick(WORDS)
    attributes = "".join(f' {dice.pick(WORDS)}="{dice.number()}"' for _ in range(dice.below(3)))
    pad = "  " * depth
    if depth > 3 or dice.chance(40):
        return f"{pad}<{tag}{attributes}>{dice.sentence()}</{tag}>"
    inner = "\n".join(many(dice, 1, 4, lambda: element(dice, depth + 1)))
    return f"{pad}<{tag}{attributes}>\n{inner}\n{pad}</{tag}>"


def make_xml(dice):
    head = '<?xml version="1.0" encoding="UTF-8"?>\n' if dice.chance(85) else ""
    root = dice.pick(WORDS)
    inner = "\n".join(many(dice, 3, 8, lambda: element(dice, 1)))
    return f'{head}<{root} xmlns="http://example.org/{dice.name()}">\n{inner}\n</{root}>\n'


def make_html(dice):
    head = "<!DOCTYPE html>\n" if dice.chance(70) else ""
    rows = []
    for _ in range(dice.within(5, 20)):
        tag = dice.pick(["p", "p", "h2", "div", "li", "span", "td"])
        style = f' class="{dice.name()}"' if dice.chance(50) else ""
        link = f' <a href="/{dice.name()}.html">{dice.pick(WORDS)}</a>' if dice.chance(40) else ""
        rows.append(f"  <{tag}{style}>{dice.sentence()}{link}</{tag}>")
    body = "\n".join(rows)
    title = dice.sentence()
    return (
        f"{head}<html>\n<head>\n<title>{title}</title>\n"
        f'<link rel="stylesheet" href="{dice.name()}.css">\n</head>\n<body>\n{body}\n</body>\n</html>\n'
    )


def make_python(dice):
    lines = [f"import {dice.pick(['os', 'sys', 'json', 're', 'math'])}" for _ in range(dice.below(3) + 1)]
    for _ in range(dice.within(2, 6)):
        a, b, name = dice.pick(WORDS), dice.pick(WORDS), dice.name()
        lines += ["", "", f"def {name}({a}, {b}=None):"]
        if dice.chance(50):
            lines.append(f'    """{dice.sentence()}"""')
        for _ in range(dice.within(2, 6)):
            lines.append(
                dice.pick(
                    [
                        f"    {dice.name()} = {a}[{dice.below(9)}]",
                        f"    for {b} in range({dice.below(99)}):\n        print({b})",
                        f"    if not {a}:\n        raise ValueError('{dice.name()}')",
                        f"    self.{dice.name()} = len({a}) + {dice.number()}",
                    ]
                )
            )
        lines.append(f"    return {a}")
    return "\n".join(lines) + "\n"


def make_c(dice):
    lines = [f"#include <{dice.pick(['stdio', 'stdlib', 'string', 'stdint'])}.h>" for _ in range(dice.below(3) + 1)]
    for _ in range(dice.within(2, 6)):
        name, a = dice.name(), dice.pick(WORDS)
        lines += ["", f"{dice.pick(['static int', 'void', 'int', 'char *'])} {name}(const char *{a}, size_t n)", "{"]
        for _ in range(dice.within(2, 6)):
            lines.append(
                dice.pick(
                    [
                        f"    int {dice.name()} = {dice.below(999)};",
                        f"    for (size_t i = 0; i < n; i++) {{\n        {a}[i] = 0;\n    }}",
                        f"    if ({a} == NULL) {{\n        return -1;\n    }}",
                        f'    printf("%s\\n", {a});',
                        f"    struct {dice.name()} *p = malloc(sizeof(*p));",
                    ]
                )
            )
        lines += ["    return 0;", "}"]
    return "\n".join(lines) + "\n"


def make_java(dice):
    name = dice.pick(WORDS).capitalize()
    lines = [f"package org.example.{dice.pick(WORDS)};", "", "import java.util.List;", "", f"public class {name} {{"]
    for _ in range(dice.within(2, 6)):
        a = dice.pick(WORDS)
        lines += [
            f"    private final {dice.pick(['int', 'String', 'List<String>'])} {a};",
            "",
            f"    public {dice.pick(['void', 'int', 'String'])} get{a.capitalize()}(String {dice.pick(WORDS)}) {{",
            f"        System.out.println(\"{dice.name()}\");",
            f"        return this.{a};",
            "    }",
            "",
        ]
    return "\n".join(lines + ["}"]) + "\n"


def make_javascript(dice):
    lines = ["'use strict';"] if dice.chance(50) else []
    lines.append(f"const {dice.pick(WORDS)} = require('{dice.pick(WORDS)}');")
    for _ in range(dice.within(2, 7)):
        a, b = dice.pick(WORDS), dice.pick(WORDS)
        lines.append(
            dice.pick(
                [
                    f"function {dice.name()}({a}, {b}) {{\n  return {a}.{b} === undefined ? null : {a};\n}}",
                    f"const {a} = async ({b}) => {{\n  await {b}.then((x) => console.log(x));\n}};",
                    f"document.getElementById('{a}').addEventListener('click', function (e) {{\n  let {b} = e.target;\n}});",
                    f"module.exports.{a} = {{ {b}: {dice.below(99)} }};",
                ]
            )
        )
    return "\n".join(lines) + "\n"


def make_markdown(dice):
    lines = [f"# {dice.sentence()}", ""]
    for _ in range(dice.within(3, 9)):
        lines.append(
            dice.pick(
                [
                    f"## {dice.pick(WORDS).capitalize()}\n",
                    dice.sentence() + " " + dice.sentence() + "\n",
                    "\n".join(many(dice, 2, 5, lambda: f"- **{dice.pick(WORDS)}**: {dice.sentence()}")) + "\n",
                    f"```sh\n{dice.pick(WORDS)} --{dice.pick(WORDS)}\n```\n",
                    f"See [{dice.pick(WORDS)}](https://example.org/{dice.name()}).\n",
                ]
            )
        )
    return "\n".join(lines)


def make_yaml(dice):
    lines = ["---"] if dice.chance(40) else []
    for _ in range(dice.within(3, 9)):
        lines.append(f"{dice.name()}:")
        for _ in range(dice.within(1, 5)):
            lines.append(
                dice.pick(
                    [
                        f"  {dice.name()}: {dice.number()}",
                        f"  - {dice.name()}",
                        f"  {dice.name()}: \"{dice.sentence()}\"",
                        f"  {dice.name()}: {dice.pick(['true', 'false', 'null'])}",
                    ]
                )
            )
    return "\n".join(lines) + "\n"


def make_ini(dice):
    lines = []
    for _ in range(dice.within(2, 6)):
        lines.append(f"[{dice.name()}]")
        if dice.chance(30):
            lines.append(f"; {dice.sentence()}")
        lines += many(dice, 2, 7, lambda: f"{dice.name()} = {dice.pick([dice.number(), dice.name(), 'yes'])}")
        lines.append("")
    return "\n".join(lines)


def make_sql(dice):
    lines = []
    for _ in range(dice.within(3, 9)):
        table, a, b = dice.name(), dice.pick(WORDS), dice.pick(WORDS)
        lines.append(
            dice.pick(
                [
                    f"CREATE TABLE {table} (\n  id INTEGER PRIMARY KEY,\n  {a} VARCHAR({dice.below(255)}) NOT NULL,\n  {b} TIMESTAMP\n);",
                    f"INSERT INTO {table} ({a}, {b}) VALUES ({dice.number()}, '{dice.name()}');",
                    f"SELECT {a}, COUNT(*) FROM {table} WHERE {b} > {dice.number()} GROUP BY {a} ORDER BY {a};",
                    f"UPDATE {table} SET {a} = '{dice.name()}' WHERE id = {dice.below(999)};",
                ]
            )
        )
    return "\n".join(lines) + "\n"


def make_shell(dice):
    lines = [dice.pick(["#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env bash"])] if dice.chance(85) else []
    lines += ["set -e"] if dice.chance(50) else []
    for _ in range(dice.within(4, 12)):
        a = dice.pick(WORDS)
        lines.append(
            dice.pick(
                [
                    f'{a.upper()}="${{1:-{dice.number()}}}"',
                    f'if [ ! -d "${a.upper()}" ]; then\n  mkdir -p "${a.upper()}"\nfi',
                    f"for {a} in *.txt; do\n  echo \"${a}\"\ndone",
                    f"grep -r '{a}' . | sort | uniq -c > /tmp/{dice.name()}",
                    f"{a}() {{\n  echo \"{dice.sentence()}\" >&2\n}}",
                ]
            )
        )
    return "\n".join(lines) + "\n"


def make_css(dice):
    def rule():
        names = ", ".join(many(dice, 1, 2, lambda: dice.pick([".", "#", ""]) + dice.pick(WORDS)))
        inner = many(
            dice,
            2,
            6,
            lambda: "  "
            + dice.pick(
                [
                    f"color: #{dice.below(0xFFFFFF):06x};",
                    f"margin: {dice.below(40)}px {dice.below(40)}px;",
                    f"font-size: {dice.within(8, 40)}px;",
                    "display: flex;",
                    f"background: url({dice.name()}.png) no-repeat;",
                    f"width: {dice.below(100)}%;",
                ]
            ),
        )
        return f"{names} {{\n" + "\n".join(inner) + "\n}\n"

    return "\n".join(many(dice, 4, 14, rule))


def stored(data):
    """A zlib stream without compression: the same bytes from every zlib."""
    parts = [b"\x78\x01"]
    blocks = [data[at : at + 65535] for at in range(0, len(data), 65535)] or [b""]
    for index, block in enumerate(blocks):
        last = index == len(blocks) - 1
        parts.append(struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block)
    return b"".join(parts) + struct.pack(">I", zlib.adler32(data))


def make_png(dice):
    width, height = dice.within(8, 64), dice.within(8, 64)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + dice.noise(3 * width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    text = chunk(b"tEXt", b"Comment\0" + dice.sentence().encode()) if dice.chance(40) else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + text + chunk(b"IDAT", stored(rows)) + chunk(b"IEND", b"")


def make_wav(dice):
    rate, samples = dice.pick([8000, 16000, 44100]), dice.within(600, 4000)
    step, level = dice.within(10, 200), dice.within(500, 20000)
    wave = [((i * step) % 2000 - 1000) * level // 1000 for i in range(samples)]
    data = struct.pack(f"<{samples}h", *wave)
    head = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def make_zip(dice):
    files, directory, offset = [], [], 0
    for _ in range(dice.within(1, 4)):
        name = f"{dice.name()}.{dice.pick(['txt', 'dat', 'md'])}".encode()
        data = dice.sentence().encode() * dice.within(1, 9) if dice.chance(50) else dice.noise(dice.within(50, 800))
        common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
        entry = b"PK\x03\x04" + common + name + data
        directory.append(b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, offset) + name)
        files.append(entry)
        offset += len(entry)
    index = b"".join(directory)
    count = len(files)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(index), offset, 0)
    return b"".join(files) + index + b"PK\x05\x06" + end


def make_pdf(dice):
    text = f"BT /F1 12 Tf 72 {dice.within(200, 700)} Td ({dice.sentence()}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
    ]
    out, places = f"%PDF-1.{dice.within(3, 7)}\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return out + f"xref\n0 5\n0000000000 65535 f \n{table}trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"


MAKERS = {
    "json": make_json,
    "csv": make_csv,
    "xml": make_xml,
    "html": make_html,
    "python": make_python,
    "c": make_c,
    "java": make_java,
    "javascript": make_javascript,
    "markdown": make_markdown,
    "yaml": make_yaml,
    "ini": make_ini,
    "sql": make_sql,
    "shell": make_shell,
    "css": make_css,
    "png": make_png,
    "wav": make_wav,
    "zip": make_zip,
    "pdf": make_pdf,
}


# How types that have comments write them.
COMMENTS = {
    "xml": "<!-- {} -->",
    "html": "<!-- {} -->",
    "python": "# {}",
    "c": "/* {} */",
    "java": "/* {} */",
    "javascript": "/* {} */",
    "markdown": "{}\n",
    "yaml": "# {}",
    "ini": "# {}",
    "sql": "/* {} */",
    "shell": "# {}",
    "css": "/* {} */",
}


def headed(dice, kind, content):
    """With comments at the head more often than not, so that the first bytes don't tell the type."""
    mark = COMMENTS.get(kind)
    if mark is None or not dice.chance(65):
        return content
    head = "".join(mark.format(dice.sentence()) + "\n" for _ in range(dice.within(1, 4)))
    first, line, rest = content.partition("\n")
    if first.startswith(("#!", "<?xml")):
        return first + line + head + rest
    return head + content


def features(content):
    """What magika is given of a file."""
    first = content[: 4 * HALF].lstrip(BLANKS)[:HALF]
    last = content[-4 * HALF :].rstrip(BLANKS)[-HALF:]
    fill = [PADDING] * HALF
    return (list(first) + fill)[:HALF] + (fill + list(last))[-HALF:]


def item(seed, index):
    dice = Dice(hashlib.sha256(seed + struct.pack("<Q", index)).digest())
    kind = dice.pick(list(MAKERS))
    content = headed(dice, kind, MAKERS[kind](dice))
    content = content.encode() if isinstance(content, str) else content
    return {"inputs": {"bytes": features(content)}, "truth": CLASSES[kind]}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        seed = bytes.fromhex(request["seed"])
        items = [item(seed, index) for index in range(request["count"])]
        print(json.dumps({"items": items}, separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main()
