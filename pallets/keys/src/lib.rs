//! Keys that change: a hotkey at once, a coldkey after a wait in which no money leaves it.
//!
//! A *hotkey* that may be in wrong hands is exchanged by its coldkey in one call. The new one takes
//! its place in all subnets with everything that belongs to the place: uid, serial and so liability,
//! stake, take, weights, bonds, commits, announcements. The old key is spent for ever.
//!
//! A *coldkey* owns money, and whoever has it may be a thief. So a change is announced; from then on
//! the coldkey's account is frozen, whoever asks and by whatever call; the new coldkey takes over
//! after a delay, by its own signature; and until then the old one may dispute the change, which
//! leaves the decision to root:
//!
//! ```text
//!                      ColdkeyChangeDelay      ColdkeyChangeWindow
//! announce ──► Announced ───────────► take_over_coldkey ──────────► drop_coldkey_change
//!   (frozen)       │                    ▲   │ in steps               (thawed, forgotten)
//!                  │ dispute            │   ▼
//!                  ▼            uphold  │  all moved, thawed, swept
//!              Disputed ── root ────────┘
//!                           └── reject: thawed, forgotten
//! ```
//!
//! A dispute ends only by root's decision. Both who announced and who disputed hold the same key, so
//! time says nothing about which of them is the thief.
//!
//! What is frozen is the balance itself, beneath every call that could move it: directly, in a
//! batch, by proxy or scheduled long before. Not even a fee can be paid, but for that of the one
//! dispute ([`Pallet::may_dispute`]), so the key can sign nothing else. What stakes, earns or
//! unbonds comes back to the frozen balance and nowhere else.
//!
//! This pallet keeps nothing that moves: who does implements [`KeyHolder`]. It must never let a
//! change become half-done for good, or an account stay frozen without a change.

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod coldkeys;
mod hotkeys;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
// In native builds always, so that tests of a whole runtime can ask, too.
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
pub mod weights;

pub use assay_pallet_traits::KeyHolder;
pub use pallet::*;
pub use weights::WeightInfo;

/// Most things that one call of `take_over_coldkey` moves.
pub const MAX_MOVED: u32 = 50;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_pallet_traits::{HotkeyProof, Neurons};
    use assay_primitives::{Balance, BlockNumber, ColdkeyChange};
    use frame_support::{
        pallet_prelude::*,
        traits::{fungible, EnsureOrigin},
    };
    use frame_system::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs.
    #[pallet::config]
    pub trait Config:
        frame_system::Config<AccountId: AsRef<[u8; 32]>, Hash: Into<[u8; 32]>>
    {
        /// The money that prices are paid in and that freezes.
        type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
            + fungible::MutateFreeze<Self::AccountId, Id: From<FreezeReason>>;

        /// Root: decides disputes.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Who owns which hotkey.
        type Neurons: Neurons<Self::AccountId>;

        /// Who keeps something under a key, in the order in which it moves. What could make new
        /// things of an old coldkey, the registry, stands first.
        type Holders: KeyHolder<Self::AccountId>;

        /// What exchanging a hotkey burns: it takes storage for ever.
        #[pallet::constant]
        type HotkeySwapPrice: Get<Balance>;

        /// Blocks from one exchange of a hotkey to the next.
        #[pallet::constant]
        type HotkeySwapInterval: Get<BlockNumber>;

        /// Most blocks that a hotkey's proof may look ahead.
        #[pallet::constant]
        type MaxProofLifetime: Get<BlockNumber>;

        /// What announcing a change of coldkey burns.
        #[pallet::constant]
        type ColdkeyChangePrice: Get<Balance>;

        /// Blocks from the announcement to the first in which the new coldkey may take over.
        #[pallet::constant]
        type ColdkeyChangeDelay: Get<BlockNumber>;

        /// Blocks in which the new coldkey may take over.
        #[pallet::constant]
        type ColdkeyChangeWindow: Get<BlockNumber>;

        /// What calls cost, without what the holders do.
        type WeightInfo: WeightInfo;

        /// Puts neighbours' state in place for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_pallet_traits::BenchmarkHelper<Self::AccountId>;
    }

    /// Why an account is frozen.
    #[pallet::composite_enum]
    pub enum FreezeReason {
        /// Its coldkey is being changed.
        #[codec(index = 0)]
        ColdkeyChange,
    }

    /// When hotkeys took another's place: not again within [`Config::HotkeySwapInterval`].
    // Blake2, here and below: people choose accounts.
    #[pallet::storage]
    pub type SwappedAt<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, BlockNumber>;

    /// The changes of coldkeys that were announced and are not finished, by the old coldkey. Each
    /// account here is frozen, and no other.
    #[pallet::storage]
    pub type Changes<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, ColdkeyChange<T::AccountId>>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A hotkey took another's place in all subnets.
        HotkeySwapped {
            /// The owner of both.
            coldkey: T::AccountId,
            /// The hotkey that is spent.
            old: T::AccountId,
            /// The hotkey that took its place.
            new: T::AccountId,
            /// What was burned for it.
            price: Balance,
        },
        /// A coldkey will be changed, and is frozen.
        ColdkeyChangeAnnounced {
            /// The coldkey.
            old: T::AccountId,
            /// Who will own everything.
            new: T::AccountId,
            /// The first block in which the new coldkey may take over.
            ready_at: BlockNumber,
            /// The first block in which it may not any more.
            expires_at: BlockNumber,
            /// What was burned for it.
            price: Balance,
        },
        /// The old coldkey disputed its change: it stays frozen until root decides.
        ColdkeyChangeDisputed {
            /// The coldkey.
            old: T::AccountId,
        },
        /// Root decided that a disputed change goes on.
        ColdkeyChangeUpheld {
            /// The coldkey.
            old: T::AccountId,
            /// The first block in which the new coldkey may not take over any more.
            expires_at: BlockNumber,
        },
        /// Root decided that a change does not happen: the old coldkey is free again.
        ColdkeyChangeRejected {
            /// The coldkey.
            old: T::AccountId,
        },
        /// The new coldkey did not take over in time: the old one is free again.
        ColdkeyChangeDropped {
            /// The coldkey.
            old: T::AccountId,
        },
        /// Some of what belonged to a coldkey moved; more is left.
        ColdkeyMoving {
            /// The coldkey.
            old: T::AccountId,
            /// Who owns it now.
            new: T::AccountId,
            /// How many things moved.
            moved: u32,
        },
        /// The last of what belonged to a coldkey moved, and its money.
        ColdkeyChanged {
            /// The coldkey that owns nothing any more.
            old: T::AccountId,
            /// The one that owns everything.
            new: T::AccountId,
            /// The money that moved last.
            amount: Balance,
        },
    }

    /// Why a call was refused, and what to do about it.
    #[pallet::error]
    pub enum Error<T> {
        /// The hotkey has no owner: it was never registered, or it was exchanged.
        UnknownHotkey,
        /// Only the hotkey's owner may do this: sign with its coldkey.
        NotOwner,
        /// The new hotkey was registered before or exchanged for another: make a new key.
        HotkeyUsed,
        /// The hotkey took another's place less than `HotkeySwapInterval` blocks ago: wait.
        SwappedTooSoon,
        /// The coldkey can't pay the price and stay alive, or is frozen: top it up.
        InsufficientBalance,
        /// The new hotkey's proof has expired: sign a new one.
        ProofExpired,
        /// The new hotkey's proof counts for longer than `MaxProofLifetime` blocks: sign a shorter
        /// one.
        ProofTooLong,
        /// The new hotkey's signature does not fit this network, coldkey, old hotkey and expiry:
        /// sign exactly those with the new hotkey.
        ProofInvalid,
        /// Hotkeys sign answers, which takes an sr25519 or ed25519 key: make one of those.
        HotkeyKindUnsupported,
        /// A coldkey can't be changed for itself: name another one.
        SameColdkey,
        /// This coldkey is being changed already.
        AlreadyChanging,
        /// The new coldkey is being changed itself: name one that isn't.
        NewColdkeyChanging,
        /// No change of this coldkey was announced.
        NotChanging,
        /// The change is past the point where it could be disputed: root decided, or things move.
        TooLateToDispute,
        /// The change is not disputed: there is nothing to decide.
        NotDisputed,
        /// The change is disputed: root must decide first.
        Disputed,
        /// Only the new coldkey may take over: sign with that one.
        NotNewColdkey,
        /// The delay is not over: wait for the block that the announcement names.
        TooEarly,
        /// The new coldkey did not take over in time: announce the change again.
        Expired,
        /// The new coldkey may still take over: a change is dropped only after that.
        NotExpired,
        /// The new coldkey's account does not exist yet: send it at least the existential deposit.
        NewColdkeyDead,
        /// Nothing can be moved in steps of nothing: name a limit of at least 1.
        ZeroLimit,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::ColdkeyChangeWindow::get() > 0,
                "a new coldkey needs a block in which it may take over"
            );
            assert!(
                T::MaxProofLifetime::get() > 0,
                "a proof must outlive the block it is made in"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Exchanges a hotkey for a new one, in all subnets at once. By its coldkey.
        ///
        /// The new hotkey takes over uids with their serials, weights, bonds and commits, stake,
        /// takes, announcements and how a miner is paid; commits made under the old key are opened
        /// by the new one. The old hotkey can never be registered again. Burns `HotkeySwapPrice`.
        /// `proof` is the new hotkey's signature over `assay_primitives::SwapProofPayload`.
        #[pallet::call_index(0)]
        #[pallet::weight(
            T::WeightInfo::swap_hotkey().saturating_add(T::Holders::move_hotkey_weight())
        )]
        pub fn swap_hotkey(
            origin: OriginFor<T>,
            old: T::AccountId,
            new: T::AccountId,
            proof: HotkeyProof,
        ) -> DispatchResult {
            let coldkey = ensure_signed(origin)?;
            Self::do_swap_hotkey(coldkey, old, new, proof)
        }

        /// Announces that everything the caller owns will belong to another coldkey, and freezes
        /// the caller's account. Burns `ColdkeyChangePrice`.
        ///
        /// After `ColdkeyChangeDelay` blocks the new coldkey may take over, for
        /// `ColdkeyChangeWindow` blocks. There is no way back but a dispute: whoever could take it
        /// back, could take it back from the owner.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::announce_coldkey_change())]
        pub fn announce_coldkey_change(origin: OriginFor<T>, new: T::AccountId) -> DispatchResult {
            let old = ensure_signed(origin)?;
            Self::do_announce(old, new)
        }

        /// Disputes the announced change of the caller, until somebody takes over. Nothing moves
        /// any more until root has decided. The one call that a frozen coldkey can pay for.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::dispute_coldkey_change())]
        pub fn dispute_coldkey_change(origin: OriginFor<T>) -> DispatchResult {
            let old = ensure_signed(origin)?;
            Self::do_dispute(old)
        }

        /// Decides a dispute. By root. An upheld change can be finished at once and not be disputed
        /// again; a rejected one is forgotten and the old coldkey free.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::decide_coldkey_change())]
        pub fn decide_coldkey_change(
            origin: OriginFor<T>,
            old: T::AccountId,
            uphold: bool,
        ) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_decide(old, uphold)
        }

        /// Moves up to `limit` things of the old coldkey to the caller, who must be the new one.
        /// To be called until nothing is left: with the last of them the old coldkey's money moves
        /// and its account is free.
        ///
        /// Things are subnets with their locks, offers of subnets, hotkeys, stake positions with what
        /// unbonds in them, what is on its way out of dissolved subnets, and a credit. At most
        /// `MAX_MOVED` move at once.
        #[pallet::call_index(4)]
        #[pallet::weight(Pallet::<T>::take_over_weight((*limit).min(MAX_MOVED)))]
        pub fn take_over_coldkey(
            origin: OriginFor<T>,
            old: T::AccountId,
            limit: u32,
        ) -> DispatchResultWithPostInfo {
            let new = ensure_signed(origin)?;
            Self::do_take_over(old, new, limit)
        }

        /// Drops a change whose new coldkey did not take over in time, and frees the old coldkey.
        /// By anybody.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::drop_coldkey_change())]
        pub fn drop_coldkey_change(origin: OriginFor<T>, old: T::AccountId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_drop(old)
        }
    }
}
