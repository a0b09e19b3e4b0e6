//! Miners and validators.

use crate::{until, Person, Process};
use assay_chain_client::AccountId32;
use assay_primitives::{Digest, Endpoint, EndpointProtocol, EpochIndex, NetUid, Serial, Uid};
use assay_protocol::{
    keys::{self, Scheme},
    oip::{Tensor, TensorData},
};
use assay_validator::{
    chain::Miner as Upstream,
    peers::{Answer, Failure, HttpPeers, Peers as _, Question},
    ports::SystemClock,
};
use serde_json::Value;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The most that a miner pays for its registration, in ASY.
const MAX_PRICE: &str = "50";
/// Longest that a program's own HTTP server may take for a page.
const PAGE: Duration = Duration::from_secs(5);
/// A few times the deadline after which a request to the node is given up.
const COMPLAINT: Duration = Duration::from_secs(60);
/// How long a program may take until it answers over HTTP, on a busy machine.
const START: Duration = Duration::from_secs(60);

/// What a participant is told about the chain.
pub(crate) struct Place<'a> {
    pub folder: &'a Path,
    pub task: &'a Path,
    pub url: String,
    pub netuid: NetUid,
}

/// A miner that serves one model and registers itself.
pub struct Miner {
    process: Process,
    /// Whose it is.
    pub person: Person,
    address: SocketAddr,
}

impl Miner {
    pub(crate) fn start(place: &Place, person: &Person, model: &str) -> Self {
        let folder = place.folder.join(&person.name);
        let models = folder.join("models");
        let version = models.join("digits/1");
        fs::create_dir_all(&version).expect("a folder in the test's own");
        let file = place.task.join("models").join(model).join("1/model.onnx");
        fs::copy(&file, version.join("model.onnx")).expect("the task has this model");
        let address = free_address();
        let config = format!(
            r#"
                models = {models:?}
                state = {state:?}
                listen = "{address}"
                hotkey.suri = "{hotkey}"
                [chain]
                url = "{url}"
                netuid = {netuid}
                endpoint = "{address}"
                max_price = "{MAX_PRICE}"
                coldkey.suri = "{coldkey}"
            "#,
            state = folder.join("state"),
            hotkey = person.hotkey_uri(),
            coldkey = person.coldkey_uri(),
            url = place.url,
            netuid = place.netuid,
        );
        let config = write(&folder.join("miner.toml"), &config);
        let arguments = [Path::new("--config"), &config];
        let process = Process::start(&person.name, "assay-miner", arguments, place.folder);
        let person = person.clone();
        Self {
            process,
            person,
            address,
        }
    }

    /// Asks for the label of a blank image, signed, and checks the receipt.
    pub async fn ask(&self) -> Result<Answer, Failure> {
        let caller = keys::Keypair::from_suri("//assay-tests//caller", Scheme::Sr25519);
        let caller = caller.expect("a secret URI");
        let peers = HttpPeers::new(caller, Arc::new(SystemClock), vec![]);
        let peers = peers.expect("an HTTP client");
        let host = self.address.ip().to_string().into_bytes();
        let upstream = Upstream {
            uid: Uid(0),
            serial: Serial(0),
            hotkey: self.person.hotkey_account().0,
            endpoint: Endpoint {
                host: host.try_into().expect("an address is short"),
                port: self.address.port(),
                protocol: EndpointProtocol::Http,
                certificate: None,
            },
            artifact: Digest::default(),
        };
        let blank = Tensor::new("X", vec![1, 64], TensorData::Fp32(vec![0.0; 64]));
        let question = Question {
            model: peers.handshake(&upstream, "digits").await?,
            inputs: vec![blank.expect("as many values as the shape says")],
            outputs: vec!["label".into()],
            deadline: PAGE,
        };
        peers.ask(&upstream, &question).await
    }

    /// Fails the test if it has ended.
    ///
    /// # Panics
    /// If it has.
    pub fn assert_running(&mut self) {
        self.process.assert_running();
    }
}

/// A validator of the digits task.
pub struct Validator {
    process: Process,
    /// Whose it is.
    pub person: Person,
    address: SocketAddr,
    config: PathBuf,
    folder: PathBuf,
}

impl Validator {
    pub(crate) fn start(place: &Place, person: &Person) -> Self {
        let folder = place.folder.join(&person.name);
        fs::create_dir_all(&folder).expect("a folder in the test's own");
        let address = free_address();
        let config = format!(
            r#"
                task = {task:?}
                state = {state:?}
                listen = "{address}"
                round_every = 4
                # Early in the epoch, so that no test waits for long. Rounds start before.
                commit_before = 12
                poll_ms = 250
                hotkey.suri = "{hotkey}"
                log.format = "json"
                [chain]
                url = "{url}"
                netuid = {netuid}
            "#,
            task = place.task,
            state = folder.join("validator.sqlite"),
            hotkey = person.hotkey_uri(),
            url = place.url,
            netuid = place.netuid,
        );
        let config = write(&folder.join("validator.toml"), &config);
        let folder = place.folder.to_owned();
        let process = launch(person, &config, &folder);
        let person = person.clone();
        Self {
            process,
            person,
            address,
            config,
            folder,
        }
    }

    /// Its hotkey's account.
    pub fn hotkey(&self) -> AccountId32 {
        self.person.hotkey_account()
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again with the same configuration and the same database.
    pub fn restart(&mut self) {
        self.process = launch(&self.person, &self.config, &self.folder);
    }

    /// Where it serves its pages.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A page that it serves, whatever its status; `None` while it does not answer.
    pub async fn page(&self, path: &str) -> Option<Value> {
        let client = reqwest::Client::builder().no_proxy().timeout(PAGE).build();
        let url = format!("http://{}{path}", self.address);
        let request = client.expect("an HTTP client").get(url);
        request.send().await.ok()?.json().await.ok()
    }

    /// Waits until it says that something is wrong, and returns what.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn complains(&self) -> String {
        until("the validator's complaint", COMPLAINT, async || {
            let health = self.page("/health").await?;
            let problem = health["problem"].as_str()?.to_owned();
            (health["ok"] == false).then_some(problem)
        })
        .await
    }

    /// The state of its submission for an epoch, such as `committed`.
    pub async fn submission(&self, epoch: EpochIndex) -> Option<String> {
        let page = self.page(&format!("/epochs/{}", epoch.0)).await?;
        page["state"].as_str().map(str::to_owned)
    }

    /// Items that it asked all miners so far.
    ///
    /// # Panics
    /// If it does not show its scores in time.
    pub async fn asked(&self) -> u64 {
        let lines = until("a validator's scores", START, async || {
            let page = self.page("/miners").await?;
            page.as_array().cloned()
        });
        let asked = |line: &Value| line["asked"].as_u64().expect("a count");
        lines.await.iter().map(asked).sum()
    }

    /// How often its log says that a submission reached a state, in all its runs.
    pub fn times_in_state(&self, epoch: EpochIndex, state: &str) -> usize {
        let log = self.process.log();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let reached = lines.filter(|line: &Value| {
            line["message"] == "submission" && line["epoch"] == epoch.0 && line["state"] == state
        });
        reached.count()
    }

    /// Fails the test if it has ended.
    ///
    /// # Panics
    /// If it has.
    pub fn assert_running(&mut self) {
        self.process.assert_running();
    }
}

fn launch(person: &Person, config: &Path, folder: &Path) -> Process {
    let arguments = [Path::new("--config"), config];
    Process::start(&person.name, "assay-validator", arguments, folder)
}

/// An address on which nothing listens now. It must be known before the program starts, which
/// announces it.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound socket")
}

fn write(file: &Path, text: &str) -> PathBuf {
    fs::write(file, text).expect("a file in the test's folder");
    file.to_owned()
}
