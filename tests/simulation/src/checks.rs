//! What is always true.
//!
//! After every block, from the books ([`crate::ledger`]):
//!
//! 1. Σ balances = total issuance.
//! 2. Total issuance and credits = what was ever minted less what the events say was burned, and
//!    what a block minted = what its epochs say they paid.
//! 3. Issued ≤ curve ≤ cap.
//! 4. Σ pools + entering + unbonding = what the stake pallet holds besides its deposit and gifts.
//! 5. Σ locks of subnets, and of those that wait for a number, = what is on hold for them.
//! 6. Nothing is stored under a netuid that isn't registered, nor being dissolved.
//! 7. Shares and their holders, positions and totals agree ([`crate::shares`]).
//! 8. No epoch failed and nobody who was due went unpaid.
//!
//! After every block in which an epoch ran, each pallet's own check of all that it stores
//! ([`each_pallet`]): uids dense and each hotkey once per subnet, serials unique, rows, commits,
//! permits, bonds, schedules, and what else stands in their `try_state.rs`. The stake pallet's own
//! is made now and then ([`Checks::recount`]), since 7. says the same of what was touched.

use anyhow::{anyhow, bail, ensure, Context, Result};
use assay_primitives::{Balance, CAP};
use assay_runtime::{
    configs::incentives::IssuanceHalfLife, Authors, Balances, Emission, Epoch, Keys, Runtime,
    RuntimeEvent, Stake, Subnets, System, Weights, EXISTENTIAL_DEPOSIT,
};
use sp_runtime::TryRuntimeError;

use crate::{
    ledger::Ledger,
    shares::Census,
    state::{Change, State},
};

/// The books, and what the last block left in them.
pub struct Checks {
    ledger: Ledger,
    census: Census,
    burned: Balance,
    minted: Balance,
}

impl Checks {
    /// The books at genesis.
    pub fn new(state: &State) -> Self {
        let ledger = Ledger::of(state.everything());
        Self {
            minted: ledger.balances(),
            ledger,
            census: Census::of(state.everything()),
            burned: 0,
        }
    }

    /// Checks a block. Returns how many epochs ran in it.
    pub fn after_block(
        &mut self,
        state: &mut State,
        changes: &[Change],
        events: &[RuntimeEvent],
        gifts: Balance,
    ) -> Result<u64> {
        for change in changes {
            self.ledger.follow(change);
            self.census.follow(change);
        }
        self.census.check()?;
        let block = Block::of(events)?;
        self.burned += block.burned;
        let ledger = &self.ledger;
        self.minted = state.enter(|| {
            let supply = pallet_emission::Supplied::<Runtime>::get();
            check_issuance(ledger, self.burned, supply)?;
            ensure!(
                supply.minted == self.minted + block.paid,
                "{} was minted and {} paid",
                supply.minted - self.minted,
                block.paid
            );
            check_holdings(ledger, gifts)?;
            check_netuids(ledger)?;
            if block.epochs > 0 {
                each_pallet()?;
            }
            Ok(supply.minted)
        })?;
        Ok(block.epochs)
    }

    /// Counts the books from nothing, and has the stake pallet go through all positions.
    pub fn recount(&self, state: &mut State) -> Result<()> {
        ensure!(
            Ledger::of(state.everything()).agrees_with(&self.ledger),
            "the books don't agree with the state"
        );
        ensure!(
            Census::of(state.everything()).agrees_with(&self.census),
            "the census of shares does not agree with the state"
        );
        state.enter(|| said(Stake::do_try_state())).context("stake")
    }
}

/// What a block's events say.
#[derive(Default)]
struct Block {
    epochs: u64,
    paid: Balance,
    burned: Balance,
}

impl Block {
    fn of(events: &[RuntimeEvent]) -> Result<Self> {
        let mut block = Self::default();
        for event in events {
            block.burned += burned_by(event);
            match event {
                RuntimeEvent::Epoch(pallet_epoch::Event::EpochRan { .. }) => block.epochs += 1,
                RuntimeEvent::Emission(pallet_emission::Event::Settled { paid, .. }) => {
                    block.paid += paid
                }
                RuntimeEvent::Epoch(
                    failed @ (pallet_epoch::Event::EpochFailed { .. }
                    | pallet_epoch::Event::PaymentFailed { .. }),
                ) => bail!("{failed:?}"),
                _ => {}
            }
        }
        Ok(block)
    }
}

/// What an event says was burned.
fn burned_by(event: &RuntimeEvent) -> Balance {
    use pallet_subnets::Event as Registry;
    match event {
        RuntimeEvent::TransactionPayment(
            pallet_transaction_payment::Event::TransactionFeePaid { actual_fee, .. },
        ) => *actual_fee,
        RuntimeEvent::Balances(pallet_balances::Event::DustLost { amount, .. }) => *amount,
        RuntimeEvent::Subnets(
            Registry::SubnetRegistered {
                price,
                lock,
                waited: false,
                ..
            }
            | Registry::RegistrationWaiting { price, lock, .. },
        ) => price - lock,
        RuntimeEvent::Subnets(Registry::NeuronRegistered { price, .. }) => *price,
        RuntimeEvent::Keys(
            pallet_keys::Event::HotkeySwapped { price, .. }
            | pallet_keys::Event::ColdkeyChangeAnnounced { price, .. },
        ) => *price,
        RuntimeEvent::Stake(pallet_stake::Event::Slashed { amount, .. }) => *amount,
        _ => 0,
    }
}

fn check_issuance(ledger: &Ledger, burned: Balance, supply: pallet_emission::Supply) -> Result<()> {
    let issuance = Balances::total_issuance();
    ensure!(
        ledger.balances() == issuance,
        "balances sum to {} and the total issuance is {issuance}",
        ledger.balances()
    );
    ensure!(
        issuance + ledger.credits() + burned == supply.minted,
        "{issuance} exists, {} waits to be claimed, {burned} was burned and {} minted",
        ledger.credits(),
        supply.minted
    );
    let most = pallet_emission::curve::issued_at(
        CAP,
        supply.genesis,
        System::block_number(),
        IssuanceHalfLife::get(),
    );
    ensure!(
        supply.minted <= supply.issued && supply.issued <= most && most <= CAP,
        "{} was minted, {} issued, and the curve is at {most}",
        supply.minted,
        supply.issued
    );
    Ok(())
}

fn check_holdings(ledger: &Ledger, gifts: Balance) -> Result<()> {
    let held = Balances::free_balance(Stake::holding_account());
    ensure!(
        ledger.stake() + gifts + EXISTENTIAL_DEPOSIT == held,
        "stake is {} and gifts are {gifts}, but {held} is held",
        ledger.stake()
    );
    ensure!(
        ledger.locks() == ledger.locked(),
        "subnets lock {} and {} is on hold",
        ledger.locks(),
        ledger.locked()
    );
    Ok(())
}

fn check_netuids(ledger: &Ledger) -> Result<()> {
    use assay_pallet_traits::Subnets as _;
    let unknown = ledger.netuids().find(|netuid| !Subnets::may_keep(*netuid));
    match unknown {
        Some(netuid) => bail!("something is stored under {netuid}, which isn't registered"),
        None => Ok(()),
    }
}

/// Each pallet's own check of all that it stores, but for stake.
pub fn each_pallet() -> Result<()> {
    said(Authors::do_try_state()).context("authors")?;
    said(Subnets::do_try_state()).context("subnets")?;
    said(Weights::do_try_state()).context("weights")?;
    said(Emission::do_try_state()).context("emission")?;
    said(Epoch::do_try_state()).context("epoch")?;
    said(Keys::do_try_state()).context("keys")
}

fn said(outcome: Result<(), TryRuntimeError>) -> Result<()> {
    outcome.map_err(|error| anyhow!("{error:?}"))
}
