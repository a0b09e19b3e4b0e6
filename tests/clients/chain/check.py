"""Uses a running chain through clients that others wrote, unchanged: @polkadot/api, polkadot-api,
async-substrate-interface and the light client smoldot.

Usage: check.py NODE SCRIPTS, where NODE is the program and SCRIPTS the folder with the scripts for
Node.js beside what they import. Each client reads storage and the runtime's API, signs, submits and
looks at the outcome. `cargo xtask test --clients` installs them and runs this.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def ask(port, method, *params):
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)["result"]


@contextmanager
def running(program):
    """A chain of one author; gives its RPC port, its specification and its address for light clients."""
    port, network = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        specification, log = Path(folder, "chain.json"), Path(folder, "node.log")
        with specification.open("wb") as it:
            export = [program, "export-chain-spec", "--chain", "dev", "--raw"]
            subprocess.run(export, stdout=it, stderr=subprocess.DEVNULL, check=True)
        with log.open("wb") as it:
            node = subprocess.Popen(
                [
                    *[program, "--chain", specification, "--alice", "--base-path", Path(folder, "data")],
                    *["--rpc-port", str(port), "--listen-addr", f"/ip4/127.0.0.1/tcp/{network}/ws"],
                    *["--no-mdns", "--no-prometheus", "--no-telemetry"],
                ],
                stdout=it,
                stderr=it,
            )
        try:
            wait_for_finality(node, port, log)
            (address,) = ask(port, "system_localListenAddresses")
            yield port, specification, address
        finally:
            node.terminate()
            node.wait(timeout=30)


def wait_for_finality(node, port, log):
    """Until a block beyond genesis is final, from which a light client can start."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if node.poll() is not None:
            sys.exit(f"the node ended with status {node.returncode}:\n{log.read_text()}")
        try:
            head = ask(port, "chain_getHeader", ask(port, "chain_getFinalizedHead"))
            if int(head["number"], 16) > 0:
                return
        except OSError:
            pass
        time.sleep(0.2)
    sys.exit("no block was final within 180 s")


def main():
    if len(sys.argv) != 3 or not os.access(sys.argv[1], os.X_OK):
        sys.exit(__doc__)
    scripts = Path(sys.argv[2])
    with running(sys.argv[1]) as (port, specification, address):
        url = f"ws://127.0.0.1:{port}"
        clients = {
            "@polkadot/api": ["node", scripts / "polkadot-js.mjs", url],
            "polkadot-api": ["node", scripts / "polkadot-api.mjs", url],
            "smoldot": ["node", scripts / "smoldot.mjs", specification, address],
            "async-substrate-interface": [sys.executable, HERE / "async_substrate.py", url],
        }
        for name, command in clients.items():
            start = time.monotonic()
            subprocess.run(command, check=True, timeout=180)
            print(f"{name}: ok ({time.monotonic() - start:.1f} s)", flush=True)


main()
