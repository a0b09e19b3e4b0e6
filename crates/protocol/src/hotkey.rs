//! A hotkey's public half, written as an SS58 address.

use crate::address;
use serde::{de::Error as _, Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};
use subxt_utils_accountid32::AccountId32;

/// The public key of a hotkey. As text it is SS58 with the generic prefix 42, and only that form
/// is read: one key has one spelling, so that comparing `keyid`s as text is safe too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hotkey(pub [u8; 32]);

/// Why a text is no hotkey.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HotkeyError {
    /// Not an SS58 address at all.
    #[error("`{0}` is not an SS58 address: {1}")]
    NotSs58(String, String),
    /// An address with the prefix of another network.
    #[error("`{0}` is written for another network: Assay's addresses have prefix 42, here `{1}`")]
    OtherPrefix(String, Hotkey),
}

impl FromStr for Hotkey {
    type Err = HotkeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(key) = address::read(text) {
            return Ok(Self(key));
        }
        // What is wrong with it is told by the library that knows every kind of address.
        let account: AccountId32 = text
            .parse()
            .map_err(|why| HotkeyError::NotSs58(text.to_owned(), format!("{why}")))?;
        let hotkey = Self(account.0);
        if hotkey.to_string() == text {
            Ok(hotkey)
        } else {
            Err(HotkeyError::OtherPrefix(text.to_owned(), hotkey))
        }
    }
}

impl From<[u8; 32]> for Hotkey {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Hotkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&address::write(&self.0))
    }
}

impl fmt::Debug for Hotkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hotkey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hotkey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    #[test]
    fn parse_and_display_agree() {
        let hotkey: Hotkey = ALICE.parse().unwrap();
        assert_eq!(hotkey.to_string(), ALICE);
        assert_eq!(
            serde_json::to_string(&hotkey).unwrap(),
            format!("\"{ALICE}\"")
        );
    }

    #[test]
    fn parse_is_refused_when_the_prefix_is_another_networks() {
        let polkadot = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5";
        let error = polkadot.parse::<Hotkey>().unwrap_err();
        assert!(matches!(error, HotkeyError::OtherPrefix(..)), "{error}");
        assert!(error.to_string().contains(ALICE), "{error}");
    }

    #[test]
    fn parse_is_refused_when_a_letter_is_wrong() {
        let error = ALICE.replace("QY", "QZ").parse::<Hotkey>().unwrap_err();
        assert!(matches!(error, HotkeyError::NotSs58(..)), "{error}");
    }
}
