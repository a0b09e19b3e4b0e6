//! `assay localnet`: a whole network on this machine.

use anyhow::Result;

#[derive(clap::Subcommand)]
pub enum Localnet {
    /// Start authors, validators and miners as processes and show how they fare
    Up(assay_localnet::Options),
}

impl Localnet {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::Up(options) => Ok(assay_localnet::up(options).await?),
        }
    }
}
