//! Judging: committing, revealing well, late, wrongly or never.

use std::collections::BTreeMap;

use assay_pallet_traits::{Neurons as _, Permits as _, Subnets as _};
use assay_primitives::{
    commit_hash, BlockNumber, CommitPayload, Digest, EpochIndex, Evidence, Generation, NetUid,
    TaskVersion, Uid,
};
use assay_runtime::{AccountId, Epoch, Runtime, RuntimeCall, RuntimeEvent, Subnets};
use pallet_weights::{Call, Targets, Values};

use super::any_neuron;
use crate::{chain::Move, dice::Dice, people::Character, world::Scene};

/// What opens a commit.
#[derive(Clone, Debug)]
struct Opening {
    hotkey: AccountId,
    epoch: EpochIndex,
    targets: Targets,
    values: Values,
    salt: [u8; 32],
    task_version: TaskVersion,
}

impl Opening {
    fn call(self, netuid: NetUid) -> Call<Runtime> {
        Call::reveal_weights {
            netuid,
            epoch: self.epoch,
            targets: self.targets,
            values: self.values,
            salt: self.salt,
            task_version: self.task_version,
            evidence: Evidence::none(),
        }
    }
}

/// What validators remember of their commits.
#[derive(Default)]
pub struct Openings {
    /// By hash, until the block says whether it took the commit.
    sent: BTreeMap<Digest, Opening>,
    /// By subnet and the epoch in which they must be opened.
    pending: BTreeMap<(NetUid, EpochIndex), Vec<Opening>>,
}

impl Openings {
    /// Whoever took a hotkey's place opens what that one committed to.
    pub fn swap(&mut self, old: &AccountId, new: &AccountId) {
        let all = self.pending.values_mut().flatten();
        for opening in all.filter(|opening| opening.hotkey == *old) {
            opening.hotkey = new.clone();
        }
    }

    /// Forgets the commits that the block did not take.
    pub fn forget_unsent(&mut self) {
        self.sent.clear();
    }
}

/// Validators plan their epoch when it opens, and remember what the chain took of them.
pub fn hear(scene: &mut Scene<'_>, event: &RuntimeEvent) {
    match event {
        RuntimeEvent::Epoch(pallet_epoch::Event::EpochScheduled {
            netuid,
            epoch,
            due_at,
        }) => {
            plan_reveals(scene, *netuid, *epoch, *due_at);
            plan_judgements(scene, *netuid, *due_at);
        }
        RuntimeEvent::Weights(pallet_weights::Event::WeightsCommitted {
            netuid,
            hash,
            reveal_in,
            ..
        }) => {
            let openings = &mut scene.notes.openings;
            if let Some(opening) = openings.sent.remove(hash) {
                let key = (*netuid, *reveal_in);
                openings.pending.entry(key).or_default().push(opening);
            }
        }
        _ => {}
    }
}

fn plan_judgements(scene: &mut Scene<'_>, netuid: NetUid, due_at: BlockNumber) {
    let blocks = due_at.saturating_sub(scene.now).max(1);
    for uid in (0..Subnets::count(netuid)).map(Uid) {
        if !Epoch::has_permit(netuid, uid) {
            continue;
        }
        let Some(neuron) = Subnets::neuron(netuid, uid) else {
            continue;
        };
        let Some(validator) = scene.people.hotkey(&neuron.hotkey) else {
            continue;
        };
        if validator.character == Character::Lazy && !scene.dice.once_in(4) {
            continue;
        }
        let at = scene.now + 1 + scene.dice.below(blocks.into()) as u32;
        scene.plan(at, "weigh", move |scene| {
            judge(scene, netuid, neuron.hotkey)
        });
    }
}

/// A validator says what it thinks of everybody: in plain where that is allowed and it likes to,
/// else as a commit.
fn judge(scene: &mut Scene<'_>, netuid: NetUid, hotkey: AccountId) -> Option<Move> {
    let settings = Subnets::hyperparameters(netuid)?;
    let (targets, values) = row(scene, netuid, &hotkey)?;
    let task_version = Subnets::task_version(netuid)?;
    if settings.plain_weights && scene.dice.once_in(2) {
        let call = Call::<Runtime>::set_weights {
            netuid,
            targets,
            values,
            task_version,
        };
        return Move::signed(&hotkey, call);
    }
    let opening = Opening {
        epoch: Epoch::state(netuid)?.epoch,
        salt: scene.dice.bytes(),
        hotkey: hotkey.clone(),
        targets,
        values,
        task_version,
    };
    let hash = hash_of(&opening, netuid, Subnets::generation(netuid)?);
    let call = Call::<Runtime>::commit_weights {
        netuid,
        epoch: opening.epoch,
        hash,
        next_seed: Digest(scene.dice.bytes()),
    };
    scene.notes.openings.sent.insert(hash, opening);
    Move::signed(&hotkey, call)
}

fn hash_of(opening: &Opening, netuid: NetUid, generation: Generation) -> Digest {
    commit_hash(&CommitPayload {
        hotkey: opening.hotkey.clone().into(),
        netuid,
        generation,
        epoch: opening.epoch,
        task_version: opening.task_version,
        targets: &opening.targets,
        values: &opening.values,
        salt: opening.salt,
        evidence: Evidence::none(),
    })
}

/// What a validator thinks of the neurons. Everybody is as good as its serial number says, give or
/// take; the selfish see no good but in their own.
fn row(scene: &mut Scene<'_>, netuid: NetUid, judge: &AccountId) -> Option<(Targets, Values)> {
    let owner = Subnets::coldkey_of(judge)?;
    let selfish = scene.people.hotkey(judge)?.character == Character::Selfish;
    let (mut targets, mut values) = (Vec::new(), Vec::new());
    for uid in (0..Subnets::count(netuid)).map(Uid) {
        let neuron = Subnets::neuron(netuid, uid)?;
        if selfish && neuron.coldkey != owner || !selfish && scene.dice.once_in(4) {
            continue;
        }
        // A quarter of all are worth next to nothing, and are paid less than an account can live on.
        let quality = (neuron.serial.0.wrapping_mul(7_919) % 1_000).saturating_sub(250) * 60;
        let quality = quality.max(1);
        targets.push(uid.0);
        values.push((quality + scene.dice.below(quality / 4 + 1)).min(65_535) as u16);
    }
    Some((
        Targets::truncate_from(targets),
        Values::truncate_from(values),
    ))
}

/// In the epoch in which commits must be opened, their makers do so, each in its own way.
fn plan_reveals(scene: &mut Scene<'_>, netuid: NetUid, epoch: EpochIndex, due_at: BlockNumber) {
    let pending = scene.notes.openings.pending.remove(&(netuid, epoch));
    let blocks = due_at.saturating_sub(scene.now).max(1);
    for opening in pending.unwrap_or_default() {
        let Some(validator) = scene.people.hotkey(&opening.hotkey) else {
            continue;
        };
        let character = validator.character;
        let soon = scene.now + 1 + scene.dice.below(u64::from(blocks)) as u32;
        let at = match character {
            Character::Silent => continue,
            Character::Late => due_at + 1 + scene.dice.below(3) as u32,
            _ => soon,
        };
        scene.plan(at, "reveal", move |scene| {
            let mut opening = opening;
            if character == Character::Mistaken && !scene.dice.once_in(3) {
                opening.salt[0] ^= 1;
            }
            Move::signed(&opening.hotkey.clone(), opening.call(netuid))
        });
    }
}

/// Somebody makes a weight call that it should not: not a validator, not this epoch, not well-formed
/// or not by itself.
pub fn out_of_turn(scene: &mut Scene<'_>) -> Option<Move> {
    let (netuid, hotkey, coldkey) = any_neuron(scene)?;
    let epoch = Epoch::state(netuid)?.epoch;
    let call = any_call(scene.dice, netuid, epoch);
    match scene.dice.below(4) {
        0 => Move::signed(&coldkey, call),
        1 => {
            let calls = vec![RuntimeCall::from(call)];
            Move::signed(&coldkey, pallet_utility::Call::<Runtime>::batch { calls })
        }
        _ => Move::signed(&hotkey, call),
    }
}

fn any_call(dice: &mut Dice, netuid: NetUid, epoch: EpochIndex) -> Call<Runtime> {
    let len = dice.below(4);
    let targets: Vec<u16> = (0..len).map(|_| dice.below(20) as u16).collect();
    let values: Vec<u16> = (0..dice.between(len, len + 1)).map(|_| 1).collect();
    let (targets, values) = (
        Targets::truncate_from(targets),
        Values::truncate_from(values),
    );
    let task_version = TaskVersion(dice.below(2) as u32);
    match dice.below(3) {
        0 => Call::set_weights {
            netuid,
            targets,
            values,
            task_version,
        },
        1 => Call::commit_weights {
            netuid,
            epoch: EpochIndex(epoch.0.saturating_sub(dice.below(2) as u32)),
            hash: Digest(dice.bytes()),
            next_seed: Digest(dice.bytes()),
        },
        _ => Call::reveal_weights {
            netuid,
            epoch: EpochIndex(epoch.0.saturating_sub(dice.below(3) as u32)),
            targets,
            values,
            salt: dice.bytes(),
            task_version,
            evidence: Evidence::none(),
        },
    }
}
