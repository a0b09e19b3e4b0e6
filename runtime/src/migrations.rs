//! Changes of what is stored, made in the block in which a new runtime takes over.
//!
//! Everything stored by the first release has version 1, from genesis. A change of a pallet's
//! storage raises that pallet's `STORAGE_VERSION`, and comes with
//!
//! - a file `migrations/vN.rs` in the pallet, in which an `UncheckedOnRuntimeUpgrade` says what
//!   becomes of the old data, with a `pre_upgrade` and a `post_upgrade` that check it;
//! - a `VersionedMigration` from the old number to the new one around it, which runs it once and no
//!   more, listed in [`Migrations`];
//! - a new `spec_version`, without which no node would run it;
//! - a test in `tests/upgrade.rs` that starts from the old data and goes through
//!   `Executive::try_runtime_upgrade`.
//!
//! A pallet that comes new with an upgrade needs no migration: the executive writes its version
//! where nothing of it is stored yet. A migration must be bounded by what fits one block, since it
//! runs before anything else does and whatever it weighs. What can't be bounded so has to be done
//! in steps, over blocks.

/// All that a chain of the last release needs, oldest first. Entries stay for one release after the
/// one that they came with.
pub type Migrations = ();
