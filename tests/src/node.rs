//! A node that makes blocks.

use crate::{participants::free_address, Process};
use nix::sys::signal::Signal;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The only author of a development chain.
pub struct Node {
    folder: PathBuf,
    rpc: SocketAddr,
    process: Option<Process>,
}

impl Node {
    /// A node that is not running yet, but whose address is known.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            rpc: free_address(),
            process: None,
        }
    }

    /// Where it serves its RPC.
    pub fn url(&self) -> String {
        format!("ws://{}", self.rpc)
    }

    /// Starts it: on a new chain the first time, on the same one whenever it was killed.
    pub fn launch(&mut self) {
        let base = self.folder.join("node");
        let base = base.to_str().expect("temporary folders have plain names");
        let rpc_port = self.rpc.port().to_string();
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
        let process = Process::start("node", "assay-node", arguments, &self.folder);
        self.process = Some(process);
    }

    /// Stops it where it stands: its sockets stay open and nobody answers.
    ///
    /// # Panics
    /// If it is not running.
    pub fn freeze(&mut self) {
        self.assert_running();
        let process = self.process.as_ref().expect("it is running");
        process.signal(Signal::SIGSTOP);
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Fails the test if it is not running.
    ///
    /// # Panics
    /// If it is not.
    pub fn assert_running(&mut self) {
        let process = self.process.as_mut().expect("the node was launched");
        process.assert_running();
    }
}
