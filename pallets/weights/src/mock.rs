//! A runtime with the pallet, its neighbours mocked, and transactions that go the way real ones do.

use crate::{self as pallet_weights, AdmitWeights, Call, Commit, InnerCalls, Origin, Targets};
use assay_pallet_traits::{
    mocks::{MockEpochs, MockNeurons, MockPermits, MockSubnets},
    NeuronFacts, NeuronHooks, WeightRows,
};
use assay_primitives::{
    commit_hash, BlockNumber, CommitPayload, Digest, EpochIndex, Evidence, Generation,
    Hyperparameters, NetUid, Refusal, Serial, TaskVersion, Uid,
};
use codec::Encode;
use frame_support::{
    assert_storage_noop, construct_runtime, derive_impl,
    dispatch::{DispatchResultWithPostInfo, GetDispatchInfo},
    parameter_types,
    traits::Hooks,
    weights::{FixedFee, IdentityFee},
};
use pallet_transaction_payment::ChargeTransactionPayment;
use sp_runtime::{
    generic::Era,
    traits::{DispatchTransaction, Dispatchable, IdentityLookup, TransactionExtension},
    transaction_validity::{
        InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction,
    },
    AccountId32, BuildStorage, Perbill,
};
use std::{cell::RefCell, collections::BTreeSet};

type Block = frame_system::mocking::MockBlock<Test>;
pub type AccountId = AccountId32;

construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        TransactionPayment: pallet_transaction_payment,
        Utility: pallet_utility,
        Weights: pallet_weights,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountId = AccountId;
    type Lookup = IdentityLookup<AccountId>;
    type AccountData = pallet_balances::AccountData<u64>;
    type DbWeight = frame_support::weights::constants::ParityDbWeight;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
}

#[derive_impl(pallet_transaction_payment::config_preludes::TestDefaultConfig)]
impl pallet_transaction_payment::Config for Test {
    type OnChargeTransaction = pallet_transaction_payment::FungibleAdapter<Balances, ()>;
    type WeightToFee = IdentityFee<u64>;
    type LengthToFee = FixedFee<1, u64>;
}

impl pallet_utility::Config for Test {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PalletsOrigin = OriginCaller;
    type WeightInfo = ();
}

parameter_types! {
    pub static FreePart: Perbill = Perbill::from_percent(25);
}

/// What a runtime with the utility pallet says about calls inside calls.
pub struct Batches;

impl InnerCalls<RuntimeCall> for Batches {
    fn inner_calls(call: &RuntimeCall) -> Vec<&RuntimeCall> {
        match call {
            RuntimeCall::Utility(pallet_utility::Call::batch { calls }) => calls.iter().collect(),
            RuntimeCall::Utility(pallet_utility::Call::as_derivative { call, .. }) => vec![call],
            _ => vec![],
        }
    }
}

impl pallet_weights::Config for Test {
    type Subnets = MockSubnets;
    type Neurons = MockNeurons;
    type Epochs = MockEpochs;
    type Permits = MockPermits;
    type InnerCalls = Batches;
    type FreePart = FreePart;
    type WeightInfo = crate::weights::SubstrateWeight<Test>;
}

/// The subnet of most tests.
pub const NETUID: NetUid = NetUid(3);
/// Another one, with the same neurons.
pub const OTHER: NetUid = NetUid(4);
/// Blocks between epochs.
pub const TEMPO: BlockNumber = 20;

/// What the neighbours answer from.
pub struct World {
    pub hotkeys: Vec<AccountId>,
    pub permitted: BTreeSet<Uid>,
    pub epoch: EpochIndex,
    pub due_at: BlockNumber,
    pub settings: Hyperparameters,
    pub task_version: TaskVersion,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Reads or changes what the neighbours answer from.
pub fn world<R>(f: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with(|world| f(world.borrow_mut().as_mut().expect("ExtBuilder made it")))
}

fn known(netuid: NetUid) -> bool {
    [NETUID, OTHER].contains(&netuid)
}

fn answer_from_world() {
    MockSubnets::on_generation(|netuid| known(netuid).then_some(Generation(7)));
    MockSubnets::on_dissolving(|_| None);
    MockSubnets::on_task_version(|netuid| known(netuid).then(|| world(|w| w.task_version)));
    MockSubnets::on_hyperparameters(|netuid| known(netuid).then(|| world(|w| w.settings)));
    MockNeurons::on_count(|netuid| {
        if known(netuid) {
            world(|w| w.hotkeys.len() as u16)
        } else {
            0
        }
    });
    MockNeurons::on_uid_of(|_, hotkey| {
        let uid = world(|w| w.hotkeys.iter().position(|other| other == hotkey))?;
        Some(Uid(uid as u16))
    });
    MockNeurons::on_neuron(|_, uid| {
        let hotkey = world(|w| w.hotkeys.get(usize::from(uid.0)).cloned())?;
        let serial = Serial(1_000 + u64::from(uid.0));
        Some(NeuronFacts {
            hotkey: hotkey.clone(),
            coldkey: hotkey,
            serial,
            registered_at: 0,
        })
    });
    MockEpochs::on_current(|_| world(|w| w.epoch));
    MockEpochs::on_due_at(|netuid| known(netuid).then(|| world(|w| w.due_at)));
    MockPermits::on_has_permit(|_, uid| world(|w| w.permitted.contains(&uid)));
}

/// Builds the world before a test and checks the pallet's invariants after it.
pub struct ExtBuilder {
    neurons: u16,
    permits: u16,
    plain_weights: bool,
    reveal_period: u8,
}

impl Default for ExtBuilder {
    fn default() -> Self {
        Self {
            neurons: 8,
            permits: 3,
            plain_weights: false,
            reveal_period: 1,
        }
    }
}

impl ExtBuilder {
    pub fn plain_weights(mut self) -> Self {
        self.plain_weights = true;
        self
    }

    pub fn reveal_period(mut self, epochs: u8) -> Self {
        self.reveal_period = epochs;
        self
    }

    pub fn neurons(mut self, neurons: u16, permits: u16) -> Self {
        (self.neurons, self.permits) = (neurons, permits);
        self
    }

    pub fn build_and_execute(self, test: impl FnOnce()) {
        let mut settings = Hyperparameters::new(TEMPO);
        settings.plain_weights = self.plain_weights;
        settings.reveal_period = self.reveal_period;
        let world = World {
            hotkeys: (0..self.neurons).map(account).collect(),
            permitted: (0..self.permits).map(Uid).collect(),
            epoch: EpochIndex(10),
            due_at: 1 + TEMPO,
            settings,
            task_version: TaskVersion(5),
        };
        let storage = frame_system::GenesisConfig::<Test>::default().build_storage();
        let mut ext = sp_io::TestExternalities::new(storage.expect("the default is valid"));
        ext.execute_with(|| {
            WORLD.with(|slot| *slot.borrow_mut() = Some(world));
            answer_from_world();
            FreePart::set(Perbill::from_percent(25));
            enter_block(1);
            // Registration gives a hotkey a reference that suffices for an account.
            for uid in 0..self.neurons {
                System::inc_sufficients(&account(uid));
            }
            test();
            Weights::do_try_state().expect("the pallet's invariants hold");
        });
    }
}

/// The hotkey that holds `uid` at first.
pub fn account(uid: u16) -> AccountId {
    let mut bytes = [7; 32];
    bytes[..2].copy_from_slice(&uid.to_be_bytes());
    AccountId::new(bytes)
}

fn enter_block(number: u64) {
    System::set_block_number(number);
    frame_system::BlockHash::<Test>::insert(number, sp_runtime::testing::H256::default());
    Weights::on_initialize(number);
}

/// Ends the block and begins the next.
pub fn next_block() {
    let number = System::block_number();
    Weights::on_finalize(number);
    enter_block(number + 1);
}

/// Does what the epoch pallet does when an epoch runs; returns who counts as inactive in it.
pub fn run_epoch() -> Vec<Uid> {
    while System::block_number() < u64::from(world(|w| w.due_at)) {
        next_block();
    }
    let late = Weights::close_epoch(NETUID, world(|w| w.epoch));
    world(|w| {
        w.epoch = w.epoch.next();
        w.due_at += TEMPO;
    });
    late
}

/// Gives a uid to a new hotkey, as a registration into a full subnet does.
pub fn replace(uid: u16, hotkey: AccountId) {
    let old = world(|w| std::mem::replace(&mut w.hotkeys[usize::from(uid)], hotkey.clone()));
    world(|w| w.permitted.remove(&Uid(uid)));
    System::inc_sufficients(&hotkey);
    Weights::on_neuron_replaced(NETUID, Uid(uid), &old);
}

/// Gives a uid's holder another hotkey, as `swap_hotkey` does.
pub fn exchange(uid: u16, hotkey: AccountId) {
    world(|w| w.hotkeys[usize::from(uid)] = hotkey.clone());
    System::inc_sufficients(&hotkey);
}

/// What a test's transactions carry, in the order in which a runtime has it.
pub type TxExtension = (AdmitWeights<Test>, ChargeTransactionPayment<Test>);

pub fn mortal() -> Era {
    Era::mortal(64, System::block_number())
}

pub fn extension(signer: &AccountId, era: Era, tip: u64) -> TxExtension {
    let nonce = System::account_nonce(signer);
    (
        AdmitWeights::new(era, nonce),
        ChargeTransactionPayment::from(tip),
    )
}

/// What the transaction pool says to a call in a transaction with this origin.
pub fn pool_says(
    origin: RuntimeOrigin,
    call: &RuntimeCall,
    extension: &TxExtension,
) -> Result<ValidTransaction, TransactionValidityError> {
    let mut info = call.get_dispatch_info();
    info.extension_weight = extension.weight(call);
    let source = TransactionSource::External;
    extension
        .validate_only(origin, call, &info, call.encoded_size(), source, 0)
        .map(|(valid, ..)| valid)
}

/// Includes a call in the block, as a block's author or an importing node does.
pub fn include_with(
    origin: RuntimeOrigin,
    call: RuntimeCall,
    extension: TxExtension,
) -> Result<DispatchResultWithPostInfo, TransactionValidityError> {
    let mut info = call.get_dispatch_info();
    info.extension_weight = extension.weight(&call);
    let len = call.encoded_size();
    extension.dispatch_transaction(origin, call, &info, len, 0)
}

/// [`pool_says`] to an ordinary transaction of a hotkey.
pub fn pool(
    signer: &AccountId,
    call: &RuntimeCall,
) -> Result<ValidTransaction, TransactionValidityError> {
    let origin = RuntimeOrigin::signed(signer.clone());
    pool_says(origin, call, &extension(signer, mortal(), 0))
}

/// [`include_with`] an ordinary transaction of a hotkey.
pub fn include(
    signer: &AccountId,
    call: RuntimeCall,
) -> Result<DispatchResultWithPostInfo, TransactionValidityError> {
    let origin = RuntimeOrigin::signed(signer.clone());
    include_with(origin, call, extension(signer, mortal(), 0))
}

/// Asserts that the pool takes a call and that it succeeds in a block.
#[track_caller]
pub fn assert_included(signer: &AccountId, call: RuntimeCall) {
    pool(signer, &call).expect("the pool takes it");
    let outcome = include(signer, call).expect("a block includes it");
    outcome.expect("it does not fail after it was admitted");
}

pub fn custom(code: u8) -> TransactionValidityError {
    InvalidTransaction::Custom(code).into()
}

/// Asserts that a call is refused with a code by the pool and again at inclusion, that it fails for
/// the same reason should it be dispatched all the same, and that none of this leaves anything.
#[track_caller]
pub fn assert_refused(
    signer: &AccountId,
    call: RuntimeCall,
    refusal: Refusal,
    error: crate::Error<Test>,
) {
    let code = refusal.code();
    assert_eq!(error.code(), code);
    assert_storage_noop!(assert_eq!(pool(signer, &call), Err(custom(code))));
    assert_storage_noop!({
        let refused = include(signer, call.clone()).expect_err("it must not be included");
        assert_eq!(refused, custom(code));
    });
    let admitted = RuntimeOrigin::from(Origin::<Test>::Validator(signer.clone()));
    assert_storage_noop!({
        let failed = call.dispatch(admitted).expect_err("it must not succeed");
        assert_eq!(failed.error, error.into());
    });
}

#[track_caller]
pub fn row(weights: &[u16]) -> Targets {
    Targets::truncate_from(weights.to_vec())
}

/// What a test's validator reveals for an epoch, and what it commits to before.
#[derive(Clone)]
pub struct Plan {
    pub hotkey: AccountId,
    pub netuid: NetUid,
    pub epoch: EpochIndex,
    pub targets: Vec<u16>,
    pub values: Vec<u16>,
    pub task_version: TaskVersion,
    pub evidence: Evidence,
    pub salt: [u8; 32],
}

impl Plan {
    /// Weights on the two neurons after the first three, made in the open epoch.
    pub fn new(hotkey: AccountId) -> Self {
        Self {
            hotkey,
            netuid: NETUID,
            epoch: world(|w| w.epoch),
            targets: vec![4, 5],
            values: vec![1, 2],
            task_version: TaskVersion(5),
            evidence: Evidence::V1 {
                root: Digest([1; 32]),
                leaf_count: 9,
                score_root: Digest([2; 32]),
            },
            salt: [8; 32],
        }
    }

    pub fn hash(&self) -> Digest {
        commit_hash(&CommitPayload {
            hotkey: self.hotkey.clone().into(),
            netuid: self.netuid,
            generation: Generation(7),
            epoch: self.epoch,
            task_version: self.task_version,
            targets: &self.targets,
            values: &self.values,
            salt: self.salt,
            evidence: self.evidence,
        })
    }

    pub fn commit(&self) -> RuntimeCall {
        RuntimeCall::Weights(Call::commit_weights {
            netuid: self.netuid,
            epoch: self.epoch,
            hash: self.hash(),
            next_seed: Digest([3; 32]),
        })
    }

    pub fn reveal(&self) -> RuntimeCall {
        RuntimeCall::Weights(Call::reveal_weights {
            netuid: self.netuid,
            epoch: self.epoch,
            targets: row(&self.targets),
            values: row(&self.values),
            salt: self.salt,
            task_version: self.task_version,
            evidence: self.evidence,
        })
    }

    pub fn set(&self) -> RuntimeCall {
        RuntimeCall::Weights(Call::set_weights {
            netuid: self.netuid,
            targets: row(&self.targets),
            values: row(&self.values),
            task_version: self.task_version,
        })
    }

    /// Commits now and returns the plan for the reveal.
    #[track_caller]
    pub fn committed(self) -> Self {
        assert_included(&self.hotkey, self.commit());
        self
    }
}

/// A validator's pending commits.
pub fn pending(uid: u16) -> Vec<Commit> {
    crate::Commits::<Test>::get(NETUID, Uid(uid)).into_inner()
}

/// The pallet's events so far.
pub fn events() -> Vec<crate::Event<Test>> {
    System::read_events_for_pallet::<crate::Event<Test>>()
}
