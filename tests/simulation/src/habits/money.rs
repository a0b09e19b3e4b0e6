//! Moving money about.

use assay_primitives::ASY;
use assay_runtime::{AccountId, Balances, Runtime, Stake, EXISTENTIAL_DEPOSIT};
use pallet_emission::PayoutTarget;
use sp_runtime::MultiAddress;

use super::any_neuron;
use crate::{chain::Move, world::Scene};

fn send(from: &AccountId, to: AccountId, value: assay_primitives::Balance) -> Option<Move> {
    let call = pallet_balances::Call::<Runtime>::transfer_allow_death {
        dest: MultiAddress::Id(to),
        value,
    };
    Move::signed(from, call)
}

/// Somebody pays somebody: a person, a hotkey that may have no account, a stranger.
pub fn transfer(scene: &mut Scene<'_>) -> Option<Move> {
    let from = scene.people.anybody(scene.dice);
    let to = match scene.dice.below(6) {
        0 => scene.dice.pick(&from.hotkeys)?.account.clone(),
        1 => scene.dice.bytes().into(),
        _ => scene.people.anybody(scene.dice).coldkey.clone(),
    };
    // From less than an account needs to exist to more than anybody has.
    let value = scene.dice.amount(EXISTENTIAL_DEPOSIT / 4, 20_000 * ASY);
    send(&from.coldkey, to, value)
}

/// Somebody sends all it has away, and the account dies unless something keeps it.
pub fn transfer_all(scene: &mut Scene<'_>) -> Option<Move> {
    let from = &scene.people.anybody(scene.dice).coldkey;
    let to = scene.people.anybody(scene.dice).coldkey.clone();
    let call = pallet_balances::Call::<Runtime>::transfer_all {
        dest: MultiAddress::Id(to),
        keep_alive: scene.dice.once_in(4),
    };
    Move::signed(from, call)
}

/// Somebody sends money to the account that holds all stake, to see whether that moves a price.
pub fn give_to_the_pools(scene: &mut Scene<'_>) -> Option<Move> {
    let from = &scene.people.anybody(scene.dice).coldkey;
    let call = pallet_balances::Call::<Runtime>::transfer_keep_alive {
        dest: MultiAddress::Id(Stake::holding_account()),
        value: scene.dice.amount(1, 10 * ASY),
    };
    Move::signed(from, call)
}

/// Who has a credit claims it. An account that can't pay for that is sent something first; who has
/// none tries all the same.
pub fn claim(scene: &mut Scene<'_>) -> Option<Move> {
    let credited: Vec<AccountId> = pallet_emission::Claims::<Runtime>::iter_keys()
        .take(16)
        .collect();
    let who = match scene.dice.pick(&credited) {
        Some(account) if Balances::free_balance(account) < ASY / 100 => {
            let from = &scene.people.anybody(scene.dice).coldkey;
            return send(from, account.clone(), ASY);
        }
        Some(account) => account.clone(),
        None => scene.people.anybody(scene.dice).coldkey.clone(),
    };
    Move::signed(&who, pallet_emission::Call::<Runtime>::claim {})
}

/// A miner chooses how it is paid.
pub fn set_payout(scene: &mut Scene<'_>) -> Option<Move> {
    let (netuid, hotkey, owner) = any_neuron(scene)?;
    let target = if scene.dice.once_in(3) {
        PayoutTarget::Coldkey
    } else {
        PayoutTarget::OwnBond
    };
    let call = pallet_emission::Call::<Runtime>::set_payout {
        netuid,
        hotkey,
        target,
    };
    Move::signed(&owner, call)
}
