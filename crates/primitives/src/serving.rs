//! Where a neuron can be reached and what it serves.

use crate::{BlockNumber, Digest};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// A host name or an IP address, as text.
pub type Host = BoundedVec<u8, ConstU32<253>>;

/// Where a neuron listens.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Endpoint {
    /// Host name or IP address.
    #[cfg_attr(feature = "std", serde(with = "crate::text"))]
    pub host: Host,
    /// TCP port.
    pub port: u16,
    /// What it speaks.
    pub protocol: EndpointProtocol,
    /// SHA-256 of the DER certificate it shows, where it speaks TLS.
    pub certificate: Option<Digest>,
}

/// The transports that a miner may offer.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum EndpointProtocol {
    /// REST over plain HTTP.
    Http,
    /// REST over TLS.
    Https,
    /// gRPC in clear.
    Grpc,
    /// gRPC over TLS.
    Grpcs,
}

/// Why an endpoint can't be announced.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum EndpointError {
    /// The host is empty or holds something other than letters, digits, `.`, `-`, `:`, `[`, `]`.
    BadHost,
    /// Port 0.
    BadPort,
    /// TLS without a certificate's digest, or a digest without TLS.
    BadCertificate,
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadHost => "the host must be a host name or an IP address",
            Self::BadPort => "port 0 can't be reached",
            Self::BadCertificate => "a certificate's digest goes with TLS, and TLS needs one",
        })
    }
}

#[cfg(feature = "std")]
impl std::error::Error for EndpointError {}

impl Endpoint {
    /// Checks what the types alone can't say.
    pub fn check(&self) -> Result<(), EndpointError> {
        let fits = |&byte: &u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if self.host.is_empty() || !self.host.iter().all(fits) {
            return Err(EndpointError::BadHost);
        }
        if self.port == 0 {
            return Err(EndpointError::BadPort);
        }
        let tls = matches!(
            self.protocol,
            EndpointProtocol::Https | EndpointProtocol::Grpcs
        );
        if tls != self.certificate.is_some() {
            return Err(EndpointError::BadCertificate);
        }
        Ok(())
    }
}

/// The model that a neuron says it serves.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct ModelAnnouncement {
    /// SHA-256 of the model file.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Something announced, and when.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Announced<What> {
    /// What was announced.
    pub what: What,
    /// The block in which it was.
    pub at: BlockNumber,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_names_what_is_wrong() {
        let endpoint = Endpoint {
            host: b"miner.example".to_vec().try_into().unwrap(),
            port: 8080,
            protocol: EndpointProtocol::Http,
            certificate: None,
        };
        assert_eq!(endpoint.check(), Ok(()));
        let spaced = b"a b".to_vec().try_into().unwrap();
        assert_eq!(
            Endpoint {
                host: spaced,
                ..endpoint.clone()
            }
            .check(),
            Err(EndpointError::BadHost)
        );
        assert_eq!(
            Endpoint {
                port: 0,
                ..endpoint.clone()
            }
            .check(),
            Err(EndpointError::BadPort)
        );
        let tls = Endpoint {
            protocol: EndpointProtocol::Https,
            ..endpoint
        };
        assert_eq!(tls.check(), Err(EndpointError::BadCertificate));
    }
}
