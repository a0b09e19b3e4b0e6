//! Serialises bounded UTF-8 bytes as text: `#[serde(with = "crate::text")]`.

use bounded_collections::{BoundedVec, Get};
use serde::{de::Error as _, Deserialize, Deserializer, Serializer};

pub fn serialize<S: Serializer, Bound: Get<u32>>(
    bytes: &BoundedVec<u8, Bound>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

pub fn deserialize<'de, D: Deserializer<'de>, Bound: Get<u32>>(
    deserializer: D,
) -> Result<BoundedVec<u8, Bound>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let length = text.len();
    BoundedVec::try_from(text.into_bytes()).map_err(|_| {
        D::Error::custom(format!(
            "{length} bytes of text where at most {} fit",
            Bound::get()
        ))
    })
}
