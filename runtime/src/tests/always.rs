//! What is always true of the whole chain, checked after every block of a simulation.
//!
//! Pallets check what they can see by themselves; here it is added up over all of them, from what
//! is stored and not from what the pallets say about it.

use std::collections::BTreeSet;

use assay_pallet_traits::Subnets as _;
use assay_primitives::{NetUid, CAP};
use frame_support::traits::fungible::InspectHold;
use sp_runtime::{ApplyExtrinsicResult, TryRuntimeError};

use super::next_block;
use crate::{
    configs::incentives::IssuanceHalfLife, Authors, Balance, Balances, Emission, Epoch, Keys,
    Runtime, RuntimeEvent, RuntimeHoldReason, Stake, Subnets, System, UncheckedExtrinsic, Weights,
    EXISTENTIAL_DEPOSIT,
};

/// A chain of which every unit is accounted for: makes blocks, and after each checks that what
/// exists is what was minted less what was burned, and whatever else is always true.
#[derive(Default)]
pub struct Watched {
    burned: Balance,
}

impl Watched {
    /// Makes the next block with these transactions, and says how each of them went.
    pub fn block(&mut self, transactions: Vec<UncheckedExtrinsic>) -> Vec<ApplyExtrinsicResult> {
        let outcomes = next_block(transactions);
        self.burned += System::events()
            .into_iter()
            .map(|record| burned_by(record.event))
            .sum::<Balance>();
        let minted = pallet_emission::Supplied::<Runtime>::get().minted;
        let credits: Balance = pallet_emission::Claims::<Runtime>::iter_values().sum();
        assert_eq!(
            Balances::total_issuance(),
            minted - credits - self.burned,
            "at block {}",
            System::block_number()
        );
        assert_always();
        outcomes
    }

    /// Takes for burned whatever is missing now: of a chain that was not watched from its start.
    pub fn forget_burns(&mut self) {
        let minted = pallet_emission::Supplied::<Runtime>::get().minted;
        let credits: Balance = pallet_emission::Claims::<Runtime>::iter_values().sum();
        self.burned = minted - credits - Balances::total_issuance();
    }

    /// Makes empty blocks up to this one.
    pub fn run_to(&mut self, number: u32) {
        while System::block_number() < number {
            self.block(Vec::new());
        }
    }
}

/// What an event says was burned.
fn burned_by(event: RuntimeEvent) -> Balance {
    use pallet_subnets::Event as Registry;
    match event {
        RuntimeEvent::TransactionPayment(
            pallet_transaction_payment::Event::TransactionFeePaid { actual_fee, .. },
        ) => actual_fee,
        RuntimeEvent::Subnets(
            Registry::SubnetRegistered {
                price,
                lock,
                waited: false,
                ..
            }
            | Registry::RegistrationWaiting { price, lock, .. },
        ) => price - lock,
        RuntimeEvent::Subnets(Registry::NeuronRegistered { price, .. }) => price,
        RuntimeEvent::Stake(pallet_stake::Event::Slashed { amount, .. }) => amount,
        RuntimeEvent::Keys(
            pallet_keys::Event::HotkeySwapped { price, .. }
            | pallet_keys::Event::ColdkeyChangeAnnounced { price, .. },
        ) => price,
        _ => 0,
    }
}

/// Every pallet's own check.
pub fn try_state() -> Result<(), TryRuntimeError> {
    Authors::do_try_state()?;
    Subnets::do_try_state()?;
    Stake::do_try_state()?;
    Weights::do_try_state()?;
    Emission::do_try_state()?;
    Epoch::do_try_state()?;
    Keys::do_try_state()
}

/// Checks everything that is true between any two blocks.
pub fn assert_always() {
    assert_eq!(try_state(), Ok(()), "at block {}", System::block_number());
    assert_balances_are_the_issuance();
    assert_pallets_hold_what_they_owe();
    assert_issued_is_below_the_curve();
    assert_nothing_is_stored_for_unknown_subnets();
}

/// Σ balances = total issuance.
fn assert_balances_are_the_issuance() {
    let balances: Balance = frame_system::Account::<Runtime>::iter_values()
        .map(|account| account.data.free + account.data.reserved)
        .sum();
    assert_eq!(balances, Balances::total_issuance());
}

/// Σ pools + entering + unbonding = what the stake pallet holds besides its deposit, and Σ locks =
/// what is on hold for them.
fn assert_pallets_hold_what_they_owe() {
    let pools: Balance = pallet_stake::PoolsOf::<Runtime>::iter_values()
        .flat_map(|pools| [pools.own, pools.delegated])
        .map(|side| side.active.amount + side.entering.amount)
        .sum();
    let unbonding: Balance = pallet_stake::UnbondingOf::<Runtime>::iter_values()
        .map(|unbonding| unbonding.own.amount + unbonding.delegated.amount)
        .sum();
    let departed: Balance = pallet_stake::DepartedUnbonding::<Runtime>::iter_values()
        .map(|unbonding| unbonding.own.amount + unbonding.delegated.amount)
        .sum();
    let ready: Balance = pallet_stake::Departures::<Runtime>::iter_values()
        .map(|departure| departure.ready)
        .sum();
    assert_eq!(
        pools + unbonding + departed + ready + EXISTENTIAL_DEPOSIT,
        Balances::free_balance(Stake::holding_account())
    );

    let locks: Balance = pallet_subnets::Subnets::<Runtime>::iter_values()
        .map(|subnet| subnet.lock)
        .sum();
    let waiting: Balance = pallet_subnets::WaitingSubnets::<Runtime>::iter_values()
        .map(|successor| successor.lock)
        .sum();
    let reason: RuntimeHoldReason = pallet_subnets::HoldReason::SubnetLock.into();
    let held: Balance = frame_system::Account::<Runtime>::iter_keys()
        .map(|account| Balances::balance_on_hold(&reason, &account))
        .sum();
    assert_eq!(locks + waiting, held);
}

/// Issued ≤ curve.
fn assert_issued_is_below_the_curve() {
    let supply = pallet_emission::Supplied::<Runtime>::get();
    let most = pallet_emission::curve::issued_at(
        CAP,
        supply.genesis,
        System::block_number(),
        IssuanceHalfLife::get(),
    );
    assert!(supply.issued <= most && most <= CAP);
}

/// Nothing is stored under a netuid that isn't registered: every map whose first key is a netuid,
/// but for the generations, which outlive their subnets, and for what is left of subnets that are
/// being dissolved.
fn assert_nothing_is_stored_for_unknown_subnets() {
    let mut netuids = BTreeSet::<NetUid>::new();
    netuids.extend(pallet_subnets::Tasks::<Runtime>::iter_keys());
    netuids.extend(pallet_subnets::HyperparametersOf::<Runtime>::iter_keys());
    netuids.extend(pallet_subnets::PendingHyperparameters::<Runtime>::iter_keys());
    netuids.extend(pallet_subnets::UpcomingTasks::<Runtime>::iter_keys());
    netuids.extend(pallet_subnets::SubnetOffers::<Runtime>::iter_keys());
    netuids.extend(pallet_subnets::WaitingSubnets::<Runtime>::iter_keys());
    netuids.extend(pallet_subnets::RegistrationPrices::<Runtime>::iter_keys());
    netuids.extend(pallet_subnets::NeuronCount::<Runtime>::iter_keys());
    netuids.extend(first(pallet_subnets::Neurons::<Runtime>::iter_keys()));
    netuids.extend(first(pallet_subnets::Uids::<Runtime>::iter_keys()));
    netuids.extend(first(pallet_subnets::Endpoints::<Runtime>::iter_keys()));
    netuids.extend(first(pallet_subnets::Models::<Runtime>::iter_keys()));

    netuids.extend(pallet_stake::SubnetStakes::<Runtime>::iter_keys());
    netuids.extend(first(pallet_stake::PoolsOf::<Runtime>::iter_keys()));
    netuids.extend(first(pallet_stake::PoolHotkeys::<Runtime>::iter_keys()));
    netuids.extend(first(pallet_stake::Takes::<Runtime>::iter_keys()));
    netuids.extend(pallet_stake::Positions::<Runtime>::iter_keys().map(|key| key.0));
    netuids.extend(pallet_stake::Conversions::<Runtime>::iter_keys().map(|key| key.0));
    netuids.extend(pallet_stake::UnbondingOf::<Runtime>::iter_keys().map(|key| key.0));

    netuids.extend(first(pallet_weights::Rows::<Runtime>::iter_keys()));
    netuids.extend(first(pallet_weights::RowInfos::<Runtime>::iter_keys()));
    netuids.extend(first(pallet_weights::Commits::<Runtime>::iter_keys()));
    netuids.extend(first(pallet_weights::Reveals::<Runtime>::iter_keys()));
    netuids.extend(pallet_weights::Totals::<Runtime>::iter_keys());

    netuids.extend(first(pallet_emission::PayoutTargets::<Runtime>::iter_keys()));

    netuids.extend(pallet_epoch::States::<Runtime>::iter_keys());
    netuids.extend(pallet_epoch::Outcomes::<Runtime>::iter_keys());
    netuids.extend(pallet_epoch::PermitBits::<Runtime>::iter_keys());
    netuids.extend(pallet_epoch::StandingsOf::<Runtime>::iter_keys());
    netuids.extend(pallet_epoch::Earned::<Runtime>::iter_keys());
    netuids.extend(pallet_epoch::BondCounts::<Runtime>::iter_keys());
    netuids.extend(first(pallet_epoch::Bonds::<Runtime>::iter_keys()));

    for netuid in netuids {
        assert!(
            Subnets::may_keep(netuid),
            "something is stored for subnet {netuid}, which isn't registered"
        );
    }
}

fn first<Other>(keys: impl Iterator<Item = (NetUid, Other)>) -> impl Iterator<Item = NetUid> {
    keys.map(|(netuid, _)| netuid)
}
