//! A runtime of balances and keys. Hotkeys 1 and 2 belong to the first coldkey; what holders of keys
//! are told is written down.

use crate::{self as pallet_keys, weights::SubstrateWeight};
use assay_pallet_traits::{
    mocks::{MockKeyHolder, MockNeurons},
    HotkeyProof,
};
use assay_primitives::{Balance, BlockNumber, SwapProofPayload};
use frame_support::{
    derive_impl,
    traits::{ConstU128, ConstU32, VariantCountOf},
    weights::Weight,
};
use frame_system::EnsureRoot;
use sp_core::{sr25519, Pair};
use sp_runtime::{traits::IdentityLookup, AccountId32, BuildStorage, MultiSignature};
use std::{cell::RefCell, collections::BTreeMap};

type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Keys: pallet_keys,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

pub const EXISTENTIAL_DEPOSIT: Balance = 10;
pub const ENDOWMENT: Balance = 1_000_000;
pub const SWAP_PRICE: Balance = 1_000;
pub const SWAP_INTERVAL: BlockNumber = 50;
pub const PROOF_LIFETIME: BlockNumber = 100;
pub const CHANGE_PRICE: Balance = 2_000;
pub const DELAY: BlockNumber = 100;
pub const WINDOW: BlockNumber = 200;

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
}

impl pallet_keys::Config for Test {
    type Currency = Balances;
    type AdminOrigin = EnsureRoot<AccountId32>;
    type Neurons = MockNeurons;
    type Holders = MockKeyHolder;
    type HotkeySwapPrice = ConstU128<SWAP_PRICE>;
    type HotkeySwapInterval = ConstU32<SWAP_INTERVAL>;
    type MaxProofLifetime = ConstU32<PROOF_LIFETIME>;
    type ColdkeyChangePrice = ConstU128<CHANGE_PRICE>;
    type ColdkeyChangeDelay = ConstU32<DELAY>;
    type ColdkeyChangeWindow = ConstU32<WINDOW>;
    type WeightInfo = SubstrateWeight<Test>;
}

/// What the neighbours answer from, and what they were told.
#[derive(Default)]
struct World {
    owners: BTreeMap<AccountId32, AccountId32>,
    successors: BTreeMap<AccountId32, AccountId32>,
    things: u32,
    refuses: bool,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

fn world<R>(f: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with(|world| f(&mut world.borrow_mut()))
}

/// How many things of old coldkeys are still to be moved.
pub fn things_left() -> u32 {
    world(|w| w.things)
}

/// Says how many things the old coldkey owns.
pub fn own_things(things: u32) {
    world(|w| w.things = things);
}

/// Lets every holder refuse to move anything.
pub fn refuse_to_move() {
    world(|w| w.refuses = true);
}

fn answer_from_world() {
    MockNeurons::on_coldkey_of(|hotkey| world(|w| w.owners.get(hotkey).cloned()));
    MockNeurons::on_successor_of(|hotkey| world(|w| w.successors.get(hotkey).cloned()));
    MockKeyHolder::on_move_hotkey(|old, new| {
        if world(|w| w.refuses) {
            return Err("refused".into());
        }
        world(|w| {
            let owner = w.owners.remove(old).expect("the caller checked it");
            w.owners.insert(new.clone(), owner);
            w.successors.insert(old.clone(), new.clone());
        });
        Ok(())
    });
    MockKeyHolder::on_move_hotkey_weight(Weight::zero);
    MockKeyHolder::on_move_coldkey(|_, _, limit| {
        if world(|w| w.refuses) {
            return Err("refused".into());
        }
        let moved = things_left().min(limit);
        own_things(things_left() - moved);
        Ok(moved)
    });
    MockKeyHolder::on_move_coldkey_weight(|things| Weight::from_parts(u64::from(things), 0));
}

/// Builds a chain at block 1, and checks the invariants after a test.
pub struct ExtBuilder;

impl ExtBuilder {
    pub fn build_and_execute(test: impl FnOnce()) {
        let storage = RuntimeGenesisConfig {
            balances: pallet_balances::GenesisConfig {
                balances: (0..4).map(|n| (coldkey(n), ENDOWMENT)).collect(),
                ..Default::default()
            },
            ..Default::default()
        }
        .build_storage()
        .expect("genesis is sound");
        sp_io::TestExternalities::new(storage).execute_with(|| {
            let owners = [1, 2].map(|seed| (hotkey(seed), coldkey(0)));
            world(|w| {
                *w = World {
                    owners: owners.into(),
                    ..World::default()
                }
            });
            answer_from_world();
            run_to(1);
            test();
            Keys::do_try_state().expect("try_state holds after every test");
        });
    }
}

pub fn run_to(block: BlockNumber) {
    System::set_block_number(block.into());
}

pub fn coldkey(n: u8) -> AccountId32 {
    AccountId32::new([100 + n; 32])
}

pub fn signed(n: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(coldkey(n))
}

pub fn hotkey_pair(seed: u8) -> sr25519::Pair {
    sr25519::Pair::from_seed(&[seed; 32])
}

pub fn hotkey(seed: u8) -> AccountId32 {
    hotkey_pair(seed).public().into()
}

/// What the new hotkey must have signed.
pub fn payload(owner: u8, old: u8, expires_at: BlockNumber) -> SwapProofPayload {
    SwapProofPayload {
        genesis: System::block_hash(0).into(),
        coldkey: coldkey(owner).into(),
        old_hotkey: hotkey(old).into(),
        expires_at,
    }
}

pub fn proof_of(seed: u8, payload: &SwapProofPayload) -> HotkeyProof {
    HotkeyProof {
        expires_at: payload.expires_at,
        signature: MultiSignature::Sr25519(hotkey_pair(seed).sign(&payload.to_bytes())),
    }
}

/// A good proof of the hotkey `new` for the first coldkey.
pub fn proof(old: u8, new: u8) -> HotkeyProof {
    proof_of(new, &payload(0, old, Keys::now() + 10))
}

pub fn balance(n: u8) -> Balance {
    Balances::free_balance(coldkey(n))
}

/// The pallet's events, oldest first.
pub fn events() -> Vec<pallet_keys::Event<Test>> {
    System::read_events_for_pallet()
}
