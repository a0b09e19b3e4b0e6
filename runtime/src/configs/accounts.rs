//! What an account can do besides acting by itself: in batches, through proxies, together with
//! others, and under a name.

use frame_support::{parameter_types, traits::ConstU32};
use sp_runtime::{
    traits::{BlakeTwo256, Verify},
    MultiSignature,
};

use super::{
    money::{deposit, StorageByteDeposit},
    proxies::ProxyType,
    RootOrigin,
};
use crate::{
    Balance, Balances, BlockNumber, OriginCaller, Runtime, RuntimeCall, RuntimeEvent, System,
};

/// Blocks in a day at 6 s.
const DAYS: BlockNumber = 14_400;

impl pallet_utility::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PalletsOrigin = OriginCaller;
    type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

parameter_types! {
    // A list of proxies or announcements, its key, the deposit in it, and each entry.
    pub const ProxyDepositBase: Balance = deposit(1, 48);
    pub const ProxyDepositFactor: Balance = deposit(0, 37);
    pub const AnnouncementDepositBase: Balance = deposit(1, 48);
    pub const AnnouncementDepositFactor: Balance = deposit(0, 68);
    // An operation, its key, the depositor and the block; and each who agreed.
    pub const MultisigDepositBase: Balance = deposit(1, 128);
    pub const MultisigDepositFactor: Balance = deposit(0, 32);
    // A registration without what it says; a name for the account; and each account below it.
    pub const IdentityBasicDeposit: Balance = deposit(1, 57);
    pub const UsernameDeposit: Balance = deposit(1, 64);
    pub const SubAccountDeposit: Balance = deposit(1, 117);
}

impl pallet_proxy::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type ProxyType = ProxyType;
    type ProxyDepositBase = ProxyDepositBase;
    type ProxyDepositFactor = ProxyDepositFactor;
    type MaxProxies = ConstU32<32>;
    type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
    type MaxPending = ConstU32<32>;
    type CallHasher = BlakeTwo256;
    type AnnouncementDepositBase = AnnouncementDepositBase;
    type AnnouncementDepositFactor = AnnouncementDepositFactor;
    type BlockNumberProvider = System;
}

impl pallet_multisig::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type DepositBase = MultisigDepositBase;
    type DepositFactor = MultisigDepositFactor;
    type MaxSignatories = ConstU32<100>;
    type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
    type BlockNumberProvider = System;
}

// Registrars and suffixes are root's to name. What is slashed burns, as fees do.
impl pallet_identity::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type BasicDeposit = IdentityBasicDeposit;
    type ByteDeposit = StorageByteDeposit;
    type UsernameDeposit = UsernameDeposit;
    type SubAccountDeposit = SubAccountDeposit;
    type MaxSubAccounts = ConstU32<100>;
    type IdentityInformation = pallet_identity::legacy::IdentityInfo<ConstU32<16>>;
    type MaxRegistrars = ConstU32<20>;
    type Slashed = ();
    type ForceOrigin = RootOrigin;
    type RegistrarOrigin = RootOrigin;
    type OffchainSignature = MultiSignature;
    type SigningPublicKey = <MultiSignature as Verify>::Signer;
    type UsernameAuthorityOrigin = RootOrigin;
    type PendingUsernameExpiration = ConstU32<{ 7 * DAYS }>;
    type UsernameGracePeriod = ConstU32<{ 30 * DAYS }>;
    type MaxSuffixLength = ConstU32<7>;
    type MaxUsernameLength = ConstU32<32>;
    type WeightInfo = pallet_identity::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = ();
}
