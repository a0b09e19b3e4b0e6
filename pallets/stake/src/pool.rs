//! The arithmetic of share pools. Pure: no storage, no money.
//!
//! A pool of `amount` units is divided into `shares`; who holds `h` of them owns
//! `floor(h * amount / shares)` units. Every operation rounds against who asks for it, so the price
//! `amount / shares` never falls except by a slash:
//!
//! - an empty pool gives [`SHARES_PER_UNIT`] shares for a unit; a deposit of `x` into any other
//!   gives `floor(x * shares / amount)`;
//! - taking out `x` costs `ceil(x * shares / amount)`;
//! - who takes out the last share gets all that is left, so no unit is ever without an owner.
//!
//! Shares are a million times finer than units. Deposits that buy fewer than [`LEAST_SHARES`] are
//! refused by who calls this, because rounding could cost them more than a millionth: whatever a
//! first staker does to the price, whoever comes after loses next to nothing.
//!
//! A slash can leave a pool with shares and (almost) nothing behind them. Below one unit for
//! [`MAX_SHARES_PER_UNIT`] shares the pool is emptied; its shares are then worth nothing for ever,
//! because the next deposit starts a new [`Series`]. So `shares <= amount * 2^60` holds throughout,
//! and with amounts below 2^66 (the cap is below 2^65) nothing here overflows.

use crate::types::Series;
use assay_primitives::{Balance, Ratio16};
use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::{helpers_128bit::multiply_by_rational_with_rounding, Rounding};

/// Shares that the first deposit into a pool gets for each unit.
pub const SHARES_PER_UNIT: u128 = 1_000_000;

/// The least number of shares that a deposit must buy.
pub const LEAST_SHARES: u128 = 1_000_000;

/// A pool whose shares have become cheaper than one unit for so many is emptied.
pub const MAX_SHARES_PER_UNIT: u128 = 1 << 60;

/// A number of shares of one pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Shares {
    /// How many.
    pub count: u128,
    /// The pool's series that they belong to. Shares of another series are worth nothing.
    pub series: Series,
}

impl Shares {
    /// Adds shares of the pool's present series. Those of an older one are worth nothing and are
    /// dropped.
    pub fn add(&mut self, present: Self) {
        if self.series == present.series {
            self.count = self.count.saturating_add(present.count);
        } else {
            *self = present;
        }
    }

    /// Takes all of them, leaving none.
    pub fn take(&mut self) -> Self {
        core::mem::take(self)
    }

    /// Whether these are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Money divided into shares. `amount == 0` if and only if `shares == 0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct SharePool {
    /// The money.
    pub amount: Balance,
    /// How many shares it is divided into.
    pub shares: u128,
    /// Tells these shares from those of a pool that was here and is gone.
    pub series: Series,
}

impl SharePool {
    /// Whether nothing is in the pool.
    pub const fn is_empty(&self) -> bool {
        self.shares == 0
    }

    /// What shares are worth, rounded down.
    pub fn value(&self, held: Shares) -> Balance {
        if held.series != self.series || held.count >= self.shares {
            // More shares than there are can't be held; all of them are worth all there is.
            return if held.series == self.series {
                self.amount
            } else {
                0
            };
        }
        mul_div(held.count, self.amount, self.shares, Rounding::Down).unwrap_or(0)
    }

    /// The shares that a deposit buys, rounded down; `None` where there would be too many to count.
    /// With at least [`LEAST_SHARES`] of them it loses at most a millionth to rounding.
    pub fn shares_for(&self, amount: Balance) -> Option<u128> {
        if self.is_empty() {
            return amount.checked_mul(SHARES_PER_UNIT);
        }
        mul_div(amount, self.shares, self.amount, Rounding::Down)
    }

    /// Puts money in and returns the shares that it bought. An empty pool starts the series that
    /// `start` gives. `None`, and nothing changed, where an amount would overflow.
    pub fn deposit(&mut self, amount: Balance, start: impl FnOnce() -> Series) -> Option<Shares> {
        if amount == 0 {
            return Some(Shares {
                count: 0,
                series: self.series,
            });
        }
        let count = self.shares_for(amount)?;
        let shares = self.shares.checked_add(count)?;
        let amount = self.amount.checked_add(amount)?;
        let series = if self.is_empty() {
            start()
        } else {
            self.series
        };
        *self = Self {
            amount,
            shares,
            series,
        };
        Some(Shares { count, series })
    }

    /// Takes `amount` units, or all that `held` is worth if that is less, out of the pool and the
    /// shares for it out of `held`. Returns what came out.
    ///
    /// That can be more than was asked for in one case only: where the asked-for amount costs the
    /// pool's last share, all that is left comes out with it.
    pub fn redeem(&mut self, held: &mut Shares, amount: Balance) -> Balance {
        let value = self.value(*held);
        if amount >= value {
            return self.redeem_all(held.take());
        }
        // `amount < value`, so this is at most `held.count`.
        let cost = mul_div(amount, self.shares, self.amount, Rounding::Up)
            .map_or(held.count, |cost| cost.min(held.count));
        if cost == held.count {
            return self.redeem_all(held.take());
        }
        held.count -= cost;
        self.shares = self.shares.saturating_sub(cost);
        self.amount = self.amount.saturating_sub(amount);
        amount
    }

    /// Takes shares out of the pool and returns what they are worth.
    pub fn redeem_all(&mut self, held: Shares) -> Balance {
        let value = self.value(held);
        if held.series != self.series {
            return 0;
        }
        if held.count >= self.shares {
            *self = Self::default();
        } else {
            self.shares -= held.count;
            // `value <= amount`.
            self.amount = self.amount.saturating_sub(value);
        }
        value
    }

    /// Raises the price of every share: a dividend. Does nothing to an empty pool, and says so.
    #[must_use = "an empty pool takes no dividend"]
    pub fn grow(&mut self, amount: Balance) -> bool {
        match self.amount.checked_add(amount) {
            Some(grown) if !self.is_empty() => {
                self.amount = grown;
                true
            }
            _ => amount == 0,
        }
    }

    /// Takes a part of the money, and all of it where next to nothing would be left for the shares.
    /// Returns what was taken.
    pub fn slash(&mut self, part: Ratio16) -> Balance {
        let taken = part.of(self.amount);
        let left = self.amount.saturating_sub(taken);
        if left.saturating_mul(MAX_SHARES_PER_UNIT) < self.shares {
            return core::mem::take(self).amount;
        }
        self.amount = left;
        taken
    }

    /// Gives up shares that nobody holds, for the good of all that remain. The last are kept: the
    /// money needs an owner.
    pub fn forgo(&mut self, shares: u128) {
        if shares < self.shares {
            self.shares -= shares;
        }
    }
}

/// `a * b / c` without losing the upper half on the way; `None` where the result does not fit or
/// `c` is 0.
pub fn mul_div(a: u128, b: u128, c: u128, rounding: Rounding) -> Option<u128> {
    multiply_by_rational_with_rounding(a, b, c, rounding)
}
