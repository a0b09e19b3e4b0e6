//! Root without a key: what the council decides becomes root's call, after a delay.
//!
//! A network whose genesis names no `sudo` key has a council (`pallet-collective`). Enough of its
//! votes schedule a call, and root makes it once the delay is over. Until then everybody can read
//! what is coming, and act on it; the council itself can still take it back:
//!
//! ```text
//!   Council::propose(Governance::enact(call))
//!   Council::vote ...
//!   Council::close ──► enact: Scheduler ── delay ──► call, made by root
//!                        │
//!                        └ Governance::cancel(index), by fewer votes than it took
//! ```
//!
//! Nothing here keeps a list of what waits: the scheduler's agenda is that list, and the event says
//! where in it a decision stands. The delay is genesis data, like everything that differs between
//! networks.
//!
//! It must never make a call itself, nor let one be made sooner than the delay.

pub use pallet::*;
pub use weights::WeightInfo;

pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod tests;

#[frame_support::pallet]
pub mod pallet {
    use alloc::boxed::Box;
    use core::marker::PhantomData;

    use codec::Encode;
    use frame_support::{
        pallet_prelude::*,
        traits::{
            schedule::{
                v3::{Named, TaskName},
                DispatchTime, HARD_DEADLINE,
            },
            QueryPreimage, StorePreimage,
        },
    };
    use frame_system::{pallet_prelude::*, RawOrigin};
    use sp_runtime::traits::{Hash, Zero};

    use super::WeightInfo;

    /// The pallet's version of what it keeps.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config {
        /// Who decides what root will do.
        type EnactOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Who may take a decision back that still waits.
        type CancelOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Every origin that a pallet knows, root's among them.
        type PalletsOrigin: From<RawOrigin<Self::AccountId>>;

        /// Makes the calls when their time has come.
        type Scheduler: Named<
            BlockNumberFor<Self>,
            <Self as frame_system::Config>::RuntimeCall,
            Self::PalletsOrigin,
            Hasher = Self::Hashing,
        >;

        /// Keeps calls that are too large for an agenda.
        type Preimages: StorePreimage<H = Self::Hashing>;

        /// What the calls cost.
        type WeightInfo: WeightInfo;
    }

    /// Two days at 6 s.
    #[pallet::type_value]
    pub fn DefaultDelay<T: Config>() -> BlockNumberFor<T> {
        28_800u32.into()
    }

    /// Blocks from a decision to root's call. Only genesis and root's `set_storage` change it.
    #[pallet::storage]
    pub type Delay<T: Config> = StorageValue<_, BlockNumberFor<T>, ValueQuery, DefaultDelay<T>>;

    /// The index of the next decision.
    #[pallet::storage]
    pub type NextIndex<T> = StorageValue<_, u32, ValueQuery>;

    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Blocks from a decision of the council to root's call.
        pub delay: BlockNumberFor<T>,
        #[doc(hidden)]
        #[serde(skip)]
        pub _config: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self {
                delay: DefaultDelay::<T>::get(),
                _config: PhantomData,
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(
                !self.delay.is_zero(),
                "governance.delay must be at least one block"
            );
            Delay::<T>::put(self.delay);
        }
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A call was decided on. Root makes it in block `at`, unless it is cancelled.
        Decided {
            /// The decision's index.
            index: u32,
            /// The block of root's call.
            at: BlockNumberFor<T>,
            /// The hash of the call. The call itself stands in the scheduler's agenda or, where it
            /// is long, among the preimages.
            call_hash: T::Hash,
        },
        /// A decision was taken back.
        Cancelled {
            /// The decision's index.
            index: u32,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// Nothing with this index waits: it was cancelled or its call was made.
        NotWaiting,
        /// There have been more decisions than can be counted.
        TooManyDecisions,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Has root make a call after the delay. By two thirds of the council.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::enact(call.encoded_size() as u32))]
        pub fn enact(
            origin: OriginFor<T>,
            call: Box<<T as frame_system::Config>::RuntimeCall>,
        ) -> DispatchResult {
            T::EnactOrigin::ensure_origin(origin)?;
            let index = NextIndex::<T>::get();
            let next = index.checked_add(1).ok_or(Error::<T>::TooManyDecisions)?;
            let call_hash = T::Hashing::hash_of(&*call);
            let was_requested = T::Preimages::is_requested(&call_hash);
            let call = T::Preimages::bound(*call)?;
            let at = frame_system::Pallet::<T>::block_number() + Delay::<T>::get();
            T::Scheduler::schedule_named(
                task_name(index),
                DispatchTime::At(at),
                None,
                HARD_DEADLINE,
                RawOrigin::Root.into(),
                call.clone(),
            )?;
            // The scheduler asked for a long call's preimage and lets go of it in the end. Noting
            // it asked for it as well, where nobody had before.
            if !was_requested {
                T::Preimages::drop(&call);
            }
            NextIndex::<T>::put(next);
            Self::deposit_event(Event::Decided {
                index,
                at,
                call_hash,
            });
            Ok(())
        }

        /// Takes back a decision whose call was not made yet. By half of the council, or by root.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::cancel())]
        pub fn cancel(origin: OriginFor<T>, index: u32) -> DispatchResult {
            T::CancelOrigin::ensure_origin(origin)?;
            T::Scheduler::cancel_named(task_name(index)).map_err(|_| Error::<T>::NotWaiting)?;
            Self::deposit_event(Event::Cancelled { index });
            Ok(())
        }
    }

    /// The name under which the scheduler knows a decision.
    pub(super) fn task_name(index: u32) -> TaskName {
        (b"assay/governance", index).using_encoded(sp_io::hashing::blake2_256)
    }
}
