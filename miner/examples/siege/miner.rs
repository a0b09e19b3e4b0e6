//! The miner under siege.

use crate::{callers, wire, Flags};
use anyhow::{bail, ensure, Context as _};
use assay_protocol::{Hotkey, Keypair, Scheme};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

/// Longest that it may take to start.
const START: Duration = Duration::from_secs(60);

/// A miner that is killed when this is dropped.
pub struct Miner {
    child: Child,
    pub address: SocketAddr,
}

impl Miner {
    /// Starts it on a model that answers and one that need not.
    pub async fn start(flags: &Flags, place: &Path) -> anyhow::Result<Self> {
        let models = place.join("models");
        for (name, file) in [("model", &flags.model), ("endless", &flags.endless)] {
            let folder = models.join(name).join("1");
            fs::create_dir_all(&folder)?;
            fs::copy(file, folder.join("model.onnx"))
                .with_context(|| file.display().to_string())?;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // Whatever is not said here is as users have it.
        let config = format!(
            "models = {models:?}\nstate = {:?}\nlisten = \"{address}\"\n\
             hotkey = {{ suri = \"//Bob\" }}\nlog = {{ filter = \"error\" }}\n\
             [inference]\nprovider = \"cpu\"\nworkers = 2\n",
            place.join("state"),
        );
        let file = place.join("miner.toml");
        fs::write(&file, config)?;
        let child = Command::new(&flags.miner)
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("can't start {}", flags.miner.display()))?;
        let mut miner = Self { child, address };
        let deadline = Instant::now() + START;
        while TcpStream::connect(address).await.is_err() {
            ensure!(miner.runs()?, "the miner ended at once");
            ensure!(Instant::now() < deadline, "the miner does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(miner)
    }

    /// Whether it still does.
    pub fn runs(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// The most memory that it has had so far, in MiB.
    pub fn memory(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().split(' ').next());
        let kilobytes: u64 = kilobytes.context("no VmHWM in its status")?.parse()?;
        Ok(kilobytes / 1024)
    }

    /// Kills it after it answered a request, starts it again and sends the same one.
    pub async fn survives_a_replay_across_a_restart(
        mut self,
        flags: &Flags,
        place: &Path,
    ) -> anyhow::Result<()> {
        let key = Keypair::from_suri("//Siege//replayed", Scheme::Sr25519)?;
        let request = callers::request(&key, self.address)?;
        let first = sent(self.address, &request).await?;
        ensure!(first == 200, "the first time it was answered {first}");
        self.child.kill()?;
        self.child.wait()?;
        let again = Self::start(flags, place).await?;
        match sent(again.address, &request).await? {
            401 => {}
            other => bail!("sent again after a restart, a request was answered {other}"),
        }
        let fresh = callers::request(&key, again.address)?;
        let fresh = sent(again.address, &fresh).await?;
        ensure!(
            fresh == 200,
            "after a restart, a new request was answered {fresh}"
        );
        println!(r#"{{"replay_across_restart":"refused"}}"#);
        Ok(())
    }
}

impl Drop for Miner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn sent(address: SocketAddr, request: &[u8]) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    wire::answer(&mut stream, &mut Vec::new()).await
}

/// The key that it has.
pub fn hotkey() -> anyhow::Result<Hotkey> {
    Ok(Keypair::from_suri("//Bob", Scheme::Sr25519)?.hotkey())
}
