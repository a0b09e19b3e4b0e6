//! What the runtime's read API shows of stake.

use crate::{opened::Opened, pallet::*, types::Side, PoolId};
use alloc::vec::Vec;
use assay_primitives::{ColdkeyStake, NetUid, StakePosition, StakeTarget, UnbondingView};
use frame_support::storage::with_transaction;
use sp_runtime::{DispatchError, TransactionOutcome};

impl<T: Config> Pallet<T> {
    /// Where a coldkey's stake is and what it is worth now. As long as it has positions.
    ///
    /// Pools and positions are brought up to date as a call would do it, and all of that is undone,
    /// so what is shown can't differ from what a call would find.
    pub fn stake_of(coldkey: &T::AccountId) -> ColdkeyStake<T::AccountId> {
        let mut stake = ColdkeyStake {
            positions: Vec::new(),
            unbonding: Vec::new(),
        };
        let shown = with_transaction(|| {
            for ((netuid, id), ()) in PositionsOf::<T>::iter_prefix(coldkey) {
                Self::show_position(coldkey, netuid, id, &mut stake);
            }
            TransactionOutcome::Rollback(Ok::<_, DispatchError>(()))
        });
        Self::show_departures(coldkey, &mut stake);
        debug_assert!(shown.is_ok(), "a read runs in no other transaction");
        stake
            .positions
            .sort_by(|a, b| (a.netuid, &a.hotkey).cmp(&(b.netuid, &b.hotkey)));
        stake.unbonding.sort_by(|a, b| {
            (a.netuid, &a.hotkey, a.withdrawable_at).cmp(&(b.netuid, &b.hotkey, b.withdrawable_at))
        });
        stake
    }

    fn show_position(
        coldkey: &T::AccountId,
        netuid: NetUid,
        id: PoolId,
        stake: &mut ColdkeyStake<T::AccountId>,
    ) {
        let Some(hotkey) = PoolHotkeys::<T>::get(netuid, id) else {
            return;
        };
        let Ok(Some(mut opened)) = Opened::<T>::existing(netuid, &hotkey) else {
            return;
        };
        let position = opened.staker(coldkey).position;
        for side in [Side::Own, Side::Delegated] {
            let (holding, pools) = (position.side(side), opened.pools.side(side));
            if holding.is_empty() {
                continue;
            }
            stake.positions.push(StakePosition {
                netuid,
                hotkey: hotkey.clone(),
                staked: pools.active.value(holding.active),
                entering: pools.entering.value(holding.entering),
                own: side == Side::Own,
                take: Self::take_of(netuid, &hotkey),
            });
        }
        for chunk in &position.unbonding {
            let pools = UnbondingOf::<T>::get((netuid, id, chunk.era)).unwrap_or_default();
            stake.unbonding.push(UnbondingView {
                netuid,
                hotkey: hotkey.clone(),
                dissolved: None,
                amount: pools.value(chunk),
                withdrawable_at: Self::withdrawable_at(chunk.era),
                moves_to: chunk.to.as_ref().map(|to| StakeTarget {
                    netuid: to.netuid,
                    hotkey: to.hotkey.clone(),
                }),
            });
        }
    }
}
