//! New keys, and the encrypted files that hold them.
//!
//! A key is made as Substrate's wallets make one: twelve words of BIP 39, stretched with PBKDF2 into a
//! seed of sr25519. It is kept as polkadot-js exports it (version 3: PKCS 8 within
//! XSalsa20-Poly1305, under a key that scrypt makes of a password), so that wallets, miners and
//! validators read the same file:
//!
//! ```text
//! encoded = base64( salt 32 | N p r, 32 bits each | nonce 24 | box( head 16 | secret 64 | between 5 | public 32 ))
//! ```
//!
//! The words are shown once, by whoever asked for a key; nothing here writes or prints them.

use anyhow::{anyhow, Context, Result};
use assay_chain_client::AccountId32;
use base64::{engine::general_purpose::STANDARD, Engine as _};
use crypto_secretbox::{
    aead::{Aead as _, KeyInit as _},
    Key, Nonce, XSalsa20Poly1305,
};
use schnorrkel::{ExpansionMode, MiniSecretKey};
use serde_json::json;
use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};
use subxt_signer::bip39::Mnemonic;

/// Twelve words.
const ENTROPY: usize = 16;
/// Rounds of PBKDF2, as BIP 39 has them.
const ROUNDS: u32 = 2048;
/// What scrypt takes: 32 MiB and some tenths of a second. Every reader of such files allows these.
const LOG_N: u8 = 15;
const P: u32 = 1;
const R: u32 = 8;
/// What stands in front of the secret, and between it and the public half.
const HEAD: [u8; 16] = [48, 83, 2, 1, 1, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
const BETWEEN: [u8; 5] = [161, 35, 3, 33, 0];
/// Letters of a password that is made here: without those that are mistaken for each other, so that
/// each is worth five bits.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 160 bits.
const PASSWORD: usize = 32;

/// A key that was just made.
pub struct NewKey {
    /// The words that it follows from.
    pub phrase: String,
    secret: [u8; 64],
    public: [u8; 32],
}

impl NewKey {
    /// Makes a key nobody knows.
    pub fn generate() -> Result<Self> {
        Self::from_entropy(&rand::random::<[u8; ENTROPY]>())
    }

    fn from_entropy(entropy: &[u8]) -> Result<Self> {
        let words = Mnemonic::from_entropy(entropy)?;
        let mut seed = [0; 64];
        pbkdf2::pbkdf2::<hmac::Hmac<sha2::Sha512>>(entropy, b"mnemonic", ROUNDS, &mut seed)?;
        let mini = MiniSecretKey::from_bytes(&seed[..32]);
        let pair = mini
            .map_err(|why| anyhow!("no key can be made of a seed: {why}"))?
            .expand_to_keypair(ExpansionMode::Ed25519);
        Ok(Self {
            phrase: words.to_string(),
            secret: pair.secret.to_ed25519_bytes(),
            public: pair.public.to_bytes(),
        })
    }

    /// Its account.
    pub fn account(&self) -> AccountId32 {
        AccountId32(self.public)
    }

    /// The text of an encrypted file.
    pub fn keystore(&self, password: &str, name: &str) -> Result<String> {
        let (salt, nonce) = (rand::random::<[u8; 32]>(), rand::random::<[u8; 24]>());
        let mut key = Key::default();
        let stretched = scrypt::Params::new(LOG_N, R, P, key.len())?;
        scrypt::scrypt(password.as_bytes(), &salt, &stretched, &mut key)?;
        let plain = [&HEAD[..], &self.secret, &BETWEEN, &self.public].concat();
        let closed = XSalsa20Poly1305::new(&key)
            .encrypt(Nonce::from_slice(&nonce), &plain[..])
            .map_err(|_| anyhow!("the key can't be encrypted"))?;
        let numbers = [1 << LOG_N, P, R].map(u32::to_le_bytes).concat();
        let encoded = STANDARD.encode([&salt[..], &numbers, &nonce, &closed].concat());
        let text = json!({
            "encoded": encoded,
            "encoding": {
                "content": ["pkcs8", "sr25519"],
                "type": ["scrypt", "xsalsa20-poly1305"],
                "version": "3",
            },
            "address": self.account().to_string(),
            "meta": { "name": name },
        });
        Ok(serde_json::to_string_pretty(&text)?)
    }
}

/// A password that nobody has to remember.
pub fn new_password() -> String {
    let drawn: [u8; PASSWORD] = rand::random();
    let letters = drawn.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    letters.iter().collect()
}

/// Writes a file that its owner alone can read. One that is there is left as it is: it may hold the
/// only copy of a key.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(anyhow!(
                "{} is there already and may hold a key: name another file",
                path.display()
            ))
        }
        Err(error) => {
            return Err(error).with_context(|| format!("{} can't be written", path.display()))
        }
    };
    let written = writeln!(file, "{text}").and_then(|()| file.sync_all());
    written.with_context(|| format!("{} can't be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::{keys::Scheme, Keypair};

    #[test]
    fn keystore_is_read_as_the_key_of_its_words() {
        let made = NewKey::generate().unwrap();
        let of_words = Keypair::from_suri(&made.phrase, Scheme::Sr25519).unwrap();
        let text = made.keystore("a password", "hotkey").unwrap();
        let of_file = Keypair::from_keystore(&text, "a password").unwrap();
        assert_eq!(of_file.hotkey(), of_words.hotkey());
        assert_eq!(of_file.hotkey().0, made.account().0);
        // Not only the public half.
        let signature = of_file.sign(b"message");
        assert!(Scheme::Sr25519.verify(&of_words.hotkey(), b"message", &signature));
        let wrong = Keypair::from_keystore(&text, "another one").unwrap_err();
        assert!(
            wrong.to_string().contains("the password is wrong"),
            "{wrong}"
        );
    }

    #[test]
    fn key_of_known_words_is_the_known_key() {
        // Of sixteen zero bytes: the first example of BIP 39.
        let made = NewKey::from_entropy(&[0; ENTROPY]).unwrap();
        let eleven = "abandon ".repeat(11);
        assert_eq!(made.phrase, format!("{eleven}about"));
        let of_words = Keypair::from_suri(&made.phrase, Scheme::Sr25519).unwrap();
        assert_eq!(made.account().0, of_words.hotkey().0);
    }

    #[test]
    fn write_private_leaves_a_file_as_it_is_when_there_is_one() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        write_private(&path, "first").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let error = write_private(&path, "second").unwrap_err();
        assert!(error.to_string().contains("is there already"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first\n");
        assert_ne!(new_password(), new_password());
    }
}
