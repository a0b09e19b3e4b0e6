"""The servers that `cargo xtask bench miner` compares the miner with: `server.py KIND MODEL PORT`.

Each serves one ONNX model named `model` with ONNX Runtime, in two processes where it knows of such
a setting, one thread per session, as its own documentation has it. All are sent the same body: a
query of the Open Inference Protocol in JSON.
"""

import sys

import numpy as np
import onnxruntime as ort

WORKERS = 2
TYPES = {"FP32": np.float32, "INT32": np.int32}
NAMES = {"float32": "FP32", "int64": "INT64", "int32": "INT32"}


class Model:
    def __init__(self, path):
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self.session.get_outputs()]

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


def kserve(path, port):
    import kserve

    class Served(kserve.Model):
        def load(self):
            self.model = Model(path)
            self.ready = True
            return self.ready

        async def predict(self, payload, headers=None, response_headers=None):
            inputs = {it.name: it.as_numpy() for it in payload.inputs}
            outputs = [
                kserve.InferOutput(it["name"], it["shape"], it["datatype"], it["data"])
                for it in self.model.run(inputs)
            ]
            return kserve.InferResponse("0", self.name, outputs)

    model = Served("model")
    model.load()
    server = kserve.ModelServer(http_port=port, workers=1, enable_grpc=False, access_log_format=None)
    server.start([model])


def litserve(path, port):
    import litserve

    class Served(litserve.LitAPI):
        def setup(self, device):
            self.model = Model(path)

        def decode_request(self, request):
            return request

        def predict(self, query):
            return self.model.answer(query)

        def encode_response(self, output):
            return output

    api = Served()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS)
    server.run(port=port, host="127.0.0.1", log_level="warning", generate_client_file=False)


def mosec(path, port):
    import mosec

    class Served(mosec.Worker):
        def __init__(self):
            super().__init__()
            self.model = Model(path)

        def forward(self, query):
            return self.model.answer(query)

    sys.argv = ["mosec", "--port", str(port), "--address", "127.0.0.1", "--log-level", "warning"]
    server = mosec.Server()
    server.append_worker(Served, num=WORKERS)
    server.run()


def mlserver(path, port):
    import asyncio

    from mlserver import MLModel, MLServer
    from mlserver.codecs import NumpyCodec
    from mlserver.settings import ModelParameters, ModelSettings, Settings
    from mlserver.types import InferenceResponse

    settings = Settings(
        host="127.0.0.1", http_port=port, grpc_port=port + 1, metrics_port=port + 2,
        parallel_workers=0, debug=False, logging_settings=None,
    )  # fmt: skip
    model = ModelSettings(
        name="model", implementation="server.MLServerModel", parameters=ModelParameters(uri=path)
    )

    async def serve():
        server = MLServer(settings)
        await server.start([model])

    asyncio.run(serve())


try:
    from mlserver import MLModel
    from mlserver.codecs import NumpyCodec
    from mlserver.types import InferenceResponse

    class MLServerModel(MLModel):
        async def load(self):
            self.model = Model(self.settings.parameters.uri)
            return True

        async def predict(self, payload):
            inputs = {it.name: NumpyCodec.decode_input(it) for it in payload.inputs}
            outputs = self.model.run(inputs)
            return InferenceResponse(model_name=self.name, outputs=outputs)

except ImportError:
    pass  # It is one of the others that this environment is for.


if __name__ == "__main__":
    kind, model, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    {"kserve": kserve, "litserve": litserve, "mlserver": mlserver, "mosec": mosec}[kind](model, port)
