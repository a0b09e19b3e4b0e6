//! A runtime with the pallet and its neighbours mocked. What the neighbours would keep in storage
//! is in storage here too, so that it is rolled back with a failed epoch as theirs is.

use crate::{self as pallet_epoch, Event};
use assay_pallet_traits::{
    mocks::{MockIssuer, MockNeurons, MockStakes, MockSubnets, MockWeightRows},
    Due, NeuronFacts, NeuronHooks, RowInForce, SubnetHooks,
};
use assay_primitives::{
    Balance, BlockNumber, Generation, Hyperparameters, NetUid, Serial, Uid, ASY,
};
use frame_support::{
    construct_runtime, derive_impl, parameter_types, storage_alias,
    traits::Hooks,
    weights::{constants::WEIGHT_REF_TIME_PER_SECOND, Weight},
    Twox64Concat,
};
use sp_runtime::{traits::IdentityLookup, AccountId32, BuildStorage, DispatchError};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

type Block = frame_system::mocking::MockBlock<Test>;
pub type AccountId = AccountId32;

construct_runtime!(
    pub enum Test {
        System: frame_system,
        Epoch: pallet_epoch,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountId = AccountId;
    type Lookup = IdentityLookup<AccountId>;
    type DbWeight = frame_support::weights::constants::ParityDbWeight;
}

parameter_types! {
    pub static Budget: Weight = budget();
    pub const MaxSubnets: u32 = 64;
}

/// A third of a slot of 6 s.
fn budget() -> Weight {
    Weight::from_parts(2 * WEIGHT_REF_TIME_PER_SECOND, u64::MAX)
}

impl pallet_epoch::Config for Test {
    type Subnets = MockSubnets;
    type Neurons = MockNeurons;
    type Stakes = MockStakes;
    type Weights = MockWeightRows;
    type Issuer = MockIssuer;
    type MaxSubnets = MaxSubnets;
    type Budget = Budget;
    type WeightInfo = crate::weights::SubstrateWeight<Test>;
}

/// What waits in each subnet's pot.
#[storage_alias]
pub type Pots =
    StorageMap<Mock, Twox64Concat, NetUid, Balance, frame_support::pallet_prelude::ValueQuery>;

/// What was minted to each account: miners' coldkeys, owners, validators' hotkeys.
#[storage_alias]
pub type Minted =
    StorageMap<Mock, Twox64Concat, AccountId, Balance, frame_support::pallet_prelude::ValueQuery>;

/// What went back under the curve.
#[storage_alias]
pub type Returned =
    StorageMap<Mock, Twox64Concat, NetUid, Balance, frame_support::pallet_prelude::ValueQuery>;

/// How often stake was told of a payout.
#[storage_alias]
pub type Payouts =
    StorageMap<Mock, Twox64Concat, NetUid, u32, frame_support::pallet_prelude::ValueQuery>;

/// What the neighbours answer about one subnet.
#[derive(Clone)]
pub struct Subnet {
    pub settings: Hyperparameters,
    /// The settings from the next epoch on.
    pub next_settings: Hyperparameters,
    pub owner: Option<AccountId>,
    pub admitted: bool,
    pub neurons: Vec<NeuronFacts<AccountId>>,
    pub stakes: Vec<Balance>,
    pub rows: Vec<RowInForce>,
    /// The block of the rows in force, by validator.
    pub updated: BTreeMap<Uid, BlockNumber>,
    /// Who leaves a commit unrevealed in the open epoch.
    pub late: Vec<Uid>,
}

#[derive(Default)]
pub struct World {
    pub subnets: BTreeMap<NetUid, Subnet>,
    /// Accounts that can't be paid.
    pub broken: BTreeSet<AccountId>,
    /// What each block's hook said it cost.
    pub hook_weights: BTreeMap<u64, Weight>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

/// Reads or changes what the neighbours answer from.
pub fn world<R>(f: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with(|world| f(&mut world.borrow_mut()))
}

/// Reads or changes what the neighbours answer about a subnet.
pub fn subnet<R>(netuid: NetUid, f: impl FnOnce(&mut Subnet) -> R) -> R {
    world(|world| {
        f(world
            .subnets
            .get_mut(&netuid)
            .expect("the test registered it"))
    })
}

fn ask<R>(netuid: NetUid, f: impl FnOnce(&mut Subnet) -> R) -> Option<R> {
    world(|world| world.subnets.get_mut(&netuid).map(f))
}

fn mint(account: &AccountId, amount: Balance) -> Result<(), DispatchError> {
    if world(|world| world.broken.contains(account)) {
        return Err(DispatchError::CannotLookup);
    }
    Minted::mutate(account, |minted| *minted += amount);
    Ok(())
}

fn answer_from_world() {
    MockSubnets::on_generation(|netuid| ask(netuid, |_| Generation(0)));
    MockSubnets::on_dissolving(|_| None);
    MockSubnets::on_owner(|netuid| ask(netuid, |subnet| subnet.owner.clone()).flatten());
    MockSubnets::on_netuids(|| world(|world| world.subnets.keys().copied().collect()));
    MockSubnets::on_is_admitted(|netuid| ask(netuid, |subnet| subnet.admitted).unwrap_or(false));
    MockSubnets::on_hyperparameters(|netuid| ask(netuid, |subnet| subnet.settings));
    MockSubnets::on_begin_epoch(|netuid| {
        ask(netuid, |subnet| subnet.settings = subnet.next_settings);
    });
    MockNeurons::on_count(|netuid| {
        ask(netuid, |subnet| subnet.neurons.len() as u16).unwrap_or_default()
    });
    MockNeurons::on_neurons(|netuid| {
        ask(netuid, |subnet| subnet.neurons.clone()).unwrap_or_default()
    });
    MockStakes::on_stake(|netuid, hotkey| {
        ask(netuid, |subnet| {
            let uid = subnet
                .neurons
                .iter()
                .position(|neuron| neuron.hotkey == *hotkey);
            uid.map_or(0, |uid| subnet.stakes[uid])
        })
        .unwrap_or_default()
    });
    MockStakes::on_total(|netuid| {
        let sum = |subnet: &mut Subnet| {
            subnet
                .stakes
                .iter()
                .fold(0, |sum: Balance, stake| sum.saturating_add(*stake))
        };
        ask(netuid, sum).unwrap_or_default()
    });
    MockStakes::on_after_payout(|netuid| Payouts::mutate(netuid, |count| *count += 1));
    MockWeightRows::on_rows(|netuid| ask(netuid, |subnet| subnet.rows.clone()).unwrap_or_default());
    MockWeightRows::on_size(|netuid| {
        ask(netuid, |subnet| {
            let weights: usize = subnet.rows.iter().map(|row| row.targets.len()).sum();
            (weights as u32, subnet.rows.len() as u32)
        })
        .unwrap_or_default()
    });
    MockWeightRows::on_last_updates(|netuid, neurons| {
        let by_uid = |subnet: &mut Subnet| {
            (0..neurons)
                .map(|uid| subnet.updated.get(&Uid(uid)).copied())
                .collect()
        };
        ask(netuid, by_uid).unwrap_or_default()
    });
    MockWeightRows::on_unrevealed(|netuid, _| {
        ask(netuid, |subnet| subnet.late.clone()).unwrap_or_default()
    });
    MockWeightRows::on_close_epoch(|netuid, _| {
        ask(netuid, |subnet| std::mem::take(&mut subnet.late)).unwrap_or_default()
    });
    MockIssuer::on_take_due(|netuid| Due::new(netuid, Pots::take(netuid)));
    let pay = |due: &mut Due, account: &AccountId, amount| {
        mint(account, amount)?;
        assert!(due.spend(amount), "no more is paid than is due");
        Ok(())
    };
    MockIssuer::on_pay(pay);
    MockIssuer::on_pay_miner(move |due, _, coldkey, amount| pay(due, coldkey, amount));
    MockIssuer::on_pay_dividend(pay);
    MockIssuer::on_settle(|due| {
        Returned::mutate(due.netuid(), |returned| *returned += due.left());
        Ok(())
    });
}

/// Runs a test on a fresh chain at block 1.
pub fn execute(test: impl FnOnce()) {
    let storage = frame_system::GenesisConfig::<Test>::default().build_storage();
    let mut ext = sp_io::TestExternalities::new(storage.expect("the default is valid"));
    ext.execute_with(|| {
        WORLD.with(|slot| *slot.borrow_mut() = World::default());
        Budget::set(budget());
        answer_from_world();
        System::set_block_number(1);
        test();
        Epoch::do_try_state().expect("the pallet's invariants hold");
    });
}

fn account(kind: u8, netuid: NetUid, uid: u16) -> AccountId {
    let mut bytes = [kind; 32];
    bytes[..2].copy_from_slice(&netuid.0.to_be_bytes());
    bytes[2..4].copy_from_slice(&uid.to_be_bytes());
    AccountId::new(bytes)
}

pub fn hotkey(netuid: NetUid, uid: u16) -> AccountId {
    account(1, netuid, uid)
}

pub fn coldkey(netuid: NetUid, uid: u16) -> AccountId {
    account(2, netuid, uid)
}

pub fn owner(netuid: NetUid) -> AccountId {
    account(3, netuid, 0)
}

fn facts(netuid: NetUid, uid: u16, serial: u64) -> NeuronFacts<AccountId> {
    NeuronFacts {
        hotkey: hotkey(netuid, uid),
        coldkey: coldkey(netuid, uid),
        serial: Serial(serial),
        registered_at: 0,
    }
}

/// Registers a subnet with a tempo of 10 and these stakes, a neuron each.
pub fn register(netuid: NetUid, stakes: &[Balance]) {
    let settings = Hyperparameters::new(10);
    let uids = 0..stakes.len() as u16;
    let new = Subnet {
        settings,
        next_settings: settings,
        owner: Some(owner(netuid)),
        admitted: true,
        neurons: uids.map(|uid| facts(netuid, uid, uid.into())).collect(),
        stakes: stakes.to_vec(),
        rows: vec![],
        updated: BTreeMap::new(),
        late: vec![],
    };
    world(|world| world.subnets.insert(netuid, new));
    Epoch::on_subnet_registered(netuid);
}

/// Puts a validator's weights into force now.
pub fn set_weights(netuid: NetUid, uid: u16, weights: &[(u16, u16)]) {
    let now = System::block_number() as u32;
    let (targets, values) = weights.iter().copied().unzip();
    subnet(netuid, |subnet| {
        subnet.rows.retain(|row| row.validator != Uid(uid));
        subnet.rows.push(RowInForce {
            validator: Uid(uid),
            targets,
            values,
        });
        subnet.updated.insert(Uid(uid), now);
    });
}

/// Gives a uid to a new neuron without stake.
pub fn replace(netuid: NetUid, uid: u16) {
    let now = System::block_number() as u32;
    let old = hotkey(netuid, uid);
    subnet(netuid, |subnet| {
        let neuron = &mut subnet.neurons[usize::from(uid)];
        neuron.serial = Serial(neuron.serial.0 + 1_000);
        neuron.registered_at = now;
        subnet.stakes[usize::from(uid)] = 0;
        subnet.rows.retain(|row| row.validator != Uid(uid));
        subnet.updated.remove(&Uid(uid));
    });
    Epoch::on_neuron_replaced(netuid, Uid(uid), &old);
}

/// Adds a neuron with this stake.
pub fn add_neuron(netuid: NetUid, stake: Balance) {
    let now = System::block_number() as u32;
    let uid = subnet(netuid, |subnet| {
        let uid = subnet.neurons.len() as u16;
        let new = NeuronFacts {
            registered_at: now,
            ..facts(netuid, uid, uid.into())
        };
        subnet.neurons.push(new);
        subnet.stakes.push(stake);
        uid
    });
    Epoch::on_neuron_added(netuid, Uid(uid));
}

/// The block in which a subnet's open epoch falls due.
pub fn due_at(netuid: NetUid) -> u64 {
    u64::from(Epoch::state(netuid).expect("the test registered it").due_at)
}

/// Goes on to a block, checking the invariants after each.
pub fn run_to(block: u64) {
    while System::block_number() < block {
        let next = System::block_number() + 1;
        System::set_block_number(next);
        let weight = Epoch::on_initialize(next);
        world(|world| world.hook_weights.insert(next, weight));
        Epoch::do_try_state().expect("the pallet's invariants hold");
    }
}

/// Goes on until a subnet's open epoch ran.
pub fn run_epoch(netuid: NetUid) {
    let open = Epoch::state(netuid).expect("the test registered it").epoch;
    while Epoch::state(netuid).is_some_and(|state| state.epoch == open) {
        run_to(System::block_number() + 1);
    }
}

/// The subnet of tests that need one.
pub const NETUID: NetUid = NetUid(1);

/// A subnet in its second epoch, the first that pays: two validators with 600 and 400 ASY who hold
/// permits and agree on three miners, and 1,000 ASY in the pot.
pub fn register_paying(netuid: NetUid) {
    register(netuid, &[600 * ASY, 400 * ASY, 0, 0, 0]);
    run_epoch(netuid);
    assert_eq!(Epoch::permits(netuid), [true, true, false, false, false]);
    for validator in [0, 1] {
        set_weights(netuid, validator, &[(2, 3), (3, 2), (4, 1)]);
    }
    Pots::insert(netuid, 1_000 * ASY);
}

/// What all accounts of a subnet were paid.
pub fn minted(netuid: NetUid) -> Balance {
    let neurons = subnet(netuid, |subnet| subnet.neurons.len() as u16);
    let of = |uid| Minted::get(hotkey(netuid, uid)) + Minted::get(coldkey(netuid, uid));
    Minted::get(owner(netuid)) + (0..neurons).map(of).sum::<Balance>()
}

pub fn events() -> Vec<Event<Test>> {
    System::read_events_for_pallet::<Event<Test>>()
}
