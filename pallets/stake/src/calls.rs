//! The bodies of the calls.

use crate::{
    moves::Which,
    opened::{next_series, Opened, Staker},
    pallet::*,
    pool::LEAST_SHARES,
    types::{Destination, Era, Holding, Side, SidePools, Take, TakeRaise},
};
use assay_pallet_traits::{Neurons, Subnets};
use assay_primitives::{Balance, BlockNumber, NetUid, Ratio16};
use frame_support::{
    ensure,
    pallet_prelude::{DispatchResult, Get},
    traits::{
        fungible::{Inspect, Mutate},
        tokens::{Fortitude::Polite, Preservation::Preserve},
    },
};
use sp_runtime::{traits::AccountIdConversion, DispatchError, SaturatedConversion};

impl<T: Config> Pallet<T> {
    /// The account that holds all staked money.
    pub fn holding_account() -> T::AccountId {
        T::PalletId::get().into_account_truncating()
    }

    /// The take of a validator now.
    pub fn take_of(netuid: NetUid, hotkey: &T::AccountId) -> Ratio16 {
        Takes::<T>::get(netuid, hotkey)
            .map_or_else(T::DefaultTake::get, |take| take.at(Self::now()))
    }

    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    /// The era that is running.
    pub fn current_era() -> Era {
        // `integrity_test` proves that an era has a block.
        Era(Self::now() / T::EraLength::get().max(1))
    }

    /// The first block at which what was removed in an era can be withdrawn.
    pub fn withdrawable_at(era: Era) -> BlockNumber {
        let ready = era
            .0
            .saturating_add(T::UnbondingEras::get())
            .saturating_add(1);
        ready.saturating_mul(T::EraLength::get())
    }

    pub(crate) fn do_add_stake(
        coldkey: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
        amount: Balance,
    ) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        ensure!(T::Subnets::exists(netuid), Error::<T>::UnknownSubnet);
        let spendable = T::Currency::reducible_balance(&coldkey, Preserve, Polite);
        ensure!(amount <= spendable, Error::<T>::NotEnoughBalance);
        Self::enter(coldkey.clone(), netuid, hotkey, amount)?;
        T::Currency::transfer(&coldkey, &Self::holding_account(), amount, Preserve)?;
        Ok(())
    }

    /// Lets money enter a hotkey's pools for a coldkey. It must come to lie, or lie already, in the
    /// holding account.
    pub(crate) fn enter(
        coldkey: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
        amount: Balance,
    ) -> DispatchResult {
        let owner = T::Neurons::coldkey_of(&hotkey).ok_or(Error::<T>::UnknownHotkey)?;
        let side = if coldkey == owner {
            Side::Own
        } else {
            Side::Delegated
        };
        let mut opened = Opened::<T>::or_new(netuid, &hotkey)?;
        let mut staker = opened.staker(&coldkey);
        let value = staker.position.value(&opened.pools);
        ensure!(
            value.saturating_add(amount) >= T::MinPosition::get(),
            Error::<T>::BelowMinimum
        );
        Self::enter_later(&mut opened, &mut staker, side, amount)?;
        opened.keep(staker);
        opened.close();
        Self::deposit_event(Event::StakeAdded {
            netuid,
            hotkey,
            coldkey,
            amount,
            side,
        });
        Ok(())
    }

    /// Puts money into a position's entering pool. It must be worth its while in the active pool,
    /// too, at the price that this has now.
    fn enter_later(
        opened: &mut Opened<T>,
        staker: &mut Staker<T>,
        side: Side,
        amount: Balance,
    ) -> Result<(), Error<T>> {
        let SidePools { active, entering } = opened.pools.side_mut(side);
        for pool in [&*active, &*entering] {
            let bought = pool.shares_for(amount).ok_or(Error::<T>::Overflow)?;
            ensure!(bought >= LEAST_SHARES, Error::<T>::TooSmallForPool);
        }
        let bought = entering
            .deposit(amount, next_series::<T>)
            .ok_or(Error::<T>::Overflow)?;
        staker.position.side_mut(side).entering.add(bought);
        Ok(())
    }

    pub(crate) fn do_remove_stake(
        coldkey: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
        amount: Option<Balance>,
    ) -> DispatchResult {
        let era = Self::current_era();
        let removed = Self::take_out(&coldkey, netuid, &hotkey, amount, None)?;
        Self::deposit_event(Event::StakeRemoved {
            netuid,
            hotkey,
            coldkey,
            amount: removed,
            withdrawable_at: Self::withdrawable_at(era),
        });
        Ok(())
    }

    /// Moves `amount` of a position, or all of it, to the unbonding pools of the present era, from
    /// where it goes on to `to`. What was removed earlier and is ready is withdrawn along with it.
    /// Returns what was moved.
    pub(crate) fn take_out(
        coldkey: &T::AccountId,
        netuid: NetUid,
        hotkey: &T::AccountId,
        amount: Option<Balance>,
        to: Option<Destination<T::AccountId>>,
    ) -> Result<Balance, DispatchError> {
        ensure!(amount != Some(0), Error::<T>::ZeroAmount);
        let mut opened = Opened::<T>::existing(netuid, hotkey)?.ok_or(Error::<T>::NoStake)?;
        let mut staker = opened.staker(coldkey);
        ensure!(staker.had_shares(), Error::<T>::NoStake);

        let value = staker.position.value(&opened.pools);
        let wanted = amount.unwrap_or(value);
        ensure!(wanted <= value, Error::<T>::NotEnoughStake);
        ensure!(
            to.is_none() || wanted >= T::MinPosition::get(),
            Error::<T>::BelowMinimum
        );
        let left = value - wanted;
        ensure!(
            left == 0 || left >= T::MinPosition::get(),
            Error::<T>::LeavesDust
        );

        let ready = Self::release(netuid, opened.id(), &mut staker, Which::Removals);
        let removed = Self::unbond(netuid, &mut opened, &mut staker, wanted, to)?;
        opened.keep(staker);
        opened.close();
        Self::hand_out(coldkey, netuid, hotkey, ready)?;
        Ok(removed)
    }

    /// Moves `wanted` units of a position to the unbonding pools of the present era: what is
    /// entering first, and everything where that is all it is worth. Returns what was moved.
    pub(crate) fn unbond(
        netuid: NetUid,
        opened: &mut Opened<T>,
        staker: &mut Staker<T>,
        wanted: Balance,
        to: Option<Destination<T::AccountId>>,
    ) -> Result<Balance, Error<T>> {
        let era = Self::current_era();
        let key = (netuid, opened.id(), era);
        let mut unbonding = UnbondingOf::<T>::get(key).unwrap_or_default();
        let mut chunk = staker.position.take_chunk(era, to);
        let is_new_move = chunk.to.is_some() && chunk.is_empty();
        ensure!(
            !is_new_move || staker.position.moves() < T::MaxMoves::get(),
            Error::<T>::TooManyMoves
        );
        let everything = wanted == staker.position.value(&opened.pools);
        let mut removed: Balance = 0;

        let stages = [Stage::Entering, Stage::Active];
        for (stage, side) in stages
            .into_iter()
            .flat_map(|stage| Side::ALL.map(|s| (stage, s)))
        {
            let missing = wanted.saturating_sub(removed);
            let (pool, held) =
                stage.of(opened.pools.side_mut(side), staker.position.side_mut(side));
            let out = if everything {
                pool.redeem_all(held.take())
            } else if missing > 0 {
                pool.redeem(held, missing)
            } else {
                continue;
            };
            let shares = unbonding
                .side_mut(side)
                .deposit(out, next_series::<T>)
                .ok_or(Error::<T>::Overflow)?;
            chunk.side_mut(side).add(shares);
            removed = removed.saturating_add(out);
        }
        if removed > 0 {
            UnbondingOf::<T>::insert(key, unbonding);
        }
        staker
            .position
            .put_chunk(chunk)
            .map_err(|_| Error::Overflow)?;
        Ok(removed)
    }

    pub(crate) fn do_set_take(
        coldkey: T::AccountId,
        netuid: NetUid,
        hotkey: T::AccountId,
        take: Ratio16,
    ) -> DispatchResult {
        ensure!(T::Subnets::exists(netuid), Error::<T>::UnknownSubnet);
        let owner = T::Neurons::coldkey_of(&hotkey).ok_or(Error::<T>::UnknownHotkey)?;
        ensure!(owner == coldkey, Error::<T>::NotOwner);
        ensure!(take <= T::MaxTake::get(), Error::<T>::TakeTooHigh);
        let current = Self::take_of(netuid, &hotkey);
        let raise = take.0.saturating_sub(current.0);
        ensure!(
            raise <= T::MaxTakeRaise::get().0,
            Error::<T>::TakeRaisedTooFast
        );

        let now = Self::now();
        let (from, set) = if raise > 0 {
            let from = now.saturating_add(T::TakeRaiseDelay::get());
            (
                from,
                Take {
                    current,
                    raise: Some(TakeRaise { take, from }),
                },
            )
        } else {
            (
                now,
                Take {
                    current: take,
                    raise: None,
                },
            )
        };
        Takes::<T>::insert(netuid, &hotkey, set);
        Self::deposit_event(Event::TakeSet {
            netuid,
            hotkey,
            take,
            from,
        });
        Ok(())
    }
}

/// The two pools of a side.
#[derive(Clone, Copy)]
enum Stage {
    Entering,
    Active,
}

impl Stage {
    fn of<'a>(
        self,
        pools: &'a mut SidePools,
        holding: &'a mut Holding,
    ) -> (&'a mut crate::SharePool, &'a mut crate::Shares) {
        match self {
            Self::Entering => (&mut pools.entering, &mut holding.entering),
            Self::Active => (&mut pools.active, &mut holding.active),
        }
    }
}
