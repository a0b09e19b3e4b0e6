//! Keys that change hands.

use assay_primitives::{SwapProofPayload, ASY};
use assay_runtime::{AccountId, Balances, Runtime, RuntimeEvent, System};
use pallet_keys::{Call, Changes, Event};
use pallet_subnets::RegistrationProof;
use sp_runtime::MultiAddress;

use super::{any_neuron, as_root};
use crate::{chain::Move, world::Scene};

/// An owner exchanges a hotkey for another of its own, mostly with a good proof.
pub fn swap_hotkey(scene: &mut Scene<'_>) -> Option<Move> {
    let (_, old, coldkey) = any_neuron(scene)?;
    let new = scene.dice.pick(&scene.people.owner_of(&old)?.hotkeys)?;
    let payload = SwapProofPayload {
        genesis: System::block_hash(0).into(),
        coldkey: coldkey.clone().into(),
        old_hotkey: old.clone().into(),
        expires_at: scene.now + scene.dice.below(50) as u32,
    };
    let mut message = payload.to_bytes();
    if scene.dice.once_in(20) {
        message.push(0);
    }
    let proof = RegistrationProof {
        expires_at: payload.expires_at,
        signature: new.sign(&message),
    };
    let new = new.account.clone();
    Move::signed(&coldkey, Call::<Runtime>::swap_hotkey { old, new, proof })
}

/// Somebody announces that all it has will belong to an account that is new to everybody.
pub fn change_coldkey(scene: &mut Scene<'_>) -> Option<Move> {
    let old = scene.people.anybody(scene.dice).coldkey.clone();
    let new = scene.dice.bytes().into();
    Move::signed(&old, Call::<Runtime>::announce_coldkey_change { new })
}

/// Half of all changes are disputed and decided, most others wait and are finished, and some are
/// forgotten until somebody drops them.
pub fn hear(scene: &mut Scene<'_>, event: &RuntimeEvent) {
    let RuntimeEvent::Keys(event) = event else {
        return;
    };
    let soon = scene.now + 1 + scene.dice.below(20) as u32;
    match event.clone() {
        Event::HotkeySwapped { old, new, .. } => scene.notes.openings.swap(&old, &new),
        Event::ColdkeyChangeAnnounced {
            old,
            ready_at,
            expires_at,
            ..
        } => match scene.dice.below(8) {
            0..=3 => scene.plan(soon, "dispute change", move |_| {
                Move::signed(&old, Call::<Runtime>::dispute_coldkey_change {})
            }),
            4..=6 => scene.plan(ready_at, "take over", move |scene| take_over(scene, old)),
            _ => scene.plan(expires_at, "drop change", move |scene| {
                let anybody = &scene.people.anybody(scene.dice).coldkey;
                Move::signed(anybody, Call::<Runtime>::drop_coldkey_change { old })
            }),
        },
        Event::ColdkeyChangeDisputed { old } => {
            let uphold = !scene.dice.once_in(3);
            scene.plan(soon, "decide dispute", move |_| {
                as_root(Call::<Runtime>::decide_coldkey_change { old, uphold })
            });
        }
        Event::ColdkeyChangeUpheld { old, .. } | Event::ColdkeyMoving { old, .. } => {
            scene.plan(soon, "take over", move |scene| take_over(scene, old));
        }
        Event::ColdkeyChanged { old, new, .. } => scene.people.change_coldkey(&old, new),
        _ => {}
    }
}

/// The new coldkey takes over a few things, or many, and again until nothing is left. Somebody
/// sends it what it needs for that.
fn take_over(scene: &mut Scene<'_>, old: AccountId) -> Option<Move> {
    let new = Changes::<Runtime>::get(&old)?.new;
    if Balances::free_balance(&new) < ASY {
        let giver = scene.people.anybody(scene.dice).coldkey.clone();
        let again = scene.now + 1;
        let dest = MultiAddress::Id(new);
        scene.plan(again, "take over", move |scene| take_over(scene, old));
        let value = 2 * ASY;
        let call = pallet_balances::Call::<Runtime>::transfer_keep_alive { dest, value };
        return Move::signed(&giver, call);
    }
    let limit = scene.dice.between(1, 40) as u32;
    Move::signed(&new, Call::<Runtime>::take_over_coldkey { old, limit })
}
