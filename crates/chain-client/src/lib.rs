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
mod reads;
mod submit;

pub use connection::{ChainClient, ChainConfig};
pub use error::ChainError;
pub use follow::FinalizedBlocks;
pub use reads::{BlockId, Snapshot};
pub use submit::{Event, TransactionReceipt};
pub use subxt::utils::AccountId32;
pub use subxt_signer::sr25519::Keypair;

/// Types and calls generated from the committed metadata.
//CODEGEN #[allow(missing_docs, clippy::all)]
//CODEGEN #[subxt::subxt(runtime_metadata_path = "artifacts/metadata.scale")]
pub mod runtime {}

/// How this chain encodes things: Substrate's defaults.
pub type AssayConfig = subxt::config::substrate::SubstrateConfig;
