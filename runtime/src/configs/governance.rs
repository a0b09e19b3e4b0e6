//! Who is root: a key in development presets, else a council with a delay.
//!
//! Everything that only root may do asks for [`super::RootOrigin`]. Who *is* root is genesis data:
//! a network whose genesis names a `sudo` key is that key's; one that names members of the council
//! instead is governed by their decisions, which [`crate::governance`] turns into root's calls once
//! the delay is over. One Wasm serves both.

use frame_support::{
    parameter_types,
    traits::{
        fungible::HoldConsideration, ConstU32, EitherOfDiverse, EqualPrivilegeOnly,
        LinearStoragePrice,
    },
    weights::Weight,
};
use pallet_collective::{EnsureProportionAtLeast, PrimeDefaultVote};
use sp_runtime::Perbill;

use super::{money::StorageByteDeposit, money::StorageItemDeposit, system::Weights, RootOrigin};
use crate::{
    governance, AccountId, Balance, Balances, BlockNumber, OriginCaller, Preimage, Runtime,
    RuntimeCall, RuntimeEvent, RuntimeHoldReason, RuntimeOrigin, Scheduler, System,
};

// Development presets name a key; a network without one has no `sudo`.
impl pallet_sudo::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}

/// The council among the collectives that there could be.
pub type CouncilInstance = pallet_collective::Instance1;

parameter_types! {
    /// Three days at 6 s.
    pub const MotionDuration: BlockNumber = 43_200;
    /// Half a block: a motion's own cost comes on top.
    pub MaxMotionWeight: Weight = Perbill::from_percent(50) * Weights::get().max_block;
    /// A quarter of a block, of the same slot in which epochs run. A runtime upgrade takes a third
    /// of this.
    pub MaxScheduledWeight: Weight = Perbill::from_percent(25) * Weights::get().max_block;
    pub const PreimageHoldReason: RuntimeHoldReason =
        RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
}

impl pallet_collective::Config<CouncilInstance> for Runtime {
    type RuntimeOrigin = RuntimeOrigin;
    type Proposal = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type MotionDuration = MotionDuration;
    type MaxProposals = ConstU32<20>;
    type MaxMembers = ConstU32<21>;
    type DefaultVote = PrimeDefaultVote;
    type WeightInfo = pallet_collective::weights::SubstrateWeight<Runtime>;
    type SetMembersOrigin = RootOrigin;
    type MaxProposalWeight = MaxMotionWeight;
    type DisapproveOrigin = RootOrigin;
    type KillOrigin = RootOrigin;
    type Consideration = ();
}

impl governance::Config for Runtime {
    type EnactOrigin = EnsureProportionAtLeast<AccountId, CouncilInstance, 2, 3>;
    type CancelOrigin =
        EitherOfDiverse<RootOrigin, EnsureProportionAtLeast<AccountId, CouncilInstance, 1, 2>>;
    type PalletsOrigin = OriginCaller;
    type Scheduler = Scheduler;
    type Preimages = Preimage;
    type WeightInfo = governance::weights::SubstrateWeight<Runtime>;
}

impl pallet_scheduler::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeOrigin = RuntimeOrigin;
    type PalletsOrigin = OriginCaller;
    type RuntimeCall = RuntimeCall;
    type MaximumWeight = MaxScheduledWeight;
    type ScheduleOrigin = RootOrigin;
    type OriginPrivilegeCmp = EqualPrivilegeOnly;
    type MaxScheduledPerBlock = ConstU32<50>;
    type WeightInfo = pallet_scheduler::weights::SubstrateWeight<Runtime>;
    type Preimages = Preimage;
    type BlockNumberProvider = System;
}

impl pallet_preimage::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_preimage::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type ManagerOrigin = RootOrigin;
    type Consideration = HoldConsideration<
        AccountId,
        Balances,
        PreimageHoldReason,
        LinearStoragePrice<StorageItemDeposit, StorageByteDeposit, Balance>,
    >;
}
