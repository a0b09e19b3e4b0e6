//! A runtime with this pallet, balances and mocked neighbours.

use crate::{self as pallet_subnets, Error, Parameters, RegistrationProof};
use assay_pallet_traits::{
    mocks::{
        MockColdkeyChanges, MockEpochs, MockNeuronHooks, MockStakeAverages, MockStandings,
        MockSubnetHooks, MockTeardown,
    },
    Progress, SubnetHooks, Teardown,
};
use assay_primitives::{
    Artifact, Balance, Benchmark, BlockNumber, DataType, Digest, Endpoint, EndpointProtocol,
    EpochIndex, Generation, Interface, NetUid, RegistrationProofPayload, Scoring, TaskSpec,
    TensorSpec, Uid,
};
use frame_support::{
    derive_impl,
    dispatch::PostDispatchInfo,
    parameter_types,
    traits::{ConstU128, ConstU32, Hooks},
    weights::{constants::RocksDbWeight, Weight, WeightMeter},
};
use frame_system::EnsureRoot;
use sp_core::{sr25519, Pair};
use sp_runtime::{
    traits::IdentityLookup, AccountId32, BuildStorage, DispatchError, MultiSignature,
};
use std::cell::RefCell;

type Block = frame_system::mocking::MockBlock<Test>;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(2)]
    pub type Subnets = pallet_subnets;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<Balance>;
    // Else all work were free, and done in one block.
    type DbWeight = RocksDbWeight;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<10>;
}

/// The network's tempo in these tests.
pub const TEMPO: BlockNumber = 20;
/// Blocks in which a neuron's price halves in these tests.
pub const HALF_LIFE: BlockNumber = 360;
/// Places for subnets in these tests.
pub const MAX_SUBNETS: u32 = 3;
/// Blocks in which a subnet can't be dissolved for another in these tests.
pub const SUBNET_IMMUNITY: BlockNumber = 1_000;
/// What dissolving may take of a block: enough for a few neurons.
pub const BUDGET: u64 = 4_000_000_000;
/// Blocks that a proof may look ahead in these tests.
pub const MAX_PROOF_LIFETIME: BlockNumber = 100;
/// What the coldkeys of these tests start with.
pub const ENDOWMENT: Balance = 1_000_000;

parameter_types! {
    pub const DefaultTempo: BlockNumber = TEMPO;
    pub const DissolutionBudget: Weight = Weight::from_parts(BUDGET, u64::MAX);
}

impl pallet_subnets::Config for Test {
    type Currency = Balances;
    type AdminOrigin = EnsureRoot<AccountId32>;
    type AdmissionPolicy = Subnets;
    type Epochs = MockEpochs;
    type Standings = MockStandings;
    type StakeAverages = MockStakeAverages;
    type ColdkeyChanges = MockColdkeyChanges;
    type Teardown = Keepers;
    type DissolutionBudget = DissolutionBudget;
    type SubnetHooks = Listener;
    type NeuronHooks = MockNeuronHooks;
    type DefaultTempo = DefaultTempo;
    type MaxSubnets = ConstU32<MAX_SUBNETS>;
    type SubnetPriceHalfLife = ConstU32<1_000>;
    type RegistrationPriceHalfLife = ConstU32<HALF_LIFE>;
    type MaxProofLifetime = ConstU32<MAX_PROOF_LIFETIME>;
    type WeightInfo = ();
}

/// [`MockTeardown`] with weights that the runtime's own integrity test can ask for, too.
pub struct Keepers;

impl Teardown for Keepers {
    fn begin(netuid: NetUid) {
        MockTeardown::begin(netuid);
    }

    fn begin_weight() -> Weight {
        hook_weight()
    }

    fn step(netuid: NetUid, generation: Generation, meter: &mut WeightMeter) -> Progress {
        MockTeardown::step(netuid, generation, meter)
    }

    fn least_weight() -> Weight {
        hook_weight()
    }
}

/// [`MockSubnetHooks`] with a weight, for the same reason.
pub struct Listener;

impl SubnetHooks for Listener {
    fn on_subnet_registered(netuid: NetUid) {
        MockSubnetHooks::on_subnet_registered(netuid);
    }

    fn on_subnet_registered_weight() -> Weight {
        hook_weight()
    }
}

/// What the hooks of a test's neighbours heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    SubnetRegistered(NetUid),
    NeuronAdded(NetUid, Uid),
    NeuronReplaced(NetUid, Uid, AccountId32),
    TeardownBegun(NetUid),
    TeardownStepped(NetUid, Generation),
}

thread_local! {
    static NEWS: RefCell<Vec<News>> = RefCell::default();
}

/// What the hooks heard since this was last asked.
pub fn take_news() -> Vec<News> {
    NEWS.with(|news| news.take())
}

fn hear(item: News) {
    NEWS.with(|news| news.borrow_mut().push(item));
}

/// Weight that the mocked hooks declare.
pub fn hook_weight() -> Weight {
    Weight::from_parts(7, 0)
}

fn configure_mocks() {
    take_news();
    MockColdkeyChanges::reset();
    MockColdkeyChanges::on_is_changing(|_| false);
    MockEpochs::reset();
    MockEpochs::on_last_ran_at(|_| Some(u32::MAX));
    MockEpochs::on_current(|_| EpochIndex(0));
    MockStakeAverages::reset();
    MockStakeAverages::on_average(|_| 0);
    MockTeardown::reset();
    MockTeardown::on_begin(|netuid| hear(News::TeardownBegun(netuid)));
    MockTeardown::on_step(|netuid, generation, _| {
        hear(News::TeardownStepped(netuid, generation));
        Progress::Done
    });
    MockStandings::reset();
    MockStandings::on_standings(|_| Vec::new());
    MockSubnetHooks::reset();
    MockSubnetHooks::on_on_subnet_registered(|netuid| hear(News::SubnetRegistered(netuid)));
    MockNeuronHooks::reset();
    MockNeuronHooks::on_on_neuron_added(|netuid, uid| hear(News::NeuronAdded(netuid, uid)));
    MockNeuronHooks::on_on_neuron_replaced(|netuid, uid, old| {
        hear(News::NeuronReplaced(netuid, uid, old.clone()));
    });
    MockNeuronHooks::on_on_neuron_weight(hook_weight);
}

/// Builds a chain at block 1.
pub struct ExtBuilder {
    parameters: Parameters,
}

impl Default for ExtBuilder {
    fn default() -> Self {
        Self {
            parameters: Parameters {
                subnet_price_floor: 1_000,
                registration_price_floor: 100,
                registration_price_ceiling: 10_000,
                admit_on_creation: false,
                subnet_places: MAX_SUBNETS,
                subnet_immunity: SUBNET_IMMUNITY,
            },
        }
    }
}

impl ExtBuilder {
    /// Changes what genesis says.
    pub fn with(mut self, change: impl FnOnce(&mut Parameters)) -> Self {
        change(&mut self.parameters);
        self
    }

    pub fn build(self) -> sp_io::TestExternalities {
        configure_mocks();
        let mut storage = frame_system::GenesisConfig::<Test>::default()
            .build_storage()
            .expect("the system has a default genesis");
        pallet_balances::GenesisConfig::<Test> {
            balances: (0..8).map(|seed| (coldkey(seed), ENDOWMENT)).collect(),
            ..Default::default()
        }
        .assimilate_storage(&mut storage)
        .expect("balances are sound");
        pallet_subnets::GenesisConfig::<Test> {
            parameters: self.parameters,
            ..Default::default()
        }
        .assimilate_storage(&mut storage)
        .expect("parameters are sound");
        let mut ext = sp_io::TestExternalities::new(storage);
        ext.execute_with(|| run_to(1));
        ext
    }

    /// Runs a test and then checks what is always true.
    pub fn build_and_execute(self, test: impl FnOnce()) {
        self.build().execute_with(|| {
            test();
            Subnets::do_try_state().expect("try_state holds after every test");
        });
    }
}

pub fn run_to(block: BlockNumber) {
    System::set_block_number(block.into());
}

/// Makes the next block and runs what it does by itself.
pub fn next_block() -> Weight {
    run_to(Subnets::now() + 1);
    Subnets::on_initialize(System::block_number())
}

/// A coldkey with money, for seeds below 8.
pub fn coldkey(seed: u8) -> AccountId32 {
    AccountId32::new([100 + seed; 32])
}

/// The key pair of a hotkey.
pub fn hotkey_pair(seed: u8) -> sr25519::Pair {
    sr25519::Pair::from_seed(&[seed; 32])
}

pub fn hotkey(seed: u8) -> AccountId32 {
    hotkey_pair(seed).public().into()
}

/// What `coldkey` must have signed by a hotkey.
pub fn payload(
    netuid: NetUid,
    coldkey: &AccountId32,
    expires_at: BlockNumber,
) -> RegistrationProofPayload {
    RegistrationProofPayload {
        genesis: System::block_hash(0).into(),
        netuid,
        generation: Generation(0),
        coldkey: *coldkey.as_ref(),
        expires_at,
    }
}

/// The proof that a hotkey's pair makes of a payload.
pub fn proof_of(pair: &sr25519::Pair, payload: &RegistrationProofPayload) -> RegistrationProof {
    RegistrationProof {
        expires_at: payload.expires_at,
        signature: MultiSignature::Sr25519(pair.sign(&payload.to_bytes())),
    }
}

/// A proof that counts for ten more blocks.
pub fn proof(netuid: NetUid, coldkey: &AccountId32, hotkey_seed: u8) -> RegistrationProof {
    let expires_at = Subnets::now() + 10;
    proof_of(
        &hotkey_pair(hotkey_seed),
        &payload(netuid, coldkey, expires_at),
    )
}

/// `register` for the first coldkey. Its outcome leaves out what a failure costs, so that it can be
/// compared with an error.
pub fn register_with(
    netuid: NetUid,
    hotkey_seed: u8,
    max_price: Balance,
    proof: RegistrationProof,
) -> Result<PostDispatchInfo, DispatchError> {
    Subnets::register(
        RuntimeOrigin::signed(coldkey(0)),
        netuid,
        hotkey(hotkey_seed),
        max_price,
        proof,
    )
    .map_err(|failed| failed.error)
}

/// Registers a hotkey for the first coldkey at any price, with a good proof.
pub fn register(netuid: NetUid, hotkey_seed: u8) -> Result<PostDispatchInfo, DispatchError> {
    let proof = proof(netuid, &coldkey(0), hotkey_seed);
    register_with(netuid, hotkey_seed, Balance::MAX, proof)
}

/// Registers a subnet for the last coldkey at any price.
pub fn register_subnet() -> NetUid {
    let before = pallet_subnets::Netuids::<Test>::get();
    Subnets::register_subnet(
        RuntimeOrigin::signed(coldkey(7)),
        Box::new(task()),
        Balance::MAX,
    )
    .expect("the owner can pay and a place is free");
    pallet_subnets::Netuids::<Test>::get()
        .into_iter()
        .find(|netuid| !before.contains(netuid))
        .expect("a subnet was registered")
}

pub fn task() -> TaskSpec {
    let text = |text: &str| text.as_bytes().to_vec().try_into().expect("it is short");
    let tensor = |name: &str, shape: &[i64]| TensorSpec {
        name: text(name),
        datatype: DataType::Fp32,
        shape: shape.to_vec().try_into().expect("it is short"),
    };
    TaskSpec {
        name: text("digits"),
        interface: Interface {
            inputs: vec![tensor("X", &[-1, 64])]
                .try_into()
                .expect("it is short"),
            outputs: vec![tensor("label", &[-1])]
                .try_into()
                .expect("it is short"),
        },
        scoring: Scoring::Classification { classes: 10 },
        benchmark: Benchmark::Set(Artifact {
            sha256: Digest([1; 32]),
            size: 1,
            uri: b"file:benchmark.csv"
                .to_vec()
                .try_into()
                .expect("it is short"),
        }),
        reference_model: None,
        deadline_ms: 500,
        max_batch: 32,
    }
}

pub fn endpoint(port: u16) -> Endpoint {
    Endpoint {
        host: b"miner.example".to_vec().try_into().expect("it is short"),
        port,
        protocol: EndpointProtocol::Http,
        certificate: None,
    }
}

/// An error of this pallet, as calls return it.
pub fn error(error: Error<Test>) -> DispatchError {
    error.into()
}

/// Events of this pallet, oldest first, without the ones already read.
pub fn take_events() -> Vec<pallet_subnets::Event<Test>> {
    let events = System::read_events_for_pallet::<pallet_subnets::Event<Test>>();
    System::reset_events();
    events
}
