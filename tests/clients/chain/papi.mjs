// What polkadot-api is asked to do on a chain, whatever way leads there.

import assert from "node:assert/strict";
import { createClient } from "polkadot-api";
import { getPolkadotSigner } from "polkadot-api/signer";
import { sr25519CreateDerive } from "@polkadot-labs/hdkd";
import { DEV_PHRASE, entropyToMiniSecret, mnemonicToEntropy, ss58Address } from "@polkadot-labs/hdkd-helpers";

const ASY = 10n ** 12n;
const NOT_REGISTERED = 103;

const derive = sr25519CreateDerive(entropyToMiniSecret(mnemonicToEntropy(DEV_PHRASE)));
const alice = derive("//Alice");
const signer = getPolkadotSigner(alice.publicKey, "Sr25519", alice.sign);

/** Reads, signs and submits through `provider`, for a subnet that is called `name`. */
export async function exercise(provider, name) {
  const client = createClient(provider);
  const api = client.getUnsafeApi();
  const friend = ss58Address(derive(`//Alice//${name}`).publicKey);

  // Storage at a finalized block.
  const before = await api.query.System.Account.getValue(ss58Address(alice.publicKey));
  assert(before.data.free > 1000n * ASY);

  // A transfer.
  const dest = { type: "Id", value: friend };
  const transfer = await api.tx.Balances.transfer_keep_alive({ dest, value: ASY }).signAndSubmit(signer);
  assert(transfer.ok, JSON.stringify(transfer.dispatchError));
  const { data } = await api.query.System.Account.getValue(friend);
  assert.equal(data.free, ASY);

  // A call of ours, with its nested argument, its event and what the runtime then says.
  const price = await api.apis.AssayApi.subnet_price();
  const call = api.tx.Subnets.register_subnet({ task: task(name), max_price: 2n * price });
  const outcome = await call.signAndSubmit(signer);
  assert(outcome.ok, JSON.stringify(outcome.dispatchError));
  const isOurs = ({ type, value }) => type === "Subnets" && value.type === "SubnetRegistered";
  const { netuid, owner } = outcome.events.find(isOurs).value.value;
  assert.equal(owner, ss58Address(alice.publicKey));
  const details = await api.apis.AssayApi.subnet(netuid);
  assert.equal(asText(details.task.name), name);
  assert.deepEqual(details.task.scoring, { type: "Classification", value: { classes: 10 } });
  assert.equal((await api.apis.AssayApi.metagraph(netuid)).netuid, netuid);

  // A free call that nobody may make is refused with its code.
  const commit = api.tx.Weights.commit_weights({
    netuid,
    epoch: 0,
    hash: digest(2),
    next_seed: digest(3),
  });
  await assert.rejects(commit.signAndSubmit(signer), ({ error }) => {
    assert.deepEqual(error, { type: "Invalid", value: { type: "Custom", value: NOT_REGISTERED } });
    return true;
  });

  client.destroy();
}

function task(name) {
  return {
    name: asBytes(name),
    interface: {
      inputs: [{ name: asBytes("X"), datatype: { type: "Fp32" }, shape: [-1n, 64n] }],
      outputs: [{ name: asBytes("label"), datatype: { type: "Int64" }, shape: [-1n] }],
    },
    scoring: { type: "Classification", value: { classes: 10 } },
    benchmark: {
      type: "Set",
      value: { sha256: digest(1), size: 1n, uri: asBytes("https://example.org/set") },
    },
    reference_model: undefined,
    deadline_ms: 1000,
    max_batch: 32,
  };
}

function asBytes(text) {
  return new TextEncoder().encode(text);
}

function asText(bytes) {
  return new TextDecoder().decode(bytes);
}

function digest(byte) {
  return "0x" + byte.toString(16).padStart(2, "0").repeat(32);
}
