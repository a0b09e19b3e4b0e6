//! The subnet: where its node is, and what shall be said there of this miner.

use super::{invalid, ConfigError};
use assay_primitives::{Balance, Digest, Endpoint, EndpointProtocol, NetUid, ASY, DECIMALS};
use assay_protocol::keys::KeySource;
use serde::{Deserialize, Serialize};

/// The subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSettings {
    /// The node's WebSocket address.
    pub url: String,
    /// The subnet.
    pub netuid: NetUid,
    /// Hash of the network's first block; if set, a node of another network is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesis: Option<Digest>,
    /// Where others reach this miner: `host:port`. If unset, no endpoint is announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The model to announce; may be left out if there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Most that a registration may cost, in ASY, such as `"2.5"`. If unset, the miner does not
    /// register itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<String>,
    /// Whether to pay for a new place when the miner is pruned while it runs. At its start it pays
    /// for one in any case, if `max_price` is set and it has none.
    #[serde(default)]
    pub register_again: bool,
    /// The account that pays for the registration and owns the hotkey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coldkey: Option<KeySource>,
}

impl ChainSettings {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.announced(None)?;
        if self.max_price()?.is_some() && self.coldkey.is_none() {
            return Err(invalid(
                "chain.coldkey",
                "is needed to register: it pays the price",
            ));
        }
        Ok(())
    }

    /// The endpoint to announce; over TLS, with the digest of the certificate that is shown there.
    pub fn announced(&self, certificate: Option<Digest>) -> Result<Option<Endpoint>, ConfigError> {
        const NAME: &str = "chain.endpoint";
        let Some(text) = &self.endpoint else {
            return Ok(None);
        };
        let parts = text
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = parts.ok_or_else(|| invalid(NAME, "must be `host:port`"))?;
        let host = host.as_bytes().to_vec().try_into();
        let host = host.map_err(|_| invalid(NAME, "has a host name over 253 letters"))?;
        let endpoint = Endpoint {
            host,
            port,
            protocol: match certificate {
                Some(_) => EndpointProtocol::Https,
                None => EndpointProtocol::Http,
            },
            certificate,
        };
        endpoint
            .check()
            .map_err(|why| invalid(NAME, format!("can't be announced: {why}")))?;
        Ok(Some(endpoint))
    }

    /// The limit of a registration's price.
    pub fn max_price(&self) -> Result<Option<Balance>, ConfigError> {
        amount("chain.max_price", self.max_price.as_deref())
    }
}

/// A setting that is an amount in ASY.
pub(super) fn amount(
    name: &'static str,
    text: Option<&str>,
) -> Result<Option<Balance>, ConfigError> {
    let why = || invalid(name, "must be an amount in ASY, such as \"2.5\"");
    text.map(|text| parse_asy(text).ok_or_else(why)).transpose()
}

/// An amount in ASY, with at most as many decimals as the token has.
fn parse_asy(text: &str) -> Option<Balance> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let missing = u32::from(DECIMALS).checked_sub(u32::try_from(decimals.len()).ok()?)?;
    if !digits(whole) || !digits(decimals) {
        return None;
    }
    let whole = whole.parse::<Balance>().ok()?.checked_mul(ASY)?;
    let decimals = decimals
        .parse::<Balance>()
        .ok()?
        .checked_mul(10_u128.checked_pow(missing)?)?;
    whole.checked_add(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_asy_reads_amounts_to_the_last_unit() {
        assert_eq!(parse_asy("2.5"), Some(2 * ASY + ASY / 2));
        assert_eq!(parse_asy("0.000000000001"), Some(1));
        assert_eq!(parse_asy("21000000"), Some(assay_primitives::CAP));
        for wrong in [
            "",
            ".",
            "-1",
            "1e3",
            "1.",
            ".5",
            "0.0000000000001",
            "+1",
            "1 ASY",
        ] {
            assert_eq!(parse_asy(wrong), None, "{wrong}");
        }
    }
}
