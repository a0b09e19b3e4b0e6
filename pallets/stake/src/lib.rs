//! Stake on a hotkey in a subnet, by anyone, kept in share pools.
//!
//! A validator's vote and its earnings follow what stands behind it. Everybody's part of that is a
//! number of shares, so a dividend or a slash changes one pool, however many stakers it has. Each
//! hotkey has two pools in each subnet: its owner's *own* bond and what others *delegated* to it.
//!
//! ```text
//!             add_stake            payout             remove_stake          withdraw
//! coldkey ──────────────▶ entering ──────▶ active ──────────────▶ unbonding ────────▶ coldkey
//!                          (waits)     (votes, earns)    (waits for UnbondingEras)
//!                             └───────────────────────────────────▲        │ complete_move
//! coldkey ─ move_stake ──────────────────────────────────────────┘        ▼
//!                                                            entering, elsewhere
//! ```
//!
//! What is added waits in the *entering* pool until the subnet's next payout and then enters at the
//! price after it, so nobody hops from epoch to epoch. The entering pools are converted when their
//! hotkey is next touched: its price changes in no other way, so that is the same as at once. What
//! is removed, or moves to another place, waits in one *unbonding* pool per era, within reach of
//! [`Slash`].
//!
//! When a subnet is dissolved, every position in it goes into unbonding at once, and from under the
//! netuid to where a later generation can't meet it; its staker takes it from there with
//! `withdraw_dissolved`, after the same time and within reach of the same slash.
//!
//! All staked money lies in one account ([`Pallet::holding_account`]), which never dies: genesis
//! gives it the existential deposit. Money that somebody sends there belongs to nobody and changes
//! no price, because the pools count only what came through this pallet.
//!
//! Pools and positions hang on a [`PoolId`] that never changes, and one record says which hotkey a
//! pool stands under: a key swap moves that record, not every position.
//!
//! This pallet must never mint, pay one staker from another's part, or round in its caller's
//! favour.
//!
//! [`Slash`]: assay_pallet_traits::Slash

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod calls;
mod conversion;
mod departed;
mod errors;
mod events;
mod keys;
mod moves;
mod opened;
mod pool;
mod position;
mod stakes_impls;
mod teardown;
mod types;
mod views;
pub mod weights;

// In native builds always, so that tests of a whole runtime can ask, too.
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use departed::{DepartedPool, Departure, SubnetGeneration};
pub use pallet::*;
pub use pool::{SharePool, Shares, LEAST_SHARES, MAX_SHARES_PER_UNIT, SHARES_PER_UNIT};
pub use types::{
    Chunk, Conversion, Destination, Era, Holding, PayoutIndex, PoolId, Pools, Position, Series,
    Side, SidePools, SubnetStake, Take, TakeRaise, Unbonding,
};
pub use weights::WeightInfo;

use frame_support::pallet_macros::import_section;

#[import_section(errors::errors)]
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_pallet_traits::{Neurons, Subnets};
    use assay_primitives::{Balance, BlockNumber, Generation, NetUid, Ratio16};
    use frame_support::{
        pallet_prelude::*,
        traits::{
            fungible::{Inspect, Mutate},
            StorageVersion,
        },
        PalletId,
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

        /// The registry of subnets: one can only stake in a subnet that exists.
        type Subnets: Subnets<Self::AccountId>;

        /// The neurons: one can only stake on a hotkey that has an owner.
        type Neurons: Neurons<Self::AccountId>;

        /// Names the account that holds all staked money.
        #[pallet::constant]
        type PalletId: Get<PalletId>;

        /// The least that a position may be worth after it was added to or partly removed. At
        /// least the existential deposit.
        #[pallet::constant]
        type MinPosition: Get<Balance>;

        /// Blocks in an era of unbonding.
        #[pallet::constant]
        type EraLength: Get<BlockNumber>;

        /// Whole eras that removed stake waits, on top of the rest of the era it was removed in.
        #[pallet::constant]
        type UnbondingEras: Get<u32>;

        /// Places for subnets: those of the registry.
        #[pallet::constant]
        type MaxSubnets: Get<u32>;

        /// Most moves to other places that may wait in one position.
        #[pallet::constant]
        type MaxMoves: Get<u32>;

        /// Room for unbonding entries in a position: [`Config::MaxMoves`] and one more than
        /// [`Config::UnbondingEras`].
        #[pallet::constant]
        type MaxUnbondingChunks: Get<u32>;

        /// The take of a validator that never set one.
        #[pallet::constant]
        type DefaultTake: Get<Ratio16>;

        /// The largest take.
        #[pallet::constant]
        type MaxTake: Get<Ratio16>;

        /// The most by which one change may raise a take.
        #[pallet::constant]
        type MaxTakeRaise: Get<Ratio16>;

        /// Blocks from announcing a higher take to its coming into force.
        #[pallet::constant]
        type TakeRaiseDelay: Get<BlockNumber>;

        /// Weights of the calls and of what other pallets call.
        type WeightInfo: WeightInfo;

        /// Puts neighbours' state in place for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_pallet_traits::BenchmarkHelper<Self::AccountId>;
    }

    /// The number of the last pool or series that was started. Both draw from it, so neither is
    /// ever used twice, in no generation of no subnet, and shares of a pool that is gone can't be
    /// taken for shares of another.
    #[pallet::storage]
    pub type LastId<T> = StorageValue<_, u64, ValueQuery>;

    /// A subnet's stake in total and the count of its payouts.
    // Twox64: the registry hands out netuids, callers can't choose colliding ones.
    #[pallet::storage]
    pub type SubnetStakes<T> = StorageMap<_, Twox64Concat, NetUid, SubnetStake, ValueQuery>;

    /// A hotkey's pools in a subnet: the one record that a dividend, a vote or a slash reads.
    // Blake2 for hotkeys: callers choose them.
    #[pallet::storage]
    pub type PoolsOf<T: Config> =
        StorageDoubleMap<_, Twox64Concat, NetUid, Blake2_128Concat, T::AccountId, Pools>;

    /// The hotkey that a pool stands under.
    // Twox64 for pool ids: they are counted, not chosen. The same below for eras and series.
    #[pallet::storage]
    pub type PoolHotkeys<T: Config> =
        StorageDoubleMap<_, Twox64Concat, NetUid, Twox64Concat, PoolId, T::AccountId>;

    /// A staker's part of a hotkey's pools.
    #[pallet::storage]
    pub type Positions<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, NetUid>,
            NMapKey<Twox64Concat, PoolId>,
            NMapKey<Blake2_128Concat, T::AccountId>,
        ),
        Position<T::AccountId, T::MaxUnbondingChunks>,
    >;

    /// Where a coldkey has positions. As long as the positions, which [`Config::MinPosition`] pays
    /// for. The one item that does not start with the netuid: it is read by coldkey, and an entry
    /// goes with its position.
    #[pallet::storage]
    pub type PositionsOf<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, (NetUid, PoolId), ()>;

    /// What the shares of an entering pool became when it entered, until every staker took its
    /// part. The series is that of the entering shares.
    #[pallet::storage]
    pub type Conversions<T> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, NetUid>,
            NMapKey<Twox64Concat, PoolId>,
            NMapKey<Twox64Concat, Series>,
        ),
        Conversion,
    >;

    /// Stake on its way out, by the era in which it was removed.
    #[pallet::storage]
    pub type UnbondingOf<T> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, NetUid>,
            NMapKey<Twox64Concat, PoolId>,
            NMapKey<Twox64Concat, Era>,
        ),
        Unbonding,
    >;

    /// The takes that validators set. They outlive the stake.
    #[pallet::storage]
    pub type Takes<T: Config> =
        StorageDoubleMap<_, Twox64Concat, NetUid, Blake2_128Concat, T::AccountId, Take>;

    /// What a coldkey has on its way out of a subnet that was dissolved.
    #[pallet::storage]
    pub type Departures<T: Config> = StorageDoubleMap<
        _,
        Blake2_128Concat,
        T::AccountId,
        Twox64Concat,
        PoolId,
        Departure<T::AccountId, T::MaxUnbondingChunks>,
    >;

    /// Where the pools of dissolved subnets stood of which something is still on its way out.
    #[pallet::storage]
    pub type DepartedPools<T: Config> =
        StorageMap<_, Twox64Concat, PoolId, DepartedPool<T::AccountId>>;

    /// The same by hotkey: the inverse of [`DepartedPools`].
    #[pallet::storage]
    pub type DepartedPoolOf<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, SubnetGeneration, PoolId>;

    /// [`UnbondingOf`] of subnets that were dissolved.
    #[pallet::storage]
    pub type DepartedUnbonding<T> =
        StorageDoubleMap<_, Twox64Concat, PoolId, Twox64Concat, Era, Unbonding>;

    /// Nothing to set: genesis gives the holding account its existential deposit. This pallet must
    /// stand after the one that keeps balances and before the one that counts what is issued.
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
            let holding = Pallet::<T>::holding_account();
            let missing =
                T::Currency::minimum_balance().saturating_sub(T::Currency::total_balance(&holding));
            if missing > 0 {
                T::Currency::mint_into(&holding, missing)
                    .expect("genesis can mint the existential deposit; qed");
            }
        }
    }

    #[pallet::call(weight(<T as Config>::WeightInfo))]
    impl<T: Config> Pallet<T> {
        /// Stakes `amount` on a hotkey in a subnet.
        ///
        /// It votes and earns from the subnet's next payout on. The hotkey's owner adds to its own
        /// bond, everybody else delegates. The position must be worth at least `MinPosition`
        /// afterwards, and the coldkey keeps its existential deposit.
        #[pallet::call_index(0)]
        pub fn add_stake(
            origin: OriginFor<T>,
            netuid: NetUid,
            hotkey: T::AccountId,
            amount: Balance,
        ) -> DispatchResult {
            let coldkey = ensure_signed(origin)?;
            Self::do_add_stake(coldkey, netuid, hotkey, amount)
        }

        /// Removes `amount` from a position, or all of it where no amount is named.
        ///
        /// It stops voting and earning at once and can be withdrawn after `UnbondingEras` whole
        /// eras; until then it can still be slashed. What is still entering goes first. What is
        /// left must be worth at least `MinPosition`. Works for a hotkey or a subnet that is gone,
        /// too. What was removed earlier and is ready is withdrawn along with it.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::remove_stake(T::MaxUnbondingChunks::get()))]
        pub fn remove_stake(
            origin: OriginFor<T>,
            netuid: NetUid,
            hotkey: T::AccountId,
            amount: Option<Balance>,
        ) -> DispatchResult {
            let coldkey = ensure_signed(origin)?;
            Self::do_remove_stake(coldkey, netuid, hotkey, amount)
        }

        /// Withdraws what was removed from a position and has waited long enough.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::withdraw(T::MaxUnbondingChunks::get()))]
        pub fn withdraw(
            origin: OriginFor<T>,
            netuid: NetUid,
            hotkey: T::AccountId,
        ) -> DispatchResult {
            let coldkey = ensure_signed(origin)?;
            Self::do_withdraw(coldkey, netuid, hotkey)
        }

        /// Sets the part of its dividends that a validator keeps before its stakers share the rest.
        ///
        /// By the hotkey's owner. A lower take holds at once, a higher one after `TakeRaiseDelay`
        /// blocks, and it may be higher by at most `MaxTakeRaise` than the present one. A new
        /// announcement replaces one that is still waiting.
        #[pallet::call_index(3)]
        pub fn set_take(
            origin: OriginFor<T>,
            netuid: NetUid,
            hotkey: T::AccountId,
            take: Ratio16,
        ) -> DispatchResult {
            let coldkey = ensure_signed(origin)?;
            Self::do_set_take(coldkey, netuid, hotkey, take)
        }

        /// Moves `amount` of a position, or all of it, to another hotkey or another subnet.
        ///
        /// It stops voting and earning at once, waits like stake that is removed, and can be
        /// slashed for where it stood until then. After that `complete_move` lets it enter where it
        /// goes; if that is gone by then, its coldkey gets it back. It must be worth at least
        /// `MinPosition`, and so must what is left, if anything is.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::move_stake(T::MaxUnbondingChunks::get()))]
        pub fn move_stake(
            origin: OriginFor<T>,
            netuid: NetUid,
            hotkey: T::AccountId,
            to_netuid: NetUid,
            to_hotkey: T::AccountId,
            amount: Option<Balance>,
        ) -> DispatchResult {
            let coldkey = ensure_signed(origin)?;
            Self::do_move_stake(coldkey, netuid, hotkey, to_netuid, to_hotkey, amount)
        }

        /// Lets arrive what a coldkey moves from a hotkey and has waited long enough. By anybody:
        /// whoever gains a staker has reason to.
        #[pallet::call_index(5)]
        #[pallet::weight(
            T::WeightInfo::withdraw(T::MaxUnbondingChunks::get())
                .saturating_add(T::WeightInfo::arrive().saturating_mul(T::MaxMoves::get().into()))
        )]
        pub fn complete_move(
            origin: OriginFor<T>,
            coldkey: T::AccountId,
            netuid: NetUid,
            hotkey: T::AccountId,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_complete_move(coldkey, netuid, hotkey)
        }

        /// Withdraws what has waited long enough of stake in a subnet that was dissolved: the
        /// `generation` of it in which the stake stood on the hotkey.
        #[pallet::call_index(20)]
        #[pallet::weight(T::WeightInfo::withdraw_dissolved(T::MaxUnbondingChunks::get()))]
        pub fn withdraw_dissolved(
            origin: OriginFor<T>,
            netuid: NetUid,
            generation: Generation,
            hotkey: T::AccountId,
        ) -> DispatchResult {
            let coldkey = ensure_signed(origin)?;
            Self::do_withdraw_dissolved(coldkey, SubnetGeneration { netuid, generation }, hotkey)
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::MinPosition::get() >= T::Currency::minimum_balance(),
                "MinPosition must be at least the existential deposit"
            );
            assert!(
                T::EraLength::get() > 0,
                "EraLength must be at least one block"
            );
            assert!(
                T::MaxUnbondingChunks::get() > T::UnbondingEras::get() + T::MaxMoves::get(),
                "MaxUnbondingChunks must exceed UnbondingEras and MaxMoves together: removals of \
                 the present era and of each era that still waits, and all moves, must fit"
            );
            assert!(
                T::DefaultTake::get() <= T::MaxTake::get(),
                "DefaultTake must not exceed MaxTake"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_block: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }
}
