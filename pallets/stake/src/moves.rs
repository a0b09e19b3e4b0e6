//! What has waited long enough: withdrawn by its coldkey, or on to where it moves.
//!
//! Stake that moves is removed from where it stands, waits like anything else that is removed, and
//! then enters where it goes like anything else that is added. So it can be slashed for what it
//! stood behind for as long as stake that leaves, and nobody gains by hopping. It differs from
//! removing and adding in that the staker signs once: when it is ready, anybody may let it arrive.

use crate::{
    opened::{Opened, Staker},
    pallet::*,
    types::{Chunk, Destination, Side},
    PoolId,
};
use alloc::vec::Vec;
use assay_pallet_traits::{Neurons, Subnets};
use assay_primitives::{Balance, NetUid};
use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    storage::with_storage_layer,
    traits::{fungible::Mutate, tokens::Preservation::Preserve},
};

/// How often a hotkey is followed to what it was exchanged for while stake is on its way there. A
/// hotkey can be exchanged once a day, and stake is on its way for about a week.
pub(crate) const MAX_EXCHANGES: usize = 16;

/// Which entries of what is on its way out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those that go to their coldkey.
    Removals,
    /// Those that move.
    Moves,
    /// Both.
    All,
}

impl Which {
    fn has<AccountId>(self, chunk: &Chunk<AccountId>) -> bool {
        match self {
            Self::Removals => chunk.to.is_none(),
            Self::Moves => chunk.to.is_some(),
            Self::All => true,
        }
    }
}

/// What was taken out of the unbonding pools and must be handed out.
#[must_use = "money that nobody gets"]
pub(crate) struct Ready<AccountId> {
    /// For the coldkey.
    pay: Balance,
    /// For other places.
    arrivals: Vec<(Destination<AccountId>, Balance)>,
}

impl<AccountId> Ready<AccountId> {
    const fn nothing() -> Self {
        Self {
            pay: 0,
            arrivals: Vec::new(),
        }
    }

    /// Adds what another position had.
    pub fn merge(&mut self, other: Self) {
        self.pay = self.pay.saturating_add(other.pay);
        self.arrivals.extend(other.arrivals);
    }

    /// All of it, wherever it was meant to go.
    pub fn into_total(self) -> Balance {
        let moving = self.arrivals.into_iter().map(|(_, amount)| amount);
        moving.fold(self.pay, Balance::saturating_add)
    }

    fn add(&mut self, to: Option<Destination<AccountId>>, amount: Balance) {
        match to {
            _ if amount == 0 => {}
            Some(to) => self.arrivals.push((to, amount)),
            None => self.pay = self.pay.saturating_add(amount),
        }
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_withdraw(
        coldkey: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
    ) -> DispatchResult {
        Self::finish(&coldkey, netuid, &hotkey, Which::Removals)
    }

    pub(crate) fn do_complete_move(
        coldkey: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
    ) -> DispatchResult {
        Self::finish(&coldkey, netuid, &hotkey, Which::Moves)
    }

    fn finish(
        coldkey: &T::AccountId,
        netuid: NetUid,
        hotkey: &T::AccountId,
        which: Which,
    ) -> DispatchResult {
        let mut opened =
            Opened::<T>::existing(netuid, hotkey)?.ok_or(Error::<T>::NothingToWithdraw)?;
        let mut staker = opened.staker(coldkey);
        let unbonding = &staker.position.unbonding;
        let waiting = unbonding.len();
        ensure!(
            unbonding.iter().any(|chunk| which.has(chunk)),
            Error::<T>::NothingToWithdraw
        );
        let ready = Self::release(netuid, opened.id(), &mut staker, which);
        ensure!(
            staker.position.unbonding.len() < waiting,
            Error::<T>::StillUnbonding
        );
        opened.keep(staker);
        opened.close();
        Self::hand_out(coldkey, netuid, hotkey, ready)
    }

    /// Takes what has waited long enough out of its pools.
    pub(crate) fn release(
        netuid: NetUid,
        id: PoolId,
        staker: &mut Staker<T>,
        which: Which,
    ) -> Ready<T::AccountId> {
        let now = Self::now();
        let mut ready = Ready::nothing();
        staker.position.unbonding.retain(|chunk| {
            if !which.has(chunk) || Self::withdrawable_at(chunk.era) > now {
                return true;
            }
            let mut out: Balance = 0;
            UnbondingOf::<T>::mutate_exists((netuid, id, chunk.era), |stored| {
                let mut unbonding = stored.take().unwrap_or_default();
                for (side, held) in [(Side::Own, chunk.own), (Side::Delegated, chunk.delegated)] {
                    out = out.saturating_add(unbonding.side_mut(side).redeem_all(held));
                }
                *stored = (!unbonding.is_empty()).then_some(unbonding);
            });
            ready.add(chunk.to.clone(), out);
            false
        });
        ready
    }

    /// Lets arrive what moves and pays the coldkey the rest. What can't arrive, because its
    /// destination is gone or would hold too little, is paid to the coldkey as well.
    pub(crate) fn hand_out(
        coldkey: &T::AccountId,
        netuid: NetUid,
        hotkey: &T::AccountId,
        ready: Ready<T::AccountId>,
    ) -> DispatchResult {
        let mut amount = ready.pay;
        for (to, moved) in ready.arrivals {
            if with_storage_layer(|| Self::arrive(coldkey, to, moved)).is_err() {
                amount = amount.saturating_add(moved);
            }
        }
        if amount == 0 {
            return Ok(());
        }
        T::Currency::transfer(&Self::holding_account(), coldkey, amount, Preserve)?;
        Self::deposit_event(Event::Withdrawn {
            netuid,
            hotkey: hotkey.clone(),
            coldkey: coldkey.clone(),
            amount,
        });
        Ok(())
    }

    pub(crate) fn arrive(
        coldkey: &T::AccountId,
        to: Destination<T::AccountId>,
        amount: Balance,
    ) -> DispatchResult {
        let Destination {
            netuid,
            generation,
            mut hotkey,
        } = to;
        ensure!(
            T::Subnets::generation(netuid) == Some(generation),
            Error::<T>::UnknownSubnet
        );
        for _ in 0..MAX_EXCHANGES {
            match T::Neurons::successor_of(&hotkey) {
                Some(successor) => hotkey = successor,
                None => break,
            }
        }
        Self::enter(coldkey.clone(), netuid, hotkey, amount)
    }

    pub(crate) fn do_move_stake(
        coldkey: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
        to_netuid: NetUid,
        to_hotkey: T::AccountId,
        amount: Option<Balance>,
    ) -> DispatchResult {
        ensure!(
            (netuid, &hotkey) != (to_netuid, &to_hotkey),
            Error::<T>::SamePlace
        );
        let generation = T::Subnets::generation(to_netuid).ok_or(Error::<T>::UnknownSubnet)?;
        ensure!(
            T::Neurons::coldkey_of(&to_hotkey).is_some(),
            Error::<T>::UnknownHotkey
        );
        let to = Destination {
            netuid: to_netuid,
            generation,
            hotkey: to_hotkey.clone(),
        };
        let arrives_at = Self::withdrawable_at(Self::current_era());
        let amount = Self::take_out(&coldkey, netuid, &hotkey, amount, Some(to))?;
        Self::deposit_event(Event::StakeMoving {
            netuid,
            hotkey,
            coldkey,
            to_netuid,
            to_hotkey,
            amount,
            arrives_at,
        });
        Ok(())
    }
}
