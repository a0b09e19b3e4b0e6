//! The block authors: three nodes that know each other.

use crate::{
    error::Error,
    process::{Process, ProcessError},
};
use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The authors of the `local` preset, each with the flag that gives a node its keys.
const AUTHORS: [&str; 3] = ["alice", "bob", "charlie"];
/// How long a node may take until it serves its RPC.
const START_DEADLINE: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A running author.
pub struct Author {
    /// The node.
    pub process: Process,
    /// Its RPC address.
    pub rpc: String,
}

/// Starts the authors, adding each to `authors` as soon as it runs; the first one's address is the
/// others' boot node.
pub async fn start(program: &Path, folder: &Path, authors: &mut Vec<Author>) -> Result<(), Error> {
    let mut boot_node = None;
    for name in AUTHORS {
        let (author, address) = start_one(program, folder, name, boot_node.as_deref()).await?;
        boot_node.get_or_insert(address);
        authors.push(author);
    }
    Ok(())
}

async fn start_one(
    program: &Path,
    folder: &Path,
    name: &str,
    boot_node: Option<&str>,
) -> Result<(Author, String), Error> {
    let port = free_port()?;
    let process_name = format!("author-{name}");
    let base = folder.join(&process_name);
    let mut arguments = vec![
        "--chain".to_owned(),
        "local".into(),
        format!("--{name}"),
        "--base-path".into(),
        base.display().to_string(),
        "--listen-addr".into(),
        format!("/ip4/127.0.0.1/tcp/{port}"),
        "--rpc-port".into(),
        "0".into(),
        "--no-prometheus".into(),
        "--no-telemetry".into(),
        "--no-mdns".into(),
    ];
    if let Some(boot_node) = boot_node {
        arguments.extend(["--bootnodes".to_owned(), boot_node.to_owned()]);
    }
    let mut process = Process::start(&process_name, program, arguments, folder)?;
    let log = folder.join(format!("{process_name}.log"));
    let said = Said::wait_for(&mut process, &log).await?;
    let address = format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", said.identity);
    Ok((
        Author {
            process,
            rpc: format!("ws://{}", said.rpc),
        },
        address,
    ))
}

/// What a node says in its log when it has started.
struct Said {
    identity: String,
    rpc: String,
}

impl Said {
    async fn wait_for(process: &mut Process, log: &Path) -> Result<Self, Error> {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            process.check()?;
            let text = std::fs::read_to_string(log).unwrap_or_default();
            if let Some(said) = Self::read(&text) {
                return Ok(said);
            }
            if Instant::now() > deadline {
                return Err(Error::NotReady {
                    what: "the node's RPC server".into(),
                    waited: START_DEADLINE,
                    log: log.to_owned(),
                });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn read(log: &str) -> Option<Self> {
        let word_after = |mark: &str| {
            let rest = log.split_once(mark)?.1;
            // The line may still be half written.
            let line = rest.split_once('\n')?.0;
            let word = line.split([',', ' ']).find(|word| !word.is_empty())?;
            Some(word.to_owned())
        };
        Some(Self {
            identity: word_after("Local node identity is:")?,
            rpc: word_after("Running JSON-RPC server: addr=")?,
        })
    }
}

/// A TCP port that nothing listens on now.
pub fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::NoPort)?;
    Ok(listener.local_addr().map_err(Error::NoPort)?.port())
}

/// The folder where this program lies, and the others with it.
pub fn programs() -> Result<PathBuf, Error> {
    let own = std::env::current_exe().map_err(Error::NoPrograms)?;
    let folder = own.parent().map(Path::to_owned);
    folder.ok_or_else(|| ProcessError::NoProgram(own).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn said_is_read_when_both_lines_are_whole() {
        let half = "INFO sub-libp2p: 🏷  Local node identity is: 12D3KooWabc\nINFO Running";
        assert!(Said::read(half).is_none());
        let whole = format!("{half} JSON-RPC server: addr=127.0.0.1:39001,[::1]:39001\n");
        let said = Said::read(&whole).unwrap();
        assert_eq!(
            (&said.identity[..], &said.rpc[..]),
            ("12D3KooWabc", "127.0.0.1:39001")
        );
    }
}
