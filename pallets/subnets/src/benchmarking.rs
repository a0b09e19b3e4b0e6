//! What the calls cost.

use crate::*;
use alloc::{boxed::Box, format, vec, vec::Vec};
use assay_pallet_traits::{BenchmarkHelper as _, KeyHolder, Standings};
use assay_primitives::{
    Announced, Artifact, Benchmark, BondRule, DataType, Digest, Endpoint, EndpointProtocol,
    Generation, Hyperparameter, Interface, LiquidAlpha, ModelAnnouncement, NetUid, Ratio16,
    RegistrationProofPayload, Scoring, Serial, TaskSpec, TensorSpec, Uid, ASY, CAP, MAX_NEURONS,
    MAX_TENSORS, MAX_TENSOR_DIMENSIONS,
};
use codec::{Decode, Encode};
use frame_benchmarking::v2::*;
use frame_support::{
    traits::{fungible::Mutate, EnsureOrigin, Get},
    BoundedVec,
};
use frame_system::RawOrigin;
use sp_core::crypto::KeyTypeId;
use sp_runtime::{traits::Zero, MultiSignature};

const MAX: u32 = MAX_NEURONS as u32;
/// Where the benchmarks' own key lies while they run.
const KEYS: KeyTypeId = KeyTypeId(*b"asay");
/// A block in which nobody that the helper registered is immune.
const LATE: u32 = 1_000_000;

fn text<Bound: Get<u32>>(fill: u8) -> BoundedVec<u8, Bound> {
    BoundedVec::truncate_from(vec![fill; Bound::get() as usize])
}

fn artifact() -> Artifact {
    Artifact {
        sha256: Digest([1; 32]),
        size: u64::MAX,
        uri: text(b'u'),
    }
}

/// The longest task that there can be.
fn largest_task() -> TaskSpec {
    let tensor = |index: u32| TensorSpec {
        name: BoundedVec::truncate_from(format!("{index:064}").into_bytes()),
        datatype: DataType::Fp32,
        shape: BoundedVec::truncate_from(vec![i64::MAX; MAX_TENSOR_DIMENSIONS as usize]),
    };
    let tensors = || BoundedVec::truncate_from((0..MAX_TENSORS).map(tensor).collect());
    TaskSpec {
        name: text(b'n'),
        interface: Interface {
            inputs: tensors(),
            outputs: tensors(),
        },
        scoring: Scoring::External {
            program: artifact(),
        },
        benchmark: Benchmark::Generator(artifact()),
        reference_model: Some(artifact()),
        deadline_ms: 500,
        max_batch: 32,
    }
}

fn rich<T: Config>(name: &'static str) -> T::AccountId {
    let account: T::AccountId = account(name, 0, 0);
    T::Currency::mint_into(&account, 1_000_000 * ASY).expect("that much can be minted");
    account
}

/// A new hotkey with its agreement to be registered by `coldkey`.
fn agreement<T: Config>(
    netuid: NetUid,
    coldkey: &T::AccountId,
) -> (T::AccountId, RegistrationProof) {
    let key = sp_io::crypto::sr25519_generate(KEYS, None);
    let hotkey =
        T::AccountId::decode(&mut &key.encode()[..]).expect("an account is a public key's bytes");
    let expires_at = Pallet::<T>::now() + T::MaxProofLifetime::get();
    let payload = RegistrationProofPayload {
        genesis: frame_system::Pallet::<T>::block_hash(
            frame_system::pallet_prelude::BlockNumberFor::<T>::zero(),
        )
        .into(),
        netuid,
        generation: Generation(0),
        coldkey: *coldkey.as_ref(),
        expires_at,
    };
    let signature = sp_io::crypto::sr25519_sign(KEYS, &key, &payload.to_bytes())
        .expect("the key was generated here");
    let proof = RegistrationProof {
        expires_at,
        signature: MultiSignature::Sr25519(signature),
    };
    (hotkey, proof)
}

/// Lowers the places of a subnet to the neurons that it has.
fn fill<T: Config>(netuid: NetUid) {
    HyperparametersOf::<T>::mutate(netuid, |settings| {
        if let Some(settings) = settings {
            settings.max_neurons = NeuronCount::<T>::get(netuid);
        }
    });
}

/// Every setting once, each with a value that differs from the one in force.
fn all_settings() -> Vec<Hyperparameter> {
    use Hyperparameter as H;
    let ratio = Ratio16(1_234);
    vec![
        H::Tempo(777),
        H::MaxNeurons(77),
        H::MaxValidators(7),
        H::Kappa(ratio),
        H::BondsPenalty(ratio),
        H::BondsAlpha(ratio),
        H::BondRule(BondRule::Classic),
        H::LiquidAlpha(Some(LiquidAlpha {
            low: ratio,
            high: ratio,
            steepness_hundredths: 7,
        })),
        H::MinersPart(ratio),
        H::OwnerCut(ratio),
        H::MinStake(77),
        H::PlainWeights(false),
        H::ImmunityPeriod(7_777),
        H::ActivityCutoff(Some(7_777)),
        H::RevealPeriod(2),
        H::AnnounceInterval(77),
        H::RegistrationOpen(false),
    ]
}

#[benchmarks]
mod benches {
    use super::*;

    /// All places but the last are taken, and the task is as long as one can be.
    #[benchmark]
    fn register_subnet() {
        for _ in 1..T::MaxSubnets::get() {
            T::BenchmarkHelper::subnet(0);
        }
        let owner = rich::<T>("founder");
        let netuid = NetUid(T::MaxSubnets::get() as u16 - 1);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), Box::new(largest_task()), CAP);

        assert!(Subnets::<T>::contains_key(netuid));
    }

    #[benchmark]
    fn patch_hyperparameters() -> Result<(), BenchmarkError> {
        let netuid = T::BenchmarkHelper::subnet(0);
        let root = T::AdminOrigin::try_successful_origin()
            .map_err(|()| BenchmarkError::Stop("somebody must be root"))?;
        let changes = BoundedVec::truncate_from(all_settings());

        #[extrinsic_call]
        _(root as T::RuntimeOrigin, netuid, changes);

        assert!(PendingHyperparameters::<T>::contains_key(netuid));
        Ok(())
    }

    /// Of the longest task, in the place of one that still waits and is as long.
    #[benchmark]
    fn update_task() -> Result<(), BenchmarkError> {
        let netuid = T::BenchmarkHelper::subnet(0);
        let root = T::AdminOrigin::try_successful_origin()
            .map_err(|()| BenchmarkError::Stop("somebody must be root"))?;
        let changes = BoundedVec::truncate_from(all_settings());
        Pallet::<T>::do_patch_hyperparameters(root.clone(), netuid, changes)?;
        Pallet::<T>::do_update_task(root.clone(), netuid, Box::new(largest_task()))?;
        let version = |netuid| UpcomingTasks::<T>::get(netuid).map(|next| next.version);
        let before = version(netuid);

        #[extrinsic_call]
        _(root as T::RuntimeOrigin, netuid, Box::new(largest_task()));

        assert!(before.is_some() && version(netuid) == before);
        Ok(())
    }

    #[benchmark]
    fn offer_subnet() {
        let netuid = T::BenchmarkHelper::subnet(0);
        let owner = owner::<T>(netuid);
        let to: T::AccountId = account("heir", 0, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), netuid, Some(to.clone()));

        assert_eq!(SubnetOffers::<T>::get(netuid), Some(to));
    }

    #[benchmark]
    fn accept_subnet() -> Result<(), BenchmarkError> {
        let netuid = T::BenchmarkHelper::subnet(0);
        let heir = rich::<T>("heir");
        Pallet::<T>::do_offer_subnet(owner::<T>(netuid), netuid, Some(heir.clone()))?;

        #[extrinsic_call]
        _(RawOrigin::Signed(heir.clone()), netuid);

        assert_eq!(owner::<T>(netuid), heir);
        Ok(())
    }

    /// Of a hotkey that has a place in each of `s` subnets.
    #[benchmark]
    fn move_hotkey(s: Linear<0, { T::MaxSubnets::get() }>) -> Result<(), BenchmarkError> {
        let old: T::AccountId = account("spent", 0, 0);
        let new: T::AccountId = account("fresh", 0, 0);
        let info = HotkeyInfo {
            coldkey: account("coldkey", 0, 0),
            registrations: s,
        };
        OwnedHotkeys::<T>::insert(&info.coldkey, &old, ());
        Hotkeys::<T>::insert(&old, info);
        frame_system::Pallet::<T>::inc_sufficients(&old);
        for serial in 0..s {
            let netuid = T::BenchmarkHelper::subnet(0);
            let neuron = Neuron {
                hotkey: old.clone(),
                serial: Serial(serial.into()),
                registered_at: 1,
            };
            Uids::<T>::insert(netuid, &old, Uid(0));
            Neurons::<T>::insert(netuid, Uid(0), neuron);
        }

        #[block]
        {
            <Pallet<T> as KeyHolder<T::AccountId>>::move_hotkey(&old, &new)?;
        }

        assert!(Hotkeys::<T>::contains_key(&new));
        assert_eq!(Uids::<T>::contains_key(NetUid(0), &new), s > 0);
        Ok(())
    }

    /// Of a coldkey that owns `t` subnets, which costs more than as many hotkeys. All places are
    /// taken, and each subnet was offered to somebody.
    #[benchmark]
    fn move_coldkey(t: Linear<0, { T::MaxSubnets::get() }>) -> Result<(), BenchmarkError> {
        let heir = rich::<T>("heir");
        let mut old = account("nobody", 0, 0);
        for number in 0..T::MaxSubnets::get() {
            let netuid = T::BenchmarkHelper::subnet(0);
            SubnetOffers::<T>::insert(netuid, account::<T::AccountId>("bidder", 0, 0));
            if number < t {
                old = owner::<T>(netuid);
            } else {
                Subnets::<T>::mutate(netuid, |subnet| {
                    if let Some(subnet) = subnet {
                        subnet.owner = account("somebody", 0, 0);
                    }
                });
            }
        }

        let moved;
        #[block]
        {
            moved = <Pallet<T> as KeyHolder<T::AccountId>>::move_coldkey(&old, &heir, t)?;
        }

        assert_eq!(moved, t);
        Ok(())
    }

    #[benchmark]
    fn set_admitted() -> Result<(), BenchmarkError> {
        let netuid = T::BenchmarkHelper::subnet(0);
        let root = T::AdminOrigin::try_successful_origin()
            .map_err(|()| BenchmarkError::Stop("somebody must be root"))?;

        #[extrinsic_call]
        _(root as T::RuntimeOrigin, netuid, false);

        assert!(Subnets::<T>::get(netuid).is_some_and(|subnet| !subnet.admitted));
        Ok(())
    }

    /// Into a place that nobody holds.
    #[benchmark]
    fn register() {
        let netuid = T::BenchmarkHelper::subnet(1);
        let coldkey = rich::<T>("registrant");
        let (hotkey, proof) = agreement::<T>(netuid, &coldkey);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(coldkey),
            netuid,
            hotkey.clone(),
            CAP,
            proof,
        );

        assert_eq!(Uids::<T>::get(netuid, &hotkey), Some(Uid(1)));
    }

    /// Into a full subnet of `n` neurons, one of which gives way.
    #[benchmark]
    fn register_full(n: Linear<2, MAX>) -> Result<(), BenchmarkError> {
        let netuid = T::BenchmarkHelper::subnet(n as u16);
        frame_system::Pallet::<T>::set_block_number(LATE.into());
        fill::<T>(netuid);
        assert_eq!(T::Standings::standings(netuid).len() as u32, n);
        let out = Uid(0);
        let endpoint = Announced {
            what: endpoint(),
            at: 1,
        };
        Endpoints::<T>::insert(netuid, out, endpoint);
        let model = Announced {
            what: model(),
            at: 1,
        };
        Models::<T>::insert(netuid, out, model);
        let coldkey = rich::<T>("registrant");
        let (hotkey, proof) = agreement::<T>(netuid, &coldkey);

        // Without what neighbours clear, which they weigh by themselves.
        #[block]
        {
            Pallet::<T>::try_register(coldkey, netuid, hotkey.clone(), CAP, proof)?;
        }

        assert_eq!(Uids::<T>::get(netuid, &hotkey), Some(out));
        Ok(())
    }

    #[benchmark]
    fn announce() {
        let (netuid, hotkey, coldkey) = announcer::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(coldkey), netuid, hotkey, endpoint());

        assert!(Endpoints::<T>::contains_key(netuid, Uid(0)));
    }

    #[benchmark]
    fn announce_model() {
        let (netuid, hotkey, coldkey) = announcer::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(coldkey), netuid, hotkey, model());

        assert!(Models::<T>::contains_key(netuid, Uid(0)));
    }
}

fn owner<T: Config>(netuid: NetUid) -> T::AccountId {
    let owner = Subnets::<T>::get(netuid).map(|subnet| subnet.owner);
    owner.expect("the helper registered it")
}

/// A subnet, and a neuron in it with its owner that announced both already.
fn announcer<T: Config>() -> (NetUid, T::AccountId, T::AccountId) {
    let netuid = T::BenchmarkHelper::subnet(1);
    frame_system::Pallet::<T>::set_block_number(LATE.into());
    let hotkey: T::AccountId = account("hotkey", 0, netuid.0.into());
    let coldkey = Hotkeys::<T>::get(&hotkey).map(|info| info.coldkey);
    (netuid, hotkey, coldkey.expect("the helper registered it"))
}

fn endpoint() -> Endpoint {
    Endpoint {
        host: text(b'h'),
        port: 443,
        protocol: EndpointProtocol::Https,
        certificate: Some(Digest([3; 32])),
    }
}

fn model() -> ModelAnnouncement {
    ModelAnnouncement {
        sha256: Digest([4; 32]),
        size: u64::MAX,
    }
}
