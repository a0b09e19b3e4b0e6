//! The only minter: how much each block may issue, which subnet gets it, and how it is paid.
//!
//! ```text
//!            curve               split by stake            epoch              not earned
//! (cap - issued) * rate ──▶ issuance ──▶ pot of each subnet ──▶ paid (minted) ─────▶ back to the
//!      every block                                          │                         curve
//!                                                           └▶ a credit, where an account could
//!                                                              not exist with so little
//! ```
//!
//! - **Curve.** A block issues `(cap - issued) * (1 - 2^(-1/H))` with `H` the half-life in blocks,
//!   rounded down. `issued` counts what was minted and what waits in pots; genesis balances count
//!   as minted. Burns don't bring anything back. While no subnet has stake nothing is issued.
//! - **Split.** By the moving average of each subnet's stake, to the last unit, by largest
//!   remainder. A subnet without any stake now gets nothing, however large its average.
//! - **Payout.** The epoch takes a pot, pays out of it, and settles: what nobody earned leaves
//!   `issued` again without having been minted. No payment can exceed what was taken and not yet
//!   settled, whoever asks for it.
//!
//! Pots and averages of all subnets are one bounded record, so a block costs one read and one write
//! here however many subnets there are, and one read each of their stake.
//!
//! This pallet must never mint above the curve, and nobody else may mint at all.

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod calls;
pub mod curve;
mod hooks;
mod issuer_impls;
mod keys;
mod teardown;
mod types;
pub mod weights;

// In native builds always, so that tests of a whole runtime can ask, too.
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::{PayoutTarget, SubnetIssuance, Supply};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_pallet_traits::{Neurons, Stakes, Subnets};
    use assay_primitives::{Balance, BlockNumber, NetUid};
    use frame_support::{
        pallet_prelude::*,
        traits::{
            fungible::{Inspect, Mutate},
            StorageVersion,
        },
    };
    use frame_system::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The token.
        type Currency: Mutate<Self::AccountId, Balance = Balance>;

        /// The registry of subnets.
        type Subnets: Subnets<Self::AccountId>;

        /// The neurons and their owners.
        type Neurons: Neurons<Self::AccountId>;

        /// Stake, which issuance is split by and dividends are paid into.
        type Stakes: Stakes<Self::AccountId>;

        /// The most that will ever be issued, genesis balances included.
        #[pallet::constant]
        type Cap: Get<Balance>;

        /// Blocks in which half of what is left is issued. At least 1.
        #[pallet::constant]
        type HalfLife: Get<BlockNumber>;

        /// Blocks after which the moving average of a subnet's stake has gone half the way to its
        /// stake. At least 1.
        #[pallet::constant]
        type AverageHalfLife: Get<BlockNumber>;

        /// Places for subnets: those of the registry.
        #[pallet::constant]
        type MaxSubnets: Get<u32>;

        /// Weights of the calls, the hook and of what other pallets call.
        type WeightInfo: WeightInfo;

        /// Puts neighbours' state in place for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_pallet_traits::BenchmarkHelper<Self::AccountId>;
    }

    /// What was issued and minted so far.
    #[pallet::storage]
    pub type Supplied<T> = StorageValue<_, Supply, ValueQuery>;

    /// The pots and average stakes of all subnets, ascending by netuid.
    #[pallet::storage]
    pub type Issuance<T: Config> =
        StorageValue<_, BoundedVec<SubnetIssuance, T::MaxSubnets>, ValueQuery>;

    /// What was taken out of pots and is neither paid nor settled. Nothing between blocks.
    #[pallet::storage]
    pub type Unsettled<T> = StorageValue<_, Balance, ValueQuery>;

    /// Payouts too small for the account they were for to exist: minted when claimed, or with a
    /// later payout that brings them above the existential deposit. They count as minted.
    // Blake2: callers choose accounts.
    #[pallet::storage]
    pub type Claims<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Balance, OptionQuery>;

    /// Miners that asked to be paid otherwise than to their coldkey.
    // Twox64: the registry hands out netuids. Blake2: callers choose hotkeys.
    #[pallet::storage]
    pub type PayoutTargets<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        NetUid,
        Blake2_128Concat,
        T::AccountId,
        PayoutTarget,
        ValueQuery,
    >;

    /// Nothing to set: what the other pallets minted at genesis counts as issued. This pallet must
    /// stand after those that keep and endow balances.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        #[doc(hidden)]
        #[serde(skip)]
        pub marker: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            let genesis = T::Currency::total_issuance();
            assert!(
                genesis <= T::Cap::get(),
                "genesis balances of {genesis} exceed the cap of {}",
                T::Cap::get()
            );
            Supplied::<T>::put(Supply {
                genesis,
                minted: genesis,
                issued: genesis,
            });
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A subnet's payout ended.
        Settled {
            /// The subnet.
            netuid: NetUid,
            /// What was minted.
            paid: Balance,
            /// What nobody earned: it went back under the curve.
            unearned: Balance,
        },
        /// A payout was too small for its account to exist and is kept for it.
        CreditKept {
            /// The account.
            account: T::AccountId,
            /// What was added to its credit.
            amount: Balance,
        },
        /// A credit was paid out.
        CreditPaid {
            /// The account.
            account: T::AccountId,
            /// How much.
            amount: Balance,
        },
        /// A miner chose how it is paid.
        PayoutTargetSet {
            /// The subnet.
            netuid: NetUid,
            /// The miner.
            hotkey: T::AccountId,
            /// Where to.
            target: PayoutTarget,
        },
        /// A netuid was reused: what its last holder's pot still held went back under the curve.
        PotReturned {
            /// The subnet.
            netuid: NetUid,
            /// How much.
            amount: Balance,
        },
    }

    /// Why a call was refused, and what to do about it.
    #[pallet::error]
    pub enum Error<T> {
        /// There is no credit for this account: payouts above the existential deposit arrive by
        /// themselves.
        NothingToClaim,
        /// The hotkey is not registered in this subnet: register it first.
        NotRegistered,
        /// Only the hotkey's owner may do this.
        NotOwner,
        /// A payment would exceed what was taken from the pots: take what is due first.
        MoreThanDue,
    }

    #[pallet::call(weight(<T as Config>::WeightInfo))]
    impl<T: Config> Pallet<T> {
        /// Pays out the caller's credit from payouts that were too small at their time.
        #[pallet::call_index(0)]
        pub fn claim(origin: OriginFor<T>) -> DispatchResult {
            let account = ensure_signed(origin)?;
            Self::do_claim(account)
        }

        /// Chooses where a miner's incentive goes: to its coldkey, or into its own bond.
        ///
        /// By the hotkey's owner, for a hotkey registered in the subnet. It holds from the next
        /// payout on, until the neuron is replaced.
        #[pallet::call_index(1)]
        pub fn set_payout(
            origin: OriginFor<T>,
            netuid: NetUid,
            hotkey: T::AccountId,
            target: PayoutTarget,
        ) -> DispatchResult {
            let coldkey = ensure_signed(origin)?;
            Self::do_set_payout(coldkey, netuid, hotkey, target)
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_block: BlockNumberFor<T>) -> Weight {
            T::WeightInfo::on_initialize(Self::issue())
        }

        fn integrity_test() {
            assert!(
                T::HalfLife::get() > 0,
                "HalfLife must be at least one block"
            );
            assert!(
                T::AverageHalfLife::get() > 0,
                "AverageHalfLife must be at least one block"
            );
            assert!(
                T::MaxSubnets::get() > 0,
                "MaxSubnets must leave room for a subnet"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_block: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }
}
