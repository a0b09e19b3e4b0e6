//! A network of several nodes, started from a TOML file as a real one is.

use crate::{program, switch::Switch, Peer};
use std::{
    fmt::Write as _,
    fs,
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

/// How fast a network goes, and how it is wired.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The length of a slot.
    pub slot: Duration,
    /// Blocks from one of a subnet's epochs to the next.
    pub tempo: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            slot: Duration::from_secs(1),
            tempo: 20,
        }
    }
}

/// The nodes of one network, and what it was started from.
pub struct Authors {
    /// The authors' nodes, in the order of their names.
    pub nodes: Vec<Peer>,
    /// What they are plugged into, if the network can be cut.
    switch: Option<Switch>,
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
        Self::launch(count, Pace::default(), None).await
    }

    /// The same at another pace.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn at_pace(count: usize, pace: Pace) -> Self {
        Self::launch(count, pace, None).await
    }

    /// The same on a network that can be cut in two, every node in a namespace of its own.
    ///
    /// # Panics
    /// As [`Self::start`], and where namespaces can't be made, saying what it takes.
    pub async fn start_apart(count: usize) -> Self {
        Self::launch(count, Pace::default(), Some(Switch::new())).await
    }

    async fn launch(count: usize, pace: Pace, switch: Option<Switch>) -> Self {
        let folder = tempfile::Builder::new().prefix("assay-tests-").tempdir();
        let folder = folder.expect("a temporary folder");
        let specification = specification(folder.path(), &AUTHORS[..count], pace);
        let mut network = Self {
            nodes: Vec::new(),
            switch,
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
    pub async fn join(&mut self, name: &str, flags: &[&str]) -> Peer {
        let mut arguments: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        for boot_node in &self.boot_nodes {
            arguments.extend(["--bootnodes".to_owned(), boot_node.clone()]);
        }
        let port = self.switch.as_mut().map(Switch::plug);
        let folder = self.folder.path();
        let mut node = Peer::new(name, folder, &self.specification, port, arguments);
        node.launch();
        node.serves().await;
        node
    }

    /// Cuts the network in two: the first `first` authors on one side, the others on the other.
    ///
    /// # Panics
    /// If it was not started apart.
    pub fn cut(&self, first: usize) {
        let switch = self.switch.as_ref().expect("the network can be cut");
        switch.cut(first);
    }

    /// Makes it one again.
    ///
    /// # Panics
    /// If it was not started apart.
    pub fn heal(&self) {
        let switch = self.switch.as_ref().expect("the network can be cut");
        switch.heal();
    }

    /// A folder in which a test can put things, deleted with the network.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Makes a network's specification, as the guide tells a person to.
fn specification(folder: &Path, authors: &[(&str, &str, &str)], pace: Pace) -> PathBuf {
    let mut text = format!(
        "name = 'Assay tests'\nid = 'assay_tests'\nkind = 'local'\n\
         [chain]\nslot_millis = {}\ndefault_tempo = {}\nunbonding_era = 10\n",
        pace.slot.as_millis(),
        pace.tempo,
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
