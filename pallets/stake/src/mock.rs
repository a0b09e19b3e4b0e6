//! A runtime of balances and stake. Subnets 1 and 2 exist until they end; hotkeys 101 and 102 belong to coldkeys 1
//! and 2, unless a test says otherwise.

use crate::{self as pallet_stake, weights::SubstrateWeight};
use assay_pallet_traits::{
    mocks::{MockNeurons, MockSubnets},
    Progress, Stakes, Subnets, Teardown,
};
use assay_primitives::{Balance, BlockNumber, Generation, NetUid, Ratio16};
use frame_support::{
    derive_impl, parameter_types,
    traits::{fungible::Mutate, ConstU32},
    weights::{constants::RocksDbWeight, WeightMeter},
    PalletId,
};
use sp_io::TestExternalities;
use sp_runtime::{AccountId32, BuildStorage};
use std::cell::RefCell;

pub type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Stake: pallet_stake,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type AccountId = AccountId32;
    type Lookup = sp_runtime::traits::IdentityLookup<AccountId32>;
    type Block = Block;
    type AccountData = pallet_balances::AccountData<Balance>;
    // Else all work were free, and a subnet gone in one step.
    type DbWeight = RocksDbWeight;
}

pub const EXISTENTIAL_DEPOSIT: Balance = 1_000;
pub const MIN_POSITION: Balance = 1_000_000;
pub const ERA_LENGTH: BlockNumber = 10;
pub const UNBONDING_ERAS: u32 = 3;
pub const TAKE_RAISE_DELAY: BlockNumber = 50;
pub const DEFAULT_TAKE: Ratio16 = Ratio16(6_554);
pub const MAX_TAKE: Ratio16 = Ratio16(32_768);
pub const MAX_TAKE_RAISE: Ratio16 = Ratio16(3_277);

parameter_types! {
    pub const Existential: Balance = EXISTENTIAL_DEPOSIT;
    pub const StakePalletId: PalletId = PalletId(*b"assaystk");
    pub const MinPosition: Balance = MIN_POSITION;
    pub const DefaultTake: Ratio16 = DEFAULT_TAKE;
    pub const MaxTake: Ratio16 = MAX_TAKE;
    pub const MaxTakeRaise: Ratio16 = MAX_TAKE_RAISE;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = Existential;
}

impl pallet_stake::Config for Test {
    type Currency = Balances;
    type Subnets = MockSubnets;
    type Neurons = MockNeurons;
    type PalletId = StakePalletId;
    type MinPosition = MinPosition;
    type EraLength = ConstU32<ERA_LENGTH>;
    type UnbondingEras = ConstU32<UNBONDING_ERAS>;
    type MaxSubnets = ConstU32<2>;
    type MaxMoves = ConstU32<2>;
    type MaxUnbondingChunks = ConstU32<6>;
    type DefaultTake = DefaultTake;
    type MaxTake = MaxTake;
    type MaxTakeRaise = MaxTakeRaise;
    type TakeRaiseDelay = ConstU32<TAKE_RAISE_DELAY>;
    type WeightInfo = SubstrateWeight<Test>;
}

pub const SUBNET: NetUid = NetUid(1);
pub const OTHER_SUBNET: NetUid = NetUid(2);
/// What every coldkey starts with.
pub const ENDOWMENT: Balance = 1_000_000_000_000;

pub fn account(n: u8) -> AccountId32 {
    AccountId32::new([n; 32])
}

/// The hotkey of coldkey `n`.
pub fn hotkey(n: u8) -> AccountId32 {
    account(100 + n)
}

/// The life of a subnet.
#[derive(Clone, Copy, Default)]
struct Life {
    generation: Generation,
    ending: bool,
}

impl From<Life> for Option<Generation> {
    fn from(life: Life) -> Self {
        Some(life.generation)
    }
}

thread_local! {
    static LIVES: RefCell<[Life; 2]> = RefCell::default();
}

fn index(netuid: NetUid) -> Option<usize> {
    [SUBNET, OTHER_SUBNET]
        .iter()
        .position(|known| *known == netuid)
}

fn life(netuid: NetUid) -> Option<Life> {
    LIVES.with(|lives| Some(lives.borrow()[index(netuid)?]))
}

fn exists(netuid: &NetUid) -> bool {
    MockSubnets::exists(*netuid)
}

fn change_life(netuid: NetUid, change: impl FnOnce(&mut Life)) {
    LIVES.with(|lives| {
        let index = index(netuid).expect("there are two subnets");
        change(&mut lives.borrow_mut()[index]);
    });
}

/// Ends a subnet, unless it has ended: nothing can be staked there any more.
pub fn end(netuid: NetUid) {
    if exists(&netuid) {
        change_life(netuid, |life| life.ending = true);
        Stake::begin(netuid);
    }
}

/// Dissolves as much of a subnet that has ended as the least budget pays for. When nothing is left,
/// the next generation is registered.
pub fn dissolve_some(netuid: NetUid) -> Progress {
    let Some(generation) = MockSubnets::dissolving(netuid) else {
        return Progress::Done;
    };
    let mut meter = WeightMeter::with_limit(Stake::least_weight());
    let progress = Stake::step(netuid, generation, &mut meter);
    assert!(meter.consumed().all_lte(Stake::least_weight()));
    if progress == Progress::Done {
        change_life(netuid, |life| {
            *life = Life {
                generation: life.generation.next(),
                ending: false,
            };
        });
    }
    progress
}

/// Builds a world in which coldkeys 1 to 9 have the endowment.
#[derive(Default)]
pub struct ExtBuilder;

impl ExtBuilder {
    /// Runs a test in a new world and checks the invariants after it.
    pub fn build_and_execute(self, test: impl FnOnce()) {
        LIVES.with(|lives| *lives.borrow_mut() = Default::default());
        MockSubnets::on_generation(|netuid| life(netuid).filter(|life| !life.ending)?.into());
        MockSubnets::on_dissolving(|netuid| life(netuid).filter(|life| life.ending)?.into());
        MockSubnets::on_netuids(|| [SUBNET, OTHER_SUBNET].into_iter().filter(exists).collect());
        MockSubnets::on_kept(|| vec![SUBNET, OTHER_SUBNET]);
        MockNeurons::on_successor_of(|_| None);
        own_hotkeys(&[(1, 1), (2, 2)]);
        let balances = (1..=9).map(|n| (account(n), ENDOWMENT)).collect();
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
            test();
            Stake::do_try_state().unwrap();
        });
    }
}

/// Says which coldkeys own which hotkeys from now on: pairs of numbers, hotkey first.
pub fn own_hotkeys(owners: &'static [(u8, u8)]) {
    MockNeurons::on_coldkey_of(move |key| {
        owners
            .iter()
            .find(|(hot, _)| hotkey(*hot) == *key)
            .map(|(_, cold)| account(*cold))
    });
}

pub fn advance(blocks: BlockNumber) {
    System::set_block_number(System::block_number() + u64::from(blocks));
}

/// Goes to the first block at which what is removed now can be withdrawn.
pub fn advance_past_unbonding() {
    let ready = Stake::withdrawable_at(Stake::current_era());
    System::set_block_number(ready.into());
}

/// Mints a dividend and credits it, as the minter does.
pub fn dividend(netuid: NetUid, n: u8, amount: Balance) {
    Balances::mint_into(&Stake::holding_account(), amount).unwrap();
    <Stake as Stakes<_>>::credit_dividend(netuid, &hotkey(n), amount).unwrap();
}

/// Stakes and lets it enter.
pub fn stake_at_once(netuid: NetUid, n: u8, coldkey: u8, amount: Balance) {
    Stake::add_stake(
        RuntimeOrigin::signed(account(coldkey)),
        netuid,
        hotkey(n),
        amount,
    )
    .unwrap();
    Stake::after_payout(netuid);
}

/// What a coldkey has on a hotkey: active, entering, unbonding.
pub fn position(netuid: NetUid, n: u8, coldkey: u8) -> (Balance, Balance, Balance) {
    let stake = Stake::stake_of(&account(coldkey));
    let here = |net: NetUid, key: &AccountId32| net == netuid && *key == hotkey(n);
    let staked = stake.positions.iter().filter(|p| here(p.netuid, &p.hotkey));
    let (active, entering) = staked.fold((0, 0), |(a, e), p| (a + p.staked, e + p.entering));
    let unbonding = stake.unbonding.iter().filter(|u| here(u.netuid, &u.hotkey));
    (active, entering, unbonding.map(|u| u.amount).sum())
}

pub fn balance(coldkey: u8) -> Balance {
    Balances::free_balance(account(coldkey))
}

/// The event that was deposited last, if it is this pallet's.
pub fn last_event() -> Option<pallet_stake::Event<Test>> {
    System::events()
        .into_iter()
        .rev()
        .find_map(|record| match record.event {
            RuntimeEvent::Stake(event) => Some(event),
            _ => None,
        })
}
