// A chain through polkadot-api over a WebSocket, unchanged: polkadot-api.mjs WS_URL

import { getWsProvider } from "polkadot-api/ws";
import { WebSocket } from "ws";
import { exercise } from "./papi.mjs";

// Node.js before 22 has no WebSocket of its own.
await exercise(getWsProvider(process.argv[2], { websocketClass: WebSocket }), "polkadot-api");
