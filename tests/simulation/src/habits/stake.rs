//! Staking and getting out.

use assay_primitives::{NetUid, Ratio16, ASY};
use assay_runtime::{AccountId, Runtime, RuntimeEvent};
use pallet_stake::Call;

use super::{any_neuron, any_subnet};
use crate::{chain::Move, world::Scene};

/// Somebody stakes on a neuron: its owner as often as all others together.
pub fn add(scene: &mut Scene<'_>) -> Option<Move> {
    let (netuid, hotkey, owner) = any_neuron(scene)?;
    let staker = if scene.dice.once_in(2) {
        owner
    } else {
        scene.people.anybody(scene.dice).coldkey.clone()
    };
    // Sometimes less than a position may be worth.
    let amount = scene.dice.amount(ASY / 20, 400 * ASY);
    let call = Call::<Runtime>::add_stake {
        netuid,
        hotkey,
        amount,
    };
    Move::signed(&staker, call)
}

/// Somebody takes out some of a position, or all of it.
pub fn remove(scene: &mut Scene<'_>) -> Option<Move> {
    let (netuid, hotkey, staker) = any_position(scene)?;
    let amount = (!scene.dice.once_in(3)).then(|| scene.dice.amount(1, 200 * ASY));
    let call = Call::<Runtime>::remove_stake {
        netuid,
        hotkey,
        amount,
    };
    Move::signed(&staker, call)
}

/// Somebody tries to withdraw, whether or not there is anything.
pub fn withdraw_any(scene: &mut Scene<'_>) -> Option<Move> {
    let (netuid, hotkey, staker) = any_position(scene)?;
    withdraw(netuid, hotkey, &staker)
}

fn withdraw(netuid: NetUid, hotkey: AccountId, staker: &AccountId) -> Option<Move> {
    Move::signed(staker, Call::<Runtime>::withdraw { netuid, hotkey })
}

/// A position of somebody: whoever comes first among a few that are asked.
fn any_position(scene: &mut Scene<'_>) -> Option<(NetUid, AccountId, AccountId)> {
    for _ in 0..4 {
        let staker = &scene.people.anybody(scene.dice).coldkey;
        let positions: Vec<_> =
            pallet_stake::PositionsOf::<Runtime>::iter_key_prefix(staker).collect();
        if let Some((netuid, pool)) = scene.dice.pick(&positions) {
            let hotkey = pallet_stake::PoolHotkeys::<Runtime>::get(netuid, pool)?;
            return Some((*netuid, hotkey, staker.clone()));
        }
    }
    None
}

/// Somebody moves some of a position, or all of it, to another neuron.
pub fn move_stake(scene: &mut Scene<'_>) -> Option<Move> {
    let (netuid, hotkey, staker) = any_position(scene)?;
    let (to_netuid, to_hotkey, _) = any_neuron(scene)?;
    let amount = (!scene.dice.once_in(3)).then(|| scene.dice.amount(ASY / 20, 200 * ASY));
    let call = Call::<Runtime>::move_stake {
        netuid,
        hotkey,
        to_netuid,
        to_hotkey,
        amount,
    };
    Move::signed(&staker, call)
}

/// A validator changes its take.
pub fn set_take(scene: &mut Scene<'_>) -> Option<Move> {
    let (netuid, hotkey, owner) = any_neuron(scene)?;
    let take = Ratio16(scene.dice.below(15_000) as u16);
    let call = Call::<Runtime>::set_take {
        netuid,
        hotkey,
        take,
    };
    Move::signed(&owner, call)
}

/// A hotkey is slashed, registered or not: a little, a lot, or all of it.
pub fn slash(scene: &mut Scene<'_>) -> Option<Move> {
    let netuid = any_subnet(scene)?;
    let pools: Vec<_> = pallet_stake::PoolsOf::<Runtime>::iter_key_prefix(netuid).collect();
    let hotkey = scene.dice.pick(&pools)?.clone();
    Some(Move::Slash {
        netuid,
        hotkey,
        part: part(scene),
        dissolved: None,
    })
}

/// A hotkey is slashed for what it did in a subnet that has ended since.
pub fn slash_dissolved(scene: &mut Scene<'_>) -> Option<Move> {
    let pools: Vec<_> = pallet_stake::DepartedPools::<Runtime>::iter_values().collect();
    let pool = scene.dice.pick(&pools)?.clone();
    Some(Move::Slash {
        netuid: pool.origin.netuid,
        hotkey: pool.hotkey,
        part: part(scene),
        dissolved: Some(pool.origin.generation),
    })
}

/// Mostly a little: in a long run there would be nothing left to slash.
fn part(scene: &mut Scene<'_>) -> Ratio16 {
    match scene.dice.below(16) {
        0 => Ratio16::ONE,
        1 => Ratio16(65_534),
        2 | 3 => Ratio16(scene.dice.below(20_000) as u16),
        _ => Ratio16(scene.dice.below(2_000) as u16),
    }
}

/// Whoever removed stake comes for it when it is free, and the impatient a little earlier.
///
/// What was moved is let in by anybody.
pub fn hear(scene: &mut Scene<'_>, event: &RuntimeEvent) {
    let RuntimeEvent::Stake(event) = event else {
        return;
    };
    let delay = scene.dice.below(40) as u32;
    // Some forget.
    if scene.dice.once_in(6) {
        return;
    }
    match event.clone() {
        pallet_stake::Event::StakeRemoved {
            netuid,
            hotkey,
            coldkey,
            withdrawable_at,
            ..
        } => {
            let at = (withdrawable_at + delay).saturating_sub(2);
            scene.plan(at, "withdraw", move |_| withdraw(netuid, hotkey, &coldkey));
        }
        pallet_stake::Event::StakeMoving {
            netuid,
            hotkey,
            coldkey,
            arrives_at,
            ..
        } => {
            let at = (arrives_at + delay).saturating_sub(2);
            scene.plan(at, "complete move", move |scene| {
                let anybody = &scene.people.anybody(scene.dice).coldkey;
                let call = Call::<Runtime>::complete_move {
                    coldkey,
                    netuid,
                    hotkey,
                };
                Move::signed(anybody, call)
            });
        }
        _ => {}
    }
}
