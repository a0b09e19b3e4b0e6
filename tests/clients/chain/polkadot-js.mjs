// A chain through @polkadot/api, unchanged: polkadot-js.mjs WS_URL
//
// No types are given to it, so all that it knows of the chain comes from the metadata.

import assert from "node:assert/strict";
import { ApiPromise, Keyring, WsProvider } from "@polkadot/api";

const ASY = 10n ** 12n;
const NOT_REGISTERED = 103;

const task = {
  name: "by polkadot-js",
  interface: {
    inputs: [{ name: "X", datatype: "Fp32", shape: [-1, 64] }],
    outputs: [{ name: "label", datatype: "Int64", shape: [-1] }],
  },
  scoring: { Classification: { classes: 10 } },
  benchmark: { Set: { sha256: "0x" + "11".repeat(32), size: 1, uri: "https://example.org/set" } },
  referenceModel: null,
  deadlineMs: 1000,
  maxBatch: 32,
};

const provider = new WsProvider(process.argv[2]);
const api = await ApiPromise.create({ provider, noInitWarn: true });
const keyring = new Keyring({ type: "sr25519" });
const alice = keyring.addFromUri("//Alice");
const friend = keyring.addFromUri("//Alice//polkadot-js");

/** Signs, submits, and waits until the transaction is final; gives its events. */
function submit(call) {
  return new Promise((resolve, reject) => {
    call
      .signAndSend(alice, ({ status, events, dispatchError }) => {
        if (dispatchError) reject(new Error(dispatchError.toString()));
        else if (status.isFinalized) resolve(events.map(({ event }) => event));
      })
      .catch(reject);
  });
}

// Storage, at the best block and at a finalized one.
const before = await api.query.system.account(alice.address);
assert(before.data.free.toBigInt() > 1000n * ASY);
const finalized = await api.at(await api.rpc.chain.getFinalizedHead());
assert((await finalized.query.balances.totalIssuance()).toBigInt() > 1000n * ASY);

// A transfer.
await submit(api.tx.balances.transferKeepAlive(friend.address, ASY));
const { data } = await api.query.system.account(friend.address);
assert.equal(data.free.toBigInt(), ASY);

// A call of ours, with its nested argument, its event and what the runtime then says.
const price = (await api.call.assayApi.subnetPrice()).toBigInt();
const events = await submit(api.tx.subnets.registerSubnet(task, 2n * price));
const registered = events.find((event) => api.events.subnets.SubnetRegistered.is(event));
const { netuid, owner } = registered.data;
assert.equal(owner.toString(), alice.address);
const details = (await api.call.assayApi.subnet(netuid)).unwrap();
assert.equal(details.task.name.toUtf8(), task.name);
assert.equal(details.task.scoring.asClassification.classes.toNumber(), 10);
assert((await api.call.assayApi.metagraph(netuid)).isSome);

// The node's own methods, which it calls by name.
const subnet = await provider.send("assay_subnet", [netuid.toNumber()]);
assert.equal(subnet.task.name, task.name);

// A free call that nobody may make is refused with its code.
const commit = api.tx.weights.commitWeights(netuid, 0, "0x" + "22".repeat(32), "0x" + "33".repeat(32));
await assert.rejects(submit(commit), (error) => error.message.includes(`Custom error: ${NOT_REGISTERED}`));

await api.disconnect();
