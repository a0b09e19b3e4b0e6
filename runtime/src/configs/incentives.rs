//! Assay's own pallets: the registry, stake, weights, issuance and epochs.
//!
//! They know each other only through traits. This is where each is told which pallet stands behind
//! a trait.
//!
//! ```text
//!   Subnets ── news of subnets and neurons ──► Weights, Emission, Epoch
//!   Subnets ── a subnet ends ──► Stake, Weights, Emission, Epoch
//!   Epoch ──► Weights (rows), Stake (votes), Emission (pots, payments) ──► Stake (dividends)
//! ```

use alloc::{vec, vec::Vec};

use assay_primitives::{Ratio16, CAP};
use frame_support::{
    parameter_types,
    weights::{constants::WEIGHT_REF_TIME_PER_MILLIS, Weight},
    PalletId,
};
use pallet_weights::InnerCalls;
use sp_runtime::Perbill;

use super::RootOrigin;
use crate::{
    network, Balance, Balances, BlockNumber, Emission, Epoch, Keys, Runtime, RuntimeCall, Stake,
    Subnets, Weights, ASY,
};

/// Blocks in a day at 6 s.
const DAYS: BlockNumber = 14_400;

parameter_types! {
    /// The most places for subnets. Every block reads the stake of each, about a millisecond's
    /// worth. How many a network has is genesis data.
    pub const MaxSubnets: u32 = 128;
    /// A burst of subnets is digested within a week.
    pub const SubnetPriceHalfLife: BlockNumber = 2 * DAYS;
    /// A default tempo: about 36 minutes at 6 s.
    pub const RegistrationPriceHalfLife: BlockNumber = 360;
    /// A day is enough for a hotkey's proof to be carried to where the coldkey is kept.
    pub const MaxProofLifetime: BlockNumber = DAYS;
    /// 60 ms, a hundredth of a 6 s slot: about fifty positions of stake or a thousand rows of
    /// weights a block, so that the largest subnet is gone within minutes.
    pub const DissolutionBudget: Weight =
        Weight::MAX.set_ref_time(60 * WEIGHT_REF_TIME_PER_MILLIS);
}

impl pallet_subnets::Config for Runtime {
    type Currency = Balances;
    type AdminOrigin = RootOrigin;
    type AdmissionPolicy = Subnets;
    type Epochs = Epoch;
    type Standings = Epoch;
    type StakeAverages = Emission;
    type ColdkeyChanges = Keys;
    type Teardown = (Stake, Weights, Emission, Epoch);
    type DissolutionBudget = DissolutionBudget;
    type SubnetHooks = (Emission, Epoch);
    type NeuronHooks = (Weights, Emission, Epoch);
    type DefaultTempo = network::NewSubnetTempo<Runtime>;
    type MaxSubnets = MaxSubnets;
    type SubnetPriceHalfLife = SubnetPriceHalfLife;
    type RegistrationPriceHalfLife = RegistrationPriceHalfLife;
    type MaxProofLifetime = MaxProofLifetime;
    type WeightInfo = pallet_subnets::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Setup;
}

/// Whole eras that removed stake waits, besides the rest of the era in which it was removed.
const UNBONDING_ERAS: u32 = 7;

/// Moves of stake that may wait in one position.
const MAX_MOVES: u32 = 8;

parameter_types! {
    pub const StakePalletId: PalletId = PalletId(*b"assay/st");
    /// A hundred times what an account must hold to exist: a position is three items of storage.
    pub const MinPosition: Balance = ASY / 10;
    pub const UnbondingEras: u32 = UNBONDING_ERAS;
    /// Stake on one hotkey may be on its way to so many others.
    pub const MaxMoves: u32 = MAX_MOVES;
    /// One for the present era, one for each that still waits, and the moves.
    pub const MaxUnbondingChunks: u32 = UNBONDING_ERAS + 1 + MAX_MOVES;
    /// A tenth.
    pub const DefaultTake: Ratio16 = Ratio16(6_554);
    /// A fifth.
    pub const MaxTake: Ratio16 = Ratio16(13_107);
    /// A fiftieth of the dividends, so that no announcement is a shock.
    pub const MaxTakeRaise: Ratio16 = Ratio16(1_311);
    /// As long as unbonding takes at least: whoever dislikes a raise can be out before it holds.
    pub const TakeRaiseDelay: BlockNumber = (UNBONDING_ERAS + 1) * DAYS;
}

impl pallet_stake::Config for Runtime {
    type Currency = Balances;
    type Subnets = Subnets;
    type Neurons = Subnets;
    type PalletId = StakePalletId;
    type MinPosition = MinPosition;
    type EraLength = network::UnbondingEra<Runtime>;
    type UnbondingEras = UnbondingEras;
    type MaxSubnets = MaxSubnets;
    type MaxMoves = MaxMoves;
    type MaxUnbondingChunks = MaxUnbondingChunks;
    type DefaultTake = DefaultTake;
    type MaxTake = MaxTake;
    type MaxTakeRaise = MaxTakeRaise;
    type TakeRaiseDelay = TakeRaiseDelay;
    type WeightInfo = pallet_stake::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Setup;
}

parameter_types! {
    /// What all free calls together may take of a block.
    pub const FreePart: Perbill = Perbill::from_percent(25);
}

/// The calls that carry others. A weight call inside one fails in any case, since it takes an origin
/// that only its own transaction has; finding it beforehand refuses the transaction with a reason,
/// and without charging for it.
pub struct Wrappers;

impl InnerCalls<RuntimeCall> for Wrappers {
    fn inner_calls(call: &RuntimeCall) -> Vec<&RuntimeCall> {
        use crate::governance::Call as Governance;
        use pallet_collective::Call as Council;
        use pallet_multisig::Call as Multisig;
        use pallet_proxy::Call as Proxy;
        use pallet_scheduler::Call as Scheduler;
        use pallet_sudo::Call as Sudo;
        use pallet_utility::Call as Utility;
        match call {
            RuntimeCall::Utility(
                Utility::batch { calls }
                | Utility::batch_all { calls }
                | Utility::force_batch { calls },
            ) => calls.iter().collect(),
            RuntimeCall::Utility(
                Utility::as_derivative { call, .. }
                | Utility::dispatch_as { call, .. }
                | Utility::dispatch_as_fallible { call, .. }
                | Utility::with_weight { call, .. },
            )
            | RuntimeCall::Sudo(
                Sudo::sudo { call }
                | Sudo::sudo_unchecked_weight { call, .. }
                | Sudo::sudo_as { call, .. },
            )
            | RuntimeCall::Proxy(Proxy::proxy { call, .. } | Proxy::proxy_announced { call, .. })
            | RuntimeCall::Multisig(
                Multisig::as_multi { call, .. } | Multisig::as_multi_threshold_1 { call, .. },
            )
            | RuntimeCall::Scheduler(
                Scheduler::schedule { call, .. }
                | Scheduler::schedule_named { call, .. }
                | Scheduler::schedule_after { call, .. }
                | Scheduler::schedule_named_after { call, .. },
            )
            | RuntimeCall::Council(
                Council::execute { proposal: call, .. } | Council::propose { proposal: call, .. },
            )
            | RuntimeCall::Governance(Governance::enact { call }) => vec![call],
            RuntimeCall::Utility(Utility::if_else { main, fallback }) => vec![main, fallback],
            _ => Vec::new(),
        }
    }
}

impl pallet_weights::Config for Runtime {
    type Subnets = Subnets;
    type Neurons = Subnets;
    type Epochs = Epoch;
    type Permits = Epoch;
    type InnerCalls = Wrappers;
    type FreePart = FreePart;
    type WeightInfo = pallet_weights::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Setup;
}

parameter_types! {
    pub const Cap: Balance = CAP;
    /// Four years at 6 s.
    pub const IssuanceHalfLife: BlockNumber = 1_461 * DAYS;
    /// Half a day at 6 s.
    pub const StakeAverageHalfLife: BlockNumber = 7_200;
}

impl pallet_emission::Config for Runtime {
    type Currency = Balances;
    type Subnets = Subnets;
    type Neurons = Subnets;
    type Stakes = Stake;
    type Cap = Cap;
    type HalfLife = IssuanceHalfLife;
    type AverageHalfLife = StakeAverageHalfLife;
    type MaxSubnets = MaxSubnets;
    type WeightInfo = pallet_emission::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Setup;
}

parameter_types! {
    /// 2.2 s, somewhat over a third of a 6 s slot. It is what the largest epoch allowed takes with
    /// some room; such a block holds fewer transactions, and there is one in a tempo. Proofs cost nothing: the
    /// chain proves its state to nobody.
    pub const EpochBudget: Weight = Weight::MAX.set_ref_time(2_200 * WEIGHT_REF_TIME_PER_MILLIS);
}

impl pallet_epoch::Config for Runtime {
    type Subnets = Subnets;
    type Neurons = Subnets;
    type Stakes = Stake;
    type Weights = Weights;
    type Issuer = Emission;
    type MaxSubnets = MaxSubnets;
    type Budget = EpochBudget;
    type WeightInfo = pallet_epoch::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Setup;
}
