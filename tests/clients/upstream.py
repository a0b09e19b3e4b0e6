"""A miner before a server that others wrote: MLServer runs the model, the miner does the rest.

Usage: upstream.py MINER, with a Python that has MLServer, onnxruntime and numpy. MINER is the
program. `cargo xtask test --clients` installs what it takes and runs this.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
ARTIFACT = ROOT / "tasks/digits/models/mlp-64/1/model.onnx"
SERVER = ROOT / "xtask/bench/server.py"


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def ask(url, body=None):
    """The status and the answer."""
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def until(what, holds):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"within 60 s it did not happen: {what}")


def start_mlserver(port):
    environment = {
        **os.environ,
        "PYTHONPATH": str(SERVER.parent),
        "BENCH_OUTPUTS": "",
        "OMP_NUM_THREADS": "1",
    }
    server = subprocess.Popen(
        [sys.executable, str(SERVER), "mlserver", str(ARTIFACT), str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ready = f"http://127.0.0.1:{port}/v2/models/model/ready"
    until("MLServer is ready", lambda: ask_status(ready) == 200)
    return server


def ask_status(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def configuration(folder, port, upstream):
    config = Path(folder, "miner.toml")
    config.write_text(
        f"""
backend = "upstream"
state = {json.dumps(str(Path(folder, "state")))}
listen = "127.0.0.1:{port}"
admission = "public"
hotkey = {{ suri = "//Bob" }}
[upstream]
url = "http://127.0.0.1:{upstream}"
probe_seconds = 1
[[upstream.models]]
name = "digits"
upstream_name = "model"
artifact = {json.dumps(str(ARTIFACT))}
inputs = [{{ name = "X", datatype = "FP32", shape = [-1, 64] }}]
outputs = [
    {{ name = "label", datatype = "INT64", shape = [-1] }},
    {{ name = "probabilities", datatype = "FP32", shape = [-1, 10] }},
]
"""
    )
    return str(config)


def check_answers(miner):
    table = np.loadtxt(ROOT / "tasks/digits/benchmark/heldout.csv", delimiter=",", skiprows=1)
    pixels, expected = table[:32, :-1], table[:32, -1]
    tensor = {"name": "X", "datatype": "FP32", "shape": [32, 64], "data": pixels.ravel().tolist()}
    status, answer = ask(f"{miner}/v2/models/digits/infer", {"id": "7", "inputs": [tensor]})
    assert status == 200, answer
    assert (answer["id"], answer["model_name"]) == ("7", "digits"), answer
    outputs = {output["name"]: output for output in answer["outputs"]}
    labels = np.array(outputs["label"]["data"])
    assert (labels == expected).mean() > 0.9, labels
    assert outputs["probabilities"]["shape"] == [32, 10], outputs
    # With an output named, and parameters of every kind, as clients of MLServer send them.
    typed = {**tensor, "parameters": {"content_type": "np"}}
    label = {"name": "label", "parameters": {"content_type": "np", "binary_data": False}}
    query = {"inputs": [typed], "outputs": [label], "parameters": {"temperature": 0.2, "priority": 1}}
    status, answer = ask(f"{miner}/v2/models/digits/infer", query)
    assert status == 200, answer
    assert [(it["name"], it["data"]) for it in answer["outputs"]] == [("label", labels.tolist())], answer
    narrow = {"name": "X", "datatype": "FP32", "shape": [1, 63], "data": [0] * 63}
    status, answer = ask(f"{miner}/v2/models/digits/infer", {"inputs": [narrow]})
    assert status == 400 and "[-1, 64]" in answer["error"], answer


def check_absence(miner):
    tensor = {"name": "X", "datatype": "FP32", "shape": [1, 64], "data": [0] * 64}
    status, answer = ask(f"{miner}/v2/models/digits/infer", {"inputs": [tensor]})
    assert status == 503, (status, answer)
    until("the miner says that it is not ready", lambda: ask_status(f"{miner}/v2/health/ready") == 503)
    assert ask_status(f"{miner}/v2/health/live") == 200


def main():
    if len(sys.argv) != 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit(__doc__)
    upstream, port = free_port(), free_port()
    miner = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        server = start_mlserver(upstream)
        config = configuration(folder, port, upstream)
        program = subprocess.Popen([sys.argv[1], "--config", config])
        try:
            ready = f"{miner}/v2/health/ready"
            until("the miner is ready", lambda: ask_status(ready) == 200)
            check_answers(miner)
            stop(server)
            check_absence(miner)
            server = start_mlserver(upstream)
            until("the miner is ready again", lambda: ask_status(ready) == 200)
            check_answers(miner)
        finally:
            stop(program)
            stop(server)
    print("upstream: ok")


main()
