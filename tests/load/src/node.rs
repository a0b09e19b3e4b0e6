//! A node as a process, with an empty database and a specification of ours.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure, Context, Result};
use serde_json::json;
use tempfile::TempDir;

use crate::rpc::Rpc;

/// How long a node may take until it answers: the first start compiles the runtime.
const START: Duration = Duration::from_secs(300);
/// Transactions that the pool holds: more than are ever handed in.
const POOL: &str = "200000";

/// Where a node keeps a chain of ours.
pub struct Folder {
    program: PathBuf,
    folder: TempDir,
}

impl Folder {
    /// A folder with the chain's specification and an empty database.
    pub fn new(program: &Path, specification: &[u8]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("assay-load-").tempdir()?;
        fs::write(folder.path().join("chain.json"), specification)?;
        let program = program.to_owned();
        Ok(Self { program, folder })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs one of the node's subcommands to its end.
    pub fn run(&self, subcommand: &str, args: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.program);
        let output = self.name_chain(command.arg(subcommand)).args(args).output();
        let output = output.with_context(|| format!("can't start {}", self.program.display()))?;
        let problem = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{subcommand}: {problem}");
        Ok(())
    }

    fn name_chain<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .arg("--chain")
            .arg(self.path().join("chain.json"))
            .arg("--base-path")
            .arg(self.path().join("data"))
    }
}

/// An author, running. Dropping it kills it.
pub struct Node {
    pub port: u16,
    child: Child,
    folder: Folder,
}

impl Node {
    /// Starts the only author of a chain.
    pub fn start(program: &Path, specification: &[u8]) -> Result<Self> {
        let folder = Folder::new(program, specification)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = File::create(folder.path().join("node.log"))?;
        let child = folder
            .name_chain(Command::new(program).arg("--alice"))
            .args(["--rpc-port", &port.to_string()])
            .args(["--rpc-max-request-size=100", "--rpc-max-response-size=100"])
            .args(["--pool-limit", POOL, "--pool-kbytes=1000000"])
            .args(["--listen-addr=/ip4/127.0.0.1/tcp/0", "--no-mdns"])
            .args(["--no-prometheus", "--no-telemetry"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("can't start {}", program.display()))?;
        let mut node = Self {
            port,
            child,
            folder,
        };
        node.wait_until_it_answers()?;
        Ok(node)
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the node ended ({status}):\n{}", self.log()?);
            }
            // Until it serves, nobody listens. What answers must make sense.
            if let Ok(mut rpc) = self.rpc() {
                return rpc.ask("chain_getHeader", json!([])).map(drop);
            }
            ensure!(
                Instant::now() < deadline,
                "the node did not answer within {START:?}:\n{}",
                self.log()?
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// A connection to it.
    pub fn rpc(&self) -> Result<Rpc> {
        Rpc::connect(self.port)
    }

    /// What it has logged.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.path().join("node.log"))?)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
