"""The servers that `cargo xtask bench miner` compares the miner with: `server.py KIND MODEL PORT`.

Each serves one ONNX model named `model` with ONNX Runtime, in two processes where it knows of such
a setting, one thread per session, as its own documentation has it. All are sent the same body: a
query of the Open Inference Protocol in JSON.

What a server starts processes with has to lie on the level of the module, where they find it.
"""

import os
import socket
import sys
import threading
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import onnxruntime as ort

WORKERS = 2
TYPES = {"FP32": np.float32, "INT64": np.int64}
NAMES = {"float32": "FP32", "int64": "INT64", "int32": "INT32"}
# By which the processes that a server starts are told what to load, and which outputs are wanted.
MODEL, OUTPUTS = "BENCH_MODEL", "BENCH_OUTPUTS"


class Model:
    def __init__(self, path):
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        every = [output.name for output in self.session.get_outputs()]
        self.outputs = list(filter(None, os.environ[OUTPUTS].split(","))) or every

    def run(self, inputs):
        found = self.session.run(self.outputs, inputs)
        return [
            {
                "name": name,
                "datatype": NAMES[str(value.dtype)],
                "shape": list(value.shape),
                "data": value.ravel().tolist(),
            }
            for name, value in zip(self.outputs, found)
        ]

    def answer(self, query):
        inputs = {
            it["name"]: np.asarray(it["data"], TYPES[it["datatype"]]).reshape(it["shape"])
            for it in query["inputs"]
        }
        return {"model_name": "model", "outputs": self.run(inputs)}


if find_spec("bittensor"):
    from bittensor.core.axon import Axon
    from bittensor.core.synapse import Synapse
    from bittensor_wallet import Keypair

    class Query(Synapse):
        inputs: list = []
        outputs: list = []


if find_spec("kserve"):
    import kserve

    class KServeModel(kserve.Model):
        def load(self):
            self.model = Model(os.environ[MODEL])
            self.ready = True
            return self.ready

        async def predict(self, payload, headers=None, response_headers=None):
            inputs = {it.name: it.as_numpy() for it in payload.inputs}
            outputs = [
                kserve.InferOutput(it["name"], it["shape"], it["datatype"], it["data"])
                for it in self.model.run(inputs)
            ]
            return kserve.InferResponse("0", self.name, outputs)


if find_spec("litserve"):
    import litserve

    class LitServeModel(litserve.LitAPI):
        def setup(self, device):
            self.model = Model(os.environ[MODEL])

        def decode_request(self, request):
            return request

        def predict(self, query):
            return self.model.answer(query)

        def encode_response(self, output):
            return output


if find_spec("mosec"):
    import mosec

    class MosecModel(mosec.Worker):
        def __init__(self):
            super().__init__()
            self.model = Model(os.environ[MODEL])

        def forward(self, query):
            return self.model.answer(query)


if find_spec("mlserver"):
    from mlserver import MLModel, MLServer
    from mlserver.codecs import NumpyCodec
    from mlserver.settings import ModelParameters, ModelSettings, Settings
    from mlserver.types import InferenceResponse

    class MLServerModel(MLModel):
        async def load(self):
            self.model = Model(self.settings.parameters.uri)
            return True

        async def predict(self, payload):
            inputs = {it.name: NumpyCodec.decode_input(it) for it in payload.inputs}
            outputs = self.model.run(inputs)
            return InferenceResponse(model_name=self.name, outputs=outputs)


def serve_axon(port):
    model = Model(os.environ[MODEL])

    def forward(synapse: Query) -> Query:
        synapse.outputs = model.answer({"inputs": synapse.inputs})["outputs"]
        # Only what was asked for goes back.
        synapse.inputs = []
        return synapse

    # It reads the command line by itself.
    del sys.argv[1:]
    # Of a wallet it uses no more, and is not to look for the machine's address on the internet.
    wallet = SimpleNamespace(hotkey=Keypair.create_from_uri("//Bob"))
    here = "127.0.0.1"
    axon = Axon(wallet=wallet, port=port, ip=here, external_ip=here, external_port=port)
    axon.attach(forward_fn=forward).start()
    threading.Event().wait()


def serve_kserve(port):
    model = KServeModel("model")
    model.load()
    server = kserve.ModelServer(
        http_port=port, workers=1, enable_grpc=False, access_log_format=None
    )
    server.start([model])


def serve_litserve(port):
    server = litserve.LitServer(
        LitServeModel(), accelerator="cpu", workers_per_device=WORKERS, track_requests=False
    )
    server.run(port=port, host="127.0.0.1", log_level="warning", generate_client_file=False)


def serve_mosec(port):
    sys.argv = ["mosec", "--port", str(port), "--address", "127.0.0.1", "--log-level", "warning"]
    server = mosec.Server()
    server.append_worker(MosecModel, num=WORKERS, env=[{name: os.environ[name] for name in (MODEL, OUTPUTS)}] * WORKERS)
    server.run()


def free_port():
    """A port that nobody has just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def serve_mlserver(port):
    import asyncio

    settings = Settings(
        host="127.0.0.1",
        http_port=port,
        grpc_port=free_port(),
        metrics_port=free_port(),
        parallel_workers=0,
        debug=False,
        logging_settings=None,
    )
    parameters = ModelParameters(uri=os.environ[MODEL])
    model = ModelSettings(
        name="model", implementation="server.MLServerModel", parameters=parameters
    )

    async def serve():
        await MLServer(settings).start([model])

    asyncio.run(serve())


if __name__ == "__main__":
    kind, os.environ[MODEL], port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    globals()[f"serve_{kind}"](port)
