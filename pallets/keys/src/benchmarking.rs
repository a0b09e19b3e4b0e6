//! What the calls cost, without what the holders of keys do, who weigh that by themselves.

use crate::*;
use assay_pallet_traits::{BenchmarkHelper as _, HotkeyProof, NeuronFacts, Neurons};
use assay_primitives::{SwapProofPayload, Uid, ASY};
use codec::{Decode, Encode};
use frame_benchmarking::v2::*;
use frame_support::traits::{fungible::Mutate, EnsureOrigin, Get};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_core::crypto::KeyTypeId;
use sp_runtime::{traits::Zero, MultiSignature};

/// Where the benchmarks' own key lies while they run.
const KEYS: KeyTypeId = KeyTypeId(*b"asay");

fn rich<T: Config>(account: T::AccountId) -> T::AccountId {
    T::Currency::mint_into(&account, 1_000 * ASY).expect("that much can be minted");
    account
}

/// A coldkey whose change to another was announced.
fn announced<T: Config>() -> Result<(T::AccountId, T::AccountId), BenchmarkError> {
    let old = rich::<T>(whitelisted_caller());
    let new = rich::<T>(account("new", 0, 0));
    Pallet::<T>::do_announce(old.clone(), new.clone())?;
    Ok((old, new))
}

fn wait<T: Config>(blocks: u32) {
    let block = Pallet::<T>::now() + blocks;
    frame_system::Pallet::<T>::set_block_number(block.into());
}

#[benchmarks]
mod benches {
    use super::*;

    /// Of a hotkey that took another's place before, long ago.
    #[benchmark]
    fn swap_hotkey() -> Result<(), BenchmarkError> {
        let netuid = T::BenchmarkHelper::subnet(1);
        let NeuronFacts {
            hotkey: old,
            coldkey,
            ..
        } = T::Neurons::neuron(netuid, Uid(0)).expect("the helper registered it");
        let coldkey = rich::<T>(coldkey);
        SwappedAt::<T>::insert(&old, 0);
        wait::<T>(T::HotkeySwapInterval::get());

        let key = sp_io::crypto::sr25519_generate(KEYS, None);
        let new = T::AccountId::decode(&mut &key.encode()[..])
            .expect("an account is a public key's bytes");
        let expires_at = Pallet::<T>::now() + T::MaxProofLifetime::get();
        let payload = SwapProofPayload {
            genesis: frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero()).into(),
            coldkey: *coldkey.as_ref(),
            old_hotkey: *old.as_ref(),
            expires_at,
        };
        let signature = sp_io::crypto::sr25519_sign(KEYS, &key, &payload.to_bytes())
            .expect("the key was generated here");
        let proof = HotkeyProof {
            expires_at,
            signature: MultiSignature::Sr25519(signature),
        };

        #[extrinsic_call]
        _(RawOrigin::Signed(coldkey), old, new.clone(), proof);

        assert!(SwappedAt::<T>::contains_key(&new));
        Ok(())
    }

    #[benchmark]
    fn announce_coldkey_change() {
        let old = rich::<T>(whitelisted_caller());
        let new: T::AccountId = account("new", 0, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(old.clone()), new);

        assert!(Changes::<T>::contains_key(&old));
    }

    #[benchmark]
    fn dispute_coldkey_change() -> Result<(), BenchmarkError> {
        let (old, _) = announced::<T>()?;

        #[extrinsic_call]
        _(RawOrigin::Signed(old.clone()));

        assert!(!Pallet::<T>::may_dispute(&old));
        Ok(())
    }

    /// A rejection, which thaws the account besides.
    #[benchmark]
    fn decide_coldkey_change() -> Result<(), BenchmarkError> {
        let (old, _) = announced::<T>()?;
        Pallet::<T>::do_dispute(old.clone())?;
        let root = T::AdminOrigin::try_successful_origin()
            .map_err(|()| BenchmarkError::Stop("somebody must be root"))?;

        #[extrinsic_call]
        _(root as T::RuntimeOrigin, old.clone(), false);

        assert!(!Changes::<T>::contains_key(&old));
        Ok(())
    }

    /// Of money alone.
    #[benchmark]
    fn take_over_coldkey() -> Result<(), BenchmarkError> {
        let (old, new) = announced::<T>()?;
        wait::<T>(T::ColdkeyChangeDelay::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(new), old.clone(), MAX_MOVED);

        assert!(!Changes::<T>::contains_key(&old));
        Ok(())
    }

    #[benchmark]
    fn drop_coldkey_change() -> Result<(), BenchmarkError> {
        let (old, _) = announced::<T>()?;
        wait::<T>(T::ColdkeyChangeDelay::get() + T::ColdkeyChangeWindow::get());
        let anybody: T::AccountId = account("anybody", 0, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(anybody), old.clone());

        assert!(!Changes::<T>::contains_key(&old));
        Ok(())
    }
}
