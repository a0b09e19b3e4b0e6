//! A simulation of the economy over the real runtime.
//!
//! Hundreds of people register subnets and neurons, stake, judge, mistake, quarrel, are paid and
//! leave, as chance will have it, for hundreds of thousands of blocks. After every block the books
//! must balance; after every epoch each pallet's account of itself must hold ([`checks`]).
//!
//! ```text
//!   dice ──► habits, errands ──► moves ──► block (hooks, extensions, calls) ──► changes, events
//!    ▲            ▲                                                               │       │
//!  seed or        └────────────────────── what people heard ◄────────────────────────────┤
//!  fuzzer's bytes                                                                 ▼       ▼
//!                                                                              books and checks
//! ```
//!
//! What people may do stands in [`habits`], a few lines each: a new call of the chain is a new
//! habit, and nothing else has to know of it. A run is a function of its seed and replays exactly.
//!
//! It must never poke storage: whatever happens here can happen on a chain. The one exception is a
//! slash, which no transaction can bring about yet.

#![warn(missing_docs)]

pub mod chain;
pub mod checks;
pub mod dice;
pub mod habits;
pub mod ledger;
pub mod people;
pub mod report;
pub mod scenario;
pub mod shares;
pub mod state;
pub mod world;

pub use report::Report;
pub use scenario::Scenario;
pub use world::{run_bytes, run_seed, World};
