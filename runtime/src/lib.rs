//! The Assay runtime: the chain's state transition, as one Wasm module for every network.
//!
//! It exists to put pallets together and does nothing else: [`configs`] says how each pallet is
//! set up, [`apis`] what a node may ask, [`genesis`] how a network starts. Three small pallets that
//! belong to this composition alone live here: [`authors`], who may make blocks, [`governance`],
//! how root acts where it has no key, and [`network`], what differs from one network to the next.
//!
//! It must never hold incentive logic, and never depend on build features for what differs between
//! networks: that is genesis data.

#![cfg_attr(not(feature = "std"), no_std)]
// `impl_runtime_apis!` and the runtime's own macro expand to deep recursion.
#![recursion_limit = "512"]

extern crate alloc;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

pub mod apis;
pub mod authors;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod genesis;
pub mod governance;
pub mod migrations;
pub mod network;
pub mod views;

#[cfg(test)]
mod tests;

use alloc::{borrow::Cow, vec::Vec};

use sp_runtime::{
    generic, impl_opaque_keys,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
    MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

pub use apis::{RuntimeApi, RUNTIME_API_VERSIONS};

/// A block's number.
pub type BlockNumber = u32;
/// Money in the smallest unit, 10^-12 ASY. The cap of 21,000,000 ASY does not fit 64 bits.
pub type Balance = u128;
/// How many transactions an account has sent, counted from the block in which it came to be.
pub type Nonce = u32;
/// A hash of anything on the chain.
pub type Hash = sp_core::H256;
/// A signature by any of the supported schemes.
pub type Signature = MultiSignature;
/// An account, known by its public key.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// A transaction or inherent as it travels.
pub type UncheckedExtrinsic =
    generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// What a transaction's signature covers.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// What every transaction carries and is checked for, in this order.
pub type TxExtension = (
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    // Era and nonce, with the admission of weight calls between them and the fee.
    pallet_weights::AdmitWeights<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    // Last, since it gives back what the others turned out not to need.
    frame_system::WeightReclaim<Runtime>,
);

/// Executes blocks.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

pub use assay_primitives::ASY;

/// An account below this is reaped: 0.001 ASY.
pub const EXISTENTIAL_DEPOSIT: Balance = ASY / 1_000;

/// How addresses are written: with the generic prefix. Clients take it from here.
pub const SS58_PREFIX: u16 = 42;

/// The types that a node needs and that must not change with an upgrade.
pub mod opaque {
    use super::{generic, Header};
    pub use sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;

    /// A block whose transactions only the runtime can read.
    pub type Block = generic::Block<Header, UncheckedExtrinsic>;
}

impl_opaque_keys! {
    /// The keys with which an author makes blocks and votes for their finality.
    pub struct SessionKeys {
        /// Makes blocks.
        pub aura: Aura,
        /// Finalizes them.
        pub grandpa: Grandpa,
    }
}

/// Names this runtime and its version. `spec_version` is the day on which it was last changed in
/// what it does or keeps, with two digits for more of them on one day.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("assay"),
    impl_name: Cow::Borrowed("assay"),
    authoring_version: 1,
    spec_version: 2_026_112_100,
    impl_version: 1,
    apis: RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};

#[frame_support::runtime]
mod runtime {
    /// The runtime: every pallet, under the index that its calls and events are encoded with.
    /// Indices are never reused. Those from 20 on are Assay's own.
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Runtime>;

    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp::Pallet<Runtime>;

    #[runtime::pallet_index(2)]
    pub type Network = crate::network::Pallet<Runtime>;

    // Before the session pallet, which asks it for the authors while genesis is built.
    #[runtime::pallet_index(3)]
    pub type Authors = crate::authors::Pallet<Runtime>;

    #[runtime::pallet_index(4)]
    pub type Aura = pallet_aura::Pallet<Runtime>;

    #[runtime::pallet_index(5)]
    pub type Authorship = pallet_authorship::Pallet<Runtime>;

    #[runtime::pallet_index(6)]
    pub type Session = pallet_session::Pallet<Runtime>;

    #[runtime::pallet_index(7)]
    pub type Grandpa = pallet_grandpa::Pallet<Runtime>;

    #[runtime::pallet_index(8)]
    pub type Council = pallet_collective::Pallet<Runtime, Instance1>;

    #[runtime::pallet_index(9)]
    pub type Governance = crate::governance::Pallet<Runtime>;

    #[runtime::pallet_index(10)]
    pub type Balances = pallet_balances::Pallet<Runtime>;

    #[runtime::pallet_index(11)]
    pub type TransactionPayment = pallet_transaction_payment::Pallet<Runtime>;

    #[runtime::pallet_index(12)]
    pub type Sudo = pallet_sudo::Pallet<Runtime>;

    #[runtime::pallet_index(13)]
    pub type Utility = pallet_utility::Pallet<Runtime>;

    #[runtime::pallet_index(14)]
    pub type Proxy = pallet_proxy::Pallet<Runtime>;

    #[runtime::pallet_index(15)]
    pub type Multisig = pallet_multisig::Pallet<Runtime>;

    #[runtime::pallet_index(16)]
    pub type Identity = pallet_identity::Pallet<Runtime>;

    #[runtime::pallet_index(17)]
    pub type Preimage = pallet_preimage::Pallet<Runtime>;

    #[runtime::pallet_index(18)]
    pub type Scheduler = pallet_scheduler::Pallet<Runtime>;

    // The hooks of a block run in this order, and so does genesis. What is issued in a block must be
    // in the pots before its epochs are paid; the account that holds stake gets its deposit before
    // emission counts what genesis minted.
    #[runtime::pallet_index(20)]
    pub type Subnets = pallet_subnets::Pallet<Runtime>;

    #[runtime::pallet_index(21)]
    pub type Stake = pallet_stake::Pallet<Runtime>;

    #[runtime::pallet_index(22)]
    pub type Weights = pallet_weights::Pallet<Runtime>;

    #[runtime::pallet_index(23)]
    pub type Emission = pallet_emission::Pallet<Runtime>;

    #[runtime::pallet_index(24)]
    pub type Epoch = pallet_epoch::Pallet<Runtime>;

    #[runtime::pallet_index(25)]
    pub type Keys = pallet_keys::Pallet<Runtime>;
}
