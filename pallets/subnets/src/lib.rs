//! The registry of subnets and of the neurons in them.
//!
//! A *subnet* is a number, a machine-learning task and settings. Whoever registers one pays a price
//! that doubles each time and decays over days. A *neuron* is a place (uid) in a subnet held by a
//! hotkey. Whoever registers one pays a price that rises by 26 % each time and halves within the
//! hour, and shows the hotkey's signature, so that nobody makes a key liable that isn't theirs.
//! When a subnet is full, the neuron that stands worst gives way; newcomers are immune for a while.
//!
//! ```text
//! register_subnet ─► Subnets, Tasks, HyperparametersOf ── SubnetHooks ──► epoch schedules
//!     all places taken ─► Dissolving ── Teardown, over blocks ──► everybody lets go; next generation
//! update_task ─► UpcomingTasks ── begin_epoch, two tempos and the reveal window later ─► Tasks
//! patch_hyperparameters ─► PendingHyperparameters ── begin_epoch (by epoch) ─► HyperparametersOf
//! register ─► Neurons, Uids, Hotkeys ── NeuronHooks ──► weights and epoch clear the uid
//! announce, announce_model ─► Endpoints, Models
//! ```
//!
//! The number of a subnet is reused after it is dissolved and a uid after its neuron was pruned, so
//! a subnet carries a *generation* and a neuron a *serial* that are never used twice.
//!
//! This pallet must never mint, never keep something of a uid's former holder, and never change a
//! setting between two epochs.

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod calls;
mod dissolution;
mod errors;
mod events;
mod genesis;
mod hooks;
mod keys;
mod price;
mod pruning;
mod queries;
mod trait_impls;
// In native builds always, so that tests of a whole runtime can ask, too.
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use assay_pallet_traits::HotkeyProof as RegistrationProof;
pub use dissolution::{Dissolution, WaitingSubnet};
pub use genesis::Parameters;
pub use pallet::*;
pub use price::{Price, PriceCurve};
pub use pruning::{Candidate, Tenure};
pub use types::{HotkeyInfo, Neuron, Subnet, Succession};
pub use weights::WeightInfo;

use frame_support::pallet_macros::import_section;

/// Settings that one `patch_hyperparameters` may change: all there are.
pub const MAX_CHANGES: u32 = 17;

#[import_section(errors::errors)]
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::boxed::Box;
    use assay_pallet_traits::{
        AdmissionPolicy, ColdkeyChanges, Epochs, NeuronHooks, StakeAverages, Standings,
        SubnetHooks, Teardown,
    };
    use assay_primitives::{
        Announced, AnnouncedTask, Balance, BlockNumber, Endpoint, EpochIndex, Generation,
        Hyperparameter, Hyperparameters, ModelAnnouncement, NetUid, Serial, TaskSpec, TaskVersion,
        Uid, MAX_NEURONS,
    };
    use frame_support::{
        pallet_prelude::*,
        traits::{fungible, EnsureOrigin},
    };
    use frame_system::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config:
        frame_system::Config<AccountId: AsRef<[u8; 32]>, Hash: Into<[u8; 32]>>
    {
        /// The money that prices are paid in.
        type Currency: fungible::Mutate<Self::AccountId>
            + fungible::hold::Mutate<Self::AccountId, Balance = Balance, Reason: From<HoldReason>>;

        /// Root: may change every setting and admits subnets.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Whether a new subnet's miners are paid from the start. The pallet itself answers from
        /// genesis.
        type AdmissionPolicy: AdmissionPolicy;

        /// When epochs ran: a neuron that none has judged is not pruned.
        type Epochs: Epochs;

        /// How neurons stand when one must give way.
        type Standings: Standings;

        /// Who hears of new subnets.
        type SubnetHooks: SubnetHooks;

        /// How much stake stands on subnets over time: who gives way when all places are taken.
        type StakeAverages: StakeAverages;

        /// Who lets go of what is kept for a subnet when it ends.
        type Teardown: Teardown;

        /// Which owners are being changed: none of them can give a subnet away.
        type ColdkeyChanges: ColdkeyChanges<Self::AccountId>;

        /// What dissolving subnets may take of one block.
        #[pallet::constant]
        type DissolutionBudget: Get<Weight>;

        /// Who hears of new and replaced neurons.
        type NeuronHooks: NeuronHooks<Self::AccountId>;

        /// The tempo of a new subnet, and the shortest that an owner may choose.
        type DefaultTempo: Get<BlockNumber>;

        /// The most places for subnets that a network may have.
        #[pallet::constant]
        type MaxSubnets: Get<u32>;

        /// Blocks in which the price of a subnet halves.
        #[pallet::constant]
        type SubnetPriceHalfLife: Get<BlockNumber>;

        /// Blocks in which the price of a neuron halves.
        #[pallet::constant]
        type RegistrationPriceHalfLife: Get<BlockNumber>;

        /// Most blocks that a hotkey's proof may look ahead: a stolen one is soon worth nothing.
        #[pallet::constant]
        type MaxProofLifetime: Get<BlockNumber>;

        /// What calls cost.
        type WeightInfo: WeightInfo;

        /// Puts neighbours' state in place for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_pallet_traits::BenchmarkHelper<Self::AccountId>;
    }

    /// Why money of an account is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The floor of a subnet's price, for as long as the subnet is registered.
        #[codec(index = 0)]
        SubnetLock,
    }

    /// What differs between networks: set at genesis, read by every registration.
    #[pallet::storage]
    pub type NetworkParameters<T> = StorageValue<_, Parameters, ValueQuery>;

    /// Every registered number, ascending: one read where iterating would take one per subnet.
    #[pallet::storage]
    pub type Netuids<T: Config> =
        StorageValue<_, BoundedVec<NetUid, <T as Config>::MaxSubnets>, ValueQuery>;

    /// The registered subnets. Numbers are given out by us, so nobody can choose keys that lie
    /// together in the trie: a fast hash is enough, here and wherever a `NetUid` or `Uid` is a key.
    #[pallet::storage]
    pub type Subnets<T: Config> = StorageMap<_, Twox64Concat, NetUid, Subnet<T::AccountId>>;

    /// The last generation registered under a number. Outlives the subnet, so that the next one
    /// under its number inherits nothing.
    #[pallet::storage]
    pub type Generations<T> = StorageMap<_, Twox64Concat, NetUid, Generation>;

    /// What each subnet asks its miners to do; its version stands in [`Subnets`].
    #[pallet::storage]
    pub type Tasks<T> = StorageMap<_, Twox64Concat, NetUid, TaskSpec>;

    /// The tasks that were announced, until they are in force.
    #[pallet::storage]
    pub type UpcomingTasks<T> = StorageMap<_, Twox64Concat, NetUid, AnnouncedTask>;

    /// The accounts that subnets were offered to.
    #[pallet::storage]
    pub type SubnetOffers<T: Config> = StorageMap<_, Twox64Concat, NetUid, T::AccountId>;

    /// Subnets that have ended and of which something is still stored, in the order in which they
    /// are dissolved.
    #[pallet::storage]
    pub type Dissolving<T: Config> =
        StorageValue<_, BoundedVec<Dissolution, <T as Config>::MaxSubnets>, ValueQuery>;

    /// Subnets that are paid for and wait for the number of one that is being dissolved.
    #[pallet::storage]
    pub type WaitingSubnets<T: Config> =
        StorageMap<_, Twox64Concat, NetUid, WaitingSubnet<T::AccountId>>;

    /// The settings in force.
    #[pallet::storage]
    pub type HyperparametersOf<T> = StorageMap<_, Twox64Concat, NetUid, Hyperparameters>;

    /// The settings from the next epoch on, where they differ.
    #[pallet::storage]
    pub type PendingHyperparameters<T> = StorageMap<_, Twox64Concat, NetUid, Hyperparameters>;

    /// The price of a subnet as the last registration left it. None yet: the floor.
    #[pallet::storage]
    pub type SubnetPrice<T> = StorageValue<_, Price>;

    /// The price of a neuron as the subnet's last registration left it. None yet: the floor.
    #[pallet::storage]
    pub type RegistrationPrices<T> = StorageMap<_, Twox64Concat, NetUid, Price>;

    /// How many neurons a subnet has; their uids are dense from 0.
    #[pallet::storage]
    pub type NeuronCount<T> = StorageMap<_, Twox64Concat, NetUid, u16, ValueQuery>;

    /// The neurons.
    #[pallet::storage]
    pub type Neurons<T: Config> =
        StorageDoubleMap<_, Twox64Concat, NetUid, Twox64Concat, Uid, Neuron<T::AccountId>>;

    /// Where a hotkey sits: the inverse of [`Neurons`]. Accounts are chosen by people, hence the
    /// cryptographic hash, here and wherever one is a key.
    #[pallet::storage]
    pub type Uids<T: Config> =
        StorageDoubleMap<_, Twox64Concat, NetUid, Blake2_128Concat, T::AccountId, Uid>;

    /// Every hotkey that was ever registered, with its owner. Stays after the last of its neurons
    /// was pruned, since stake behind it is still its stakers' own.
    #[pallet::storage]
    pub type Hotkeys<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, HotkeyInfo<T::AccountId>>;

    /// The hotkeys of each owner: the inverse of [`Hotkeys`].
    #[pallet::storage]
    pub type OwnedHotkeys<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, T::AccountId, ()>;

    /// Hotkeys that were exchanged for others. Kept for ever: such a key may be in wrong hands, so
    /// nobody can register it again, and what it signed leads to who is liable for it. Paid for by
    /// the price of a swap.
    #[pallet::storage]
    pub type Successors<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Succession<T::AccountId>>;

    /// The serial of the next neuron, over all subnets.
    #[pallet::storage]
    pub type NextSerial<T> = StorageValue<_, Serial, ValueQuery>;

    /// Where neurons say they listen.
    #[pallet::storage]
    pub type Endpoints<T> =
        StorageDoubleMap<_, Twox64Concat, NetUid, Twox64Concat, Uid, Announced<Endpoint>>;

    /// The models that neurons say they serve.
    #[pallet::storage]
    pub type Models<T> =
        StorageDoubleMap<_, Twox64Concat, NetUid, Twox64Concat, Uid, Announced<ModelAnnouncement>>;

    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// What differs between networks.
        pub parameters: Parameters,
        #[doc(hidden)]
        #[serde(skip)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            if let Err(wrong) = self.parameters.check() {
                panic!("subnets.parameters in genesis: {wrong}");
            }
            NetworkParameters::<T>::put(self.parameters);
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            Self::dissolve_some()
        }

        fn integrity_test() {
            Self::check_constants();
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Registers a subnet under the lowest free number and says what its miners must do.
        ///
        /// The caller becomes its owner and pays [`Pallet::subnet_price`], if that is not above
        /// `max_price`: the price's floor is held for as long as the subnet is registered, the rest
        /// burns. The price then doubles, and halves every `SubnetPriceHalfLife` blocks.
        ///
        /// When all places are taken, the subnet that [`Pallet::next_to_dissolve`] names ends, and
        /// the new one is registered under its number, without another call, as soon as nothing is
        /// stored for the old one any more.
        #[pallet::call_index(0)]
        #[pallet::weight(
            T::WeightInfo::register_subnet()
                .saturating_add(T::SubnetHooks::on_subnet_registered_weight())
                .saturating_add(Pallet::<T>::begin_dissolution_weight())
        )]
        pub fn register_subnet(
            origin: OriginFor<T>,
            task: Box<TaskSpec>,
            #[pallet::compact] max_price: Balance,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_register_subnet(owner, task, max_price)
        }

        /// Changes settings of a subnet, from its next epoch on. A later patch adds to an earlier
        /// one that still waits.
        ///
        /// By the subnet's owner, who may change only the owner's settings and not choose a tempo
        /// below the network's default, or by root.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::patch_hyperparameters())]
        pub fn patch_hyperparameters(
            origin: OriginFor<T>,
            netuid: NetUid,
            changes: BoundedVec<Hyperparameter, ConstU32<MAX_CHANGES>>,
        ) -> DispatchResult {
            Self::do_patch_hyperparameters(origin, netuid, changes)
        }

        /// Says whether a subnet's miners and owner are paid. By root.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::set_admitted())]
        pub fn set_admitted(
            origin: OriginFor<T>,
            netuid: NetUid,
            admitted: bool,
        ) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_set_admitted(netuid, admitted)
        }

        /// Registers a hotkey as neuron of a subnet. The caller is, or becomes, its owner.
        ///
        /// Burns [`Pallet::registration_price`], if that is not above `max_price`; the price then
        /// rises by 26 %, and halves every `RegistrationPriceHalfLife` blocks. `proof` is the
        /// hotkey's signature over `assay_primitives::RegistrationProofPayload`.
        ///
        /// In a full subnet the neuron that [`Pallet::next_to_prune`] names gives way. Declared is
        /// the cost of looking through the largest subnet; what was not needed is given back, also
        /// when the call fails.
        #[pallet::call_index(3)]
        #[pallet::weight(
            T::WeightInfo::register_full(u32::from(MAX_NEURONS))
                .saturating_add(T::NeuronHooks::on_neuron_weight())
        )]
        pub fn register(
            origin: OriginFor<T>,
            netuid: NetUid,
            hotkey: T::AccountId,
            #[pallet::compact] max_price: Balance,
            proof: RegistrationProof,
        ) -> DispatchResultWithPostInfo {
            let coldkey = ensure_signed(origin)?;
            Self::do_register(coldkey, netuid, hotkey, max_price, proof)
        }

        /// Says where a neuron listens. By its hotkey, or by the coldkey for it: the hotkey needs
        /// no balance, so somebody else must be able to pay the fee.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::announce())]
        pub fn announce(
            origin: OriginFor<T>,
            netuid: NetUid,
            hotkey: T::AccountId,
            endpoint: Endpoint,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_announce(who, netuid, hotkey, endpoint)
        }

        /// Says which model a neuron serves. By its hotkey, or by the coldkey for it.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::announce_model())]
        pub fn announce_model(
            origin: OriginFor<T>,
            netuid: NetUid,
            hotkey: T::AccountId,
            model: ModelAnnouncement,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_announce_model(who, netuid, hotkey, model)
        }

        /// Announces another task for a subnet. By its owner or root.
        ///
        /// It is in force from the epoch that `TaskAnnounced` names: after the open one, two whole
        /// epochs and the reveal window pass. Weights committed until then are for the old task and
        /// can be revealed in their windows whatever is in force. A new announcement replaces one
        /// that still waits, and waits as long.
        #[pallet::call_index(20)]
        #[pallet::weight(T::WeightInfo::update_task())]
        pub fn update_task(
            origin: OriginFor<T>,
            netuid: NetUid,
            task: Box<TaskSpec>,
        ) -> DispatchResult {
            Self::do_update_task(origin, netuid, task)
        }

        /// Offers a subnet to an account, or withdraws the offer. By its owner.
        #[pallet::call_index(21)]
        #[pallet::weight(T::WeightInfo::offer_subnet())]
        pub fn offer_subnet(
            origin: OriginFor<T>,
            netuid: NetUid,
            to: Option<T::AccountId>,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_offer_subnet(owner, netuid, to)
        }

        /// Takes over a subnet that was offered to the caller, who locks for it what its old owner
        /// gets back.
        #[pallet::call_index(22)]
        #[pallet::weight(T::WeightInfo::accept_subnet())]
        pub fn accept_subnet(origin: OriginFor<T>, netuid: NetUid) -> DispatchResult {
            let new_owner = ensure_signed(origin)?;
            Self::do_accept_subnet(new_owner, netuid)
        }

        /// Ends a subnet whatever its stake. By root.
        ///
        /// Its owner gets the lock back and all stake on it goes into unbonding. The next
        /// `register_subnet` that finds all places taken gets its number.
        #[pallet::call_index(23)]
        #[pallet::weight(Pallet::<T>::begin_dissolution_weight())]
        pub fn dissolve_subnet(origin: OriginFor<T>, netuid: NetUid) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::begin_dissolution(netuid)
        }
    }
}
