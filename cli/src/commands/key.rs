//! `assay key`: keys.

use crate::{
    keystore::{new_password, write_private, NewKey},
    node::{load, Password},
    output::Format,
};
use anyhow::{bail, Context, Result};
use assay_chain_client::AccountId32;
use assay_protocol::keys::read_private;
use serde::Serialize;
use std::path::PathBuf;

/// Shorter passwords can be guessed from the file.
const MIN_PASSWORD: usize = 12;

#[derive(clap::Subcommand)]
pub enum Key {
    /// Make a new key and keep it in an encrypted file
    Generate(Generate),
    /// Show the address of a key
    Inspect(Inspect),
}

/// Make a new key and keep it in an encrypted file
///
/// The file is a keystore as polkadot-js exports it: miners, validators, this program and wallets read
/// it. The words that are printed are the key as well, and they are kept nowhere: write them down.
#[derive(clap::Args)]
pub struct Generate {
    /// The file to write; it must not be there
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file with the password of the keystore; a password is made and written there if it is not
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    /// A name that wallets show
    #[arg(long, default_value = "assay")]
    name: String,
    #[command(flatten)]
    format: Format,
}

/// Show the address of a key
#[derive(clap::Args)]
pub struct Inspect {
    /// The key as a secret URI, for development: //Alice
    #[arg(long, value_name = "URI", required_unless_present = "key_file")]
    suri: Option<String>,
    /// A file with a mnemonic, a seed or a polkadot-js keystore
    #[arg(long, value_name = "FILE", conflicts_with = "suri")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    format: Format,
}

#[derive(Serialize)]
struct Shown {
    address: String,
    public_key: String,
}

impl Shown {
    fn of(public_key: [u8; 32]) -> Self {
        Self {
            address: AccountId32(public_key).to_string(),
            public_key: format!("0x{}", assay_primitives::Digest(public_key)),
        }
    }
}

#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    key: Shown,
    file: PathBuf,
    password_file: PathBuf,
    phrase: String,
}

impl Key {
    pub fn run(self) -> Result<()> {
        match self {
            Self::Generate(generate) => generate.run(),
            Self::Inspect(inspect) => inspect.run(),
        }
    }
}

impl Generate {
    fn run(self) -> Result<()> {
        // Scrypt takes a while, and a password that belongs to no key would be left behind.
        if self.file.exists() {
            let file = self.file.display();
            bail!("{file} is there already and may hold a key: name another file");
        }
        let password = self.password()?;
        let key = NewKey::generate()?;
        write_private(&self.file, &key.keystore(&password, &self.name)?)?;
        let made = Made {
            key: Shown::of(key.account().0),
            file: self.file,
            password_file: self.password_file,
            phrase: key.phrase,
        };
        self.format.print(&made, people)
    }

    /// The password in the file, which is made where it is not there.
    fn password(&self) -> Result<String> {
        let path = &self.password_file;
        if !path.exists() {
            let password = new_password();
            write_private(path, &password)?;
            return Ok(password);
        }
        let password = read_private(path).context("the password")?;
        if password.len() < MIN_PASSWORD {
            bail!(
                "the password in {} has fewer than {MIN_PASSWORD} characters and can be guessed",
                path.display()
            );
        }
        Ok(password)
    }
}

fn people(made: &Made) -> String {
    format!(
        "{}\n{}\n\nencrypted in {}, with the password in {}\n\nThese words are the key, too. Write them \
         down: they are kept nowhere.\n\n    {}",
        made.key.address,
        made.key.public_key,
        made.file.display(),
        made.password_file.display(),
        made.phrase
    )
}

impl Inspect {
    fn run(self) -> Result<()> {
        let pair = load(&self.suri, &self.key_file, &self.password.file())?;
        let shown = Shown::of(pair.public_key().0);
        self.format.print(&shown, |shown| {
            format!("{}\n{}", shown.address, shown.public_key)
        })
    }
}
