//! Balances and transaction fees.

use frame_support::{
    parameter_types,
    traits::{ConstU128, ConstU32, ConstU8, VariantCountOf},
    weights::{ConstantMultiplier, IdentityFee},
};
use pallet_transaction_payment::{Multiplier, TargetedFeeAdjustment};
use sp_runtime::{traits::Bounded, FixedPointNumber, Perquintill};

use crate::{
    Balance, Runtime, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason, System, ASY,
    EXISTENTIAL_DEPOSIT,
};

/// What is held of an account for as long as it keeps things in storage: enough that filling disks
/// is dear, little enough that nobody minds.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
    items as Balance * StorageItemDeposit::get() + bytes as Balance * StorageByteDeposit::get()
}

parameter_types! {
    /// 0.02 ASY for an item.
    pub const StorageItemDeposit: Balance = ASY / 50;
    /// 0.0001 ASY for a byte.
    pub const StorageByteDeposit: Balance = ASY / 10_000;
    /// 0.000001 ASY for every byte.
    pub const ByteFee: Balance = ASY / 1_000_000;
    /// Fees rise while blocks are fuller than this, and fall while they are emptier.
    pub const TargetFullness: Perquintill = Perquintill::from_percent(25);
    /// How fast: by at most a factor of about 1.6 in a day of full blocks at 6 s.
    pub AdjustmentSpeed: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);
    /// Fees never fall below what the weight says.
    pub LowestMultiplier: Multiplier = Multiplier::saturating_from_integer(1);
    pub HighestMultiplier: Multiplier = Bounded::max_value();
}

impl pallet_balances::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type AccountStore = System;
    type DustRemoval = ();
    type ReserveIdentifier = ();
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxLocks = ConstU32<50>;
    type MaxReserves = ConstU32<0>;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type DoneSlashHandler = ();
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

// One second of execution costs one ASY.
impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = super::keys::Fees;
    type WeightToFee = IdentityFee<Balance>;
    type LengthToFee = ConstantMultiplier<Balance, ByteFee>;
    type FeeMultiplierUpdate = TargetedFeeAdjustment<
        Runtime,
        TargetFullness,
        AdjustmentSpeed,
        LowestMultiplier,
        HighestMultiplier,
    >;
    type OperationalFeeMultiplier = ConstU8<5>;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}
