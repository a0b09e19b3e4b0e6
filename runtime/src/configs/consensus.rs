//! Who makes blocks and who finalizes them: Aura and GRANDPA with session keys.

use frame_support::{
    parameter_types,
    traits::{ConstBool, ConstU32, ConstU64, Contains},
};
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::traits::{ConvertInto, OpaqueKeys};

use super::RootOrigin;
use crate::{
    authors, network, AccountId, Aura, Authors, Balance, Balances, BlockNumber, Runtime,
    RuntimeEvent, SessionKeys, ASY,
};

parameter_types! {
    /// Four hours at 6 s.
    pub const SessionLength: BlockNumber = 2_400;
    /// Returned when the keys are purged: anyone may set keys, and what they take on the chain
    /// should not be free.
    pub const KeyDeposit: Balance = ASY;
}

/// How many authors there may be.
pub type MaxAuthors = ConstU32<100>;

impl pallet_aura::Config for Runtime {
    type AuthorityId = AuraId;
    type DisabledValidators = ();
    type MaxAuthorities = MaxAuthors;
    type AllowMultipleBlocksPerSlot = ConstBool<false>;
    type SlotDuration = network::SlotDuration<Runtime>;
}

impl pallet_authorship::Config for Runtime {
    type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Runtime, Aura>;
    type EventHandler = ();
}

/// The accounts that have set session keys.
pub struct HasSessionKeys;

impl Contains<AccountId> for HasSessionKeys {
    fn contains(account: &AccountId) -> bool {
        pallet_session::NextKeys::<Runtime>::contains_key(account)
    }
}

impl authors::Config for Runtime {
    type RootOrigin = RootOrigin;
    type HasSessionKeys = HasSessionKeys;
    type MaxAuthors = MaxAuthors;
    type SessionLength = SessionLength;
    type WeightInfo = authors::weights::SubstrateWeight<Runtime>;
}

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = Authors;
    type NextSessionRotation = ();
    type SessionManager = Authors;
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = ();
    type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type KeyDeposit = KeyDeposit;
}

// Authors are chosen by root and have nothing at stake, so there is no offence to report and no
// proof of who held a key in the past: root removes an author that misbehaves.
impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type MaxAuthorities = MaxAuthors;
    type MaxNominators = ConstU32<0>;
    type MaxSetIdSessionEntries = ConstU64<0>;
    type KeyOwnerProof = sp_core::Void;
    type EquivocationReportSystem = ();
}
