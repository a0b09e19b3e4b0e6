//! What the pallet stores, and the questions it answers about itself. Those to positions and
//! conversions are answered in `position.rs` and `conversion.rs`.

use crate::pool::{SharePool, Shares};
use assay_primitives::{Balance, BlockNumber, Generation, NetUid, Ratio16};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt::Debug;
use frame_support::{
    pallet_prelude::{BoundedVec, Get},
    CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound,
};
use scale_info::TypeInfo;

macro_rules! counted {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord,
            Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
        )]
        pub struct $name(pub $inner);
    };
}

counted!(
    /// Names a hotkey's pools in a subnet for ever, whatever hotkey they stand under. Counted from
    /// 1 over all subnets, together with [`Series`].
    PoolId(u64)
);
counted!(
    /// Names the shares of a pool from its first deposit until it is empty. Counted from 1 over all
    /// pools, so 0 is no series.
    Series(u64)
);
counted!(
    /// How many payouts a subnet has had.
    PayoutIndex(u32)
);
counted!(
    /// A stretch of blocks: a block's height divided by `EraLength`.
    Era(u32)
);

/// Whose stake it is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Side {
    /// The bond of the hotkey's owner.
    Own,
    /// Everybody else's.
    Delegated,
}

impl Side {
    /// Both, in the order in which stake is removed: what others delegated to a hotkey that one
    /// came to own goes before one's own bond.
    pub const ALL: [Self; 2] = [Self::Delegated, Self::Own];
}

/// The pools of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct SidePools {
    /// Stake that votes and earns.
    pub active: SharePool,
    /// Stake that does so from a payout on.
    pub entering: SharePool,
}

/// All that stands on a hotkey in a subnet, but for what is unbonding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Pools {
    /// What positions, conversions and unbonding stake are kept under.
    pub id: PoolId,
    /// The owner's bond.
    pub own: SidePools,
    /// Everybody else's stake.
    pub delegated: SidePools,
    /// The payouts that there had been when stake was last added. With one more, what is in the
    /// entering pools has entered.
    pub entering_since: PayoutIndex,
    /// How many positions there are.
    pub positions: u32,
}

impl Pools {
    /// The pools of a side.
    pub const fn side(&self, side: Side) -> &SidePools {
        match side {
            Side::Own => &self.own,
            Side::Delegated => &self.delegated,
        }
    }

    /// The pools of a side, to change.
    pub fn side_mut(&mut self, side: Side) -> &mut SidePools {
        match side {
            Side::Own => &mut self.own,
            Side::Delegated => &mut self.delegated,
        }
    }

    /// What is in the active pools.
    pub const fn active(&self) -> Balance {
        self.own
            .active
            .amount
            .saturating_add(self.delegated.active.amount)
    }

    /// What is in the entering pools.
    pub const fn entering(&self) -> Balance {
        self.own
            .entering
            .amount
            .saturating_add(self.delegated.entering.amount)
    }

    /// What votes and earns after so many payouts, whether or not the entering pools were converted
    /// since.
    pub fn effective(&self, payouts: PayoutIndex) -> Balance {
        if self.entering_since < payouts {
            self.active().saturating_add(self.entering())
        } else {
            self.active()
        }
    }

    /// Whether nothing is in any pool.
    pub const fn is_empty(&self) -> bool {
        self.own.active.is_empty()
            && self.own.entering.is_empty()
            && self.delegated.active.is_empty()
            && self.delegated.entering.is_empty()
    }
}

/// A subnet's stake in total.
///
/// `active` counts what was entering as soon as the payout is over, whether or not its hotkey's
/// pools were touched since: all that is entering in a subnet enters with the same payout, so one
/// addition moves it, and the total is exact at every block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct SubnetStake {
    /// How many payouts there were.
    pub payouts: PayoutIndex,
    /// Stake that votes and earns.
    pub active: Balance,
    /// Stake that enters with the next payout.
    pub entering: Balance,
}

/// A staker's shares of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Holding {
    /// Of the active pool.
    pub active: Shares,
    /// Of the entering pool, or of one that has entered: see [`Conversion`].
    pub entering: Shares,
}

impl Holding {
    /// What it is worth.
    pub fn value(&self, pools: &SidePools) -> Balance {
        let active = pools.active.value(self.active);
        active.saturating_add(pools.entering.value(self.entering))
    }

    /// Whether it is none.
    pub const fn is_empty(&self) -> bool {
        self.active.is_empty() && self.entering.is_empty()
    }
}

/// Where stake that moves is going.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Destination<AccountId> {
    /// The subnet.
    pub netuid: NetUid,
    /// Its generation: what comes after it under its number is not what the staker chose.
    pub generation: Generation,
    /// The hotkey, or what it is exchanged for while the stake is on its way.
    pub hotkey: AccountId,
}

/// Stake that was removed in one era.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Chunk<AccountId> {
    /// The era.
    pub era: Era,
    /// Where it goes when it has waited; to its coldkey, where it says nothing.
    pub to: Option<Destination<AccountId>>,
    /// Shares of what own bonds were removed in it.
    pub own: Shares,
    /// Shares of what delegated stake was removed in it.
    pub delegated: Shares,
}

impl<AccountId> Chunk<AccountId> {
    /// Nothing yet.
    pub fn new(era: Era, to: Option<Destination<AccountId>>) -> Self {
        Self {
            era,
            to,
            own: Shares::default(),
            delegated: Shares::default(),
        }
    }

    /// Whether it holds no shares.
    pub const fn is_empty(&self) -> bool {
        self.own.is_empty() && self.delegated.is_empty()
    }

    /// The shares of a side, to change.
    pub fn side_mut(&mut self, side: Side) -> &mut Shares {
        match side {
            Side::Own => &mut self.own,
            Side::Delegated => &mut self.delegated,
        }
    }
}

/// What was removed from a hotkey in one era.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Unbonding {
    /// Own bonds.
    pub own: SharePool,
    /// Delegated stake.
    pub delegated: SharePool,
}

impl Unbonding {
    /// The pool of a side, to change.
    pub fn side_mut(&mut self, side: Side) -> &mut SharePool {
        match side {
            Side::Own => &mut self.own,
            Side::Delegated => &mut self.delegated,
        }
    }

    /// What a chunk is worth.
    pub fn value<AccountId>(&self, chunk: &Chunk<AccountId>) -> Balance {
        self.own
            .value(chunk.own)
            .saturating_add(self.delegated.value(chunk.delegated))
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.own.is_empty() && self.delegated.is_empty()
    }
}

/// Everything that a coldkey has on a hotkey in a subnet.
#[derive(
    CloneNoBound,
    DebugNoBound,
    DefaultNoBound,
    PartialEqNoBound,
    EqNoBound,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
)]
#[scale_info(skip_type_params(MaxChunks))]
#[codec(mel_bound(AccountId: MaxEncodedLen))]
pub struct Position<AccountId: Clone + Debug + Eq, MaxChunks: Get<u32>> {
    /// As the hotkey's owner.
    pub own: Holding,
    /// As anybody else.
    pub delegated: Holding,
    /// On its way out, oldest first.
    pub unbonding: BoundedVec<Chunk<AccountId>, MaxChunks>,
}

/// What the shares of an entering pool became.
///
/// Each claim takes its part at the same ratio, rounded down, so it does not matter who comes
/// first. The shares that rounding leaves are given up with the last claim, for the good of all who
/// stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Conversion {
    /// The shares of the entering pool.
    pub entered: u128,
    /// Those that nobody claimed yet.
    pub waiting: u128,
    /// The shares of the active pool that they became.
    pub active: Shares,
    /// Those that were claimed.
    pub granted: u128,
}

/// A higher take that was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct TakeRaise {
    /// The take.
    pub take: Ratio16,
    /// The block from which it holds.
    pub from: BlockNumber,
}

/// A validator's take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Take {
    /// The take until the raise comes into force.
    pub current: Ratio16,
    /// The raise that was announced last. It stays here after it came into force, until the next
    /// change.
    pub raise: Option<TakeRaise>,
}

impl Take {
    /// The take in force at a block.
    pub fn at(&self, block: BlockNumber) -> Ratio16 {
        match self.raise {
            Some(raise) if raise.from <= block => raise.take,
            _ => self.current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn take_is_raised_from_its_block_on() {
        let raise = Some(TakeRaise {
            take: Ratio16(9),
            from: 10,
        });
        let take = Take {
            current: Ratio16(5),
            raise,
        };
        assert_eq!(take.at(9), Ratio16(5));
        assert_eq!(take.at(10), Ratio16(9));
    }

    #[test]
    fn effective_counts_what_has_entered() {
        let pool = |amount| SharePool {
            amount,
            shares: 1,
            series: Series(1),
        };
        let side = SidePools {
            active: pool(5),
            entering: pool(7),
        };
        let pools = Pools {
            own: side,
            entering_since: PayoutIndex(3),
            ..Pools::default()
        };
        assert_eq!(pools.effective(PayoutIndex(3)), 5);
        assert_eq!(pools.effective(PayoutIndex(4)), 12);
    }
}
