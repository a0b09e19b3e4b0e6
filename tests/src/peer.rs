//! One node of a network of several.

use crate::{participants::free_address, program, switch::Port, until, Process};
use serde_json::{json, Value};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// How long a node may take until it serves its RPC, on a busy machine.
const START: Duration = Duration::from_secs(180);
/// How long anything may take that needs some blocks, on a busy machine.
const SOME_BLOCKS: Duration = Duration::from_secs(180);

/// One node of the network.
pub struct Peer {
    /// What it is called.
    pub name: String,
    folder: PathBuf,
    rpc: SocketAddr,
    network: SocketAddr,
    chain: [String; 2],
    arguments: Vec<String>,
    port: Option<Port>,
    process: Option<Process>,
}

impl Peer {
    /// A node that is not running yet, at a port of a switch or, without one, on this machine.
    pub(crate) fn new(
        name: &str,
        folder: &Path,
        specification: &Path,
        port: Option<Port>,
        extra: Vec<String>,
    ) -> Self {
        let (rpc, mut network) = (free_address(), free_address());
        if let Some(port) = &port {
            network.set_ip(port.address.into());
        }
        let mut arguments = vec![
            format!("--listen-addr=/ip4/{}/tcp/{}", network.ip(), network.port()),
            format!("--rpc-port={}", rpc.port()),
            "--no-prometheus".to_owned(),
            "--no-telemetry".to_owned(),
            "--no-mdns".to_owned(),
        ];
        arguments.extend(extra);
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            rpc,
            network,
            chain: [
                format!("--chain={}", specification.display()),
                format!("--base-path={}", folder.join(name).display()),
            ],
            arguments,
            port,
            process: None,
        }
    }

    /// Where it serves its RPC.
    pub fn url(&self) -> String {
        format!("ws://{}", self.rpc)
    }

    /// Starts it: with an empty database the first time, with its own whenever it was killed.
    pub fn launch(&mut self) {
        let arguments = self.chain.iter().chain(&self.arguments);
        let namespace = self.port.as_ref().map(|port| port.namespace.as_str());
        self.process = Some(Process::start_in(
            namespace,
            &self.name,
            "assay-node",
            arguments,
            &self.folder,
        ));
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Runs one of the node's subcommands on its chain, while it is not running itself.
    ///
    /// # Panics
    /// If the subcommand fails.
    pub fn run(&self, subcommand: &str, arguments: &[&str]) -> Vec<u8> {
        assert!(self.process.is_none(), "{} holds its database", self.name);
        let output = Command::new(program("assay-node"))
            .arg(subcommand)
            .args(&self.chain)
            .args(arguments)
            .output()
            .expect("the node's program starts");
        let problem = String::from_utf8_lossy(&output.stderr);
        let status = output.status;
        assert!(status.success(), "{subcommand} of {}: {problem}", self.name);
        output.stdout
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        let process = self.process.as_ref().expect("the node was launched");
        process.log()
    }

    /// Waits until it answers.
    pub async fn serves(&mut self) {
        until(&format!("the RPC of {}", self.name), START, async || {
            let process = self.process.as_mut().expect("the node was launched");
            process.assert_running();
            self.best().await
        })
        .await;
    }

    /// Waits until it knows that block `number` is final.
    pub async fn finalizes(&self, number: u64) {
        let what = format!("block {number} to be final for {}", self.name);
        until(&what, SOME_BLOCKS, async || {
            (self.finalized().await? >= number).then_some(())
        })
        .await;
    }

    /// Waits until its best block is `number` or a later one.
    pub async fn reaches(&self, number: u64) {
        let what = format!("{} to reach block {number}", self.name);
        until(&what, SOME_BLOCKS, async || {
            (self.best().await? >= number).then_some(())
        })
        .await;
    }

    /// The number of its best block; none while it does not answer.
    pub async fn best(&self) -> Option<u64> {
        let header = self.ask("chain_getHeader", json!([])).await?;
        number(&header)
    }

    /// The number of the newest block that is final for it; none while it does not answer.
    pub async fn finalized(&self) -> Option<u64> {
        let hash = self.ask("chain_getFinalizedHead", json!([])).await?;
        let header = self.ask("chain_getHeader", json!([hash])).await?;
        number(&header)
    }

    /// The hash of its block `number`.
    pub async fn block_hash(&self, number: u64) -> Option<Value> {
        self.ask("chain_getBlockHash", json!([number])).await
    }

    /// Where the others find it.
    pub(crate) async fn address(&self) -> String {
        let what = format!("the identity of {}", self.name);
        let identity = until(&what, START, async || {
            self.ask("system_localPeerId", json!([])).await
        })
        .await;
        let identity = identity.as_str().expect("an identity is text");
        let (host, port) = (self.network.ip(), self.network.port());
        format!("/ip4/{host}/tcp/{port}/p2p/{identity}")
    }

    /// Its answer to a question; none while it does not answer, or has no answer.
    pub async fn ask(&self, method: &str, params: Value) -> Option<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let asked = post(format!("http://{}", self.rpc), request);
        let answer = match &self.port {
            None => asked.await?,
            Some(port) => port.run(asked).await?,
        };
        Some(answer["result"].clone()).filter(|result| !result.is_null())
    }
}

async fn post(url: String, request: Value) -> Option<Value> {
    let client = reqwest::Client::new().post(url);
    let sent = client
        .timeout(Duration::from_secs(10))
        .json(&request)
        .send();
    sent.await.ok()?.json().await.ok()
}

fn number(header: &Value) -> Option<u64> {
    let digits = header["number"].as_str()?.strip_prefix("0x")?;
    u64::from_str_radix(digits, 16).ok()
}
