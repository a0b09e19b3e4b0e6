//! Why a call was refused, and what to do about it.
//!
//! A section of the pallet's module: `lib.rs` imports it whole, so names are those of that module.

use frame_support::pallet_macros::pallet_section;

#[pallet_section]
mod errors {
    #[pallet::error]
    pub enum Error<T> {
        /// No subnet is registered under this number: look at the list of subnets.
        UnknownSubnet,
        /// All places for subnets are taken and every subnet is immune: wait until the first
        /// immunity ends.
        NoPlaceForSubnet,
        /// The subnet has ended and is being dissolved: nothing can be done in it any more. Its
        /// number is free in some blocks.
        SubnetDissolving,
        /// The subnet was not offered to this account: its owner must offer it first.
        NotOffered,
        /// The coldkey of the subnet's owner is being changed: wait until it is the new one's, or
        /// the change is dropped.
        OwnerChanging,
        /// The price is above the `max_price` given: raise it, or wait until the price has decayed.
        PriceAboveMax,
        /// The coldkey can't pay the price and stay alive: top it up.
        InsufficientBalance,
        /// The task's or a tensor's name is empty or not UTF-8.
        TaskBadName,
        /// An artifact of the task has size 0, or its address is empty or not UTF-8.
        TaskBadArtifact,
        /// The task's interface needs at least one input and one output tensor.
        TaskNoTensors,
        /// Two tensors on one side of the task's interface share a name: rename one.
        TaskRepeatedTensor,
        /// A dimension of a tensor is 0 or below -1: use -1 where it is free.
        TaskBadShape,
        /// The task's deadline must lie within 1 and 600000 ms.
        TaskBadDeadline,
        /// The task's batch limit must be at least 1.
        TaskBadBatch,
        /// The scoring rule needs at least two classes, or a tolerance above 0.
        TaskBadScoring,
        /// Scoring by agreement compares with a reference model: name one.
        TaskNoReferenceModel,
        /// Only the subnet's owner or root may change its settings: sign with the owner's coldkey.
        NotSubnetOwner,
        /// This setting is root's alone: leave it out of the patch.
        RootOnlySetting,
        /// A value is outside its setting's bounds: see the hyperparameters' documentation.
        SettingOutOfBounds,
        /// The patch names a setting twice: keep one of them.
        RepeatedSetting,
        /// Only root may set a tempo below the network's default.
        TempoBelowDefault,
        /// The subnet's owner has closed registration: ask them, or wait.
        RegistrationClosed,
        /// The hotkey is already registered in this subnet: there is nothing to do.
        AlreadyRegistered,
        /// Another coldkey owns this hotkey: sign with that one, or use a new hotkey.
        HotkeyOfAnother,
        /// This hotkey was exchanged for another one and can't come back: use a new key.
        HotkeySpent,
        /// The hotkey's proof has expired: sign a new one.
        ProofExpired,
        /// The hotkey's proof counts for longer than `MaxProofLifetime` blocks: sign a shorter one.
        ProofTooLong,
        /// The hotkey's signature does not fit this network, subnet, generation, coldkey and
        /// expiry: sign exactly those with the hotkey.
        ProofInvalid,
        /// Hotkeys sign answers, which takes an sr25519 or ed25519 key: make one of those.
        HotkeyKindUnsupported,
        /// The subnet is full of neurons that no epoch has judged yet: wait for its next epoch.
        AllNeuronsImmune,
        /// The hotkey is not registered in this subnet: register it first.
        NotRegistered,
        /// Only the hotkey itself or its coldkey may announce for it: sign with one of them.
        NotHotkeyOrColdkey,
        /// The neuron announced this less than `announce_interval` blocks ago: wait.
        AnnouncedTooSoon,
        /// The host must be a host name or an IP address, without scheme, path or spaces.
        EndpointBadHost,
        /// Nothing can be reached at port 0: name the port that the miner listens on.
        EndpointBadPort,
        /// A certificate's digest goes with TLS, and TLS needs one.
        EndpointBadCertificate,
        /// A model of 0 bytes can't be served: announce the file's size.
        EmptyModel,
    }
}
