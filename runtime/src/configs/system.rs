//! Blocks, accounts, nonces and time.

use frame_support::{
    derive_impl, parameter_types,
    traits::Get,
    weights::{
        constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_MILLIS},
        Weight,
    },
};
use frame_system::limits::{BlockLength, BlockWeights};
use sp_runtime::{type_with_default::TypeWithDefault, Perbill};

use crate::{
    migrations, network, AccountId, Aura, Balance, Block, BlockNumber, Hash, Nonce, PalletInfo,
    Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, RuntimeTask, System, SS58_PREFIX, VERSION,
};

/// The part of a block that ordinary transactions may fill; the rest is for operational ones.
const NORMAL_RATIO: Perbill = Perbill::from_percent(75);

/// The most bytes in a block.
const MAX_BLOCK_BYTES: u32 = 5 * 1024 * 1024;

parameter_types! {
    /// For how many blocks a transaction can stay valid: four hours at 6 s.
    pub const BlockHashCount: BlockNumber = 2_400;
    /// Three and a half seconds of execution, within the two thirds of a 6 s slot that an author
    /// has. Shorter slots end a block by the clock.
    pub Weights: BlockWeights = BlockWeights::with_sensible_defaults(
        Weight::MAX.set_ref_time(3_500 * WEIGHT_REF_TIME_PER_MILLIS),
        NORMAL_RATIO,
    );
    pub Length: BlockLength = BlockLength::builder()
        .max_length(MAX_BLOCK_BYTES)
        .modify_max_length_for_class(frame_support::dispatch::DispatchClass::Normal, |max| {
            *max = NORMAL_RATIO * MAX_BLOCK_BYTES
        })
        .build();
    pub const Version: sp_version::RuntimeVersion = VERSION;
    pub const AddressPrefix: u16 = SS58_PREFIX;
}

/// A new account's nonces start at the number of the block in which it comes to be. So one that was
/// reaped and comes back is past the nonces of its old transactions, and these can't be replayed,
/// unless it had sent more than one for each block of its life.
#[derive(Debug)]
pub struct FirstNonce;

impl Get<Nonce> for FirstNonce {
    fn get() -> Nonce {
        System::block_number()
    }
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type AccountId = AccountId;
    type Hash = Hash;
    type Nonce = TypeWithDefault<Nonce, FirstNonce>;
    type AccountData = pallet_balances::AccountData<Balance>;
    type BlockHashCount = BlockHashCount;
    type BlockWeights = Weights;
    type BlockLength = Length;
    type DbWeight = ParityDbWeight;
    type Version = Version;
    type SS58Prefix = AddressPrefix;
    type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
    type SingleBlockMigrations = migrations::Migrations;
    type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
}

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = Aura;
    type MinimumPeriod = network::MinimumPeriod<Runtime>;
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl network::Config for Runtime {}
