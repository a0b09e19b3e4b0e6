//! One file per call, and one each for what blocks, the epoch, the registry and changes of keys ask.

mod claim;
mod issue;
mod issuer;
mod keys;
mod properties;
mod registry;
mod set_payout;
mod teardown;
