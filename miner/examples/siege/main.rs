//! What `cargo xtask soak miner` runs: a miner with its default settings, attacked in one way after
//! the other, and callers beside it who behave and are timed.
//!
//! The miner, the attackers and the callers are processes of their own. Attackers come from eight
//! addresses of this machine, callers from another. Each line printed is an outcome, as JSON.

mod attacks;
mod callers;
mod memory;
mod miner;
mod streams;
#[path = "../wire/mod.rs"]
mod wire;

use anyhow::{bail, ensure, Context as _};
use attacks::Attack;
use clap::{Parser, ValueEnum as _};
use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};
use tokio::process::{Child, Command};

/// Seconds that an attack has to reach its strength before anything counts.
const BEFORE: Duration = Duration::from_secs(2);

#[derive(Parser)]
struct Flags {
    /// The miner's program
    #[arg(long)]
    miner: PathBuf,
    /// The model that is asked
    #[arg(long)]
    model: PathBuf,
    /// A model whose runs need not end
    #[arg(long)]
    endless: PathBuf,
    /// Seconds that count of each attack
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Only this attack
    #[arg(long)]
    only: Option<Attack>,
    /// Attack the miner at this address instead, until killed
    #[arg(long, hide = true)]
    attack: Option<SocketAddr>,
}

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match (flags.attack, flags.only) {
            (Some(address), Some(attack)) => attack.run(address).await,
            (Some(_), None) => bail!("name the attack in --only"),
            (None, _) => siege(&flags).await,
        }
    })
}

async fn siege(flags: &Flags) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let mut miner = miner::Miner::start(flags, place.path()).await?;
    let attacks = match &flags.only {
        Some(attack) => std::slice::from_ref(attack),
        None => Attack::value_variants(),
    };
    let mut calm = true;
    for &attack in attacks {
        let attackers = attackers(flags, attack, miner.address)?;
        tokio::time::sleep(BEFORE).await;
        let measured = callers::measure(miner.address, flags.seconds).await;
        drop(attackers);
        let figures = measured?;
        let memory = miner.memory()?;
        println!(
            r#"{{"attack":"{}","asked":{},"unanswered":{},"median_ms":{:.3},"p99_ms":{:.3},"worst_ms":{:.3},"memory_mib":{memory}}}"#,
            attack.words(),
            figures.asked,
            figures.unanswered,
            figures.median,
            figures.p99,
            figures.worst,
        );
        calm &= figures.unanswered == 0;
        ensure!(miner.runs()?, "the miner ended during `{}`", attack.words());
    }
    miner
        .survives_a_replay_across_a_restart(flags, place.path())
        .await?;
    ensure!(calm, "some callers were not answered");
    Ok(())
}

/// Attackers, until they are dropped.
fn attackers(flags: &Flags, attack: Attack, address: SocketAddr) -> anyhow::Result<Option<Child>> {
    if attack == Attack::None {
        return Ok(None);
    }
    let value = attack.to_possible_value().context("no attack is hidden")?;
    let started = Command::new(std::env::current_exe()?)
        .arg("--miner")
        .arg(&flags.miner)
        .arg("--model")
        .arg(&flags.model)
        .arg("--endless")
        .arg(&flags.endless)
        .args(["--only", value.get_name()])
        .args(["--attack", &address.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    Ok(Some(started.context("can't start the attackers")?))
}
