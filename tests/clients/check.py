"""Asks a running miner through clients that others wrote, unchanged: tritonclient and kserve.

Usage: check.py MINER, where MINER is the program. It serves the digits task to the public, on a port
of this machine. `cargo xtask test --clients` installs the clients and runs this.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import ml_dtypes
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
MODEL = "mlp-64"
# Gives back what it is given: an input and an output of each type, `in_FP16` and `out_FP16`.
IDENTITY = "identity"
VALUES = {
    "BOOL": np.array([[True, False]]),
    "UINT8": np.array([[0, 255]], np.uint8),
    "UINT16": np.array([[0, 65535]], np.uint16),
    "UINT32": np.array([[0, 2**32 - 1]], np.uint32),
    "UINT64": np.array([[0, 2**64 - 1]], np.uint64),
    "INT8": np.array([[-128, 127]], np.int8),
    "INT16": np.array([[-(2**15), 2**15 - 1]], np.int16),
    "INT32": np.array([[-(2**31), 2**31 - 1]], np.int32),
    "INT64": np.array([[-(2**63), 2**63 - 1]], np.int64),
    "FP16": np.array([[0.5, -65504]], np.float16),
    "BF16": np.array([[0.5, -1.5]], ml_dtypes.bfloat16),
    "FP32": np.array([[0.1, -3e38]], np.float32),
    "FP64": np.array([[0.1, -1e300]], np.float64),
    "BYTES": np.array([["a word".encode(), "zwölf ∑".encode()]], np.object_),
}
# What tritonclient puts into no JSON.
RAW_ONLY = ("FP16", "BF16")
TOKEN = "a token that only this test knows"
CHECKS = {}


def check(function):
    CHECKS[function.__name__] = function
    return function


def heldout():
    """Images of the benchmark, and their labels."""
    table = np.loadtxt(ROOT / "tasks/digits/benchmark/heldout.csv", delimiter=",", skiprows=1)
    return table[:32, :-1].astype(np.float32), table[:32, -1].astype(np.int64)


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


@contextmanager
def serving(program):
    """A miner; gives the addresses that serve and that administer."""
    port, admin = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder, "models")
        shutil.copytree(ROOT / "tasks/digits/models", models)
        identity = models / IDENTITY / "1"
        identity.mkdir(parents=True)
        shutil.copy(ROOT / "miner/tests/fixtures/identity.onnx", identity / "model.onnx")
        token = Path(folder, "token")
        token.write_text(TOKEN)
        config = Path(folder, "miner.toml")
        config.write_text(
            f"""
models = {json.dumps(str(models))}
state = {json.dumps(str(Path(folder, "state")))}
listen = "127.0.0.1:{port}"
admission = "public"
hotkey = {{ suri = "//Bob" }}
[batching]
max_rows = 64
[admin]
listen = "127.0.0.1:{admin}"
token_file = {json.dumps(str(token))}
"""
        )
        miner = subprocess.Popen([program, "--config", str(config), "--provider", "cpu"])
        try:
            wait_until_ready(miner, port)
            yield f"127.0.0.1:{port}", f"127.0.0.1:{admin}"
        finally:
            miner.terminate()
            miner.wait(timeout=30)


def wait_until_ready(miner, port):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if miner.poll() is not None:
            sys.exit(f"the miner ended with status {miner.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    sys.exit("the miner was not ready within 60 s")


def judge(labels, probabilities, expected):
    """The model is right nearly always; what matters here is that its answers arrive intact."""
    assert labels.shape == expected.shape, labels.shape
    assert (labels == expected).mean() > 0.9, labels
    assert probabilities.shape == (len(expected), 10), probabilities.shape
    assert (probabilities.argmax(axis=1) == labels).all()


def triton_answers(module, client, **options):
    pixels, expected = heldout()
    given = module.InferInput("X", list(pixels.shape), "FP32")
    given.set_data_from_numpy(pixels, **options)
    asked = [module.InferRequestedOutput(name, **options) for name in ("label", "probabilities")]
    answer = client.infer(MODEL, [given], outputs=asked, request_id="7", model_version="1")
    judge(answer.as_numpy("label"), answer.as_numpy("probabilities"), expected)
    every = client.infer(MODEL, [given])
    judge(every.as_numpy("label"), every.as_numpy("probabilities"), expected)
    return answer


def triton_metadata(client, metadata):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready(MODEL) and client.is_model_ready(MODEL, "1")
    assert not client.is_model_ready("oak")
    assert metadata["server"]["name"] == "assay-miner", metadata
    model = metadata["model"]
    assert (model["name"], list(model["versions"])) == (MODEL, ["1"]), model
    assert [tensor["name"] for tensor in model["outputs"]] == ["label", "probabilities"], model


@check
def tritonclient_over_http(address, _):
    from tritonclient import http
    from tritonclient.utils import InferenceServerException

    with http.InferenceServerClient(address) as client:
        metadata = {
            "server": client.get_server_metadata(),
            "model": client.get_model_metadata(MODEL),
        }
        triton_metadata(client, metadata)
        for binary_data in (True, False):
            answer = triton_answers(http, client, binary_data=binary_data)
            assert answer.get_response()["id"] == "7"
        narrow = http.InferInput("X", [1, 63], "FP32")
        narrow.set_data_from_numpy(np.zeros((1, 63), np.float32))
        try:
            client.infer(MODEL, [narrow])
        except InferenceServerException as refused:
            assert "[-1, 64]" in refused.message(), refused
        else:
            raise AssertionError("a wrong shape was answered")
        asked = [client.async_infer(MODEL, [image()], request_id=str(it)) for it in range(16)]
        for number, answer in enumerate(asked):
            assert answer.get_result().get_response()["id"] == str(number)


def every_type(module, client, raw, **options):
    """Sends all types and gets them back; `raw` says whether raw or in JSON."""
    given = []
    for name, values in VALUES.items():
        tensor = module.InferInput(f"in_{name}", list(values.shape), name)
        in_json = options and not raw and name not in RAW_ONLY
        tensor.set_data_from_numpy(values, **({"binary_data": not in_json} if options else {}))
        given.append(tensor)
    wanted = [
        module.InferRequestedOutput(
            f"out_{name}", **({"binary_data": raw or name in RAW_ONLY} if options else {})
        )
        for name in VALUES
    ]
    answer = client.infer(IDENTITY, given, outputs=wanted)
    for name, values in VALUES.items():
        found = answer.as_numpy(f"out_{name}")
        if name == "BYTES" and found.dtype == np.object_ and isinstance(found.flat[0], str):
            found = np.array([[word.encode() for word in row] for row in found], np.object_)
        assert found.shape == values.shape and (found == values).all(), (name, found)


@check
def tritonclient_sends_every_type(address, _):
    from tritonclient import grpc, http

    with http.InferenceServerClient(address) as client:
        for raw in (True, False):
            every_type(http, client, raw, binary_data=raw)
    with grpc.InferenceServerClient(address) as client:
        every_type(grpc, client, True)


@check
def tritonclient_is_told_what_is_wrong(address, _):
    from tritonclient import http
    from tritonclient.utils import InferenceServerException

    def refused(status, says, ask):
        try:
            ask()
        except InferenceServerException as why:
            assert str(status) in str(why.status()) and says in why.message(), why
        else:
            raise AssertionError(f"it was answered, and not with {status}")

    with http.InferenceServerClient(address) as client:
        given = image()
        other = http.InferRequestedOutput("nonsense")
        refused(404, "oak", lambda: client.infer("oak", [given]))
        refused(404, "version", lambda: client.infer(MODEL, [given], model_version="9"))
        refused(400, "nonsense", lambda: client.infer(MODEL, [given], outputs=[other]))
        refused(400, "classification", lambda: client.infer(
            MODEL, [given], outputs=[http.InferRequestedOutput("label", class_count=3)]
        ))  # fmt: skip
        refused(400, "sequence_", lambda: client.infer(MODEL, [given], sequence_id=7))
        # Others are passed over, as the protocol has it.
        client.infer(MODEL, [given], priority=3, parameters={"mine": 1})


def image():
    from tritonclient import http

    given = http.InferInput("X", [1, 64], "FP32")
    given.set_data_from_numpy(np.zeros((1, 64), np.float32))
    return given


@check
def tritonclient_over_grpc(address, _):
    from tritonclient import grpc
    from tritonclient.utils import InferenceServerException

    with grpc.InferenceServerClient(address) as client:
        metadata = {
            "server": client.get_server_metadata(as_json=True),
            "model": client.get_model_metadata(MODEL, as_json=True),
        }
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready(MODEL)
        assert not client.is_model_ready("oak") and not client.is_model_ready(MODEL, "9")
        assert metadata["server"]["name"] == "assay-miner", metadata
        assert metadata["model"]["versions"] == ["1"], metadata
        answer = triton_answers(grpc, client)
        assert answer.get_response().id == "7"
        narrow = grpc.InferInput("X", [1, 63], "FP32")
        narrow.set_data_from_numpy(np.zeros((1, 63), np.float32))
        try:
            client.infer(MODEL, [narrow])
        except InferenceServerException as refused:
            assert "INVALID_ARGUMENT" in str(refused.status()), refused
        else:
            raise AssertionError("a wrong shape was answered")


@check
def tritonclient_as_administrator(address, admin):
    from tritonclient import http

    headers = {"Authorization": f"Bearer {TOKEN}"}
    with http.InferenceServerClient(address) as client, http.InferenceServerClient(admin) as boss:
        index = boss.get_model_repository_index(headers=headers)
        assert {"name": MODEL, "version": "1", "state": "READY", "reason": ""} in index, index
        boss.unload_model("svc", headers=headers)
        assert not client.is_model_ready("svc")
        boss.load_model("svc", headers=headers)
        assert client.is_model_ready("svc")


def kserve_request():
    from kserve import InferInput, InferRequest

    pixels, expected = heldout()
    given = InferInput(name="X", shape=list(pixels.shape), datatype="FP32")
    given.set_data_from_numpy(pixels, binary_data=True)
    return InferRequest(model_name=MODEL, infer_inputs=[given], request_id="7"), expected


def kserve_judge(answer, expected):
    outputs = {output.name: output.as_numpy() for output in answer.outputs}
    judge(outputs["label"], outputs["probabilities"], expected)
    assert answer.id == "7", answer.id


@check
def kserve_over_rest(address, _):
    from kserve import InferenceRESTClient, RESTConfig

    async def ask():
        client = InferenceRESTClient(RESTConfig(protocol="v2"))
        base = f"http://{address}"
        assert await client.is_server_live(base)
        assert await client.is_server_ready(base)
        assert await client.is_model_ready(base, MODEL)
        request, expected = kserve_request()
        kserve_judge(await client.infer(base, request, model_name=MODEL), expected)
        await client.close()

    asyncio.run(ask())


@check
def kserve_over_grpc(address, _):
    from kserve import InferenceGRPCClient

    async def ask():
        async with InferenceGRPCClient(address) as client:
            assert await client.is_server_live()
            assert await client.is_server_ready()
            assert await client.is_model_ready(MODEL)
            request, expected = kserve_request()
            kserve_judge(await client.infer(request), expected)

    asyncio.run(ask())


def main():
    if len(sys.argv) == 4:
        name, address, admin = sys.argv[1:]
        CHECKS[name](address, admin)
        return
    if len(sys.argv) != 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit(__doc__)
    with serving(sys.argv[1]) as addresses:
        for name in CHECKS:
            start = time.monotonic()
            # A process each: both clients define the protocol's messages, which is allowed once.
            subprocess.run([sys.executable, __file__, name, *addresses], check=True, timeout=120)
            print(f"{name}: ok ({time.monotonic() - start:.1f} s)", flush=True)


main()
