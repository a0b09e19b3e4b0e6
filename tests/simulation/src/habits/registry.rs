//! Registering, announcing, settings.

use assay_pallet_traits::Subnets as _;
use assay_primitives::{
    Artifact, Benchmark, BondRule, DataType, Digest, Endpoint, EndpointProtocol, Generation,
    Hyperparameter, Interface, LiquidAlpha, ModelAnnouncement, NetUid, Ratio16,
    RegistrationProofPayload, Scoring, TaskSpec, TensorSpec, ASY,
};
use assay_runtime::{Runtime, RuntimeEvent, Subnets, System};
use frame_support::{traits::Get, BoundedVec};
use pallet_subnets::{Call, RegistrationProof};

use super::{any_neuron, any_subnet, as_root};
use crate::{chain::Move, dice::Dice, people::Hotkey, scenario::Scenario, world::Scene};

/// Subnets are few and dear: most who think of one think again.
pub fn register_subnet(scene: &mut Scene<'_>) -> Option<Move> {
    let every = scene.scenario.subnet_every;
    if Subnets::netuids().len() > 1 && !scene.dice.once_in(every / 50 + 1) {
        return None;
    }
    let owner = &scene.people.anybody(scene.dice).coldkey;
    let call = Call::<Runtime>::register_subnet {
        task: Box::new(task(scene.dice)),
        max_price: scene.dice.amount(5 * ASY, 5_000 * ASY),
    };
    Move::signed(owner, call)
}

/// A task like any other, mostly a sound one.
pub fn task(dice: &mut Dice) -> TaskSpec {
    let tensor = |name, shape: &[i64]| TensorSpec {
        name: text(name),
        datatype: DataType::Fp32,
        shape: shape.to_vec().try_into().expect("few dimensions fit; qed"),
    };
    // One in thirty is not a task.
    let classes = if dice.once_in(30) { 1 } else { 10 };
    TaskSpec {
        name: text("digits"),
        interface: Interface {
            inputs: vec![tensor("X", &[-1, 64])]
                .try_into()
                .expect("one fits; qed"),
            outputs: vec![tensor("label", &[-1])]
                .try_into()
                .expect("one fits; qed"),
        },
        scoring: Scoring::Classification { classes },
        benchmark: Benchmark::Set(Artifact {
            sha256: Digest(dice.bytes()),
            size: 1,
            uri: text("file:benchmark.csv"),
        }),
        reference_model: None,
        deadline_ms: 500,
        max_batch: 32,
    }
}

fn text<Bound: Get<u32>>(text: &str) -> BoundedVec<u8, Bound> {
    BoundedVec::truncate_from(text.as_bytes().to_vec())
}

/// Somebody registers one of its hotkeys, more or less correctly.
pub fn register_neuron(scene: &mut Scene<'_>) -> Option<Move> {
    let netuid = any_subnet(scene)?;
    let person = scene.people.anybody(scene.dice);
    let hotkey = scene.dice.pick(&person.hotkeys)?;
    let mut coldkey = &person.coldkey;
    let now = scene.now;
    let mut payload = RegistrationProofPayload {
        genesis: System::block_hash(0).into(),
        netuid,
        generation: Subnets::generation(netuid)?,
        coldkey: person.coldkey.clone().into(),
        expires_at: now + scene.dice.below(100) as u32,
    };
    match scene.dice.below(60) {
        0 => payload.expires_at = now - 1,
        1 => payload.expires_at = now + 1_000_000,
        2 => payload.netuid = NetUid(netuid.0 + 1),
        3 => payload.generation = Generation(payload.generation.0 + 1),
        // Somebody else tries it with a proof that was not made for it.
        4 => coldkey = &scene.people.anybody(scene.dice).coldkey,
        _ => {}
    }
    let call = Call::<Runtime>::register {
        netuid,
        hotkey: hotkey.account.clone(),
        max_price: scene.dice.amount(ASY / 10, 50 * ASY),
        proof: proof(hotkey, &payload),
    };
    Move::signed(coldkey, call)
}

fn proof(hotkey: &Hotkey, payload: &RegistrationProofPayload) -> RegistrationProof {
    RegistrationProof {
        expires_at: payload.expires_at,
        signature: hotkey.sign(&payload.to_bytes()),
    }
}

/// A neuron says where it listens: mostly through its coldkey, which can pay for it.
pub fn announce(scene: &mut Scene<'_>) -> Option<Move> {
    let (netuid, hotkey, coldkey) = any_neuron(scene)?;
    let signer = if scene.dice.once_in(8) {
        hotkey.clone()
    } else {
        coldkey
    };
    let protocol = if scene.dice.once_in(8) {
        // Without a certificate, which it needs.
        EndpointProtocol::Https
    } else {
        EndpointProtocol::Http
    };
    let endpoint = Endpoint {
        host: text("miner.example"),
        port: scene.dice.below(9_000) as u16,
        protocol,
        certificate: None,
    };
    let call = Call::<Runtime>::announce {
        netuid,
        hotkey,
        endpoint,
    };
    Move::signed(&signer, call)
}

/// A neuron says which model it serves.
pub fn announce_model(scene: &mut Scene<'_>) -> Option<Move> {
    let (netuid, hotkey, coldkey) = any_neuron(scene)?;
    let model = ModelAnnouncement {
        sha256: Digest(scene.dice.bytes()),
        size: scene.dice.below(1_000),
    };
    let call = Call::<Runtime>::announce_model {
        netuid,
        hotkey,
        model,
    };
    Move::signed(&coldkey, call)
}

/// An owner changes settings, or tries to change what is root's.
pub fn patch_as_owner(scene: &mut Scene<'_>) -> Option<Move> {
    let netuid = any_subnet(scene)?;
    let owner = Subnets::owner(netuid)?;
    let tempo = scene.scenario.tempo;
    let dice = &mut *scene.dice;
    let change = match dice.below(8) {
        0 => Hyperparameter::Tempo(dice.between(u64::from(tempo) - 1, u64::from(tempo) * 2) as u32),
        1 => Hyperparameter::ImmunityPeriod(dice.below(u64::from(tempo) * 14) as u32),
        2 => Hyperparameter::ActivityCutoff(
            dice.once_in(2)
                .then(|| dice.below(u64::from(tempo) * 5) as u32),
        ),
        3 | 4 => Hyperparameter::RevealPeriod(dice.below(5) as u8),
        5 => Hyperparameter::AnnounceInterval(dice.below(30) as u32),
        6 => Hyperparameter::RegistrationOpen(!dice.once_in(8)),
        _ => root_setting(dice, &scene.scenario),
    };
    Move::signed(&owner, patch(netuid, &[change]))
}

/// Root changes settings.
pub fn patch_as_root(scene: &mut Scene<'_>) -> Option<Move> {
    let netuid = any_subnet(scene)?;
    let changes: Vec<_> = (0..scene.dice.between(1, 3))
        .map(|_| root_setting(scene.dice, &scene.scenario))
        .collect();
    as_root(patch(netuid, &changes))
}

fn root_setting(dice: &mut Dice, scenario: &Scenario) -> Hyperparameter {
    let ratio = |dice: &mut Dice| match dice.below(6) {
        0 => Ratio16::ZERO,
        1 => Ratio16::ONE,
        _ => Ratio16(dice.below(65_536) as u16),
    };
    match dice.below(12) {
        0 => Hyperparameter::MaxNeurons(dice.between(2, scenario.most_neurons.into()) as u16),
        1 => {
            Hyperparameter::MaxValidators(dice.below(u64::from(scenario.most_validators) + 1) as u16)
        }
        2 => Hyperparameter::Kappa(ratio(dice)),
        3 => Hyperparameter::BondsPenalty(ratio(dice)),
        4 => Hyperparameter::BondsAlpha(ratio(dice)),
        5 => Hyperparameter::BondRule(if dice.once_in(2) {
            BondRule::Classic
        } else {
            BondRule::Relative
        }),
        6 => Hyperparameter::LiquidAlpha(dice.once_in(2).then(|| LiquidAlpha {
            low: ratio(dice),
            high: ratio(dice),
            steepness_hundredths: dice.below(2_000) as u16,
        })),
        7 => Hyperparameter::MinersPart(ratio(dice)),
        8 => Hyperparameter::OwnerCut(ratio(dice)),
        9 => Hyperparameter::MinStake(dice.amount(ASY / 10, 100 * ASY)),
        10 => Hyperparameter::PlainWeights(dice.once_in(2)),
        _ => {
            let tempo = u64::from(scenario.tempo);
            Hyperparameter::Tempo(dice.between(4.max(tempo / 2), tempo * 2) as u32)
        }
    }
}

fn patch(netuid: NetUid, changes: &[Hyperparameter]) -> Call<Runtime> {
    Call::patch_hyperparameters {
        netuid,
        changes: BoundedVec::truncate_from(changes.to_vec()),
    }
}

/// Root admits a subnet or takes that back.
pub fn set_admitted(scene: &mut Scene<'_>) -> Option<Move> {
    let netuid = any_subnet(scene)?;
    let admitted = !scene.dice.once_in(6);
    as_root(Call::<Runtime>::set_admitted { netuid, admitted })
}

/// A new subnet gets as few places as the scenario wants, and is soon admitted.
pub fn hear(scene: &mut Scene<'_>, event: &RuntimeEvent) {
    let RuntimeEvent::Subnets(pallet_subnets::Event::SubnetRegistered { netuid, .. }) = event
    else {
        return;
    };
    let netuid = *netuid;
    let Scenario {
        most_neurons,
        most_validators,
        ..
    } = scene.scenario;
    let changes = [
        Hyperparameter::MaxNeurons(most_neurons),
        Hyperparameter::MaxValidators(most_validators),
    ];
    scene.plan(scene.now + 1, "size a new subnet", move |_| {
        as_root(patch(netuid, &changes))
    });
    let admission = scene.now + scene.dice.below(100) as u32;
    scene.plan(admission, "admit subnet", move |_| {
        as_root(Call::<Runtime>::set_admitted {
            netuid,
            admitted: true,
        })
    });
}
