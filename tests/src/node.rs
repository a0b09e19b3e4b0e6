//! A node that makes blocks.

use crate::{until, Process};
use nix::sys::signal::Signal;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a node may take until it serves its RPC, on a busy machine.
const START: Duration = Duration::from_secs(60);

/// The only author of a development chain.
pub struct Node {
    process: Process,
    folder: PathBuf,
    rpc: String,
}

impl Node {
    /// Starts a node on a new chain.
    pub async fn start(folder: &Path) -> Self {
        let mut process = launch(folder, 0);
        let rpc = until("the node's RPC server", START, async || {
            process.assert_running();
            rpc_address(&process.log())
        })
        .await;
        Self {
            process,
            folder: folder.to_owned(),
            rpc,
        }
    }

    /// Where it serves its RPC.
    pub fn url(&self) -> String {
        format!("ws://{}", self.rpc)
    }

    /// Stops it where it stands: its sockets stay open and nobody answers.
    pub fn freeze(&self) {
        self.process.signal(Signal::SIGSTOP);
    }

    /// Ends it at once, and starts it again with the same chain at the same address.
    pub fn kill_and_restart(&mut self) {
        self.process.kill();
        let port = self.rpc.rsplit_once(':').expect("host and port").1;
        self.process = launch(&self.folder, port.parse().expect("a port"));
    }
}

fn launch(folder: &Path, rpc_port: u16) -> Process {
    let base = folder.join("node");
    let base = base.to_str().expect("temporary folders have plain names");
    let rpc_port = rpc_port.to_string();
    let arguments = [
        "--chain=dev",
        "--alice",
        "--base-path",
        base,
        "--listen-addr=/ip4/127.0.0.1/tcp/0",
        "--rpc-port",
        &rpc_port,
        "--no-prometheus",
        "--no-telemetry",
        "--no-mdns",
    ];
    Process::start("node", "assay-node", arguments, folder)
}

/// The address in `Running JSON-RPC server: addr=127.0.0.1:39001,[::1]:39001`.
fn rpc_address(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("Running JSON-RPC server: addr=")?;
    // The line may still be half written.
    let (line, _) = rest.split_once('\n')?;
    line.split(',').next().map(str::to_owned)
}
