"""ONNX Runtime's own Python in a loop: `bare.py PROVIDER MODEL BODY OUTPUTS CONCURRENCY SECONDS`.

It prints what `miner/examples/load` prints. As many threads as there are to be callers share one
session, which its documentation allows, and run the query as often as they can.
"""

import json
import sys
import threading
import time

import numpy as np
import onnxruntime as ort

TYPES = {"FP32": np.float32, "INT64": np.int64}


def session(provider, model):
    opened = ort.InferenceSession(model, providers=[provider])
    # Where a provider does not load, another one is taken without a word.
    used = opened.get_providers()[0]
    if used != provider:
        raise SystemExit(f"the model runs on {used}, not on {provider}")
    return opened


def run_again(model, outputs, inputs, since, until, took, runs):
    while (started := time.monotonic()) < until:
        model.run(outputs, inputs)
        ended = time.monotonic()
        runs.append(1)
        if since <= ended <= until:
            took.append((ended - started) * 1000)


def main(provider, model, body, outputs, concurrency, seconds):
    with open(body) as file:
        query = json.load(file)
    inputs = {
        it["name"]: np.asarray(it["data"], TYPES[it["datatype"]]).reshape(it["shape"])
        for it in query["inputs"]
    }
    model, outputs = session(provider, model), outputs.split(",") if outputs else None
    model.run(outputs, inputs)
    seconds, took, runs = float(seconds), [], []
    before = time.process_time()
    since = time.monotonic() + seconds / 5
    callers = [
        threading.Thread(
            target=run_again,
            args=(model, outputs, inputs, since, since + seconds, took, runs),
        )
        for _ in range(int(concurrency))
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    processor = (time.process_time() - before) * 1000
    took.sort()
    # Where all that was answered took longer than what counts, there are no times.
    at = lambda share: took[min(int(len(took) * share), len(took) - 1)] if took else 0.0
    print(
        json.dumps(
            {
                "per_second": len(took) / seconds,
                "median_ms": at(0.5),
                "p99_ms": at(0.99),
                "runs": len(runs),
                "processor_ms": processor,
                "client_ms": 0.0,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
