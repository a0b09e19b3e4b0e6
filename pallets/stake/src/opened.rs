//! A hotkey's pools, brought up to date to be changed, and put back with everything that must agree
//! with them.

use crate::{
    pallet::*,
    types::{Conversion, Pools, Position, Series, Side},
    PoolId,
};
use assay_primitives::{Balance, NetUid};

/// A position as it is stored.
pub(crate) type PositionOf<T> =
    Position<<T as frame_system::Config>::AccountId, <T as Config>::MaxUnbondingChunks>;

/// A hotkey's pools, up to date: what has entered is in the active pools. Changes are kept by
/// [`Opened::close`].
pub(crate) struct Opened<T: Config> {
    netuid: NetUid,
    hotkey: T::AccountId,
    pub pools: Pools,
    /// What the subnet's totals count of these pools.
    counted_active: Balance,
    counted_entering: Balance,
}

/// A position, up to date: what it had entering and has entered is among its active shares.
/// Changes are kept by [`Opened::keep`].
pub(crate) struct Staker<T: Config> {
    coldkey: T::AccountId,
    pub position: PositionOf<T>,
    is_new: bool,
    had_shares: bool,
}

/// The next series or pool id. 2^64 of them are never used up.
fn next_id<T: Config>() -> u64 {
    LastId::<T>::mutate(|last| {
        *last = last.saturating_add(1);
        *last
    })
}

/// A series that was never used.
pub(crate) fn next_series<T: Config>() -> Series {
    Series(next_id::<T>())
}

impl<T: Config> Opened<T> {
    /// The pools of a hotkey in a subnet, where there are any.
    pub fn existing(netuid: NetUid, hotkey: &T::AccountId) -> Result<Option<Self>, Error<T>> {
        PoolsOf::<T>::get(netuid, hotkey)
            .map(|pools| Self::open(netuid, hotkey, pools))
            .transpose()
    }

    /// The pools of a hotkey in a subnet, new ones where there are none.
    pub fn or_new(netuid: NetUid, hotkey: &T::AccountId) -> Result<Self, Error<T>> {
        let pools = PoolsOf::<T>::get(netuid, hotkey).unwrap_or_else(|| {
            let id = PoolId(next_id::<T>());
            PoolHotkeys::<T>::insert(netuid, id, hotkey);
            Pools {
                id,
                ..Pools::default()
            }
        });
        Self::open(netuid, hotkey, pools)
    }

    fn open(netuid: NetUid, hotkey: &T::AccountId, mut pools: Pools) -> Result<Self, Error<T>> {
        let payouts = SubnetStakes::<T>::get(netuid).payouts;
        if pools.entering_since < payouts {
            for side in Side::ALL {
                Self::enter(netuid, &mut pools, side)?;
            }
            pools.entering_since = payouts;
        }
        Ok(Self {
            netuid,
            hotkey: hotkey.clone(),
            counted_active: pools.active(),
            counted_entering: pools.entering(),
            pools,
        })
    }

    /// Moves what was entering into the active pool and writes down what its shares became. The
    /// active pool's price has not changed since the payout, because every change opens it first.
    fn enter(netuid: NetUid, pools: &mut Pools, side: Side) -> Result<(), Error<T>> {
        let id = pools.id;
        let pools = pools.side_mut(side);
        if pools.entering.is_empty() {
            return Ok(());
        }
        let active = pools
            .active
            .deposit(pools.entering.amount, next_series::<T>)
            .ok_or(Error::<T>::Overflow)?;
        let entered = core::mem::take(&mut pools.entering);
        let conversion = Conversion::new(entered.shares, active);
        Conversions::<T>::insert((netuid, id, entered.series), conversion);
        Ok(())
    }

    /// What positions, conversions and unbonding stake are kept under.
    pub const fn id(&self) -> PoolId {
        self.pools.id
    }

    /// The position of a coldkey, a new one where there is none.
    pub fn staker(&mut self, coldkey: &T::AccountId) -> Staker<T> {
        let stored = Positions::<T>::get((self.netuid, self.id(), coldkey));
        let is_new = stored.is_none();
        let mut position = stored.unwrap_or_default();
        let had_shares = !position.holds_nothing();
        for side in Side::ALL {
            self.settle(&mut position, side);
        }
        Staker {
            coldkey: coldkey.clone(),
            position,
            is_new,
            had_shares,
        }
    }

    /// Turns entering shares that have entered into active ones.
    fn settle(&mut self, position: &mut PositionOf<T>, side: Side) {
        let (netuid, id) = (self.netuid, self.id());
        let holding = position.side_mut(side);
        let pools = self.pools.side_mut(side);
        if holding.entering.is_empty() || holding.entering.series == pools.entering.series {
            return;
        }
        let entered = holding.entering.take();
        let key = (netuid, id, entered.series);
        // Without a record a slash took the pool that these shares were of, and they are worth
        // nothing. With one whose shares are of an older series it took what they became.
        let Some(mut conversion) = Conversions::<T>::get(key) else {
            return;
        };
        let claimed = conversion.claim(entered.count);
        if conversion.waiting == 0 {
            Conversions::<T>::remove(key);
        } else {
            Conversions::<T>::insert(key, conversion);
        }
        if claimed.granted.series == pools.active.series {
            pools.active.forgo(claimed.forgone);
            holding.active.add(claimed.granted);
        }
    }

    /// Keeps a position.
    pub fn keep(&mut self, staker: Staker<T>) {
        let Staker {
            coldkey,
            position,
            is_new,
            ..
        } = staker;
        let key = (self.netuid, self.id(), &coldkey);
        if position.is_empty() {
            if !is_new {
                Positions::<T>::remove(key);
                PositionsOf::<T>::remove(&coldkey, (self.netuid, self.id()));
                self.pools.positions = self.pools.positions.saturating_sub(1);
            }
            return;
        }
        Positions::<T>::insert(key, position);
        if is_new {
            PositionsOf::<T>::insert(&coldkey, (self.netuid, self.id()), ());
            self.pools.positions = self.pools.positions.saturating_add(1);
        }
    }

    /// Keeps the pools and brings the subnet's totals up to date. Without positions nobody holds a
    /// share, so the pools are empty and go.
    pub fn close(self) {
        let (active, entering) = (self.pools.active(), self.pools.entering());
        if (active, entering) != (self.counted_active, self.counted_entering) {
            SubnetStakes::<T>::mutate(self.netuid, |total| {
                // The totals include what was counted of these pools.
                total.active = total.active.saturating_sub(self.counted_active) + active;
                total.entering = total.entering.saturating_sub(self.counted_entering) + entering;
            });
        }
        if self.pools.positions == 0 {
            PoolsOf::<T>::remove(self.netuid, &self.hotkey);
            PoolHotkeys::<T>::remove(self.netuid, self.pools.id);
        } else {
            PoolsOf::<T>::insert(self.netuid, &self.hotkey, self.pools);
        }
    }
}

impl<T: Config> Staker<T> {
    /// Whether the position held shares when it was opened, though they be worth nothing by now.
    pub const fn had_shares(&self) -> bool {
        self.had_shares
    }
}
