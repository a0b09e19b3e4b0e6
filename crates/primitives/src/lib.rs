//! Ids, units and formats that every part of Assay shares.
//!
//! The runtime stores these types, the miner and the validator hash and sign them, and the command
//! line prints them; they live here so that both sides of the chain's border mean the same bytes.
//! Everything is `no_std`, bounded and free of FRAME. Nothing here may depend on another crate of
//! Assay, read storage or know a clock.

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

extern crate alloc;

mod admission;
#[cfg(feature = "std")]
mod amount;
mod evidence;
mod hyperparameters;
mod ids;
mod keys;
mod lifecycle;
mod registration;
mod serving;
mod task;
#[cfg(feature = "std")]
mod text;
mod units;
mod views;
mod weights;

pub use admission::Refusal;
#[cfg(feature = "std")]
pub use amount::{format_asy, parse_asy, AmountError};
pub use evidence::{
    merkle_proof, merkle_root, query_seed, score_root, seed_commitment, verify_merkle_proof,
    Evidence, MinerScore, ReceiptLeaf, Signature64, SCORE_ONE,
};
#[cfg(feature = "std")]
pub use hyperparameters::hyperparameters_markdown;
pub use hyperparameters::{
    Authority, BondRule, Hyperparameter, HyperparameterError, Hyperparameters, LiquidAlpha,
    Setting, MAX_NEURONS, MAX_VALIDATORS, MIN_TEMPO,
};
pub use ids::{Digest, EpochIndex, Generation, NetUid, Ratio16, Serial, TaskVersion, Uid};
pub use keys::{ColdkeyChange, ColdkeyChangeStage};
pub use lifecycle::{AnnouncedTask, DissolvingSubnet, SubnetPlaces, SubnetStanding};
pub use registration::{RegistrationProofPayload, SwapProofPayload};
pub use serving::{Announced, Endpoint, EndpointError, EndpointProtocol, Host, ModelAnnouncement};
pub use task::{
    Artifact, Benchmark, DataType, Interface, ReferenceModel, Scoring, TaskError, TaskSpec,
    TensorSpec, Text, Uri, MAX_TENSORS, MAX_TENSOR_DIMENSIONS,
};
pub use units::{Balance, BlockNumber, ASY, CAP, DECIMALS};
pub use views::{
    ClippedWeight, ColdkeyStake, CommitView, Metagraph, NeuronOutcome, NeuronOutlook, NeuronView,
    PruningCandidate, PruningRule, PruningView, StakePosition, StakeTarget, SubnetDetails,
    SubnetSummary, UnbondingView, WeightRowView,
};
pub use weights::{commit_hash, CommitPayload, Salt, WeightsError};
