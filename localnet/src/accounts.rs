//! Keys of the network's participants, derived from their names: they are public, like those of
//! every development network.

use crate::error::Error;
use assay_chain_client::{AccountId32, Keypair};
use assay_protocol::keys::{self, Scheme};

/// The account that every well-known development network endows, and that pays for the others.
pub const PAYER: &str = "//Alice";
/// The account that registers the subnet.
pub const CREATOR: &str = "//assay-localnet//creator";

/// The secret URI of a participant's coldkey.
pub fn coldkey_uri(name: &str) -> String {
    format!("//assay-localnet//{name}")
}

/// The secret URI of a participant's hotkey.
pub fn hotkey_uri(name: &str) -> String {
    format!("//assay-localnet//{name}//hotkey")
}

/// The key of a secret URI.
pub fn key(uri: &str) -> Result<Keypair, Error> {
    let pair = keys::Keypair::from_suri(uri, Scheme::Sr25519)?;
    pair.as_sr25519()
        .cloned()
        .ok_or_else(|| Error::NotAnAccount(uri.to_owned()))
}

/// The account of a secret URI.
pub fn account(uri: &str) -> Result<AccountId32, Error> {
    Ok(key(uri)?.public_key().to_account_id())
}
