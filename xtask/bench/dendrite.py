"""The client that an axon's users have: `dendrite.py BODY HOST PORT CONCURRENCY SECONDS`.

It prints what `miner/examples/load` prints. As many callers ask as there are to be connections, each
with a dendrite of its own, because an axon refuses a caller's requests that overtake each other.
"""

import asyncio
import json
import sys
import time

from bittensor.core import dendrite
from bittensor.core.chain_data import AxonInfo
from bittensor_wallet import Keypair
from server import Query

# The miner's hotkey of the other measurements.
AXON = Keypair.create_from_uri("//Bob").ss58_address


async def ask(target, query, since, until, took):
    async with dendrite.Dendrite(wallet=Keypair.create_from_uri("//Alice")) as caller:
        runs = 0
        while (started := time.monotonic()) < until:
            answer = await caller.call(target, Query(**query), timeout=60, deserialize=False)
            if not answer.is_success:
                raise SystemExit(f"no answer: {answer.dendrite.status_message}")
            ended = time.monotonic()
            runs += 1
            if since <= ended <= until:
                took.append((ended - started) * 1000)
        return runs


async def main(body, host, port, concurrency, seconds):
    with open(body) as file:
        query = json.load(file)
    # It would ask the internet for its address.
    dendrite.networking.get_external_ip = lambda: "127.0.0.1"
    target = AxonInfo(
        version=1, ip=host, port=int(port), ip_type=4, hotkey=AXON, coldkey=AXON
    )
    seconds, took = float(seconds), []
    before = time.process_time()
    since = time.monotonic() + seconds / 5
    callers = [
        ask(target, query, since, since + seconds, took) for _ in range(int(concurrency))
    ]
    runs = sum(await asyncio.gather(*callers))
    client = (time.process_time() - before) * 1000
    took.sort()
    # Where all that was answered took longer than what counts, there are no times.
    at = lambda share: took[min(int(len(took) * share), len(took) - 1)] if took else 0.0
    print(
        json.dumps(
            {
                "per_second": len(took) / seconds,
                "median_ms": at(0.5),
                "p99_ms": at(0.99),
                "runs": runs,
                "processor_ms": 0.0,
                "client_ms": client,
            }
        )
    )


if __name__ == "__main__":
    arguments = sys.argv[1:]
    del sys.argv[1:]
    asyncio.run(main(*arguments))
