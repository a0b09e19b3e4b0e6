//! Options that several commands share: which node, which key, which subnet.

use anyhow::{Context, Result};
use assay_chain_client::{AccountId32, ChainClient, ChainConfig, Keypair};
use assay_protocol::keys::{KeySource, Scheme, Secret};
use std::path::PathBuf;

/// Which node to talk to.
#[derive(clap::Args, Clone)]
pub struct Node {
    /// The node's RPC address
    #[arg(long, env = "ASSAY_NODE", default_value = "ws://127.0.0.1:9944")]
    node: String,
}

impl Node {
    /// A client of the node; it connects when it is first used.
    pub fn client(&self) -> ChainClient {
        ChainClient::new(ChainConfig::new(self.node.clone()))
    }
}

/// The coldkey that signs and pays.
#[derive(clap::Args, Clone)]
#[group(id = "key", required = true, multiple = false)]
pub struct SigningKey {
    /// The key as a secret URI, for development: //Alice
    #[arg(long, value_name = "URI")]
    suri: Option<String>,
    /// A file, readable by its owner alone, with a mnemonic, a seed or a polkadot-js keystore
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Where the password of a keystore is.
#[derive(clap::Args, Clone)]
pub struct Password {
    /// A file, readable by its owner alone, with the keystore's password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// A hotkey that agrees to something by its signature.
#[derive(clap::Args, Clone)]
pub struct SigningHotkey {
    /// The hotkey as a secret URI, for development: //Alice//hotkey
    #[arg(long, value_name = "URI", required_unless_present = "hotkey_file")]
    hotkey_suri: Option<String>,
    /// A file, readable by its owner alone, with the hotkey: a mnemonic, a seed or a keystore
    #[arg(long, value_name = "FILE", conflicts_with = "hotkey_suri")]
    hotkey_file: Option<PathBuf>,
    /// A file, readable by its owner alone, with the password of the hotkey's keystore
    #[arg(long, value_name = "FILE", requires = "hotkey_file")]
    hotkey_password_file: Option<PathBuf>,
}

impl SigningHotkey {
    /// Reads the key.
    pub fn load(&self) -> Result<Keypair> {
        let (suri, file) = (&self.hotkey_suri, &self.hotkey_file);
        load(suri, file, &self.hotkey_password_file).context("the hotkey")
    }
}

impl Password {
    /// The file.
    pub fn file(&self) -> Option<PathBuf> {
        self.password_file.clone()
    }
}

impl SigningKey {
    /// Reads the key.
    pub fn load(&self, password: &Password) -> Result<Keypair> {
        load(&self.suri, &self.key_file, &password.password_file)
    }
}

/// Reads an sr25519 key from a secret URI or a file.
pub fn load(
    suri: &Option<String>,
    file: &Option<PathBuf>,
    password_file: &Option<PathBuf>,
) -> Result<Keypair> {
    let source = KeySource {
        file: file.clone(),
        password_file: password_file.clone(),
        suri: suri.clone().map(Secret::new),
        scheme: Scheme::Sr25519,
    };
    let pair = source.load()?;
    pair.as_sr25519()
        .cloned()
        .context("accounts need an sr25519 key")
}

/// Reads an SS58 address.
pub fn parse_account(text: &str) -> Result<AccountId32> {
    text.parse().map_err(|error| {
        anyhow::anyhow!("`{text}` is not an SS58 address ({error}), such as 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")
    })
}
