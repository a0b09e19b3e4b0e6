//! What people do.
//!
//! A *habit* is something that anybody may do in any block: it chooses who does it to what, and is
//! one entry in [`HABITS`]. What follows from something that happened (a validator weighs when an
//! epoch opens, a staker withdraws when its stake is free) is planned when people [`hear`] of it.
//!
//! Habits choose badly on purpose: prices too low, proofs that have expired, amounts that nobody
//! has, netuids that nobody registered. What the chain refuses is counted like what it does.

mod keys;
mod lifecycle;
mod money;
mod registry;
mod stake;
mod weights;

pub use weights::Openings;

use assay_pallet_traits::{Neurons as _, Subnets as _};
use assay_primitives::{NetUid, Uid};
use assay_runtime::{AccountId, RuntimeCall, RuntimeEvent, Stake, Subnets};
use sp_runtime::MultiAddress;

use crate::{chain::Move, dice::Dice, scenario::root_account, world::Scene};

/// Something that anybody may do.
pub struct Habit {
    /// What it is counted as.
    pub name: &'static str,
    /// How often, beside the others.
    pub often: u64,
    /// Chooses who does it to what; nothing where there is nobody or nothing.
    pub choose: fn(&mut Scene<'_>) -> Option<Move>,
}

const fn habit(
    name: &'static str,
    often: u64,
    choose: fn(&mut Scene<'_>) -> Option<Move>,
) -> Habit {
    Habit {
        name,
        often,
        choose,
    }
}

/// Everything that anybody may do.
pub const HABITS: &[Habit] = &[
    habit("register subnet", 4, registry::register_subnet),
    habit("register neuron", 80, registry::register_neuron),
    habit("announce endpoint", 10, registry::announce),
    habit("announce model", 10, registry::announce_model),
    habit("patch as owner", 6, registry::patch_as_owner),
    habit("patch as root", 6, registry::patch_as_root),
    habit("admit subnet", 3, registry::set_admitted),
    habit("update task", 6, lifecycle::update_task),
    habit("offer subnet", 4, lifecycle::offer),
    habit("dissolve subnet", 1, lifecycle::dissolve),
    habit("add stake", 120, stake::add),
    habit("remove stake", 60, stake::remove),
    habit("withdraw", 8, stake::withdraw_any),
    habit("move stake", 20, stake::move_stake),
    habit("swap hotkey", 8, keys::swap_hotkey),
    habit("change coldkey", 1, keys::change_coldkey),
    habit("set take", 10, stake::set_take),
    habit("slash", 2, stake::slash),
    habit("slash what departed", 2, stake::slash_dissolved),
    habit("give to the pools", 2, money::give_to_the_pools),
    habit("transfer", 30, money::transfer),
    habit("leave nothing behind", 4, money::transfer_all),
    habit("claim", 6, money::claim),
    habit("set payout", 8, money::set_payout),
    habit("weigh out of turn", 10, weights::out_of_turn),
];

/// One of these, by how often they are done.
pub fn any<'h>(dice: &mut Dice, habits: &'h [Habit]) -> &'h Habit {
    let all: u64 = habits.iter().map(|habit| habit.often).sum();
    let mut at = dice.below(all);
    habits
        .iter()
        .find(|habit| {
            let hit = at < habit.often;
            at = at.saturating_sub(habit.often);
            hit
        })
        .unwrap_or(&habits[0])
}

/// What people make of something that happened.
pub fn hear(scene: &mut Scene<'_>, event: &RuntimeEvent) {
    registry::hear(scene, event);
    stake::hear(scene, event);
    lifecycle::hear(scene, event);
    keys::hear(scene, event);
    weights::hear(scene, event);
}

/// Whether a move sends money to the account that holds stake without staking it.
pub fn is_gift(what: &Move) -> bool {
    let Move::Signed { call, .. } = what else {
        return false;
    };
    let holding = MultiAddress::Id(Stake::holding_account());
    matches!(
        &**call,
        RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive { dest, .. })
            if *dest == holding
    )
}

/// A registered subnet.
fn any_subnet(scene: &mut Scene<'_>) -> Option<NetUid> {
    scene.dice.pick(&Subnets::netuids()).copied()
}

/// A registered neuron: its subnet, hotkey and owner.
fn any_neuron(scene: &mut Scene<'_>) -> Option<(NetUid, AccountId, AccountId)> {
    let netuid = any_subnet(scene)?;
    let uid = Uid(scene.dice.below(Subnets::count(netuid).into()) as u16);
    let neuron = Subnets::neuron(netuid, uid)?;
    Some((netuid, neuron.hotkey, neuron.coldkey))
}

/// A call in root's name.
fn as_root(call: impl Into<RuntimeCall>) -> Option<Move> {
    let call = Box::new(call.into());
    Move::signed(&root_account(), pallet_sudo::Call::sudo { call })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_chooses_every_habit_sooner_or_later() {
        let mut dice = Dice::seeded(3);
        let mut chosen = std::collections::BTreeSet::new();
        for _ in 0..20_000 {
            chosen.insert(any(&mut dice, HABITS).name);
        }
        assert_eq!(chosen.len(), HABITS.len());
    }
}
