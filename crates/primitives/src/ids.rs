//! Newtypes for every number that names something.

use codec::{CompactAs, Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, CompactAs,
        )]
        #[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "std", serde(transparent))]
        pub struct $name(pub $inner);

        impl $name {
            /// The one after this; the largest stays where it is.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                Self(inner)
            }
        }

        impl From<$name> for $inner {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        #[cfg(feature = "std")]
        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number_id!(
    /// A subnet's number. It is reused after the subnet is dissolved: see [`Generation`].
    NetUid(u16)
);
number_id!(
    /// A neuron's place in its subnet, dense from 0. It is reused after pruning: see [`Serial`].
    Uid(u16)
);
number_id!(
    /// How often a [`NetUid`] was reused.
    Generation(u32)
);
number_id!(
    /// The number of a neuron's registration, over all subnets, never reused.
    Serial(u64)
);
number_id!(
    /// The number of a subnet's epoch, counted per subnet and generation from 0. Epoch `e` is open
    /// from the run of epoch `e - 1` to its own run.
    EpochIndex(u32)
);
number_id!(
    /// The version of a subnet's task spec, counted from 0.
    TaskVersion(u32)
);

/// A fraction in [0, 1], read as `x / 65535`.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(transparent))]
pub struct Ratio16(pub u16);

impl Ratio16 {
    /// 0.
    pub const ZERO: Self = Self(0);
    /// 1.
    pub const ONE: Self = Self(u16::MAX);

    /// `amount * self`, rounded down. The caller keeps what rounding leaves.
    ///
    /// Exact for every `amount`: the whole and the remainder of `amount / 65535` are scaled apart,
    /// so nothing overflows.
    pub const fn of(self, amount: u128) -> u128 {
        let (ratio, one) = (self.0 as u128, u16::MAX as u128);
        (amount / one) * ratio + (amount % one) * ratio / one
    }
}

impl fmt::Display for Ratio16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = u32::from(self.0) * 10_000 / u32::from(u16::MAX);
        write!(f, "{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

/// 32 bytes that name what they were computed from: a SHA-256 or BLAKE2b-256 digest or a Merkle
/// root. Which of them, the field's name says. Text is lower-case hexadecimal without prefix.
#[derive(
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Digest(pub [u8; 32]);

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "std")]
mod text {
    use super::Digest;
    use serde::{de::Error as _, Deserialize, Deserializer, Serialize, Serializer};

    impl std::str::FromStr for Digest {
        type Err = String;

        fn from_str(text: &str) -> Result<Self, Self::Err> {
            let digits = text.strip_prefix("0x").unwrap_or(text);
            let wrong = || format!("`{text}` is not a digest: 64 hexadecimal digits are needed");
            if digits.len() != 64 || !digits.is_ascii() {
                return Err(wrong());
            }
            let mut bytes = [0; 32];
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16)
                    .map_err(|_| wrong())?;
            }
            Ok(Self(bytes))
        }
    }

    impl Serialize for Digest {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for Digest {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_of_an_amount_is_exact_and_never_overflows() {
        assert_eq!(Ratio16::ONE.of(u128::MAX), u128::MAX);
        assert_eq!(Ratio16::ZERO.of(u128::MAX), 0);
        assert_eq!(Ratio16(32768).of(65535), 32768);
        assert_eq!(Ratio16(1).of(65534), 0);
    }

    #[test]
    fn digest_text_round_trips() {
        let digest = Digest([0xa5; 32]);
        assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
        assert!("a5"
            .parse::<Digest>()
            .unwrap_err()
            .contains("64 hexadecimal digits"));
        assert!("é".repeat(32).parse::<Digest>().is_err());
        assert_eq!(
            serde_json::to_string(&digest).unwrap(),
            format!("\"{}\"", "a5".repeat(32))
        );
    }
}
