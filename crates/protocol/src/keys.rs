//! Hotkeys' secret halves: where they are kept, and what they sign.
//!
//! Messages are signed as a Substrate account signs: sr25519 in the context `substrate`, ed25519 as
//! it is. Secrets are never printed: [`Keypair`] and [`Secret`] show what they are, not what they
//! hold.

use crate::Hotkey;
use ed25519_dalek::Signer as _;
use serde::{Deserialize, Serialize, Serializer};
use std::{
    fmt,
    fs::Metadata,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    str::FromStr,
};
use subxt_signer::{polkadot_js_compat, sr25519, SecretUri};

/// A signature of either scheme.
pub type Signature = [u8; 64];

/// What the secret of a key file can be at most, so that a wrong path does not read a model.
const MAX_KEY_FILE: u64 = 64 * 1024;

/// Where systemd says that it put the credentials of a service.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// Base64 length of the smallest keystore that holds a key: subxt's reader expects at least that.
const MIN_ENCODED: usize = 268;

/// A signature scheme, named as in the `alg` parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Schnorr signatures on Ristretto, the default of Substrate's wallets.
    #[default]
    Sr25519,
    /// Ed25519 (RFC 8032).
    Ed25519,
}

impl Scheme {
    /// The value of `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sr25519 => "sr25519",
            Self::Ed25519 => "ed25519",
        }
    }

    /// Whether `signature` is by `hotkey` over `message`.
    ///
    /// Keys for which a signature over anything can be made without a secret (the neutral element,
    /// points of small order) never verify: a receipt under such a key would prove nothing.
    pub fn verify(self, hotkey: &Hotkey, message: &[u8], signature: &Signature) -> bool {
        match self {
            Self::Sr25519 => {
                hotkey.0 != [0; 32]
                    && sr25519::verify(
                        &sr25519::Signature(*signature),
                        message,
                        &sr25519::PublicKey(hotkey.0),
                    )
            }
            Self::Ed25519 => ed25519_dalek::VerifyingKey::from_bytes(&hotkey.0).is_ok_and(|key| {
                key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
                    .is_ok()
            }),
        }
    }
}

impl FromStr for Scheme {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Sr25519, Self::Ed25519]
            .into_iter()
            .find(|scheme| scheme.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no signature scheme: use sr25519 or ed25519"))
    }
}

/// Why a key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Neither `file` nor `suri` is given.
    #[error(
        "no key is named: name a key file in `file`, or for development a secret in `suri` \
         such as //Bob"
    )]
    Missing,
    /// Both are given.
    #[error("the key is named both by `file` and by `suri`: leave one out")]
    Twice,
    /// The file can't be read.
    #[error("can't read the key file {}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        why: std::io::Error,
    },
    /// Others may read the file.
    #[error("others can read {0}: run `chmod 600 {0}`", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The text is no mnemonic, seed or secret URI, or the keystore can't be opened.
    #[error("not a usable secret: {0}")]
    Unusable(String),
    /// The same of a file.
    #[error(
        "{} holds no usable secret ({why}): it must be a mnemonic, a seed (0x and 64 hex digits), a \
         secret URI, or a keystore as polkadot-js exports it", path.display()
    )]
    UnusableFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// A secret text that is shown as `<redacted>` wherever it is printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("<redacted>")
    }
}

/// Where a key comes from, as configurations state it: `{ file = "hotkey.json", password_file =
/// "hotkey.password" }`, or for development `{ suri = "//Alice" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySource {
    /// A file readable by its owner alone. It holds a mnemonic, a `0x…` seed or a secret URI on one
    /// line, or a keystore as polkadot-js exports it (JSON).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The file that holds the keystore's password, readable by its owner alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The secret itself as a Substrate secret URI. Meant for development.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suri: Option<Secret>,
    /// The scheme; a keystore is always sr25519.
    #[serde(default)]
    pub scheme: Scheme,
}

impl KeySource {
    /// The key at `uri`, for tests and development networks.
    pub fn suri(uri: impl Into<String>) -> Self {
        Self {
            suri: Some(Secret::new(uri)),
            ..Self::default()
        }
    }

    /// Whether this names one of the well-known development keys, which everyone can use.
    pub fn is_development(&self) -> bool {
        self.suri
            .as_ref()
            .is_some_and(|secret| secret.0.starts_with("//"))
    }

    /// Reads the key.
    pub fn load(&self) -> Result<Keypair, KeyError> {
        match (&self.file, &self.suri) {
            (None, Some(secret)) => Keypair::from_suri(&secret.0, self.scheme),
            (Some(path), None) => {
                let text = read_private(path)?;
                if !text.starts_with('{') {
                    return Keypair::from_suri(&text, self.scheme)
                        .map_err(|why| of_file(path, why));
                }
                let Some(password) = &self.password_file else {
                    return Err(KeyError::Unusable(format!(
                        "{} is an encrypted keystore: name its `password_file`",
                        path.display()
                    )));
                };
                let opened = Keypair::from_keystore(&text, &read_private(password)?);
                opened.map_err(|why| of_file(path, why))
            }
            (None, None) => Err(KeyError::Missing),
            (Some(_), Some(_)) => Err(KeyError::Twice),
        }
    }
}

/// Says of which file something is.
fn of_file(path: &Path, why: KeyError) -> KeyError {
    match why {
        KeyError::Unusable(why) => KeyError::UnusableFile {
            path: path.to_owned(),
            why,
        },
        other => other,
    }
}

/// Whether nobody but its owner and root can read the file at `path`.
///
/// The credentials that systemd hands to a service are private although a group seems to read them:
/// they are root's, with the service's user on their access list, whose mask stands where a group's
/// rights would.
pub fn is_private(path: &Path, metadata: &Metadata) -> bool {
    let others = match std::env::var_os(CREDENTIALS_DIRECTORY) {
        Some(folder) if path.parent() == Some(Path::new(&folder)) => 0o007,
        _ => 0o077,
    };
    metadata.permissions().mode() & others == 0
}

/// The text of a file that nobody but its owner can read, without surrounding white space.
pub fn read_private(path: &Path) -> Result<String, KeyError> {
    let unreadable = |why| KeyError::Unreadable {
        path: path.to_owned(),
        why,
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !is_private(path, &metadata) {
        return Err(KeyError::Exposed {
            path: path.to_owned(),
        });
    }
    if metadata.len() > MAX_KEY_FILE {
        return Err(KeyError::Unusable(format!(
            "{} is too large for a key",
            path.display()
        )));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    Ok(text.trim().to_owned())
}

#[derive(Clone)]
enum Pair {
    Sr25519(Box<sr25519::Keypair>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

/// A hotkey with its secret. Printing it shows the address alone.
#[derive(Clone)]
pub struct Keypair {
    pair: Pair,
    hotkey: Hotkey,
}

impl Keypair {
    /// The key of a Substrate secret URI: a mnemonic or `0x…` seed, optionally with `//hard` and
    /// `/soft` derivations and a `///password`. For ed25519 only a `0x…` seed is understood.
    pub fn from_suri(uri: &str, scheme: Scheme) -> Result<Self, KeyError> {
        let uri = uri.trim();
        if uri.is_empty() {
            // Read as a URI, nothing at all means the development phrase, which everyone knows.
            return Err(KeyError::Unusable("it is empty".into()));
        }
        match scheme {
            Scheme::Sr25519 => {
                let uri =
                    SecretUri::from_str(uri).map_err(|why| KeyError::Unusable(why.to_string()))?;
                let pair = sr25519::Keypair::from_uri(&uri)
                    .map_err(|why| KeyError::Unusable(why.to_string()))?;
                Ok(Self::from_sr25519(pair))
            }
            Scheme::Ed25519 => seed(uri).map(Self::from_ed25519_seed).ok_or_else(|| {
                KeyError::Unusable("an ed25519 key is given as `0x` and 64 hex digits".into())
            }),
        }
    }

    /// The key in an encrypted keystore as polkadot-js exports it.
    pub fn from_keystore(json: &str, password: &str) -> Result<Self, KeyError> {
        let unusable = |why: String| KeyError::Unusable(format!("keystore: {why}"));
        let stated: serde_json::Value =
            serde_json::from_str(json).map_err(|why| unusable(why.to_string()))?;
        let encoded = stated
            .get("encoded")
            .and_then(|text| text.as_str())
            .unwrap_or_default();
        if encoded.len() < MIN_ENCODED {
            return Err(unusable("`encoded` is missing or cut short".into()));
        }
        polkadot_js_compat::decrypt_json(json, password)
            .map(Self::from_sr25519)
            .map_err(|why| {
                unusable(match why {
                    polkadot_js_compat::Error::Secretbox(_) => "the password is wrong".into(),
                    other => other.to_string(),
                })
            })
    }

    /// Wraps an sr25519 key.
    pub fn from_sr25519(pair: sr25519::Keypair) -> Self {
        let hotkey = Hotkey(pair.public_key().0);
        Self {
            pair: Pair::Sr25519(Box::new(pair)),
            hotkey,
        }
    }

    /// The ed25519 key of a seed.
    pub fn from_ed25519_seed(seed: [u8; 32]) -> Self {
        let pair = ed25519_dalek::SigningKey::from_bytes(&seed);
        let hotkey = Hotkey(pair.verifying_key().to_bytes());
        Self {
            pair: Pair::Ed25519(Box::new(pair)),
            hotkey,
        }
    }

    /// The public half.
    pub const fn hotkey(&self) -> Hotkey {
        self.hotkey
    }

    /// The scheme it signs with.
    pub const fn scheme(&self) -> Scheme {
        match self.pair {
            Pair::Sr25519(_) => Scheme::Sr25519,
            Pair::Ed25519(_) => Scheme::Ed25519,
        }
    }

    /// The key as subxt takes it, if it is sr25519.
    pub fn as_sr25519(&self) -> Option<&sr25519::Keypair> {
        match &self.pair {
            Pair::Sr25519(pair) => Some(pair),
            Pair::Ed25519(_) => None,
        }
    }

    /// Signs `message`. sr25519 signatures differ each time, ed25519 signatures do not.
    pub fn sign(&self, message: &[u8]) -> Signature {
        match &self.pair {
            Pair::Sr25519(pair) => pair.sign(message).0,
            Pair::Ed25519(pair) => pair.sign(message).to_bytes(),
        }
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keypair({} {})", self.scheme().as_str(), self.hotkey)
    }
}

/// The 32 bytes of `0x…`.
fn seed(text: &str) -> Option<[u8; 32]> {
    let digits = text
        .strip_prefix("0x")
        .filter(|digits| digits.len() == 64)?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
