//! The kinds of values that settings have, and how people write them.

use super::{table::SettingValue, BondRule, LiquidAlpha};
use crate::{Balance, Ratio16};

macro_rules! whole_numbers {
    ($($type:ty),+) => {
        $(
            impl SettingValue for $type {
                const KIND: &'static str = "a whole number";

                fn measure(&self) -> Option<u128> {
                    Some((*self).into())
                }

                #[cfg(feature = "std")]
                fn parse(text: &str) -> Option<Self> {
                    text.parse().ok()
                }

                #[cfg(feature = "std")]
                fn show(&self) -> String {
                    self.to_string()
                }
            }
        )+
    };
}

whole_numbers!(u8, u16, u32);

impl SettingValue for Option<u32> {
    const KIND: &'static str = "a whole number, or `none`";

    fn measure(&self) -> Option<u128> {
        self.map(u128::from)
    }

    #[cfg(feature = "std")]
    fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(None),
            number => number.parse().ok().map(Some),
        }
    }

    #[cfg(feature = "std")]
    fn show(&self) -> String {
        self.map_or_else(|| "none".into(), |number| number.to_string())
    }
}

impl SettingValue for Ratio16 {
    const KIND: &'static str = "a fraction, as so many 65535ths";

    fn measure(&self) -> Option<u128> {
        Some(self.0.into())
    }

    #[cfg(feature = "std")]
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    #[cfg(feature = "std")]
    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl SettingValue for bool {
    const KIND: &'static str = "`true` or `false`";

    #[cfg(feature = "std")]
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    #[cfg(feature = "std")]
    fn show(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for Balance {
    const KIND: &'static str = "an amount in the smallest unit, 10^-12 ASY";

    fn measure(&self) -> Option<u128> {
        Some(*self)
    }

    #[cfg(feature = "std")]
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    #[cfg(feature = "std")]
    fn show(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for BondRule {
    const KIND: &'static str = "`relative` or `classic`";

    #[cfg(feature = "std")]
    fn parse(text: &str) -> Option<Self> {
        match text {
            "relative" => Some(Self::Relative),
            "classic" => Some(Self::Classic),
            _ => None,
        }
    }

    #[cfg(feature = "std")]
    fn show(&self) -> String {
        match self {
            Self::Relative => "relative",
            Self::Classic => "classic",
        }
        .into()
    }
}

impl SettingValue for Option<LiquidAlpha> {
    const KIND: &'static str =
        "`none`, or `low,high,steepness`: two fractions as so many 65535ths, \
        0 < low <= high, and hundredths up to 10000";

    fn is_well_formed(&self) -> bool {
        self.is_none_or(|liquid| {
            Ratio16::ZERO < liquid.low
                && liquid.low <= liquid.high
                && liquid.steepness_hundredths <= 10_000
        })
    }

    #[cfg(feature = "std")]
    fn parse(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(None);
        }
        let numbers: Vec<u16> = text
            .split(',')
            .map(|number| number.trim().parse().ok())
            .collect::<Option<_>>()?;
        let [low, high, steepness_hundredths] = numbers[..] else {
            return None;
        };
        Some(Some(LiquidAlpha {
            low: Ratio16(low),
            high: Ratio16(high),
            steepness_hundredths,
        }))
    }

    #[cfg(feature = "std")]
    fn show(&self) -> String {
        self.map_or_else(
            || "none".into(),
            |liquid| {
                format!(
                    "{},{},{}",
                    liquid.low.0, liquid.high.0, liquid.steepness_hundredths
                )
            },
        )
    }
}
