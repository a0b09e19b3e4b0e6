//! Subnets that change and end: another task, another owner, no place any more.

use assay_pallet_traits::Subnets as _;
use assay_primitives::{Generation, NetUid};
use assay_runtime::{AccountId, Runtime, RuntimeEvent, Subnets};
use pallet_subnets::Call;

use super::{any_subnet, as_root, registry::task};
use crate::{chain::Move, world::Scene};

/// Root ends a subnet, whatever is going on in it, about as often as people can afford a new one.
pub fn dissolve(scene: &mut Scene<'_>) -> Option<Move> {
    let scenario = scene.scenario;
    let many = Subnets::netuids().len() * 2 > scenario.subnet_places as usize;
    if !many || !scene.dice.once_in(scenario.subnet_every / 10 + 1) {
        return None;
    }
    let netuid = any_subnet(scene)?;
    as_root(Call::<Runtime>::dissolve_subnet { netuid })
}

/// An owner has another idea.
pub fn update_task(scene: &mut Scene<'_>) -> Option<Move> {
    let netuid = any_subnet(scene)?;
    let owner = Subnets::owner(netuid)?;
    let call = Call::<Runtime>::update_task {
        netuid,
        task: Box::new(task(scene.dice)),
    };
    Move::signed(&owner, call)
}

/// An owner offers its subnet to somebody, who may want it, or withdraws the offer.
pub fn offer(scene: &mut Scene<'_>) -> Option<Move> {
    let netuid = any_subnet(scene)?;
    let owner = Subnets::owner(netuid)?;
    let to = (!scene.dice.once_in(6)).then(|| scene.people.anybody(scene.dice).coldkey.clone());
    if let Some(somebody) = to.clone() {
        let at = scene.now + 1 + scene.dice.below(20) as u32;
        scene.plan(at, "accept subnet", move |_| {
            Move::signed(&somebody, Call::<Runtime>::accept_subnet { netuid })
        });
    }
    Move::signed(&owner, Call::<Runtime>::offer_subnet { netuid, to })
}

/// Whoever had stake in a subnet that ended comes for it when it is free.
pub fn hear(scene: &mut Scene<'_>, event: &RuntimeEvent) {
    let RuntimeEvent::Stake(pallet_stake::Event::StakeDeparted {
        netuid,
        generation,
        hotkey,
        coldkey,
        withdrawable_at,
        ..
    }) = event
    else {
        return;
    };
    let (netuid, generation, hotkey, coldkey) =
        (*netuid, *generation, hotkey.clone(), coldkey.clone());
    let at = (withdrawable_at + scene.dice.below(40) as u32).saturating_sub(2);
    if !scene.dice.once_in(6) {
        scene.plan(at, "withdraw what departed", move |_| {
            withdraw(netuid, generation, hotkey, &coldkey)
        });
    }
}

fn withdraw(
    netuid: NetUid,
    generation: Generation,
    hotkey: AccountId,
    staker: &AccountId,
) -> Option<Move> {
    let call = pallet_stake::Call::<Runtime>::withdraw_dissolved {
        netuid,
        generation,
        hotkey,
    };
    Move::signed(staker, call)
}
