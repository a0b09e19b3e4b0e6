//! Content-Digest (RFC 9530) with SHA-256.

use crate::VerifyError;
use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};
use sha2::{Digest as _, Sha256};

pub(crate) const CONTENT_DIGEST: &str = "content-digest";
const ALGORITHM: &str = "sha-256";

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The value of `Content-Digest` for a body.
pub fn content_digest(body: &[u8]) -> String {
    let digest = BareItem::ByteSequence(sha256(body).to_vec());
    let digest = sfv::ItemSerializer::new().bare_item(&digest).finish();
    format!("{ALGORITHM}={digest}")
}

/// The SHA-256 digest that a `Content-Digest` value states. Digests in other algorithms may stand
/// next to it and are not looked at: the one that every party can check is enough.
pub(crate) fn stated_digest(value: &str) -> Result<[u8; 32], VerifyError> {
    let wrong = |why: &str| VerifyError::Malformed(format!("content-digest `{value}` {why}"));
    let members: Dictionary = Parser::new(value)
        .parse()
        .map_err(|_| wrong("is not a structured dictionary"))?;
    let Some(member) = members.get(ALGORITHM) else {
        return Err(wrong("has no sha-256 digest"));
    };
    let ListEntry::Item(Item {
        bare_item: BareItem::ByteSequence(bytes),
        ..
    }) = member
    else {
        return Err(wrong(
            "states its sha-256 digest as something else than bytes",
        ));
    };
    bytes
        .as_slice()
        .try_into()
        .map_err(|_| wrong("states a sha-256 digest that is not 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_digest_is_that_of_rfc_9530() {
        // RFC 9530, appendix B.1.
        assert_eq!(
            content_digest(b"{\"hello\": \"world\"}\n"),
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
        );
    }

    #[test]
    fn stated_digest_reads_what_content_digest_wrote() {
        assert_eq!(stated_digest(&content_digest(b"x")), Ok(sha256(b"x")));
        let both = format!("sha-512=:AAAA:, {}", content_digest(b"x"));
        assert_eq!(stated_digest(&both), Ok(sha256(b"x")));
    }

    #[test]
    fn stated_digest_is_refused_when_sha_256_is_missing_or_short() {
        for wrong in [
            "",
            "sha-512=:AAAA:",
            "sha-256=:AAAA:",
            "sha-256=1",
            "sha-256=:::",
        ] {
            assert!(
                matches!(stated_digest(wrong), Err(VerifyError::Malformed(_))),
                "{wrong}"
            );
        }
    }
}
