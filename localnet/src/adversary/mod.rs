//! Miners and validators that do not play fair: the honest programs with one part exchanged.
//!
//! They exist so that everybody can see on their own machine what cheating earns. Nothing of this
//! is part of the miner or the validator.

mod miners;
mod validators;

use anyhow::{Context, Result};
use assay_chain_client::{ChainClient, ChainConfig};
use assay_primitives::{Digest, Endpoint, EndpointProtocol, Serial, Uid};
use assay_protocol::Hotkey;
use assay_telemetry::Shutdown;
use assay_validator::chain::Miner as Upstream;
use clap::{Parser, Subcommand};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// A miner or validator that does not play fair, for the local network
#[derive(Parser)]
#[command(name = "assay-adversary", version)]
pub struct Flags {
    /// The configuration of the honest program
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// A miner that answers anything
    Random {
        /// How many classes an answer may name
        #[arg(long)]
        classes: u32,
    },
    /// A miner that answers rightly and too late
    Late {
        /// How long it holds each answer back, in milliseconds
        #[arg(long)]
        delay_ms: u64,
    },
    /// A miner that passes another miner's answers on as its own
    Relay {
        /// The other's hotkey
        #[arg(long)]
        hotkey: Hotkey,
        /// The other's host
        #[arg(long)]
        host: String,
        /// The other's port
        #[arg(long)]
        port: u16,
        /// How long it waits for the other, in milliseconds
        #[arg(long)]
        deadline_ms: u64,
    },
    /// A validator that votes for one miner alone
    Selfish {
        /// The miner's hotkey
        #[arg(long)]
        favourite: Hotkey,
    },
    /// A validator that votes as the others' last revealed weights do
    Copier,
}

/// Runs the adversary until `shutdown` is tripped.
pub async fn run(flags: Flags, shutdown: Shutdown) -> Result<()> {
    match flags.role {
        Role::Random { classes } => {
            let wrap = |inner| Arc::new(miners::Random { inner, classes }) as Arc<_>;
            mine(flags.config, wrap, shutdown).await
        }
        Role::Late { delay_ms } => {
            let delay = Duration::from_millis(delay_ms);
            let wrap = |inner| Arc::new(miners::Late { inner, delay }) as Arc<_>;
            mine(flags.config, wrap, shutdown).await
        }
        Role::Relay {
            hotkey,
            host,
            port,
            deadline_ms,
        } => {
            let config = miner_config(flags.config.clone())?;
            let host = host.into_bytes().try_into();
            let host = host.map_err(|_| anyhow::anyhow!("the host's name is too long"))?;
            let upstream = Upstream {
                uid: Uid(0),
                serial: Serial(0),
                hotkey: hotkey.0,
                endpoint: Endpoint {
                    host,
                    port,
                    protocol: EndpointProtocol::Http,
                    certificate: None,
                },
                artifact: Digest::default(),
            };
            let deadline = Duration::from_millis(deadline_ms);
            let peers = miners::peers(config.hotkey.load()?)?;
            let wrap = |inner| {
                Arc::new(miners::Relay {
                    inner,
                    upstream,
                    deadline,
                    peers,
                }) as Arc<_>
            };
            mine(flags.config, wrap, shutdown).await
        }
        Role::Selfish { favourite } => {
            let policy = validators::Selfish {
                favourite: favourite.0,
            };
            validate(flags.config, |_| Arc::new(policy), shutdown).await
        }
        Role::Copier => {
            let policy = |chain| Arc::new(validators::Copier { chain }) as Arc<_>;
            validate(flags.config, policy, shutdown).await
        }
    }
}

fn miner_config(file: PathBuf) -> Result<assay_miner::Config> {
    let flags = assay_miner::Flags {
        config: Some(file),
        ..Default::default()
    };
    Ok(assay_miner::Config::load(&flags)?)
}

async fn mine(
    file: PathBuf,
    wrap: impl FnOnce(Arc<dyn assay_miner::backend::Backend>) -> Arc<dyn assay_miner::backend::Backend>,
    shutdown: Shutdown,
) -> Result<()> {
    let miner = assay_miner::Miner::open(miner_config(file)?).await?;
    Ok(miner.wrap_backend(wrap).serve(shutdown).await?)
}

async fn validate(
    file: PathBuf,
    policy: impl FnOnce(ChainClient) -> Arc<dyn assay_validator::weights::WeightPolicy>,
    shutdown: Shutdown,
) -> Result<()> {
    let flags = assay_validator::Flags {
        config: Some(file),
        ..Default::default()
    };
    let config = assay_validator::Config::load(&flags).context("the validator's configuration")?;
    let policy = policy(ChainClient::new(ChainConfig::new(config.chain.url.clone())));
    Ok(assay_validator::run_with_policy(config, policy, shutdown).await?)
}
