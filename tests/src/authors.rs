//! A network of several nodes, started from a TOML file as a real one is.

use crate::{participants::free_address, program, until, Process};
use serde_json::{json, Value};
use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

/// The well-known authors: name, address of the sr25519 key, address of the ed25519 key.
const AUTHORS: [(&str, &str, &str); 4] = [
    (
        "alice",
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu",
    ),
    (
        "bob",
        "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
        "5GoNkf6WdbxCFnPdAnYYQyCjAKPJgLNxXwPjwTh6DGg6gN3E",
    ),
    (
        "charlie",
        "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
        "5DbKjhNLpqX3zqZdNBc9BGb4fHU1cRBaDhJUskrvkwfraDi6",
    ),
    (
        "dave",
        "5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy",
        "5ECTwv6cZ5nJQPk6tWfaTrEk8YH2L7X1VT4EL5Tx2ikfFwb7",
    ),
];

/// How long a node may take until it serves its RPC, on a busy machine.
const START: Duration = Duration::from_secs(180);
/// How long anything may take that needs some blocks, on a busy machine.
const SOME_BLOCKS: Duration = Duration::from_secs(180);

/// The nodes of one network, and what it was started from.
pub struct Authors {
    /// The authors' nodes, in the order of their names.
    pub nodes: Vec<Peer>,
    specification: PathBuf,
    boot_nodes: Vec<String>,
    // Last, so that it is deleted when nobody writes to it any more.
    folder: TempDir,
}

impl Authors {
    /// Starts a network of `count` authors, of whom the first has all the say and the money.
    ///
    /// # Panics
    /// If there are more than four, or if the network can't be made.
    pub async fn start(count: usize) -> Self {
        let folder = tempfile::Builder::new().prefix("assay-tests-").tempdir();
        let folder = folder.expect("a temporary folder");
        let specification = specification(folder.path(), &AUTHORS[..count]);
        let mut network = Self {
            nodes: Vec::new(),
            specification,
            boot_nodes: Vec::new(),
            folder,
        };
        for (name, ..) in &AUTHORS[..count] {
            let flag = format!("--{name}");
            let node = network.join(name, &[&flag]).await;
            network.boot_nodes.push(node.address().await);
            network.nodes.push(node);
        }
        network
    }

    /// Starts one more node, which has to get the chain from the others.
    pub async fn join(&self, name: &str, flags: &[&str]) -> Peer {
        let mut arguments: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        for boot_node in &self.boot_nodes {
            arguments.extend(["--bootnodes".to_owned(), boot_node.clone()]);
        }
        let mut node = Peer::new(name, self.folder.path(), &self.specification, arguments);
        node.launch();
        node.serves().await;
        node
    }
}

/// One node of the network.
pub struct Peer {
    name: String,
    folder: PathBuf,
    rpc: SocketAddr,
    network: SocketAddr,
    arguments: Vec<String>,
    process: Option<Process>,
}

impl Peer {
    fn new(name: &str, folder: &Path, specification: &Path, extra: Vec<String>) -> Self {
        let (rpc, network) = (free_address(), free_address());
        let mut arguments = vec![
            format!("--chain={}", specification.display()),
            format!("--base-path={}", folder.join(name).display()),
            format!("--listen-addr=/ip4/127.0.0.1/tcp/{}", network.port()),
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
            arguments,
            process: None,
        }
    }

    /// Where it serves its RPC.
    pub fn url(&self) -> String {
        format!("ws://{}", self.rpc)
    }

    /// Starts it: with an empty database the first time, with its own whenever it was killed.
    pub fn launch(&mut self) {
        let arguments = &self.arguments;
        let process = Process::start(&self.name, "assay-node", arguments, &self.folder);
        self.process = Some(process);
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        self.process = None;
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

    async fn address(&self) -> String {
        let what = format!("the identity of {}", self.name);
        let identity = until(&what, START, async || {
            self.ask("system_localPeerId", json!([])).await
        })
        .await;
        let identity = identity.as_str().expect("an identity is text");
        format!("/ip4/127.0.0.1/tcp/{}/p2p/{identity}", self.network.port())
    }

    async fn ask(&self, method: &str, params: Value) -> Option<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = reqwest::Client::new()
            .post(format!("http://{}", self.rpc))
            .timeout(Duration::from_secs(10))
            .json(&request)
            .send()
            .await
            .ok()?;
        let answer: Value = answer.json().await.ok()?;
        Some(answer["result"].clone()).filter(|result| !result.is_null())
    }
}

fn number(header: &Value) -> Option<u64> {
    let digits = header["number"].as_str()?.strip_prefix("0x")?;
    u64::from_str_radix(digits, 16).ok()
}

/// Makes a network's specification, as the guide tells a person to.
fn specification(folder: &Path, authors: &[(&str, &str, &str)]) -> PathBuf {
    let mut text = String::from(
        "name = 'Assay tests'\nid = 'assay_tests'\nkind = 'local'\n\
         [chain]\nslot_millis = 1000\ndefault_tempo = 20\nunbonding_era = 10\n",
    );
    let (_, first, _) = authors[0];
    let write = write!(
        text,
        "[root]\nsudo = '{first}'\n[[balances]]\naccount = '{first}'\namount = '10000'\n"
    );
    write.expect("text can be written to");
    for (_, account, grandpa) in authors {
        let write = write!(
            text,
            "[[authors]]\naccount = '{account}'\naura = '{account}'\ngrandpa = '{grandpa}'\n"
        );
        write.expect("text can be written to");
    }
    let description = folder.join("network.toml");
    fs::write(&description, text).expect("the folder can be written to");
    let output = Command::new(program("assay-node"))
        .arg("export-chain-spec")
        .arg("--chain")
        .arg(&description)
        .arg("--raw")
        .output()
        .expect("the node's program starts");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no specification: {problem}");
    let specification = folder.join("network.json");
    fs::write(&specification, output.stdout).expect("the folder can be written to");
    specification
}
