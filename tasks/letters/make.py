#!/usr/bin/env python3
"""Makes the example models of the `letters` task, and measures them.

    make.py             train, export and measure the models below this folder
    make.py --check     re-measure the committed models and compare
    make.py --near      how alike models of one kind err, and a model whose answers are passed on changed

Models are trained on images of the task's own generator, under a seed that no network has, and measured
on others. All seeds are fixed and every library runs on one thread, so that a second run on the same
machine writes the same bytes.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import generate

FOLDER = Path(__file__).resolve().parent
MODELS = FOLDER / "models"
HELDOUT = MODELS / "heldout.json"

SEED = 0
TRAINING = 20000
HELD_OUT = 5000
WIDTH = generate.SIZE * generate.SIZE
OPSET = 15


def items(purpose, count):
    """Images and letters under a seed that is named."""
    seed = hashlib.sha256(f"assay letters {purpose}".encode()).digest()
    drawn = [generate.item(seed, index) for index in range(count)]
    rows = np.array([item["inputs"]["image"] for item in drawn], dtype=np.float32)
    return rows, np.array([item["truth"] for item in drawn])


def network(*layers):
    network = MLPClassifier(layers, alpha=1e-3, max_iter=40, early_stopping=True, random_state=SEED)
    return make_pipeline(StandardScaler(), network)


def estimators():
    """The models by name, from the weakest to the strongest."""
    return {
        "tree-8": DecisionTreeClassifier(max_depth=8, random_state=SEED),
        "naive-bayes": GaussianNB(),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300)),
        "mlp-32": network(32),
        "mlp-256": network(256),
        "mlp-256-64": network(256, 64),
    }


def export(estimator, name):
    """One ONNX file with the task's interface; its folder layout is that of a model repository."""
    model = to_onnx(
        estimator,
        initial_types=[("image", FloatTensorType([None, WIDTH]))],
        options={id(estimator): {"zipmap": False}},
        target_opset={"": OPSET, "ai.onnx.ml": 3},
    )
    old = model.graph.output[1].name
    for node in model.graph.node:
        node.output[:] = ["probabilities" if output == old else output for output in node.output]
        node.input[:] = ["probabilities" if given == old else given for given in node.input]
    model.graph.output[1].name = "probabilities"
    # The exporter names the graph at random and lists the operator sets in no fixed order.
    model.graph.name = f"letters-{name}"
    operators = sorted(model.opset_import, key=lambda operator: operator.domain)
    del model.opset_import[:]
    model.opset_import.extend(operators)
    path = MODELS / name / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())


def measure(names):
    """Accuracy and size of each written model on fresh images."""
    rows, truth = items("held out", HELD_OUT)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    models = {}
    for name in names:
        path = MODELS / name / "1" / "model.onnx"
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        right = int((session.run(["probabilities"], {"image": rows})[0].argmax(axis=1) == truth).sum())
        models[name] = {
            "accuracy": round(right / HELD_OUT, 4),
            "correct": right,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size": path.stat().st_size,
        }
    return {"samples": HELD_OUT, "models": models}


def make():
    rows, truth = items("training", TRAINING)
    for name, estimator in estimators().items():
        estimator.fit(rows, truth)
        export(estimator, name)
    measured = measure(estimators())
    HELDOUT.write_text(json.dumps(measured, indent=2) + "\n")
    for name, model in measured["models"].items():
        print(f"{name:12} {model['accuracy']:.4f} {model['size']:8} bytes")
    # What it is worth to know many images by heart: the letter of the nearest of them.
    nearest = KNeighborsClassifier(1, algorithm="brute").fit(rows, truth)
    fresh, due = items("held out", HELD_OUT)
    print(f"nearest of {TRAINING} known images: {nearest.score(fresh, due):.4f}")


def check():
    """Fails when a committed file is not what `heldout.json` says it is."""
    stated = json.loads(HELDOUT.read_text())
    measured = measure(stated["models"])
    if measured != stated:
        sys.exit(f"heldout.json states {stated}, measured is {measured}")
    print(f"{len(stated['models'])} models as stated")


def alike(one, other, truth):
    """Of two sets of probabilities: how their errors correlate, and how often both name the same wrong letter
    where either is wrong."""
    due = np.eye(one.shape[1])[truth]
    errors = np.corrcoef((one - due).ravel(), (other - due).ravel())[0, 1]
    first, second = one.argmax(axis=1), other.argmax(axis=1)
    wrong = (first != truth) | (second != truth)
    return f"errors correlate by {errors:.3f}, the same wrong letter on {(first == second)[wrong].mean():.3f} of those"


def near():
    """What a comparison of errors can tell apart."""
    fresh, due = items("held out", HELD_OUT)
    answers = []
    for seed, purpose in ((0, "training"), (1, "training"), (2, "other training")):
        rows, truth = items(purpose, TRAINING)
        model = MLPClassifier((256, 64), alpha=1e-3, max_iter=40, early_stopping=True, random_state=seed)
        answers.append(make_pipeline(StandardScaler(), model).fit(rows, truth).predict_proba(fresh))
        print(f"network with seed {seed} on `{purpose}`: {(answers[-1].argmax(axis=1) == due).mean():.4f}")
    for at, one in enumerate(answers):
        for other in answers[:at]:
            print(f"two honest models: {alike(one, other, due)}")
    original = answers[0]
    draws = np.random.default_rng(SEED)
    for size in (0.01, 0.1, 0.2, 0.3, 0.5):
        relayed = original + draws.uniform(-size, size, original.shape)
        right = (relayed.argmax(axis=1) == due).mean()
        print(f"passed on, changed by up to {size}: {right:.4f} right, {alike(original, relayed, due)}")
    for other in answers[1:]:
        mean = (original + other) / 2
        right = (mean.argmax(axis=1) == due).mean()
        print(f"mean of two honest models: {right:.4f} right, {alike(original, mean, due)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="re-measure the committed files")
    parser.add_argument("--near", action="store_true", help="how alike models of one kind err")
    chosen = parser.parse_args()
    check() if chosen.check else near() if chosen.near else make()
