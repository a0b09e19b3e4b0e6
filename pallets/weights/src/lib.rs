//! Validators' weights: set in plain where root allows it, else committed and revealed.
//!
//! A validator says what each miner is worth to it as a *row* of weights. So that nobody can copy a
//! row in time to profit from it, a row is first committed to as a hash and revealed
//! `reveal_period` epochs later. One commit can be made per epoch and several may be pending:
//!
//! ```text
//! epoch        e              e + 1            e + 2
//!              commit c(e)    commit c(e+1)    commit c(e+2)
//!                             reveal c(e)      reveal c(e+1)
//!                                       │
//!                                       └ what was revealed before the run of e + 1 is in force in it
//! ```
//!
//! (drawn for a reveal period of 1). A commit that is not opened before its window closes expires,
//! with an event, and its maker counts as inactive in that epoch.
//!
//! The three calls carry no fee. Whether one is let in is decided by [`AdmitWeights`], at the
//! transaction pool and again at inclusion, so what would fail is never in a block. The extension
//! replaces the signed origin by [`Origin::Validator`]; the calls take no other, so a call inside a
//! batch or a proxy, which the extension never saw, fails.
//!
//! Three decisions that the calls follow:
//!
//! - `commit_weights` names the epoch it means. The hash binds it, and a transaction that waited
//!   over the end of an epoch would otherwise make a commit that can never be opened.
//! - A reveal of an older commit than the row in force is accepted, so that its maker did its duty,
//!   and recorded, but the newer row stays in force.
//! - A validator that loses its permit loses its row at the end of the first epoch without it. The
//!   row would not count anyway, and rows would otherwise pile up without bound.
//!
//! This pallet must never compute incentives, hold money or read a clock.

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

extern crate alloc;

mod admission;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod calls;
mod checks;
#[cfg(test)]
mod mock;
mod rows;
mod teardown;
#[cfg(test)]
mod tests;
// In native builds always, so that tests of a whole runtime can ask, too.
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
pub mod weights;

pub use admission::{AdmitWeights, InnerCalls};
pub use pallet::*;
pub use types::{
    Commit, Reveal, Row, RowInfo, RowTotals, Targets, Usage, Values, MAX_PENDING_COMMITS,
};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_pallet_traits::{Epochs, Neurons, Permits, Subnets};
    use assay_primitives::{Digest, EpochIndex, Evidence, NetUid, Salt, TaskVersion, Uid};
    use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
    use frame_support::{
        dispatch::DispatchInfo,
        pallet_prelude::*,
        traits::{IsSubType, OriginTrait},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::{
        traits::{AsSystemOriginSigner, Dispatchable},
        Perbill,
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config:
        frame_system::Config<
        AccountId: Into<[u8; 32]>,
        RuntimeCall: Dispatchable<Info = DispatchInfo> + IsSubType<Call<Self>>,
        RuntimeEvent: From<Event<Self>>,
        RuntimeOrigin: AsSystemOriginSigner<Self::AccountId>
                           + OriginTrait<PalletsOrigin: From<Origin<Self>> + TryInto<Origin<Self>>>,
    >
    {
        /// The registry of subnets.
        type Subnets: Subnets<Self::AccountId>;
        /// The neurons.
        type Neurons: Neurons<Self::AccountId>;
        /// The schedule of epochs.
        type Epochs: Epochs;
        /// Who may validate.
        type Permits: Permits;
        /// Which calls carry other calls, so that a weight call inside one is refused with a reason.
        type InnerCalls: InnerCalls<Self::RuntimeCall>;
        /// The part of a block's weight, and of its length, that all free calls together may take.
        #[pallet::constant]
        type FreePart: Get<Perbill>;
        /// What calls and hooks cost.
        type WeightInfo: WeightInfo;

        /// Puts neighbours' state in place for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_pallet_traits::BenchmarkHelper<Self::AccountId>;
    }

    /// The weights in force, by subnet and validator.
    ///
    /// Both keys are numbers that the chain gives out, so nobody can choose them to unbalance the
    /// trie: Twox suffices. A row is kept as two vectors of primitive integers, which SCALE decodes
    /// in bulk.
    #[pallet::storage]
    pub type Rows<T> = StorageDoubleMap<_, Twox64Concat, NetUid, Twox64Concat, Uid, Row>;

    /// The facts about each row of [`Rows`], apart from it so that they are read without it.
    #[pallet::storage]
    pub type RowInfos<T> = StorageDoubleMap<_, Twox64Concat, NetUid, Twox64Concat, Uid, RowInfo>;

    /// How many rows and weights each subnet has in force: what its epoch's cost depends on.
    #[pallet::storage]
    pub type Totals<T> = StorageMap<_, Twox64Concat, NetUid, RowTotals, ValueQuery>;

    /// Commits that wait for their reveal, oldest first. One item per validator, not per commit, so
    /// that closing an epoch costs one read per validator. Never stored empty.
    #[pallet::storage]
    pub type Commits<T> = StorageDoubleMap<
        _,
        Twox64Concat,
        NetUid,
        Twox64Concat,
        Uid,
        BoundedVec<Commit, ConstU32<MAX_PENDING_COMMITS>>,
        ValueQuery,
    >;

    /// Of each validator the last commit that it opened, with the evidence: who holds the leaves
    /// under its roots can redo the round.
    #[pallet::storage]
    pub type Reveals<T> = StorageDoubleMap<_, Twox64Concat, NetUid, Twox64Concat, Uid, Reveal>;

    /// What free calls took of this block so far. Cleared at the block's end, so that the
    /// transaction pool, which sees the state between blocks, finds it empty, and so never in the
    /// database.
    #[pallet::storage]
    #[pallet::whitelist_storage]
    pub type Used<T> = StorageValue<_, Usage, ValueQuery>;

    /// The origin of weight calls.
    #[pallet::origin]
    #[derive(
        Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
    )]
    #[scale_info(skip_type_params(T))]
    pub enum Origin<T: Config> {
        /// A hotkey whose transaction [`AdmitWeights`] let in.
        Validator(T::AccountId),
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A validator's weights were set in plain and are in force. The row stands in the
        /// transaction.
        WeightsSet {
            /// The subnet.
            netuid: NetUid,
            /// The validator.
            uid: Uid,
            /// Its hotkey.
            hotkey: T::AccountId,
            /// The epoch that was open.
            epoch: EpochIndex,
            /// The version of the task that they were made for.
            task_version: TaskVersion,
            /// How many weights.
            len: u16,
        },
        /// A validator committed to weights.
        WeightsCommitted {
            /// The subnet.
            netuid: NetUid,
            /// The validator.
            uid: Uid,
            /// Its hotkey.
            hotkey: T::AccountId,
            /// The epoch that was open.
            epoch: EpochIndex,
            /// The hash.
            hash: Digest,
            /// The hash of the secret of the next epoch's rounds.
            next_seed: Digest,
            /// The epoch in which it must be opened.
            reveal_in: EpochIndex,
        },
        /// A validator opened a commit. The row stands in the transaction.
        WeightsRevealed {
            /// The subnet.
            netuid: NetUid,
            /// The validator.
            uid: Uid,
            /// Its hotkey.
            hotkey: T::AccountId,
            /// The epoch in which the commit was made.
            epoch: EpochIndex,
            /// The version of the task that the weights were made for.
            task_version: TaskVersion,
            /// What they rest on.
            evidence: Evidence,
            /// How many weights.
            len: u16,
            /// Whether they are in force now; a newer row stays so.
            in_force: bool,
        },
        /// A commit's window closed before it was opened: its maker counts as inactive in this
        /// epoch.
        CommitExpired {
            /// The subnet.
            netuid: NetUid,
            /// The validator.
            uid: Uid,
            /// The epoch in which the commit was made.
            epoch: EpochIndex,
            /// The hash that was not opened.
            hash: Digest,
        },
        /// A neuron without a permit lost its weights.
        WeightsDropped {
            /// The subnet.
            netuid: NetUid,
            /// The neuron.
            uid: Uid,
        },
    }

    #[pallet::error]
    #[derive(PartialEq, Eq)]
    pub enum Error<T> {
        /// A weight call stood inside a batch, a proxy or another call. Send it by itself, signed
        /// by the hotkey.
        Nested,
        /// There is no such subnet. Check the netuid.
        UnknownSubnet,
        /// The hotkey is not registered in the subnet. Register it first.
        NotRegistered,
        /// The neuron holds no validator permit. It needs to be among the largest by stake.
        NotPermitted,
        /// Targets and values differ in length, repeat, are not ascending or name no neuron. Sort
        /// the row and give one value for each target.
        Malformed,
        /// This call was already made in this epoch. Wait for the subnet's next one.
        TooFast,
        /// The epoch named is not the open one. Read the open epoch and sign again.
        WrongEpoch,
        /// The subnet takes weights by commit and reveal only. Use `commit_weights`.
        PlainWeightsDisabled,
        /// No pending commit belongs to that epoch. Check the epoch; a commit can be opened once.
        NoSuchCommit,
        /// The reveal's window is not open yet. Wait for the epoch named in `WeightsCommitted`.
        RevealTooEarly,
        /// The reveal's window is over. Nothing can be done about this commit any more.
        RevealTooLate,
        /// What is revealed does not hash to what was committed. Give exactly what was hashed.
        RevealMismatch,
        /// The weights were made for another version of the task than the one in force when they
        /// were set or committed. Score by the version in force.
        WrongTaskVersion,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            T::WeightInfo::clear_usage()
        }

        fn on_finalize(_: BlockNumberFor<T>) {
            Used::<T>::kill();
        }

        fn integrity_test() {
            Self::check_constants();
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    /// How much a row makes one read, well-formed or not: that is only known later.
    fn longer(targets: &Targets, values: &Values) -> u32 {
        // Bounded by a u16.
        targets.len().max(values.len()) as u32
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Puts a validator's weights into force at once, where the subnet allows that. Once per
        /// epoch. An empty row takes the weights back.
        ///
        /// `targets` are uids, ascending; `values` their raw weights, of which only the proportions
        /// count; `task_version` the version of the task that they were made for.
        #[pallet::call_index(0)]
        #[pallet::weight((
            T::WeightInfo::set_weights(longer(targets, values)),
            DispatchClass::Normal,
            Pays::No
        ))]
        pub fn set_weights(
            origin: OriginFor<T>,
            netuid: NetUid,
            targets: Targets,
            values: Values,
            task_version: TaskVersion,
        ) -> DispatchResult {
            let hotkey = Self::ensure_admitted(origin)?;
            Self::do_set_weights(hotkey, netuid, targets, values, task_version)
        }

        /// Commits to weights in the open epoch, which `epoch` must name. Once per epoch.
        ///
        /// `hash` is [`assay_primitives::commit_hash`] of what will be revealed, `next_seed` the
        /// [`assay_primitives::seed_commitment`] of the secret of the next epoch's rounds.
        #[pallet::call_index(1)]
        #[pallet::weight((T::WeightInfo::commit_weights(), DispatchClass::Normal, Pays::No))]
        pub fn commit_weights(
            origin: OriginFor<T>,
            netuid: NetUid,
            epoch: EpochIndex,
            hash: Digest,
            next_seed: Digest,
        ) -> DispatchResult {
            let hotkey = Self::ensure_admitted(origin)?;
            Self::do_commit_weights(hotkey, netuid, epoch, hash, next_seed)
        }

        /// Opens the commit made in `epoch` and puts its weights into force, unless newer ones are.
        ///
        /// All arguments must be those that were hashed.
        #[pallet::call_index(2)]
        #[pallet::weight((
            T::WeightInfo::reveal_weights(longer(targets, values)),
            DispatchClass::Normal,
            Pays::No
        ))]
        #[allow(clippy::too_many_arguments)]
        pub fn reveal_weights(
            origin: OriginFor<T>,
            netuid: NetUid,
            epoch: EpochIndex,
            targets: Targets,
            values: Values,
            salt: Salt,
            task_version: TaskVersion,
            evidence: Evidence,
        ) -> DispatchResult {
            let hotkey = Self::ensure_admitted(origin)?;
            let opening = types::Opening {
                epoch,
                row: Row { targets, values },
                salt,
                task_version,
                evidence,
            };
            Self::do_reveal_weights(hotkey, netuid, opening)
        }
    }
}
