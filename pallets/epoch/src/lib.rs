//! When an epoch is due, what it computes from, and who is paid for it.
//!
//! Every subnet has an epoch each `tempo` blocks. What is due in a block joins a queue; each block
//! runs as many of the queue as its budget of weight allows, first come first served:
//!
//! ```text
//! Agenda ── due ──> Queue ── fits the budget ──> run ──> Agenda, one tempo later
//!
//! run:  close the epoch's commits                       (who left one unrevealed is inactive)
//!       snapshot: neurons, stake, weights, bonds
//!       yuma                                            (assay-yuma: pure, no storage)
//!       payout: pot -> miners, owner, validators        (integers; paid + returned = due)
//!       apply: permits, bonds, columns, standings; settings for the next epoch
//! ```
//!
//! What an epoch costs follows from its numbers of neurons, rows, weights and bonds and is known
//! before it starts; the integrity test proves that the largest one allowed fits the budget.
//! Everything after the closing happens in one storage layer: a subnet that fails is reported, its
//! pot is carried over, its next epoch is scheduled, and no other subnet notices.
//!
//! This pallet must never mint (it asks the issuer to), never compute incentives itself, and never
//! let one subnet's trouble stop a block.

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod cost;
mod hooks;
mod impls;
#[cfg(test)]
mod mock;
mod payout;
mod run;
mod schedule;
mod snapshot;
mod teardown;
#[cfg(test)]
mod tests;
// In native builds always, so that tests of a whole runtime can ask, too.
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
mod views;
pub mod weights;

pub use cost::EpochSize;
pub use pallet::*;
pub use types::{Amounts, Bits, BondRow, Columns, EpochState, Shares};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_pallet_traits::{Issuer, Neurons, Stakes, Subnets, WeightRows};
    use assay_primitives::{Balance, BlockNumber, EpochIndex, NetUid, Uid};
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The registry of subnets.
        type Subnets: Subnets<Self::AccountId>;
        /// The neurons.
        type Neurons: Neurons<Self::AccountId>;
        /// Stake.
        type Stakes: Stakes<Self::AccountId>;
        /// Submitted weights.
        type Weights: WeightRows;
        /// The minter.
        type Issuer: Issuer<Self::AccountId>;
        /// Places for subnets in the registry.
        #[pallet::constant]
        type MaxSubnets: Get<u32>;
        /// What epochs may take of one block: a part of the slot, not of the block's limit, since
        /// hooks run whatever that says.
        #[pallet::constant]
        type Budget: Get<Weight>;
        /// What an epoch costs.
        type WeightInfo: WeightInfo;

        /// Puts neighbours' state in place for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_pallet_traits::BenchmarkHelper<Self::AccountId>;
    }

    /// Which subnets' epochs fall due in a block. A subnet stands here or in [`Queue`], once.
    ///
    /// Twox, here as for every key below, since blocks, netuids and uids are numbers that the chain
    /// gives out: nobody can choose them to unbalance the trie.
    #[pallet::storage]
    pub type Agenda<T: Config> =
        StorageMap<_, Twox64Concat, BlockNumber, BoundedVec<NetUid, T::MaxSubnets>, ValueQuery>;

    /// Epochs that are due and have not run yet, oldest first.
    #[pallet::storage]
    pub type Queue<T: Config> = StorageValue<_, BoundedVec<NetUid, T::MaxSubnets>, ValueQuery>;

    /// Where each subnet is in its schedule.
    #[pallet::storage]
    pub type States<T> = StorageMap<_, Twox64Concat, NetUid, EpochState>;

    /// The outcome of each subnet's last epoch. One item for all neurons: it is written as a whole
    /// and read as a whole.
    #[pallet::storage]
    pub type Outcomes<T> = StorageMap<_, Twox64Concat, NetUid, Columns, ValueQuery>;

    /// Who may validate in the open epoch: a bit per uid, apart from the outcome because every
    /// weight call reads it.
    #[pallet::storage]
    pub type PermitBits<T> = StorageMap<_, Twox64Concat, NetUid, Bits, ValueQuery>;

    /// By uid, the moving average of incentive and dividends that pruning goes by.
    #[pallet::storage]
    pub type StandingsOf<T> = StorageMap<_, Twox64Concat, NetUid, Shares, ValueQuery>;

    /// By uid, what all epochs together paid to the neuron since its registration.
    #[pallet::storage]
    pub type Earned<T> = StorageMap<_, Twox64Concat, NetUid, Amounts, ValueQuery>;

    /// The bonds of each validator that holds a permit, as the last epoch left them. Bonds fall
    /// with the permit: rows would otherwise pile up beyond what an epoch can read.
    #[pallet::storage]
    pub type Bonds<T> = StorageDoubleMap<_, Twox64Concat, NetUid, Twox64Concat, Uid, BondRow>;

    /// How many bonds each subnet has in all: what its epoch's cost depends on.
    #[pallet::storage]
    pub type BondCounts<T> = StorageMap<_, Twox64Concat, NetUid, u32, ValueQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An epoch falls due.
        EpochScheduled {
            /// The subnet.
            netuid: NetUid,
            /// The epoch.
            epoch: EpochIndex,
            /// The first block at which it may run.
            due_at: BlockNumber,
        },
        /// An epoch ran and was paid.
        EpochRan {
            /// The subnet.
            netuid: NetUid,
            /// The epoch.
            epoch: EpochIndex,
            /// What its pot held.
            due: Balance,
            /// What miners got.
            to_miners: Balance,
            /// What the subnet's owner got.
            to_owner: Balance,
            /// What validators got.
            to_validators: Balance,
        },
        /// A neuron was paid for an epoch.
        NeuronPaid {
            /// The subnet.
            netuid: NetUid,
            /// The epoch.
            epoch: EpochIndex,
            /// The neuron.
            uid: Uid,
            /// What it got as miner.
            as_miner: Balance,
            /// What its pools got as validator.
            as_validator: Balance,
        },
        /// Somebody could not be paid. The amount was not minted and is back under the curve.
        PaymentFailed {
            /// The subnet.
            netuid: NetUid,
            /// The epoch.
            epoch: EpochIndex,
            /// Who: a neuron, or the subnet's owner.
            uid: Option<Uid>,
            /// How much.
            amount: Balance,
            /// Why.
            error: DispatchError,
        },
        /// Other neurons than before may validate from now on.
        PermitsChanged {
            /// The subnet.
            netuid: NetUid,
            /// The epoch that opened.
            epoch: EpochIndex,
            /// A bit per uid.
            permits: Bits,
        },
        /// An epoch failed: nothing was paid, and what was due waits for the next one.
        EpochFailed {
            /// The subnet.
            netuid: NetUid,
            /// The epoch.
            epoch: EpochIndex,
            /// Why.
            error: DispatchError,
        },
    }

    /// Why an epoch failed. None of these can be caused by a call; each would be a fault of the
    /// runtime, to be reported with the block's number.
    #[pallet::error]
    pub enum Error<T> {
        /// The epoch costs more than a whole block's budget. Root must lower the subnet's sizes.
        TooCostly,
        /// The registry does not know the subnet any more.
        UnknownSubnet,
        /// The neurons' stakes sum to more than 128 bits hold.
        StakeOverflow,
        /// Weights or bonds are not well-formed.
        MalformedRows,
        /// More neurons, bonds or subnets than storage has places for.
        TooMany,
        /// More would be paid than is due.
        Overpaid,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            Self::run_due(Self::now())
        }

        fn integrity_test() {
            Self::check_constants();
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }
}
