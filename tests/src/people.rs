//! The keys of those who take part, derived from their names as on every development network.

use assay_chain_client::{AccountId32, Keypair};
use assay_protocol::keys::{self, Scheme};

/// The sr25519 key of a secret URI.
pub fn key(uri: &str) -> Keypair {
    let pair = keys::Keypair::from_suri(uri, Scheme::Sr25519).expect("a secret URI");
    pair.as_sr25519().expect("made as sr25519").clone()
}

/// Somebody with a coldkey and a hotkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What the keys are derived from.
    pub name: String,
}

impl Person {
    /// Who has this name.
    pub fn named(name: &str) -> Self {
        let name = name.to_owned();
        Self { name }
    }

    /// The secret URI of the coldkey.
    pub fn coldkey_uri(&self) -> String {
        format!("//assay-tests//{}", self.name)
    }

    /// The secret URI of the hotkey.
    pub fn hotkey_uri(&self) -> String {
        format!("//assay-tests//{}//hotkey", self.name)
    }

    /// The key that owns and pays.
    pub fn coldkey(&self) -> Keypair {
        key(&self.coldkey_uri())
    }

    /// The key that works.
    pub fn hotkey(&self) -> Keypair {
        key(&self.hotkey_uri())
    }

    /// The coldkey's account.
    pub fn account(&self) -> AccountId32 {
        AccountId32(self.coldkey().public_key().0)
    }

    /// The hotkey's account.
    pub fn hotkey_account(&self) -> AccountId32 {
        AccountId32(self.hotkey().public_key().0)
    }
}
