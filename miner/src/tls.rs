//! The certificate that this miner shows: made at the first start, read again when its files
//! change, and shown only once the chain knows it.
//!
//! ```text
//! files change -> read -> wish its digest announced -> a finalized block says so -> show it
//! ```
//!
//! Callers pin the digest that the chain tells. Until a new certificate is announced, the old one
//! is the one that they expect.

use crate::{config::TlsSettings, folders::check_writable, registration::Wishes};
use assay_primitives::Digest;
use assay_protocol::{certificate_digest, keys::is_private};
use assay_telemetry::Shutdown;
use rcgen::{CertificateParams, DnType, KeyPair};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{interval, MissedTickBehavior},
};
use tokio_rustls::rustls::{
    crypto::ring::default_provider,
    pki_types::{pem::PemObject as _, CertificateDer, PrivateKeyDer},
    ServerConfig,
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// What TLS connections may go on with, the first one that the caller speaks. Clients of gRPC offer
/// HTTP/2 alone, and go no further where it is not taken up.
const PROTOCOLS: [&[u8]; 2] = [b"http/1.1", b"h2"];

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read or written.
    #[error("TLS: {}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        why: io::Error,
    },
    /// The key is missing, though its certificate is there.
    #[error(
        "TLS: {} is there and its key {} is not: put it there, or remove the certificate to have \
         both made", certificate.display(), key.display()
    )]
    NoKey {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// Others may read the key.
    #[error("TLS: others can read {0}: run `chmod 600 {0}`", path.display())]
    Exposed {
        /// The key.
        path: PathBuf,
    },
    /// A file holds something else.
    #[error("TLS: {} is not usable: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl TlsSettings {
    /// Whether certificate and key could be made where they are named.
    pub(crate) fn check_writable(&self) -> Result<(), TlsError> {
        for file in [&self.certificate, &self.key] {
            let folder = file.parent().unwrap_or(file);
            check_writable(folder).map_err(file_error(folder))?;
        }
        Ok(())
    }
}

/// A certificate with its key, ready to be shown.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What connections are accepted with.
    pub config: Arc<ServerConfig>,
    /// SHA-256 of the certificate: what is announced.
    pub digest: Digest,
}

impl Identity {
    /// Reads the files; where the certificate is not there it is made first, for `host`.
    pub fn open(settings: &TlsSettings, host: &str) -> Result<Self, TlsError> {
        if !settings.certificate.exists() {
            make(settings, host)?;
        }
        Self::load(settings)
    }

    /// Reads the files.
    pub fn load(settings: &TlsSettings) -> Result<Self, TlsError> {
        let TlsSettings { certificate, key } = settings;
        if certificate.exists() && !key.exists() {
            return Err(TlsError::NoKey {
                certificate: certificate.clone(),
                key: key.clone(),
            });
        }
        let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|why| unusable(certificate, why))?;
        let first = chain
            .first()
            .ok_or_else(|| unusable(certificate, "it holds no certificate"))?;
        let digest = certificate_digest(first);
        let private =
            PrivateKeyDer::from_pem_slice(&read_private(key)?).map_err(|why| unusable(key, why))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(chain, private)
            })
            .map_err(|why| unusable(certificate, why))?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self {
            config: Arc::new(config),
            digest,
        })
    }
}

fn unusable(path: &Path, why: impl ToString) -> TlsError {
    TlsError::Unusable {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> TlsError + '_ {
    |why| TlsError::File {
        path: path.to_owned(),
        why,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(file_error(path))
}

fn read_private(path: &Path) -> Result<Vec<u8>, TlsError> {
    let metadata = fs::metadata(path).map_err(file_error(path))?;
    if !is_private(path, &metadata) {
        return Err(TlsError::Exposed {
            path: path.to_owned(),
        });
    }
    read(path)
}

/// Makes a certificate that vouches for itself; with a new key, unless there is one.
fn make(settings: &TlsSettings, host: &str) -> Result<(), TlsError> {
    let TlsSettings { certificate, key } = settings;
    let pair = if key.exists() {
        let text = String::from_utf8_lossy(&read_private(key)?).into_owned();
        KeyPair::from_pem(&text).map_err(|why| unusable(key, why))?
    } else {
        let pair = KeyPair::generate().map_err(|why| unusable(key, why))?;
        write(key, pair.serialize_pem().as_bytes(), 0o600)?;
        pair
    };
    let host = host.trim_matches(['[', ']']);
    let params = CertificateParams::new([host.to_owned()]);
    let mut params = params.map_err(|why| unusable(certificate, why))?;
    params
        .distinguished_name
        .push(DnType::CommonName, "assay-miner");
    let made = params.self_signed(&pair);
    let made = made.map_err(|why| unusable(certificate, why))?;
    write(certificate, made.pem().as_bytes(), 0o644)?;
    tracing::info!(path = %certificate.display(), "made a TLS certificate");
    Ok(())
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), TlsError> {
    if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(file_error(folder))?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    })();
    written.map_err(file_error(path))
}

/// Shows a new certificate when its files change, after the chain knows it.
pub struct Renewal {
    settings: TlsSettings,
    shown: watch::Sender<Identity>,
    wishes: Option<Wishes>,
}

impl Renewal {
    /// Follows the files of `settings`, of which `identity` was read. The receiver tells what is
    /// to be shown.
    pub fn new(
        settings: TlsSettings,
        identity: Identity,
        wishes: Option<Wishes>,
    ) -> (Self, watch::Receiver<Identity>) {
        crate::metrics::certificate(&identity.digest, true);
        let (shown, receiver) = watch::channel(identity);
        let service = Self {
            settings,
            shown,
            wishes,
        };
        (service, receiver)
    }

    /// Looks and acts until `shutdown` is tripped.
    pub async fn run(self, shutdown: Shutdown) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first look would find what was read just now.
        looks.reset();
        let mut next: Option<Identity> = None;
        let mut trouble = String::new();
        loop {
            tokio::select! {
                // In this order: what the chain names already is shown before anything else is
                // wished.
                biased;
                () = shutdown.tripped() => return,
                () = self.told(), if next.is_some() => if let Some(next) = next.take() {
                    self.show(next);
                },
                _ = looks.tick() => match self.wish_for_files(next.as_ref()) {
                    Ok(found) => {
                        next = found;
                        trouble.clear();
                    }
                    Err(why) => {
                        // The same trouble is told once.
                        let why = why.to_string();
                        if trouble != why {
                            tracing::warn!(%why, "the certificate of before is shown on");
                        }
                        trouble = why;
                    }
                }
            }
        }
    }

    /// Wishes that the chain names the certificate that the files hold now, and returns what is to be
    /// shown once it does; `next` is what waits already.
    fn wish_for_files(&self, next: Option<&Identity>) -> Result<Option<Identity>, TlsError> {
        // Two small files: reading them on an async thread holds up nobody.
        let found = Identity::load(&self.settings)?;
        let shown = self.shown.borrow().digest;
        if next.map_or(shown, |next| next.digest) == found.digest {
            return Ok(next.cloned());
        }
        if let Some(wishes) = &self.wishes {
            wishes.change(|wish| {
                if let Some(endpoint) = &mut wish.endpoint {
                    endpoint.certificate = Some(found.digest);
                }
            });
        }
        if found.digest == shown {
            return Ok(None);
        }
        tracing::info!(sha256 = %found.digest, "a new certificate is to be shown");
        Ok(Some(found))
    }

    /// Waits until the chain names what waits. The model, which is announced by itself, is no
    /// matter of this.
    async fn told(&self) {
        if let Some(wishes) = &self.wishes {
            wishes.endpoint_told().await;
        }
    }

    fn show(&self, next: Identity) {
        crate::metrics::certificate(&self.shown.borrow().digest, false);
        crate::metrics::certificate(&next.digest, true);
        tracing::info!(sha256 = %next.digest, "the new certificate is shown from now on");
        self.shown.send_replace(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn settings(folder: &Path) -> TlsSettings {
        TlsSettings {
            certificate: folder.join("tls/certificate.pem"),
            key: folder.join("tls/key.pem"),
        }
    }

    #[test]
    fn open_makes_a_certificate_once_and_keeps_its_key_private() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        let made = Identity::open(&settings, "miner.example").unwrap();
        let again = Identity::open(&settings, "other.example").unwrap();
        assert_eq!(made.digest, again.digest);
        let mode = fs::metadata(&settings.key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // A lost certificate is made anew for the key that is there.
        fs::remove_file(&settings.certificate).unwrap();
        Identity::open(&settings, "[::1]").unwrap();
    }

    #[test]
    fn load_says_what_to_do_when_the_key_is_missing_open_or_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        Identity::open(&settings, "h").unwrap();
        let refused = || Identity::load(&settings).unwrap_err().to_string();
        fs::set_permissions(&settings.key, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(refused().contains("chmod 600"), "{}", refused());
        fs::set_permissions(&settings.key, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&settings.key, "no key").unwrap();
        assert!(refused().contains("key.pem is not usable"), "{}", refused());
        fs::remove_file(&settings.key).unwrap();
        assert!(
            refused().contains("remove the certificate"),
            "{}",
            refused()
        );
    }
}
