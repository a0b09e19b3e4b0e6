//! Serialises amounts as decimal text: `#[serde(with = "crate::amount")]`.
//!
//! JSON's readers often take numbers for 64-bit floats, which lose units above 2^53, about nine
//! thousand ASY. So amounts are written as text and read from text or from a number.

use crate::Balance;
use core::fmt;
use serde::{de, Deserializer, Serializer};

pub fn serialize<S: Serializer>(amount: &Balance, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Balance, D::Error> {
    deserializer.deserialize_any(AmountVisitor)
}

struct AmountVisitor;

impl de::Visitor<'_> for AmountVisitor {
    type Value = Balance;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an amount in the smallest unit, as decimal text or as a whole number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Balance, E> {
        text.parse()
            .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Balance, E> {
        Ok(number.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Balance, E> {
        Balance::try_from(number)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<Balance, E> {
        Ok(number)
    }
}

/// The same for a column of amounts: `#[serde(with = "crate::amount::column")]`.
pub mod column {
    use crate::Balance;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Amount(#[serde(with = "super")] Balance);

    pub fn serialize<S: Serializer>(amounts: &[Balance], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(amounts.iter().copied().map(Amount))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Balance>, D::Error> {
        let amounts = Vec::<Amount>::deserialize(deserializer)?;
        Ok(amounts.into_iter().map(|Amount(amount)| amount).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Balance, CAP};
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Purse {
        #[serde(with = "crate::amount")]
        coins: Balance,
        #[serde(with = "crate::amount::column")]
        by_uid: Vec<Balance>,
    }

    #[test]
    fn amounts_are_text_and_read_back_when_above_every_float() {
        let purse = Purse {
            coins: CAP + 1,
            by_uid: vec![0, u128::MAX],
        };
        let json = serde_json::to_string(&purse).unwrap();
        assert_eq!(
            json,
            r#"{"coins":"21000000000000000001","by_uid":["0","340282366920938463463374607431768211455"]}"#
        );
        assert_eq!(serde_json::from_str::<Purse>(&json).unwrap(), purse);
    }

    #[test]
    fn amounts_are_read_when_they_are_numbers() {
        let purse: Purse = serde_json::from_str(r#"{"coins":5,"by_uid":[6,"7"]}"#).unwrap();
        assert_eq!(
            purse,
            Purse {
                coins: 5,
                by_uid: vec![6, 7]
            }
        );
    }

    #[test]
    fn amounts_are_refused_when_they_are_none() {
        for wrong in ["-1", "1.5", r#""1.5""#, r#""""#, "null"] {
            let json = format!(r#"{{"coins":{wrong},"by_uid":[]}}"#);
            assert!(serde_json::from_str::<Purse>(&json).is_err(), "{wrong}");
        }
    }
}
