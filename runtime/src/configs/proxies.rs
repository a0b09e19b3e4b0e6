//! What an account lets others do for it.
//!
//! The three that matter here separate the keys of a working participant: who stakes, who registers
//! and announces neurons, and who owns: subnets, their settings, takes. None of the three can move
//! money out of the account.
//!
//! Every type but `Any` lists the calls that it allows, so a call that comes new with an upgrade is
//! `Any`'s alone until somebody decides otherwise. Batches pass, since the calls in them are
//! checked one by one.
//!
//! Weight calls are in no list: they are made by a hotkey itself and refused in a proxy's hands.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::traits::InstanceFilter;
use scale_info::TypeInfo;

use crate::RuntimeCall;

/// What a proxy may do. Encoded by index: never reorder.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Default,
    Encode,
    Eq,
    MaxEncodedLen,
    Ord,
    PartialEq,
    PartialOrd,
    TypeInfo,
)]
pub enum ProxyType {
    /// Everything.
    #[default]
    Any,
    /// Everything but to move money to others, give keys or subnets away or act as root.
    NonTransfer,
    /// To reject what other proxies announced.
    CancelProxy,
    /// To place, move and remove stake, and to fetch what is due.
    Staking,
    /// To register neurons and say what they serve and where.
    Registration,
    /// To register subnets and change what the owner of a subnet or a validator may change.
    Ownership,
}

/// Calls made of calls, each of which is checked by itself.
fn is_batch(call: &RuntimeCall) -> bool {
    use pallet_utility::Call;
    matches!(
        call,
        RuntimeCall::Utility(
            Call::batch { .. } | Call::batch_all { .. } | Call::force_batch { .. }
        )
    )
}

fn is_rejection(call: &RuntimeCall) -> bool {
    matches!(
        call,
        RuntimeCall::Proxy(pallet_proxy::Call::reject_announcement { .. })
    )
}

fn is_staking(call: &RuntimeCall) -> bool {
    use pallet_stake::Call;
    matches!(
        call,
        RuntimeCall::Stake(
            Call::add_stake { .. }
                | Call::remove_stake { .. }
                | Call::withdraw { .. }
                | Call::move_stake { .. }
                | Call::complete_move { .. }
                | Call::withdraw_dissolved { .. }
        ) | RuntimeCall::Emission(pallet_emission::Call::claim { .. })
    )
}

fn is_registration(call: &RuntimeCall) -> bool {
    use pallet_subnets::Call;
    matches!(
        call,
        RuntimeCall::Subnets(
            Call::register { .. } | Call::announce { .. } | Call::announce_model { .. }
        )
    )
}

fn is_ownership(call: &RuntimeCall) -> bool {
    use pallet_subnets::Call;
    matches!(
        call,
        RuntimeCall::Subnets(
            Call::register_subnet { .. }
                | Call::patch_hyperparameters { .. }
                | Call::update_task { .. }
                | Call::accept_subnet { .. }
        ) | RuntimeCall::Stake(pallet_stake::Call::set_take { .. })
            | RuntimeCall::Emission(pallet_emission::Call::set_payout { .. })
    )
}

/// Calls of ready-made pallets that move nobody's money but deposits, which come back.
fn is_harmless(call: &RuntimeCall) -> bool {
    use frame_system::Call as System;
    matches!(
        call,
        RuntimeCall::System(System::remark { .. } | System::remark_with_event { .. })
            | RuntimeCall::Session(..)
            | RuntimeCall::Identity(..)
            | RuntimeCall::Preimage(..)
            | RuntimeCall::Council(..)
    )
}

impl InstanceFilter<RuntimeCall> for ProxyType {
    fn filter(&self, call: &RuntimeCall) -> bool {
        match self {
            Self::Any => true,
            Self::CancelProxy => is_rejection(call),
            Self::Staking => is_batch(call) || is_staking(call),
            Self::Registration => is_batch(call) || is_registration(call),
            Self::Ownership => is_batch(call) || is_ownership(call),
            Self::NonTransfer => [
                is_batch,
                is_rejection,
                is_staking,
                is_registration,
                is_ownership,
                is_harmless,
            ]
            .iter()
            .any(|allows| allows(call)),
        }
    }

    fn is_superset(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::NonTransfer, other) => *other != Self::Any,
            (this, other) => this == other,
        }
    }
}
