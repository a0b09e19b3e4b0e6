//! A runtime of balances and emission. Subnets 1, 2 and 3 are registered; hotkey `100 + n` belongs
//! to coldkey `n` and is registered where `n` is a subnet's number.

use crate::{self as pallet_emission, weights::SubstrateWeight};
use assay_pallet_traits::{
    mocks::{MockNeurons, MockStakes, MockSubnets},
    Due, Issuer, SubnetHooks,
};
use assay_primitives::{Balance, BlockNumber, Generation, NetUid, Uid, ASY, CAP};
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU32, Hooks},
};
use sp_io::TestExternalities;
use sp_runtime::{AccountId32, BuildStorage};
use std::{cell::RefCell, collections::BTreeMap};

pub type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Emission: pallet_emission,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type AccountId = AccountId32;
    type Lookup = sp_runtime::traits::IdentityLookup<AccountId32>;
    type Block = Block;
    type AccountData = pallet_balances::AccountData<Balance>;
}

pub const EXISTENTIAL_DEPOSIT: Balance = 1_000;
pub const HALF_LIFE: BlockNumber = 10_000;
pub const MAX_SUBNETS: u32 = 4;

parameter_types! {
    pub const Existential: Balance = EXISTENTIAL_DEPOSIT;
    pub const Cap: Balance = CAP;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = Existential;
}

impl pallet_emission::Config for Test {
    type Currency = Balances;
    type Subnets = MockSubnets;
    type Neurons = MockNeurons;
    type Stakes = MockStakes;
    type Cap = Cap;
    type HalfLife = ConstU32<HALF_LIFE>;
    type AverageHalfLife = ConstU32<100>;
    type MaxSubnets = ConstU32<MAX_SUBNETS>;
    type WeightInfo = SubstrateWeight<Test>;
}

thread_local! {
    static STAKES: RefCell<BTreeMap<NetUid, Balance>> = RefCell::default();
    static CREDITED: RefCell<Vec<(NetUid, AccountId32, Balance)>> = RefCell::default();
}

pub fn account(n: u8) -> AccountId32 {
    AccountId32::new([n; 32])
}

/// The hotkey of coldkey `n`.
pub fn hotkey(n: u8) -> AccountId32 {
    account(100 + n)
}

pub fn holding_account() -> AccountId32 {
    account(200)
}

/// What genesis endows: coldkey 1 and the account that holds stake.
pub const ENDOWMENT: Balance = 1_000 * ASY;

fn configure_mocks() {
    STAKES.with(|stakes| stakes.borrow_mut().clear());
    CREDITED.with(|credited| credited.borrow_mut().clear());
    MockSubnets::on_generation(|netuid| (1..=3).contains(&netuid.0).then_some(Generation(0)));
    MockSubnets::on_dissolving(|_| None);
    MockNeurons::on_coldkey_of(|key| (1..=9).find(|n| hotkey(*n) == *key).map(account));
    MockNeurons::on_uid_of(|netuid, key| {
        (1..=9)
            .find(|n| hotkey(*n) == *key && u16::from(*n) == netuid.0)
            .map(|_| Uid(0))
    });
    MockStakes::on_total(|netuid| {
        STAKES.with(|stakes| stakes.borrow().get(&netuid).copied().unwrap_or(0))
    });
    MockStakes::on_holding_account(holding_account);
    let credit = |netuid, key: &AccountId32, amount| {
        CREDITED.with(|credited| credited.borrow_mut().push((netuid, key.clone(), amount)));
        Ok(())
    };
    MockStakes::on_credit_dividend(credit);
    MockStakes::on_credit_own(credit);
}

/// What went into stake.
pub fn credited() -> Vec<(NetUid, AccountId32, Balance)> {
    CREDITED.with(|credited| credited.borrow().clone())
}

pub fn set_stake(netuid: u16, stake: Balance) {
    STAKES.with(|stakes| stakes.borrow_mut().insert(NetUid(netuid), stake));
}

/// Builds a world without a subnet's pot.
#[derive(Default)]
pub struct ExtBuilder {
    subnets: Vec<u16>,
}

impl ExtBuilder {
    /// Registers subnets.
    pub fn subnets(mut self, subnets: &[u16]) -> Self {
        self.subnets = subnets.to_vec();
        self
    }

    /// Runs a test in a new world and checks the invariants after it.
    pub fn build_and_execute(self, test: impl FnOnce()) {
        configure_mocks();
        let balances = vec![(account(1), ENDOWMENT), (holding_account(), ENDOWMENT)];
        let genesis = RuntimeGenesisConfig {
            balances: pallet_balances::GenesisConfig {
                balances,
                ..Default::default()
            },
            ..Default::default()
        };
        let mut ext = TestExternalities::new(genesis.build_storage().unwrap());
        ext.execute_with(|| {
            System::set_block_number(1);
            for netuid in self.subnets {
                Emission::on_subnet_registered(NetUid(netuid));
            }
            test();
            Emission::do_try_state().unwrap();
        });
    }
}

/// Runs the hook of so many blocks.
pub fn run_blocks(blocks: BlockNumber) {
    for _ in 0..blocks {
        let block = System::block_number();
        Emission::on_initialize(block);
        System::set_block_number(block + 1);
    }
}

/// Takes a subnet's pot after enough blocks for it to hold something.
pub fn take_due_after_blocks(netuid: u16) -> Due {
    set_stake(netuid, 1_000 * ASY);
    run_blocks(10);
    Emission::take_due(NetUid(netuid))
}

/// The events of this pallet, oldest first.
pub fn events() -> Vec<pallet_emission::Event<Test>> {
    let records = System::events().into_iter();
    records
        .filter_map(|record| match record.event {
            RuntimeEvent::Emission(event) => Some(event),
            _ => None,
        })
        .collect()
}
