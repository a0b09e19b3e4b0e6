"""A chain through async-substrate-interface, unchanged: async_substrate.py WS_URL"""

import asyncio
import sys

import sr25519
from async_substrate_interface import AsyncSubstrateInterface
from async_substrate_interface.errors import SubstrateRequestException
from scalecodec.utils.ss58 import ss58_encode

ASY = 10**12
NOT_REGISTERED = 103
NAME = "by async-substrate-interface"
# The secret of the well-known //Alice.
ALICE = bytes.fromhex("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a")


class Keypair:
    """What the client asks of a key."""

    crypto_type = 1
    ss58_format = 42

    def __init__(self, seed):
        self.pair = sr25519.pair_from_seed(seed)
        self.public_key = self.pair[0]
        self.ss58_address = ss58_encode(self.public_key, self.ss58_format)

    def sign(self, data):
        return sr25519.sign(self.pair, bytes(data))


# Bounded lists are structures of one field in the metadata, and this client wants to see both.
TASK = {
    "name": NAME.encode(),
    "interface": {
        "inputs": [[{"name": b"X", "datatype": "Fp32", "shape": [[-1, 64]]}]],
        "outputs": [[{"name": b"label", "datatype": "Int64", "shape": [[-1]]}]],
    },
    "scoring": {"Classification": {"classes": 10}},
    "benchmark": {
        "Set": {"sha256": "0x" + "11" * 32, "size": 1, "uri": b"https://example.org/set"}
    },
    "reference_model": None,
    "deadline_ms": 1000,
    "max_batch": 32,
}


async def exercise(chain):
    alice, friend = Keypair(ALICE), Keypair(b"async-substrate-interface".ljust(32))

    async def submit(module, function, params):
        call = await chain.compose_call(module, function, params)
        signed = await chain.create_signed_extrinsic(call, alice, era={"period": 64})
        receipt = await chain.submit_extrinsic(signed, wait_for_finalization=True)
        assert await receipt.is_success, await receipt.error_message
        return [event["event"] for event in await receipt.triggered_events]

    # Storage, at the best block and at a finalized one.
    before = await chain.query("System", "Account", [alice.ss58_address])
    assert before["data"]["free"] > 1000 * ASY, before
    finalized = await chain.get_chain_finalised_head()
    issuance = await chain.query("Balances", "TotalIssuance", block_hash=finalized)
    assert issuance > 1000 * ASY, issuance

    # A transfer.
    params = {"dest": friend.ss58_address, "value": ASY}
    await submit("Balances", "transfer_keep_alive", params)
    after = await chain.query("System", "Account", [friend.ss58_address])
    assert after["data"]["free"] == ASY, after

    # A call of ours, with its nested argument, its event and what the runtime then says.
    price = await chain.runtime_call("AssayApi", "subnet_price")
    params = {"task": TASK, "max_price": 2 * price}
    events = await submit("Subnets", "register_subnet", params)
    (registered,) = [it for it in events if it["event_id"] == "SubnetRegistered"]
    netuid = registered["attributes"]["netuid"]
    assert registered["attributes"]["owner"] == alice.ss58_address, registered
    details = await chain.runtime_call("AssayApi", "subnet", [netuid])
    assert details["task"]["name"] == NAME, details
    assert details["task"]["scoring"] == {"Classification": {"classes": 10}}, details
    graph = await chain.runtime_call("AssayApi", "metagraph", [netuid])
    assert graph["netuid"] == netuid, graph

    # The node's own methods, which it calls by name.
    answer = await chain.rpc_request("assay_subnet", [netuid])
    assert answer["result"]["task"]["name"] == NAME, answer

    # A free call that nobody may make is refused with its code.
    params = {"netuid": netuid, "epoch": 0, "hash": "0x" + "22" * 32, "next_seed": "0x" + "33" * 32}
    try:
        await submit("Weights", "commit_weights", params)
    except SubstrateRequestException as refused:
        assert f"Custom error: {NOT_REGISTERED}" in str(refused), refused
    else:
        raise AssertionError("a commit by a key that is not registered was admitted")


async def main():
    async with AsyncSubstrateInterface(sys.argv[1]) as chain:
        await exercise(chain)


asyncio.run(main())
