//! How the shares of an entering pool become shares of the active one, claim by claim.

use crate::{
    pool::{mul_div, Shares},
    types::Conversion,
};
use sp_runtime::Rounding;

/// What a claim on a [`Conversion`] yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Shares of the active pool.
    pub granted: Shares,
    /// Shares of it that nobody gets.
    pub forgone: u128,
}

impl Conversion {
    /// All that entered, unclaimed.
    pub const fn new(entered: u128, active: Shares) -> Self {
        Self {
            entered,
            waiting: entered,
            active,
            granted: 0,
        }
    }

    /// Shares of the active pool that wait to be claimed or given up.
    pub const fn unclaimed(&self) -> Shares {
        let count = self.active.count.saturating_sub(self.granted);
        Shares {
            count,
            series: self.active.series,
        }
    }

    /// Claims the part of so many entering shares.
    pub fn claim(&mut self, entered: u128) -> Claimed {
        let entered = entered.min(self.waiting);
        let part = mul_div(entered, self.active.count, self.entered, Rounding::Down).unwrap_or(0);
        // Parts rounded down never sum to more than the whole.
        let count = part.min(self.unclaimed().count);
        self.waiting -= entered;
        self.granted = self.granted.saturating_add(count);
        let forgone = if self.waiting == 0 {
            self.unclaimed().count
        } else {
            0
        };
        Claimed {
            granted: Shares {
                count,
                series: self.active.series,
            },
            forgone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Series;

    #[test]
    fn claim_is_the_same_whoever_comes_first_and_gives_up_what_is_left() {
        let active = |count| Shares {
            count,
            series: Series(1),
        };
        let mut conversion = Conversion::new(3, active(11));
        let third = Claimed {
            granted: active(3),
            forgone: 0,
        };
        assert_eq!(conversion.claim(1), third);
        assert_eq!(conversion.claim(1), third);
        assert_eq!(conversion.unclaimed(), active(5));
        assert_eq!(
            conversion.claim(1),
            Claimed {
                forgone: 2,
                ..third
            }
        );
        assert_eq!(conversion.waiting, 0);
    }
}
