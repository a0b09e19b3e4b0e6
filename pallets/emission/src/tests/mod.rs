//! One file per call, and one each for what blocks, the epoch and the registry ask.

mod claim;
mod issue;
mod issuer;
mod properties;
mod registry;
mod set_payout;
