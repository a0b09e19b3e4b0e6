//! How each pallet is set up, one file for each group of pallets.

pub mod accounts;
pub mod consensus;
pub mod governance;
pub mod incentives;
pub mod keys;
pub mod money;
pub mod proxies;
pub mod system;

use crate::AccountId;

/// Who may do what only root may do, everywhere in this runtime. Who root is, a key or a council,
/// is said in [`governance`]; whoever wants to give these rights to somebody else changes it here.
pub type RootOrigin = frame_system::EnsureRoot<AccountId>;
