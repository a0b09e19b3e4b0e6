// A chain through the light client smoldot, which trusts nobody but the chain's own finality:
// smoldot.mjs SPECIFICATION BOOT_NODE
//
// It gets the specification that full nodes start from and one address of a node, follows GRANDPA
// from genesis, asks for proofs of what it reads and calls the runtime by itself.

import { readFileSync } from "node:fs";
import { start } from "polkadot-api/smoldot";
import { getSmProvider } from "polkadot-api/sm-provider";
import { exercise } from "./papi.mjs";

const [specification, bootNode] = process.argv.slice(2);
const chainSpec = JSON.stringify({ ...JSON.parse(readFileSync(specification)), bootNodes: [bootNode] });
const smoldot = start({ maxLogLevel: 2 });
await exercise(getSmProvider(() => smoldot.addChain({ chainSpec })), "smoldot");
// What the light client still waits for would keep the process running.
process.exit();
