//! What happened in the registry.
//!
//! A section of the pallet's module: `lib.rs` imports it whole, so names are those of that module.

use frame_support::pallet_macros::pallet_section;

#[pallet_section]
mod events {
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    // Fields that their own names explain go without a comment.
    #[allow(missing_docs)]
    pub enum Event<T: Config> {
        /// A subnet was registered. Of `price`, `lock` is held and the rest was burned; both already
        /// when `RegistrationWaiting` said so, if it `waited`.
        SubnetRegistered {
            netuid: NetUid,
            generation: Generation,
            owner: T::AccountId,
            /// What it cost.
            price: Balance,
            /// The part of the price that stays the owner's, on hold.
            lock: Balance,
            /// Whether it was paid for earlier and waited for its number.
            waited: bool,
            /// Whether its miners are paid.
            admitted: bool,
            hyperparameters: Hyperparameters,
            /// What it asks its miners to do.
            task: Box<TaskSpec>,
        },
        /// A subnet was paid for and is registered as soon as its number is free. Of `price`, `lock`
        /// is held and the rest was burned.
        RegistrationWaiting {
            netuid: NetUid,
            /// The generation that it will be.
            generation: Generation,
            owner: T::AccountId,
            /// What it cost.
            price: Balance,
            /// The part of the price that stays the owner's, on hold.
            lock: Balance,
        },
        /// A subnet has ended. What is stored for it goes in the next blocks, all stake on it into
        /// unbonding; until then its number is not free.
        SubnetDissolving {
            netuid: NetUid,
            /// The generation that ended.
            generation: Generation,
            owner: T::AccountId,
            /// What was given back to the owner.
            lock: Balance,
            /// The moving average of its stake: the least of all past their immunity, if it gave
            /// way for another.
            average_stake: Balance,
        },
        /// Nothing is stored for a subnet any more.
        SubnetDissolved {
            netuid: NetUid,
            /// The generation that ended.
            generation: Generation,
        },
        /// A neuron went with its subnet.
        NeuronRemoved {
            netuid: NetUid,
            uid: Uid,
            hotkey: T::AccountId,
            /// The serial that ended.
            serial: Serial,
        },
        /// A subnet will have another task from an epoch on.
        TaskAnnounced {
            netuid: NetUid,
            /// The version that it will have.
            version: TaskVersion,
            /// The first epoch in which it is in force.
            from_epoch: EpochIndex,
            /// The task, which names every artifact by its digest.
            task: Box<TaskSpec>,
        },
        /// The task that was announced is in force.
        TaskUpdated {
            netuid: NetUid,
            version: TaskVersion,
        },
        /// A subnet's owner offered it to somebody, or to nobody any more.
        SubnetOffered {
            netuid: NetUid,
            to: Option<T::AccountId>,
        },
        /// A subnet has another owner, who locked for it what the old one got back.
        SubnetTransferred {
            netuid: NetUid,
            from: T::AccountId,
            to: T::AccountId,
        },
        /// Settings of a subnet will change when its open epoch ends.
        HyperparametersPatched {
            netuid: NetUid,
            changes: BoundedVec<Hyperparameter, ConstU32<MAX_CHANGES>>,
        },
        /// Announced settings are in force.
        HyperparametersApplied {
            netuid: NetUid,
            /// All its settings.
            hyperparameters: Hyperparameters,
        },
        /// Root said whether a subnet's miners and owner are paid.
        AdmissionSet { netuid: NetUid, admitted: bool },
        /// A neuron was registered.
        NeuronRegistered {
            netuid: NetUid,
            uid: Uid,
            hotkey: T::AccountId,
            /// The hotkey's owner.
            coldkey: T::AccountId,
            serial: Serial,
            /// What was burned for it.
            price: Balance,
        },
        /// A neuron gave way to one that registers in the same call.
        NeuronPruned {
            netuid: NetUid,
            uid: Uid,
            /// The hotkey that held it.
            hotkey: T::AccountId,
            /// The serial that ended.
            serial: Serial,
            /// How it stood: the least of all that could give way.
            standing: u32,
        },
        /// A neuron said where it listens.
        EndpointAnnounced {
            netuid: NetUid,
            uid: Uid,
            hotkey: T::AccountId,
            endpoint: Endpoint,
        },
        /// A neuron said which model it serves.
        ModelAnnounced {
            netuid: NetUid,
            uid: Uid,
            hotkey: T::AccountId,
            model: ModelAnnouncement,
        },
        /// A subnet has another owner, and its lock is held of that one.
        SubnetOwnerChanged {
            netuid: NetUid,
            /// Who owned it.
            old: T::AccountId,
            /// Who owns it.
            new: T::AccountId,
        },
        /// A hotkey has another owner, wherever it is registered.
        HotkeyOwnerChanged {
            hotkey: T::AccountId,
            /// Who owned it.
            old: T::AccountId,
            /// Who owns it.
            new: T::AccountId,
        },
    }
}
