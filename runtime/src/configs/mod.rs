//! How each pallet is set up, one file for each group of pallets.

pub mod consensus;
pub mod governance;
pub mod incentives;
pub mod keys;
pub mod money;
pub mod system;

use crate::AccountId;

/// Who may do what only root may do, everywhere in this runtime. Networks that are governed in
/// another way than by a key change it here.
pub type RootOrigin = frame_system::EnsureRoot<AccountId>;
