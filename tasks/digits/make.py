#!/usr/bin/env python3
"""Makes the files of the `digits` task: the benchmark split and the example models.

    make.py             train, export and measure everything, and write it below this folder
    make.py --check     re-measure the committed models on the committed split and compare
    make.py --measure   print what the query variation costs honest models and look-up tables

Every model is trained on the training part alone: the benchmark split is cut off first, and the
accuracy stated for a model is that of its written file under ONNX Runtime, not of the estimator
in memory. All seeds are fixed and every library runs on one thread, so that a second run writes
the same bytes.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import warnings
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

FOLDER = Path(__file__).resolve().parent
MODELS = FOLDER / "models"
HELDOUT = MODELS / "heldout.json"
BENCHMARK = FOLDER / "benchmark" / "heldout.csv"
TASK = FOLDER / "task.toml"

# Of scikit-learn and its dependencies: what will be renamed in later versions than the pinned ones.
warnings.filterwarnings("ignore", category=FutureWarning)

SEED = 0
BENCHMARK_SHARE = 0.4
PIXELS = 64
INK = 16
# The ONNX operator set that every runtime of the last years reads.
OPSET = 15


def estimators():
    """The models by name, from the weakest to the strongest."""
    return {
        "tree-3": DecisionTreeClassifier(max_depth=3, random_state=SEED),
        "tree-6": DecisionTreeClassifier(max_depth=6, random_state=SEED),
        "naive-bayes": GaussianNB(),
        "mlp-64": MLPClassifier((64,), max_iter=500, random_state=SEED),
        "logistic": LogisticRegression(C=0.01, max_iter=5000),
        "knn-3": KNeighborsClassifier(3),
        # A support vector machine has no probabilities of its own; the calibration gives it some.
        "svc": CalibratedClassifierCV(SVC(gamma=0.001, C=10), ensemble=False),
    }


def split():
    """Training rows, benchmark rows, and their labels."""
    rows, labels = load_digits(return_X_y=True)
    return train_test_split(
        rows.astype(np.float32),
        labels,
        test_size=BENCHMARK_SHARE,
        stratify=labels,
        random_state=SEED,
    )


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def export(estimator, name):
    """One ONNX file with the task's interface; its folder layout is that of a model repository."""
    model = to_onnx(
        estimator,
        initial_types=[("X", FloatTensorType([None, PIXELS]))],
        options={id(estimator): {"zipmap": False}},
        target_opset={"": OPSET, "ai.onnx.ml": 3},
    )
    # The exporter names the graph at random and lists the operator sets in no fixed order.
    model.graph.name = f"digits-{name}"
    operators = sorted(model.opset_import, key=lambda operator: operator.domain)
    del model.opset_import[:]
    model.opset_import.extend(operators)
    path = MODELS / name / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())


def session(name):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = MODELS / name / "1" / "model.onnx"
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def predict(model, rows):
    label, probabilities = model.run(["label", "probabilities"], {"X": rows})
    if label.dtype != np.int64 or label.shape != (len(rows),):
        sys.exit(f"`label` has type {label.dtype} and shape {label.shape}")
    if probabilities.dtype != np.float32 or probabilities.shape != (len(rows), 10):
        sys.exit(f"`probabilities` has type {probabilities.dtype} and shape {probabilities.shape}")
    return label


def measure_heldout(names, rows, labels):
    """What `heldout.json` holds: the accuracy of each written file on the benchmark split."""
    models = {}
    for name in names:
        path = MODELS / name / "1" / "model.onnx"
        correct = int((predict(session(name), rows) == labels).sum())
        models[name] = {
            "accuracy": round(correct / len(labels), 4),
            "correct": correct,
            "sha256": sha256(path),
            "size": path.stat().st_size,
        }
    return {"samples": len(labels), "models": models}


def write_benchmark(rows, labels):
    BENCHMARK.parent.mkdir(exist_ok=True)
    header = ",".join([f"p{pixel}" for pixel in range(PIXELS)] + ["label"])
    lines = [header]
    for row, label in zip(rows.astype(int), labels):
        lines.append(",".join(map(str, [*row, label])))
    BENCHMARK.write_text("\n".join(lines) + "\n")


def read_benchmark():
    table = np.loadtxt(BENCHMARK, delimiter=",", skiprows=1)
    return table[:, :PIXELS].astype(np.float32), table[:, PIXELS].astype(int)


def pin_benchmark():
    """Writes the digest and the size of the benchmark file into `task.toml`."""
    text = TASK.read_text()
    text = re.sub(r'(?m)^sha256 = ".*"$', f'sha256 = "{sha256(BENCHMARK)}"', text)
    text = re.sub(r"(?m)^size = \d+$", f"size = {BENCHMARK.stat().st_size}", text)
    TASK.write_text(text)


def make():
    training, benchmark, training_labels, benchmark_labels = split()
    write_benchmark(benchmark, benchmark_labels)
    pin_benchmark()
    named = estimators()
    for name, estimator in named.items():
        estimator.fit(training, training_labels)
        export(estimator, name)
    heldout = measure_heldout(named, benchmark, benchmark_labels)
    HELDOUT.write_text(json.dumps(heldout, indent=2) + "\n")
    for name, model in heldout["models"].items():
        print(f"{name:12} {model['accuracy']:.4f}  {model['size']:7} bytes")


def check():
    """Fails when a committed file is not what `heldout.json` and `task.toml` say it is."""
    stated = json.loads(HELDOUT.read_text())
    rows, labels = read_benchmark()
    measured = measure_heldout(stated["models"], rows, labels)
    if measured != stated:
        sys.exit(f"heldout.json states {stated}, measured is {measured}")
    if f'sha256 = "{sha256(BENCHMARK)}"' not in TASK.read_text():
        sys.exit("task.toml names another digest than that of benchmark/heldout.csv")
    training, benchmark, _, _ = split()
    if not np.array_equal(rows, benchmark):
        sys.exit("benchmark/heldout.csv is not the split that the models were kept away from")
    shared = {row.tobytes() for row in training} & {row.tobytes() for row in benchmark}
    print(f"{len(stated['models'])} models as stated; rows in both splits: {len(shared)}")


def vary(rows, amplitude, random):
    """The task's variation: whole steps on inked pixels only; the background stays as it is."""
    noise = random.integers(-amplitude, amplitude + 1, rows.shape)
    return np.where(rows > 0, np.clip(rows + noise, 0, INK), 0).astype(np.float32)


# How a miner who stored the public rows might find one again without searching all of them.
LOOKUPS = {
    "look-up: exact row": lambda row: row.tobytes(),
    "look-up: inked pixels": lambda row: (row > 0).tobytes(),
    "look-up: dark pixels": lambda row: (row > 8).tobytes(),
    "look-up: 4 steps": lambda row: (row // 4).tobytes(),
}


def measure(repeats=20):
    """Accuracy by amplitude of the variation; a look-up that misses guesses at random."""
    names = list(json.loads(HELDOUT.read_text())["models"])
    sessions = {name: session(name) for name in names}
    rows, labels = read_benchmark()
    every_row, every_label = load_digits(return_X_y=True)
    every_row = every_row.astype(np.float32)
    nearest = KNeighborsClassifier(1).fit(every_row, every_label)
    amplitudes = [0, 1, 2, 3, 4]
    table = {}
    for amplitude in amplitudes:
        random = np.random.default_rng(SEED)
        for _ in range(1 if amplitude == 0 else repeats):
            varied = vary(rows, amplitude, random)
            for name in names:
                hits = predict(sessions[name], varied) == labels
                table.setdefault(name, {}).setdefault(amplitude, []).append(hits.mean())
            hits = nearest.predict(varied) == labels
            table.setdefault("1-NN, all rows", {}).setdefault(amplitude, []).append(hits.mean())
            for name, key in LOOKUPS.items():
                stored = {key(row): label for row, label in zip(every_row, every_label)}
                guesses = random.integers(0, 10, len(varied))
                answers = [stored.get(key(row), guess) for row, guess in zip(varied, guesses)]
                hits = np.array(answers) == labels
                table.setdefault(name, {}).setdefault(amplitude, []).append(hits.mean())
    print("| amplitude | " + " | ".join(map(str, amplitudes)) + " |")
    print("| --- |" + " --- |" * len(amplitudes))
    for name, row in table.items():
        print(f"| {name} | " + " | ".join(f"{np.mean(row[a]):.3f}" for a in amplitudes) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="re-measure the committed files")
    mode.add_argument("--measure", action="store_true", help="measure the query variation")
    arguments = parser.parse_args()
    if arguments.check:
        check()
    elif arguments.measure:
        measure()
    else:
        make()


if __name__ == "__main__":
    main()
