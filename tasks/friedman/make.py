#!/usr/bin/env python3
"""Makes the example models of the `friedman` task, and measures them.

    make.py             train, export and measure the models below this folder
    make.py --check     re-measure the committed models and compare
    make.py --near      how near models of one kind come to each other, and what it is worth to know many items

Models are trained on scikit-learn's `make_friedman1` with noise 1 and measured without noise, as the
validator asks. All seeds are fixed and every library runs on one thread, so that a second run writes
the same bytes.
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
from sklearn.datasets import make_friedman1
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

FOLDER = Path(__file__).resolve().parent
MODELS = FOLDER / "models"
HELDOUT = MODELS / "heldout.json"

SEED = 0
TRAINING = 4000
HELD_OUT = 20000
TOLERANCE = 2.0
OPSET = 15


def estimators():
    """The models by name, from the weakest to the strongest."""
    return {
        "stump": DecisionTreeRegressor(max_depth=1, random_state=SEED),
        "tree-3": DecisionTreeRegressor(max_depth=3, random_state=SEED),
        "ridge": Ridge(),
        "tree-8": DecisionTreeRegressor(max_depth=8, random_state=SEED),
        "boosting": GradientBoostingRegressor(n_estimators=300, max_depth=3, random_state=SEED),
    }


def score(truth, answers):
    """The validator's rule."""
    return float(np.mean(1 / (1 + ((truth - answers) / TOLERANCE) ** 2)))


def export(estimator, name):
    """One ONNX file with the task's interface; its folder layout is that of a model repository."""
    model = to_onnx(
        estimator,
        initial_types=[("X", FloatTensorType([None, 10]))],
        target_opset={"": OPSET, "ai.onnx.ml": 3},
    )
    old = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["y" if output == old else output for output in node.output]
    model.graph.output[0].name = "y"
    # The exporter names the graph at random and lists the operator sets in no fixed order.
    model.graph.name = f"friedman-{name}"
    operators = sorted(model.opset_import, key=lambda operator: operator.domain)
    del model.opset_import[:]
    model.opset_import.extend(operators)
    path = MODELS / name / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())


def measure(names):
    """Mean score, R² and size of each written model on fresh items."""
    rows, truth = make_friedman1(HELD_OUT, noise=0.0, random_state=SEED + 1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    models = {}
    for name in names:
        path = MODELS / name / "1" / "model.onnx"
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        answers = session.run(["y"], {"X": rows.astype(np.float32)})[0][:, 0]
        models[name] = {
            # The name under which the local network looks for it: the mean score.
            "accuracy": round(score(truth, answers), 4),
            "r2": round(float(r2_score(truth, answers)), 4),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size": path.stat().st_size,
        }
    constants = np.linspace(truth.min(), truth.max(), 400)
    chance = max(score(truth, constant) for constant in constants)
    return {"samples": HELD_OUT, "chance": round(chance, 4), "models": models}


def make():
    rows, truth = make_friedman1(TRAINING, noise=1.0, random_state=SEED)
    for name, estimator in estimators().items():
        estimator.fit(rows.astype(np.float32), truth)
        export(estimator, name)
    measured = measure(estimators())
    HELDOUT.write_text(json.dumps(measured, indent=2) + "\n")
    print(f"best constant {measured['chance']}")
    for name, model in measured["models"].items():
        print(f"{name:10} {model['accuracy']:.4f} R² {model['r2']:.3f} {model['size']:7} bytes")


def check():
    """Fails when a committed file is not what `heldout.json` says it is."""
    stated = json.loads(HELDOUT.read_text())
    measured = measure(stated["models"])
    if measured != stated:
        sys.exit(f"heldout.json states {stated}, measured is {measured}")
    print(f"{len(stated['models'])} models as stated")


def blurred(answers, truth, skill):
    """How alike the errors of honest models are, and those of one whose answers are passed on changed."""
    alike = lambda one, other: float(np.corrcoef(one - truth, other - truth)[0, 1])
    for at, one in enumerate(answers):
        for other in answers[:at]:
            print(f"errors of two honest models: correlation {alike(one, other):.3f}")
    original, honest = answers[0], skill(answers[0])
    draws = np.random.default_rng(SEED)
    for size in (0.02, 0.1, 0.3, 0.5, 0.8, 1.0, 1.5, 3.0):
        relayed = original + draws.uniform(-size, size, original.shape)
        worth = skill(relayed) / honest
        print(f"passed on, changed by up to {size}: correlation {alike(original, relayed):.3f}, earns {worth:.3f}")
    for at, other in enumerate(answers[1:], 1):
        mean = (original + other) / 2
        worth = skill(mean) / honest
        print(f"mean of two honest models: correlation {alike(original, mean):.3f}, earns {worth:.3f}")


def near():
    """What the tolerance of the probes rests on, and what learning by heart earns."""
    fresh, truth = make_friedman1(HELD_OUT, noise=0.0, random_state=SEED + 1)
    chance = json.loads(HELDOUT.read_text())["chance"]
    skill = lambda answers: (score(truth, answers) - chance) / (1 - chance)
    answers = []
    for seed, data in ((0, 0), (1, 0), (0, 5), (3, 6)):
        rows, known = make_friedman1(TRAINING, noise=1.0, random_state=data)
        part = 0.8 if seed else 1.0
        model = GradientBoostingRegressor(n_estimators=300, max_depth=3, random_state=seed, subsample=part)
        answers.append(model.fit(rows.astype(np.float32), known).predict(fresh.astype(np.float32)))
        print(f"boosting with seed {seed} on rows {data}: skill {skill(answers[-1]):.3f}")
    for at, one in enumerate(answers):
        for other in answers[:at]:
            apart = np.abs(one - other)
            within = (apart < 0.1).mean()
            print(f"apart {np.sqrt((apart**2).mean()):.3f} (root mean square), within 0.1 on {within:.3f} of items")
    blurred(answers, truth, skill)
    rows, known = make_friedman1(20000, noise=0.0, random_state=7)
    for count in (1, 5):
        nearest = KNeighborsRegressor(count).fit(rows, known).predict(fresh)
        print(f"mean of the nearest {count} of 20000 known items: skill {skill(nearest):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="re-measure the committed files")
    parser.add_argument("--near", action="store_true", help="how near models come to each other")
    chosen = parser.parse_args()
    check() if chosen.check else near() if chosen.near else make()
