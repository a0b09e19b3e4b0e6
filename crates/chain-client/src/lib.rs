//! The way to an Assay node: the only crate that speaks its RPC.
//!
//! One connection, opened when it is first needed and opened again when it is lost, serves any
//! number of tasks. Every call has a deadline, because a socket can be half open for ever. Reads
//! come from a finalized block and say which. Submissions take their nonce under a lock per
//! account, so that concurrent ones don't collide, and are followed to finality; what the chain
//! refuses comes back in the words of the pallet that refused it.
//!
//! ```text
//! reads    ChainClient::at_finalized -> Snapshot -> metagraph, subnets, balances …
//! writes   ChainClient::submit(signer, call) -> Receipt { block, events }
//! ```
//!
//! [`runtime`] is generated from `artifacts/metadata.scale`, which `cargo xtask metadata` writes and
//! a test compares with the runtime. This crate holds no keys beyond a call and keeps no state on
//! disk: whatever must survive a crash is its caller's to store before it submits.

#![warn(missing_docs)]

pub mod calls;
mod connection;
mod error;
mod follow;
pub mod key_calls;
mod past;
mod reads;
mod submit;

pub use calls::SignsProofs;
pub use connection::{ChainClient, ChainConfig};
pub use error::ChainError;
pub use follow::FinalizedBlocks;
pub use past::OpenedCommit;
pub use reads::{BlockId, Snapshot};
pub use submit::TransactionReceipt;
pub use subxt::utils::{AccountId32, MultiSignature};
pub use subxt_signer::sr25519::Keypair;

/// Types and calls generated from the committed metadata. What both sides of the chain's border
/// share is the type of `assay-primitives` itself.
#[allow(missing_docs, clippy::all)]
#[subxt::subxt(
    runtime_metadata_path = "artifacts/metadata.scale",
    substitute_type(
        path = "sp_runtime::MultiSignature",
        with = "::subxt::utils::Static<::subxt::utils::MultiSignature>"
    ),
    substitute_type(
        path = "assay_primitives::ids::NetUid",
        with = "::subxt::utils::Static<::assay_primitives::NetUid>"
    ),
    substitute_type(
        path = "assay_primitives::ids::Uid",
        with = "::subxt::utils::Static<::assay_primitives::Uid>"
    ),
    substitute_type(
        path = "assay_primitives::ids::Generation",
        with = "::subxt::utils::Static<::assay_primitives::Generation>"
    ),
    substitute_type(
        path = "assay_primitives::ids::Serial",
        with = "::subxt::utils::Static<::assay_primitives::Serial>"
    ),
    substitute_type(
        path = "assay_primitives::ids::EpochIndex",
        with = "::subxt::utils::Static<::assay_primitives::EpochIndex>"
    ),
    substitute_type(
        path = "assay_primitives::ids::TaskVersion",
        with = "::subxt::utils::Static<::assay_primitives::TaskVersion>"
    ),
    substitute_type(
        path = "assay_primitives::ids::Ratio16",
        with = "::subxt::utils::Static<::assay_primitives::Ratio16>"
    ),
    substitute_type(
        path = "assay_primitives::ids::Digest",
        with = "::subxt::utils::Static<::assay_primitives::Digest>"
    ),
    substitute_type(
        path = "assay_primitives::task::TaskSpec",
        with = "::subxt::utils::Static<::assay_primitives::TaskSpec>"
    ),
    substitute_type(
        path = "assay_primitives::serving::Endpoint",
        with = "::subxt::utils::Static<::assay_primitives::Endpoint>"
    ),
    substitute_type(
        path = "assay_primitives::serving::ModelAnnouncement",
        with = "::subxt::utils::Static<::assay_primitives::ModelAnnouncement>"
    ),
    substitute_type(
        path = "assay_primitives::hyperparameters::Hyperparameter",
        with = "::subxt::utils::Static<::assay_primitives::Hyperparameter>"
    ),
    substitute_type(
        path = "assay_primitives::hyperparameters::Hyperparameters",
        with = "::subxt::utils::Static<::assay_primitives::Hyperparameters>"
    ),
    substitute_type(
        path = "assay_primitives::evidence::Evidence",
        with = "::subxt::utils::Static<::assay_primitives::Evidence>"
    )
)]
pub mod runtime {}

/// How this chain encodes things: Substrate's defaults.
pub type AssayConfig = subxt::config::substrate::SubstrateConfig;
