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

/// An author, running. Dropping it kills it.
pub struct Node {
    pub port: u16,
    program: PathBuf,
    child: Child,
    folder: TempDir,
}

impl Node {
    /// Starts the only author of a chain.
    pub fn start(program: &Path, specification: &[u8]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("assay-load-").tempdir()?;
        let file = folder.path().join("chain.json");
        fs::write(&file, specification)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = File::create(folder.path().join("node.log"))?;
        let child = Command::new(program)
            .arg("--alice")
            .arg("--chain")
            .arg(&file)
            .arg("--base-path")
            .arg(folder.path().join("data"))
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
            program: program.to_owned(),
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

    /// Ends it, and runs a subcommand on what it stored.
    pub fn then(&mut self, subcommand: &str, args: &[&str]) -> Result<()> {
        self.end();
        run(&self.program, self.folder.path(), "data", subcommand, args)
    }

    /// Runs a subcommand with the node's specification on an empty database.
    pub fn afresh(&self, subcommand: &str, args: &[&str]) -> Result<()> {
        run(&self.program, self.folder.path(), "other", subcommand, args)
    }

    /// Where things of this run can lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn end(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(program: &Path, folder: &Path, data: &str, subcommand: &str, args: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .arg(subcommand)
        .arg("--chain")
        .arg(folder.join("chain.json"))
        .arg("--base-path")
        .arg(folder.join(data))
        .args(args)
        .output()?;
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{subcommand}: {problem}");
    Ok(())
}
