//! TLS towards a miner: the certificate is the one that is announced on chain, or nobody is
//! spoken to.
//!
//! Neither names nor dates nor authorities are looked at: the chain says which certificate a miner
//! shows, and the handshake proves that whoever shows it holds its key.

use assay_primitives::Digest;
use rustls::{
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{
        ring::default_provider, verify_tls12_signature, verify_tls13_signature, CryptoProvider,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
};
use std::sync::Arc;

/// The SHA-256 of a certificate in DER: what a miner announces.
pub fn certificate_digest(certificate: &[u8]) -> Digest {
    Digest(crate::sha256(certificate))
}

/// How a client of a miner that announced the certificate `digest` speaks TLS.
///
/// # Errors
/// The cryptography at hand supports no version of TLS.
pub fn pinned_tls(digest: Digest) -> Result<ClientConfig, Error> {
    let provider = Arc::new(default_provider());
    let pinned = Arc::new(Pinned {
        digest,
        provider: Arc::clone(&provider),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(pinned)
        .with_no_client_auth();
    Ok(config)
}

#[derive(Debug)]
struct Pinned {
    digest: Digest,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if certificate_digest(certificate) == self.digest {
            Ok(ServerCertVerified::assertion())
        } else {
            let why = CertificateError::ApplicationVerificationFailure;
            Err(Error::InvalidCertificate(why))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
