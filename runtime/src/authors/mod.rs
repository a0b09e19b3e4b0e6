//! Who may make blocks: a list of accounts that root keeps.
//!
//! Authors bring their own session keys (`Session::set_keys`); this pallet only names the accounts,
//! and tells the session pallet when to take them over. A change takes two sessions, because a
//! session's authors are always known one session ahead:
//!
//! ```text
//!   block      b              b + 1               b + 2
//!              set_authors    session ends,       session ends,
//!              Chosen         list is Queued      list in force: Settled
//! ```
//!
//! Besides, a session ends every `SessionLength` blocks, so that authors who set new keys get them
//! into use without asking root. That is rare on purpose: the session pallet claims the whole of a
//! block in which a session ends.
//!
//! It must never let a list in force that could make no block: empty, or naming an account without
//! session keys.

pub use pallet::*;
pub use weights::WeightInfo;

use alloc::vec::Vec;

use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
use pallet_session::{SessionManager, ShouldEndSession};
use scale_info::TypeInfo;
use sp_runtime::traits::Zero;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod weights;

#[cfg(test)]
mod tests;

/// How far the list that root chose last has come.
#[derive(Clone, Copy, Debug, Decode, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub enum Change {
    /// In force.
    #[default]
    Settled,
    /// Waits for the session to end.
    Chosen,
    /// Will be in force when the session ends.
    Queued,
}

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::collections::BTreeSet;
    use frame_support::{pallet_prelude::*, traits::Contains};
    use frame_system::pallet_prelude::*;

    /// The pallet's version of what it keeps.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config {
        /// Who may choose the authors.
        type RootOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// The accounts that have session keys and so can make blocks.
        type HasSessionKeys: Contains<Self::AccountId>;

        /// How many authors there may be.
        #[pallet::constant]
        type MaxAuthors: Get<u32>;

        /// After how many blocks a session ends by itself.
        #[pallet::constant]
        type SessionLength: Get<BlockNumberFor<Self>>;

        /// What the call costs.
        type WeightInfo: WeightInfo;
    }

    /// The accounts chosen to make blocks.
    #[pallet::storage]
    pub type Authors<T: Config> =
        StorageValue<_, BoundedVec<T::AccountId, T::MaxAuthors>, ValueQuery>;

    /// Whether they are in force.
    #[pallet::storage]
    pub type Progress<T: Config> = StorageValue<_, Change, ValueQuery>;

    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// The first authors. Each needs an entry in the session pallet's genesis keys.
        pub authors: Vec<T::AccountId>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            let Ok(authors) = BoundedVec::try_from(self.authors.clone()) else {
                panic!(
                    "authors.authors names more than {} accounts",
                    T::MaxAuthors::get()
                );
            };
            Authors::<T>::put(authors);
        }
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Root chose these authors. They are in force two blocks later.
        AuthorsChosen {
            /// All of them.
            authors: Vec<T::AccountId>,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The list is empty: nobody could make the next block.
        NoAuthors,
        /// The list names an account twice.
        DuplicateAuthor,
        /// The list names an account that has not called `Session::set_keys`.
        NoSessionKeys,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::MaxAuthors::get() > 0, "somebody has to make blocks");
            assert!(!T::SessionLength::get().is_zero(), "a session has to last");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Chooses who makes blocks. Root only; in force two blocks later.
        ///
        /// Naming the present authors again is allowed, and takes over session keys that they have
        /// set since.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::set_authors(authors.len() as u32))]
        pub fn set_authors(
            origin: OriginFor<T>,
            authors: BoundedVec<T::AccountId, T::MaxAuthors>,
        ) -> DispatchResult {
            T::RootOrigin::ensure_origin(origin)?;
            Self::check(&authors)?;
            Authors::<T>::put(&authors);
            Progress::<T>::put(Change::Chosen);
            Self::deposit_event(Event::AuthorsChosen {
                authors: authors.into_inner(),
            });
            Ok(())
        }
    }

    impl<T: Config> Pallet<T> {
        fn check(authors: &[T::AccountId]) -> Result<(), Error<T>> {
            ensure!(!authors.is_empty(), Error::<T>::NoAuthors);
            let distinct: BTreeSet<_> = authors.iter().collect();
            ensure!(distinct.len() == authors.len(), Error::<T>::DuplicateAuthor);
            ensure!(
                authors.iter().all(T::HasSessionKeys::contains),
                Error::<T>::NoSessionKeys
            );
            Ok(())
        }

        /// What always holds:
        /// - nobody is named twice;
        /// - a list that is on its way is not empty.
        ///
        /// In native builds always, so that tests of a whole runtime can ask, too.
        #[cfg(any(feature = "std", feature = "try-runtime"))]
        pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
            let authors = Authors::<T>::get();
            let distinct: BTreeSet<_> = authors.iter().collect();
            ensure!(distinct.len() == authors.len(), "an author is named twice");
            ensure!(
                Progress::<T>::get() == Change::Settled || !authors.is_empty(),
                "an empty list of authors is on its way"
            );
            Ok(())
        }
    }
}

impl<T: Config> ShouldEndSession<BlockNumberFor<T>> for Pallet<T> {
    fn should_end_session(now: BlockNumberFor<T>) -> bool {
        Progress::<T>::get() != Change::Settled || (now % T::SessionLength::get()).is_zero()
    }
}

impl<T: Config> SessionManager<T::AccountId> for Pallet<T> {
    /// Called whenever a session ends, to learn who follows after the next one. `None` means that
    /// the authors stay, though their keys may have changed.
    fn new_session(_: u32) -> Option<Vec<T::AccountId>> {
        match Progress::<T>::get() {
            Change::Settled => None,
            Change::Chosen => {
                Progress::<T>::put(Change::Queued);
                Some(Authors::<T>::get().into_inner())
            }
            Change::Queued => {
                Progress::<T>::put(Change::Settled);
                None
            }
        }
    }

    fn new_session_genesis(_: u32) -> Option<Vec<T::AccountId>> {
        let authors = Authors::<T>::get();
        (!authors.is_empty()).then(|| authors.into_inner())
    }

    fn start_session(_: u32) {}

    fn end_session(_: u32) {}
}
