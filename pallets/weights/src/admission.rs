//! Which transactions may carry a weight call.
//!
//! Weight calls are free, so nothing but this stands between them and full blocks. The extension is
//! asked by the transaction pool and again when a block includes the transaction; it refuses with a
//! code of [`Refusal`], at the same place in both cases, so that a refused transaction leaves
//! nothing behind.

use crate::{
    pallet::{Call, Config, Error, Origin, Pallet, Used},
    types::Usage,
    WeightInfo,
};
use alloc::{vec, vec::Vec};
use assay_pallet_traits::Epochs;
use assay_primitives::{EpochIndex, NetUid, Refusal};
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::fmt;
use frame_support::{
    dispatch::{DispatchClass, DispatchInfo, PostDispatchInfo},
    traits::{IsSubType, OriginTrait},
    weights::Weight,
};
use frame_system::{pallet_prelude::OriginFor, CheckMortality, CheckNonce};
use scale_info::TypeInfo;
use sp_runtime::{
    generic::Era,
    traits::{
        AsSystemOriginSigner, Dispatchable, Get, Implication, TransactionExtension,
        TransactionExtensionMetadata, ValidateResult,
    },
    transaction_validity::{
        InvalidTransaction, TransactionSource, TransactionValidity, TransactionValidityError,
        ValidTransaction,
    },
    DispatchResult,
};

/// Items that admitting a call reads and that the call, which checks the same once more, reads
/// again: they come from the database once, and are counted once, as the call's.
pub(crate) const READ_AGAIN: u64 = 7;

/// Which calls a call carries.
pub trait InnerCalls<Call> {
    /// The calls that `call` itself carries, not those that they carry in turn.
    fn inner_calls(call: &Call) -> Vec<&Call>;
}

/// No call carries another.
impl<Call> InnerCalls<Call> for () {
    fn inner_calls(_: &Call) -> Vec<&Call> {
        Vec::new()
    }
}

/// Admits weight calls: signed directly by the hotkey as outermost call, mortal, by a permitted
/// validator, well-formed, one per key, subnet, epoch and call, all together at most a part of the
/// block, at the lowest priority.
///
/// It stands in a runtime's extensions in place of `CheckMortality` and `CheckNonce`, which it
/// holds and runs for every transaction, for two reasons: it must see the era, which no extension
/// can ask another about; and it must replace the signed origin after the nonce was checked, for
/// the one who signed, and before fees are, so that neither fee nor tip buys a priority. To a
/// client nothing shows: the two appear in the metadata, and encode, as if they stood by
/// themselves, in the order that clients expect.
#[derive(Clone, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(skip_type_params(T))]
pub struct AdmitWeights<T: Config + Send + Sync> {
    era: CheckMortality<T>,
    nonce: CheckNonce<T>,
}

impl<T: Config + Send + Sync> AdmitWeights<T> {
    /// The extension of a transaction with this era and nonce.
    pub fn new(era: Era, nonce: T::Nonce) -> Self {
        Self {
            era: CheckMortality::from(era),
            nonce: CheckNonce::from(nonce),
        }
    }
}

impl<T: Config + Send + Sync> fmt::Debug for AdmitWeights<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AdmitWeights({:?}, {:?})", self.era, self.nonce)
    }
}

type NonceOf<T> = CheckNonce<T>;
type CallOf<T> = <T as frame_system::Config>::RuntimeCall;

/// What validation hands on.
pub struct Val<T: Config>
where
    CallOf<T>: Dispatchable<Info = DispatchInfo, PostInfo = PostDispatchInfo>,
{
    nonce: <NonceOf<T> as TransactionExtension<CallOf<T>>>::Val,
    /// What a weight call takes of the block.
    usage: Option<Usage>,
}

fn refused(refusal: Refusal) -> TransactionValidityError {
    InvalidTransaction::Custom(refusal.code()).into()
}

impl<T: Config> Error<T> {
    /// The code in `InvalidTransaction::Custom` with which the extension refuses for this reason.
    pub fn code(&self) -> u8 {
        let refusal = match self {
            Self::WrongEpoch => Refusal::WrongEpoch,
            Self::Nested | Self::__Ignore(..) => Refusal::Nested,
            Self::UnknownSubnet => Refusal::UnknownSubnet,
            Self::NotRegistered => Refusal::NotRegistered,
            Self::NotPermitted => Refusal::NotPermitted,
            Self::Malformed => Refusal::Malformed,
            Self::TooFast => Refusal::TooFast,
            Self::PlainWeightsDisabled => Refusal::PlainWeightsDisabled,
            Self::NoSuchCommit => Refusal::NoSuchCommit,
            Self::RevealTooEarly => Refusal::RevealTooEarly,
            Self::RevealTooLate => Refusal::RevealTooLate,
            Self::RevealMismatch => Refusal::RevealMismatch,
            Self::WrongTaskVersion => Refusal::WrongTaskVersion,
        };
        refusal.code()
    }
}

impl<T: Config> Call<T> {
    /// How many weights the call carries.
    fn row_len(&self) -> u32 {
        match self {
            Self::set_weights {
                targets, values, ..
            }
            | Self::reveal_weights {
                targets, values, ..
            } => {
                // Bounded by a u16.
                targets.len().max(values.len()) as u32
            }
            Self::commit_weights { .. } | Self::__Ignore(..) => 0,
        }
    }

    /// Tells the calls apart in the pool's tags.
    fn kind(&self) -> u8 {
        match self {
            Self::set_weights { .. } => 0,
            Self::commit_weights { .. } => 1,
            Self::reveal_weights { .. } | Self::__Ignore(..) => 2,
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Decides about a weight call in a transaction with this era and origin.
    pub(crate) fn admit(
        era: &Era,
        origin: &OriginFor<T>,
        call: &Call<T>,
        usage: Usage,
    ) -> Result<(T::AccountId, ValidTransaction), TransactionValidityError> {
        let hotkey = origin
            .as_system_origin_signer()
            .ok_or_else(|| refused(Refusal::NotSigned))?;
        if era.is_immortal() {
            return Err(refused(Refusal::Immortal));
        }
        let used = Used::<T>::get();
        if !used.plus(usage).fits(&Self::free_part()) {
            // What can never be included is refused for good. Else the block's author is told that
            // this block is full, so that it keeps the transaction for the next.
            return Err(if used.is_empty() {
                refused(Refusal::BlockPartFull)
            } else {
                InvalidTransaction::ExhaustsResources.into()
            });
        }
        let (netuid, epoch) = Self::check_call(hotkey, call)
            .map_err(|error| InvalidTransaction::Custom(error.code()))?;
        let valid = ValidTransaction {
            // The lowest.
            priority: 0,
            provides: vec![tag::<T>(hotkey, call, netuid, epoch)],
            longevity: Self::blocks_left(netuid),
            ..ValidTransaction::default()
        };
        Ok((hotkey.clone(), valid))
    }

    /// Blocks for which the open epoch stays open for sure.
    fn blocks_left(netuid: NetUid) -> u64 {
        let due_at = T::Epochs::due_at(netuid).unwrap_or_default();
        // An epoch that is due and waits in the queue may run in the next block.
        u64::from(due_at.saturating_sub(Self::now())).max(1)
    }

    /// Whether a weight call stands somewhere inside a call. No deeper than a transaction can
    /// nest calls, and each is visited once.
    pub(crate) fn carries_weight_call(call: &CallOf<T>) -> bool {
        let mut calls = T::InnerCalls::inner_calls(call);
        while let Some(call) = calls.pop() {
            if call.is_sub_type().is_some() {
                return true;
            }
            calls.extend(T::InnerCalls::inner_calls(call));
        }
        false
    }
}

/// What the pool allows one transaction at a time to provide.
fn tag<T: Config>(
    hotkey: &T::AccountId,
    call: &Call<T>,
    netuid: NetUid,
    epoch: EpochIndex,
) -> Vec<u8> {
    (b"assay:weights", hotkey, call.kind(), netuid, epoch).encode()
}

/// A weight call without a signer is never admitted.
fn refuse_bare<T: Config>(call: &CallOf<T>) -> Result<(), TransactionValidityError> {
    match call.is_sub_type() {
        Some(_) => Err(refused(Refusal::NotSigned)),
        None => Ok(()),
    }
}

impl<T: Config + Send + Sync> TransactionExtension<CallOf<T>> for AdmitWeights<T>
where
    CallOf<T>: Dispatchable<Info = DispatchInfo, PostInfo = PostDispatchInfo>,
{
    // Unused, since `metadata` speaks for the two extensions inside.
    const IDENTIFIER: &'static str = "AdmitWeights";
    type Implicit = (
        <CheckMortality<T> as TransactionExtension<CallOf<T>>>::Implicit,
        <CheckNonce<T> as TransactionExtension<CallOf<T>>>::Implicit,
    );
    type Val = Val<T>;
    type Pre = <CheckNonce<T> as TransactionExtension<CallOf<T>>>::Pre;

    fn implicit(&self) -> Result<Self::Implicit, TransactionValidityError> {
        Ok((self.era.implicit()?, self.nonce.implicit()?))
    }

    fn metadata() -> Vec<TransactionExtensionMetadata> {
        <(CheckMortality<T>, CheckNonce<T>) as TransactionExtension<CallOf<T>>>::metadata()
    }

    fn weight(&self, call: &CallOf<T>) -> Weight {
        let ours = match call.is_sub_type() {
            Some(call) => T::WeightInfo::admit(call.row_len())
                .saturating_sub(T::DbWeight::get().reads(READ_AGAIN)),
            None => T::WeightInfo::pass(),
        };
        self.era
            .weight(call)
            .saturating_add(self.nonce.weight(call))
            .saturating_add(ours)
    }

    fn validate(
        &self,
        origin: OriginFor<T>,
        call: &CallOf<T>,
        info: &DispatchInfo,
        len: usize,
        (era_implicit, nonce_implicit): Self::Implicit,
        implication: &impl Implication,
        source: TransactionSource,
    ) -> ValidateResult<Self::Val, CallOf<T>> {
        let (era_valid, (), origin) =
            self.era
                .validate(origin, call, info, len, era_implicit, implication, source)?;
        let (nonce_valid, nonce, mut origin) =
            self.nonce
                .validate(origin, call, info, len, nonce_implicit, implication, source)?;
        let valid = era_valid.combine_with(nonce_valid);
        let Some(ours) = call.is_sub_type() else {
            if Pallet::<T>::carries_weight_call(call) {
                return Err(refused(Refusal::Nested));
            }
            return Ok((valid, Val { nonce, usage: None }, origin));
        };
        let base = T::BlockWeights::get()
            .get(DispatchClass::Normal)
            .base_extrinsic;
        let usage = Usage {
            weight: info.total_weight().saturating_add(base),
            // Longer than a block is long is over any limit.
            length: u32::try_from(len).unwrap_or(u32::MAX),
        };
        let (hotkey, admitted) = Pallet::<T>::admit(&self.era.0, &origin, ours, usage)?;
        origin.set_caller(Origin::<T>::Validator(hotkey).into());
        Ok((
            valid.combine_with(admitted),
            Val {
                nonce,
                usage: Some(usage),
            },
            origin,
        ))
    }

    fn prepare(
        self,
        val: Self::Val,
        origin: &OriginFor<T>,
        call: &CallOf<T>,
        info: &DispatchInfo,
        len: usize,
    ) -> Result<Self::Pre, TransactionValidityError> {
        self.era.prepare((), origin, call, info, len)?;
        let pre = self.nonce.prepare(val.nonce, origin, call, info, len)?;
        if let Some(usage) = val.usage {
            Used::<T>::mutate(|used| *used = used.plus(usage));
        }
        Ok(pre)
    }

    fn post_dispatch_details(
        pre: Self::Pre,
        info: &DispatchInfo,
        post_info: &PostDispatchInfo,
        len: usize,
        result: &DispatchResult,
    ) -> Result<Weight, TransactionValidityError> {
        CheckNonce::<T>::post_dispatch_details(pre, info, post_info, len, result)
    }

    fn bare_validate(call: &CallOf<T>, _: &DispatchInfo, _: usize) -> TransactionValidity {
        refuse_bare::<T>(call)?;
        Ok(ValidTransaction::default())
    }

    fn bare_validate_and_prepare(
        call: &CallOf<T>,
        _: &DispatchInfo,
        _: usize,
    ) -> Result<(), TransactionValidityError> {
        refuse_bare::<T>(call)
    }
}
