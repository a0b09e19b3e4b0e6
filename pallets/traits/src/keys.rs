//! What moves when somebody changes a key.

use frame_support::weights::Weight;
use sp_runtime::{DispatchError, DispatchResult};

/// Whoever keeps something under hotkeys or coldkeys. Tuples hand a key on from the first to the
/// last.
pub trait KeyHolder<AccountId> {
    /// Moves all that is kept under the hotkey `old` to `new`, under which nothing is kept. At once
    /// and whole: it is bounded by the places for subnets.
    fn move_hotkey(old: &AccountId, new: &AccountId) -> DispatchResult;

    /// What [`Self::move_hotkey`] costs at most.
    fn move_hotkey_weight() -> Weight;

    /// Moves up to `limit` of the things that belong to the coldkey `old` to `new`, whose account
    /// exists, and returns how many. Fewer than `limit` means that nothing is left.
    fn move_coldkey(old: &AccountId, new: &AccountId, limit: u32) -> Result<u32, DispatchError>;

    /// What [`Self::move_coldkey`] costs at most when it moves so many things.
    fn move_coldkey_weight(things: u32) -> Weight;
}

/// Knows which coldkeys are being changed.
pub trait ColdkeyChanges<AccountId> {
    /// Whether a change of this coldkey was announced and is not finished. Whoever signs for it may
    /// be a thief, so nothing that it owns may go to somebody else meanwhile.
    fn is_changing(coldkey: &AccountId) -> bool;
}

macro_rules! for_tuples {
    ($($name:ident)*) => {
        impl<AccountId, $($name: KeyHolder<AccountId>),*> KeyHolder<AccountId> for ($($name,)*) {
            fn move_hotkey(_old: &AccountId, _new: &AccountId) -> DispatchResult {
                $($name::move_hotkey(_old, _new)?;)*
                Ok(())
            }

            fn move_hotkey_weight() -> Weight {
                Weight::zero()$(.saturating_add($name::move_hotkey_weight()))*
            }

            fn move_coldkey(
                _old: &AccountId,
                _new: &AccountId,
                limit: u32,
            ) -> Result<u32, DispatchError> {
                let left = limit;
                // None moves more than it is asked to.
                $(
                    let left = match left {
                        0 => 0,
                        left => left.saturating_sub($name::move_coldkey(_old, _new, left)?),
                    };
                )*
                Ok(limit.saturating_sub(left))
            }

            fn move_coldkey_weight(_things: u32) -> Weight {
                Weight::zero()$(.saturating_add($name::move_coldkey_weight(_things)))*
            }
        }
    };
}

for_tuples!();
for_tuples!(A);
for_tuples!(A B);
for_tuples!(A B C);
for_tuples!(A B C D);
