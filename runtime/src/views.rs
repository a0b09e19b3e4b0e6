//! Gathers what clients ask about subnets, neurons and stake, from the pallets' own answers.
//!
//! Nothing here writes, decides or estimates: a number that needs a rule is asked of the pallet
//! that has it. What is read is bounded by the registry: places for subnets, places for neurons,
//! weights of a validator.

use alloc::vec::Vec;

use assay_pallet_traits::{Neurons as _, Permits, Stakes as _, Subnets as _, WeightRows};
use assay_primitives::{
    Metagraph, NetUid, NeuronView, SubnetDetails, SubnetSummary, Uid, WeightRowView,
};
use frame_support::traits::{
    fungible::Inspect,
    tokens::{Fortitude, Preservation},
};

use crate::{
    AccountId, Balance, Balances, Emission, Epoch, Runtime, Stake, Subnets, System, Weights,
};

type Registered = pallet_subnets::Subnet<AccountId>;

fn registered(netuid: NetUid) -> Option<Registered> {
    pallet_subnets::Subnets::<Runtime>::get(netuid)
}

/// One line about each subnet, ascending.
pub fn subnets() -> Vec<SubnetSummary<AccountId>> {
    Subnets::netuids()
        .into_iter()
        .filter_map(|netuid| summary(netuid, &registered(netuid)?))
        .collect()
}

fn summary(netuid: NetUid, subnet: &Registered) -> Option<SubnetSummary<AccountId>> {
    let settings = Subnets::hyperparameters(netuid)?;
    let schedule = Epoch::state(netuid)?;
    Some(SubnetSummary {
        netuid,
        generation: subnet.generation,
        owner: subnet.owner.clone(),
        admitted: subnet.admitted,
        name: pallet_subnets::Tasks::<Runtime>::get(netuid)?.name,
        neurons: Subnets::count(netuid),
        max_neurons: settings.max_neurons,
        stake: Stake::total(netuid),
        issuance_share: Emission::subnet(netuid)?.share,
        registration_price: Subnets::registration_price(netuid)?,
        tempo: settings.tempo,
        epoch: schedule.epoch,
        next_epoch_at: schedule.due_at,
    })
}

/// Everything about one subnet but its neurons.
pub fn subnet(netuid: NetUid) -> Option<SubnetDetails<AccountId>> {
    let subnet = registered(netuid)?;
    Some(SubnetDetails {
        summary: summary(netuid, &subnet)?,
        registered_at: subnet.registered_at,
        lock: subnet.lock,
        task_version: subnet.task_version,
        task: pallet_subnets::Tasks::<Runtime>::get(netuid)?,
        next_task: pallet_subnets::UpcomingTasks::<Runtime>::get(netuid),
        offered_to: pallet_subnets::SubnetOffers::<Runtime>::get(netuid),
        hyperparameters: Subnets::hyperparameters(netuid)?,
        next_hyperparameters: pallet_subnets::PendingHyperparameters::<Runtime>::get(netuid),
        pot: Emission::subnet(netuid)?.pot,
    })
}

/// A subnet's whole state. Every column is as long as there are neurons.
pub fn metagraph(netuid: NetUid) -> Option<Metagraph<AccountId>> {
    let subnet = registered(netuid)?;
    let schedule = Epoch::state(netuid)?;
    let neurons = Subnets::neurons(netuid);
    let outcome = Epoch::outcome(netuid);
    let count = Subnets::count(netuid);
    let hotkeys: Vec<_> = neurons.iter().map(|neuron| neuron.hotkey.clone()).collect();
    Some(Metagraph {
        netuid,
        generation: subnet.generation,
        block: System::block_number(),
        epoch: schedule.epoch,
        last_epoch_at: schedule.last_ran_at,
        next_epoch_at: schedule.due_at,
        task_version: subnet.task_version,
        hyperparameters: Subnets::hyperparameters(netuid)?,
        stake: Stake::stakes(netuid, &hotkeys),
        hotkeys,
        serials: neurons.iter().map(|neuron| neuron.serial).collect(),
        registered_at: neurons.iter().map(|neuron| neuron.registered_at).collect(),
        coldkeys: neurons.into_iter().map(|neuron| neuron.coldkey).collect(),
        immune: Subnets::immunity(netuid),
        permits: Epoch::permits(netuid),
        active: outcome.active.to_bools(count),
        last_update: Weights::last_updates(netuid, count),
        consensus: outcome.consensus.into_inner(),
        trust: outcome.trust.into_inner(),
        validator_trust: outcome.validator_trust.into_inner(),
        incentive: outcome.incentive.into_inner(),
        dividends: outcome.dividends.into_inner(),
        emission: outcome.emission.into_inner(),
        earned: Epoch::earned(netuid),
        endpoints: Subnets::endpoints(netuid),
        models: Subnets::models(netuid),
    })
}

/// One neuron with the reasons for its numbers.
pub fn neuron(netuid: NetUid, uid: Uid) -> Option<NeuronView<AccountId>> {
    let neuron = Subnets::neuron(netuid, uid)?;
    Some(NeuronView {
        netuid,
        uid,
        stake: Stake::stake(netuid, &neuron.hotkey),
        hotkey: neuron.hotkey,
        coldkey: neuron.coldkey,
        serial: neuron.serial,
        registered_at: neuron.registered_at,
        immune_until: Subnets::immune_until(netuid, uid)?,
        permit: Epoch::has_permit(netuid, uid),
        standing: Epoch::standing(netuid, uid),
        last_epoch_at: Epoch::state(netuid)?.last_ran_at,
        outcome: Epoch::outcome_of(netuid, uid),
        weights: Weights::row(netuid, uid),
        bonds: Epoch::bonds(netuid, uid),
        commits: Weights::commits(netuid, uid),
        outlook: Epoch::outlook(netuid, uid),
    })
}

/// The weights in force, by validator, ascending.
pub fn weights(netuid: NetUid) -> Vec<WeightRowView> {
    let updates = Weights::last_updates(netuid, Subnets::count(netuid));
    Weights::rows(netuid)
        .into_iter()
        .filter_map(|row| {
            let last_update = *updates.get(usize::from(row.validator.0))?;
            Some(WeightRowView {
                validator: row.validator,
                targets: row.targets,
                values: row.values,
                last_update: last_update?,
            })
        })
        .collect()
}

/// What an account can spend if it need not stay alive.
pub fn spendable(account: &AccountId) -> Balance {
    Balances::reducible_balance(account, Preservation::Expendable, Fortitude::Polite)
}
