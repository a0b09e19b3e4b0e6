//! Amounts as text, for people and for programs.
//!
//! People write and read them in ASY with decimals. Programs get them in the smallest unit, as
//! decimal text: `#[serde(with = "crate::amount")]`. JSON's readers often take numbers for 64-bit
//! floats, which lose units above 2^53, about nine thousand ASY. So amounts are written as text and
//! read from text or from a number.

use crate::{Balance, ASY, DECIMALS};
use core::fmt;
use serde::{de, Deserializer, Serializer};

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// It is no decimal number.
    Malformed(String),
    /// It is finer than the smallest unit.
    TooFine(String),
    /// It is more than there can be.
    TooLarge(String),
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(text) => {
                write!(f, "`{text}` is not an amount in ASY, such as 12 or 0.5")
            }
            Self::TooFine(text) => write!(
                f,
                "`{text}` has more than the {DECIMALS} decimals that ASY has"
            ),
            Self::TooLarge(text) => write!(f, "{text} ASY are more than can be"),
        }
    }
}

impl std::error::Error for AmountError {}

/// Reads an amount in ASY: `12`, `12.5` or `0.000001`. Returns it in the smallest unit.
///
/// # Errors
/// Says whether the text is no number, too fine or too large.
pub fn parse_asy(text: &str) -> Result<Balance, AmountError> {
    let malformed = || AmountError::Malformed(text.to_owned());
    let too_large = || AmountError::TooLarge(text.to_owned());
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(malformed());
    }
    if part.len() > usize::from(DECIMALS) {
        return Err(AmountError::TooFine(text.to_owned()));
    }
    let whole: Balance = whole.parse().map_err(|_| too_large())?;
    let padded = format!("{part:0<width$}", width = usize::from(DECIMALS));
    let part: Balance = padded.parse().map_err(|_| malformed())?;
    whole
        .checked_mul(ASY)
        .and_then(|whole| whole.checked_add(part))
        .ok_or_else(too_large)
}

/// An amount for people: `12.5 ASY`.
pub fn format_asy(amount: Balance) -> String {
    let (whole, rest) = (amount / ASY, amount % ASY);
    let digits = format!("{rest:0width$}", width = usize::from(DECIMALS));
    match digits.trim_end_matches('0') {
        "" => format!("{whole} ASY"),
        digits => format!("{whole}.{digits} ASY"),
    }
}

pub(crate) fn serialize<S: Serializer>(amount: &Balance, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Balance, D::Error> {
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
pub(crate) mod column {
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
    use super::*;
    use crate::CAP;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Purse {
        #[serde(with = "crate::amount")]
        coins: Balance,
        #[serde(with = "crate::amount::column")]
        by_uid: Vec<Balance>,
    }

    #[test]
    fn amounts_round_trip() {
        for (text, amount) in [
            ("0", 0),
            ("1", ASY),
            ("12.5", 25 * ASY / 2),
            ("0.000000000001", 1),
            ("21000000", CAP),
        ] {
            assert_eq!(parse_asy(text), Ok(amount));
            assert_eq!(format_asy(amount), format!("{text} ASY"));
        }
    }

    #[test]
    fn parse_asy_fails_when_the_text_is_no_amount() {
        for text in [
            "", ".", ".5", "1.", "1,5", "-1", "+1", "1e3", "1.2.3", "1 ASY",
        ] {
            let malformed = AmountError::Malformed(text.to_owned());
            assert_eq!(parse_asy(text), Err(malformed));
        }
        let fine = "0.0000000000001";
        assert_eq!(parse_asy(fine), Err(AmountError::TooFine(fine.to_owned())));
        for huge in ["9".repeat(40), Balance::MAX.to_string()] {
            let error = AmountError::TooLarge(huge.clone());
            assert_eq!(parse_asy(&huge), Err(error));
        }
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
