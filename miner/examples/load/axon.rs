//! What Bittensor's clients put into the head of a request to an axon, so that the same client can
//! ask one. Its signature covers no body unless a subnet names fields of it, and none is named here.

use assay_protocol::{Hotkey, Keypair, Nonce};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

/// 10.5.0, as its clients state it.
const VERSION: &str = "10005000";

/// SHA3-256 of nothing: no field of the body is covered.
const BODY_HASH: &str = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a";

/// One caller. An axon wants each of its requests to be later than the one before, so every
/// connection has one of its own.
pub struct Dendrite {
    axon: Hotkey,
    name: Nonce,
}

impl Dendrite {
    /// A caller of the axon with this hotkey.
    pub fn new(axon: Hotkey) -> Self {
        let name = Nonce::random();
        Self { axon, name }
    }

    /// Adds the head of a signed request.
    pub fn sign(&self, key: &Keypair, headers: &mut HeaderMap) -> anyhow::Result<()> {
        let nonce = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        let (axon, caller, name) = (self.axon, key.hotkey(), self.name.as_str());
        let message = format!("{nonce}.{caller}.{axon}.{name}.{BODY_HASH}");
        let mut signature = String::from("0x");
        for byte in key.sign(message.as_bytes()) {
            write!(signature, "{byte:02x}")?;
        }
        let fields = [
            ("name", "Query".to_owned()),
            ("timeout", "60.0".to_owned()),
            ("bt_header_axon_ip", "127.0.0.1".to_owned()),
            ("bt_header_axon_hotkey", axon.to_string()),
            ("bt_header_dendrite_ip", "127.0.0.1".to_owned()),
            ("bt_header_dendrite_version", VERSION.to_owned()),
            ("bt_header_dendrite_nonce", nonce.to_string()),
            ("bt_header_dendrite_uuid", name.to_owned()),
            ("bt_header_dendrite_hotkey", caller.to_string()),
            ("bt_header_dendrite_signature", signature),
            ("computed_body_hash", BODY_HASH.to_owned()),
        ];
        for (name, value) in fields {
            headers.insert(HeaderName::from_static(name), HeaderValue::try_from(value)?);
        }
        Ok(())
    }
}
